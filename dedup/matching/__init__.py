"""Signatures and anchors to candidate pairs, and candidate pairs to verified pairs."""
