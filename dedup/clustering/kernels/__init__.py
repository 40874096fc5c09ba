"""Compiled steps of clustering."""

from .witnesses import witnesses

__all__ = [
    "witnesses",
]
