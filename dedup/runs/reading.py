"""The texts of a run, read again from their sources."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..core.settings import parse_size
from ..readers.base import MAX_DOCUMENT
from ..readers.registry import Options, fetch
from .run import Run

BLOCK_BYTES = 8 << 20  # of texts read at a time
BLOCK_DOCS = 4096


def options_of(run: Run) -> list[Options]:
    """Return how each source of a run was read."""
    settings = run.summary["settings"]
    size = parse_size(settings.get("max_document_size", f"{MAX_DOCUMENT}"))
    encoding = settings.get("encoding", "")
    return [Options(*names, encoding=encoding, max_bytes=size) for names in run.fields]


def read_texts(run: Run, docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
    """Return (bytes as written, UTF-8 text) of some documents; None where a source has changed or gone."""
    if run.texts is not None:
        return [(run.texts[d], run.texts[d]) for d in docs.tolist()]
    return fetch(run.sources, options_of(run), run.documents, docs)


def blocks_of(n_bytes: NDArray[np.int64], docs: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """Yield documents int32[n], in order, about BLOCK_BYTES of text at a time; n_bytes int64[n_docs]."""
    ends = np.cumsum(n_bytes[docs])
    first = 0
    while first < len(docs):
        before = int(ends[first - 1]) if first else 0
        last = int(np.searchsorted(ends, before + BLOCK_BYTES, "right"))
        last = min(max(first + 1, last), first + BLOCK_DOCS)
        yield docs[first:last]
        first = last
