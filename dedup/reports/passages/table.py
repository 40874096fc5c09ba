"""Passages of a run -> a row for each copy, with its place in the original text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...pipeline.passages import KINDS, RunPassages
from .places import CopyPlaces

COLUMNS = (
    *("passage", "kind", "path", "record", "start", "end", "first_line", "last_line"),
    *("letters", "documents", "copies", "stays", "witness", "witness_start", "witness_end"),
)


def rows_of(found: RunPassages, places: CopyPlaces) -> Iterator[dict[str, Any]]:
    """List the copies of all passages by document and place.

    `stays` is true for the one copy of a passage that stays where one must; it is the witness of the others.
    """
    passages, run = found.passages, found.run
    documents, stays = n_documents(found).tolist(), found.stays.tolist()
    source, record = run.documents.source, run.documents.record
    passage, copies = passages.passage.tolist(), passages.copies.tolist()
    for row in np.lexsort((passages.end, passages.start, passages.doc)).tolist():
        number, doc = passage[row], int(passages.doc[row])
        witness = stays[number]
        yield {
            "passage": number + 1,
            "kind": KINDS[found.kind[number]],
            "path": os.fsdecode(run.sources[source[doc]].path),
            "record": int(record[doc]),
            "start": int(places.start[row]),
            "end": int(places.end[row]),
            "first_line": int(places.first_line[row]),
            "last_line": int(places.last_line[row]),
            "letters": int(passages.length[number]),
            "documents": documents[number],
            "copies": copies[number],
            "stays": row == witness,
            "witness": run.name(int(passages.doc[witness])),
            "witness_start": int(places.start[witness]),
            "witness_end": int(places.end[witness]),
        }


def n_documents(found: RunPassages) -> Any:
    """Return in how many documents each passage stands: int64[n_passages]."""
    passages = found.passages
    if not len(passages):
        return np.zeros(0, np.int64)
    new = np.ones(len(passages.doc), np.int64)
    new[1:] = passages.doc[1:] != passages.doc[:-1]  # the copies of a passage are in order of document
    new[passages.indptr[:-1]] = 1
    return np.add.reduceat(new, passages.indptr[:-1])
