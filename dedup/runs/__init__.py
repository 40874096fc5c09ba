"""A run and its folder: what a scan has found, written, read and summarized."""
