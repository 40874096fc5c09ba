"""Verified pairs to clusters, the canonical document of each, and the witness of each dropped document."""
