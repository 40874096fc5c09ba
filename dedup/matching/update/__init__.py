"""The second scan: what is found on the way to the candidates, from what the last scan found there.

Each module has one function that gives what its plain counterpart gives (`lsh.candidate_pairs`,
`passages.boilerplate`, `passages.directed`), bit for bit, but looks only at what new, changed and removed
documents have to do with; `tests/matching/test_update.py` holds them together.
"""
