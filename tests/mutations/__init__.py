"""Do the tests bite?  Faults made by hand are put into a copy of the package one at a time.

`faults.py` is the table of them, `copies.py` makes the copies and runs the tests, `python -m tests.mutations`
does both; `tests/test_mutations.py` holds the table to the code.
"""
