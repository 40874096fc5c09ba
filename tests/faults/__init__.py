"""Faults, each caused for real; docs/reliability.md is the table of them.

`warm.py` runs commands in children of an interpreter that has everything loaded, so that hundreds of
kills take a minute.  Longer runs by hand: DEDUP_KILLS, DEDUP_FILES (see the tests that read them).
"""
