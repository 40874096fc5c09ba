"""The second scan: find candidates from those of the previous run.

Each module has the name of the stage that it updates, and a function that gives what the stage gives, bit for
bit.  It looks only at what added, changed and removed documents can affect; `tests/matching/test_update.py`
compares the two.
"""
