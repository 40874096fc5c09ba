"""Bytes to text, and text to letters, shingles, skeletons, signatures and anchors: the plain definitions."""
