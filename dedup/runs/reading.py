"""The texts of a run, read again from their sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    return list(_options(run, range(len(run.fields))).values())


def _options(run: Run, sources: Iterable[int]) -> dict[int, Options]:
    """Return how some sources of a run were read, by their numbers."""
    settings = run.summary["settings"]
    size = parse_size(settings.get("max_document_size", f"{MAX_DOCUMENT}"))
    encoding = settings.get("encoding", "")
    return {i: Options(*run.fields[i], encoding=encoding, max_bytes=size) for i in sources}


def read_texts(run: Run, docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
    """Return (bytes as written, UTF-8 text) of some documents; None where a source has changed or gone."""
    if run.texts is not None:
        return [(run.texts[d], run.texts[d]) for d in docs.tolist()]
    options = _options(run, set(run.documents.source[docs].tolist()))  # a run may have a million sources
    return fetch(run.sources, options, run.documents, docs)


def texts_in_order(run: Run, docs: NDArray[np.int32]) -> Iterator[tuple[int, bytes, bytes]]:
    """Read documents, rising -> (document, bytes as written, UTF-8 text) of those that are still there."""
    for block in blocks_of(run.documents.n_bytes, docs):
        for doc, got in zip(block.tolist(), read_texts(run, block), strict=True):
            if got is not None:
                yield doc, *got


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
