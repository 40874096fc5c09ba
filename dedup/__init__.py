"""Find near-duplicate documents in a text corpus, and select one to keep from each cluster.

>>> import dedup
>>> run = dedup.scan_texts(["She can't.", "she ca n't", "He can do it."])
>>> run.keep()
['1', '3']

The names below load what they need when they are first used.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = [
    "DedupError",
    "Document",
    "Run",
    "Settings",
    "__version__",
    "decide",
    "open_run",
    "scan",
    "scan_frame",
    "scan_texts",
]

_HOME = {
    "DedupError": "core.errors",
    "Document": "core.documents",
    "Run": "runs.run",
    "Settings": "core.settings",
    "decide": "pipeline.redecide",
    "open_run": "runs.opening",
    "scan": "pipeline.scan",
    "scan_frame": "pipeline.scan_frame",
    "scan_texts": "pipeline.scan",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'dedup' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
