"""Engines that run the same scan elsewhere; each gives the bytes that `pipeline.scan` gives."""
