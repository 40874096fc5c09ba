"""Fuzzing: targets take bytes and raise only when a promise is broken.

    python -m tests.fuzz TARGET --seconds 600      (pip install -e '.[fuzz]'; `all` runs every target)

`targets.py` says what each target holds to, `seeds.py` makes what they start from, `found/` keeps what
once broke one; `tests/test_fuzz.py` runs every target over both, without a fuzzer.
"""
