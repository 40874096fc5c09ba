"""Compiled steps of clustering."""

from .witnesses import witnesses
