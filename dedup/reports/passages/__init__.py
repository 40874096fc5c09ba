"""Passages of a run: where they stand in the original texts, as a table and as a summary."""
