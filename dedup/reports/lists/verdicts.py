"""Run -> what became of each of its documents, kept, dropped or set aside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.documents import STATUS
from ...core.verdicts import DECIDING, RELATIONS
from ...runs.run import Run

VERDICT = ("status", "cluster", "cluster_size", "kept", "witness", "relation", "figure")
EVERY_DOCUMENT = ("source", "record", "id", *VERDICT)


def verdict_rows(run: Run) -> Iterator[tuple[Any, ...]]:
    """Return the values of VERDICT for each document, in order.

    status is kept, dropped, or why the document was set aside; cluster is None for a document in none;
    witness, relation and figure are None where it is not dropped.
    """
    v = run.verdict
    ids = run.cluster_ids
    sizes = np.where(ids > 0, np.bincount(ids)[ids], 1)
    columns = (run.kept, run.dropped, run.documents.status, ids, sizes, v.witness, v.relation, v.figure)
    for kept, dropped, status, cluster, size, witness, relation, figure in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        word = "kept" if kept else "dropped" if dropped else STATUS[status]
        why = (run.name(witness), RELATIONS[relation], DECIDING[figure]) if dropped else (None, None, None)
        yield word, cluster or None, size, kept, *why


def documents(run: Run) -> Iterator[dict[str, Any]]:
    """List all documents, in the order of the run, each with its verdict."""
    d = run.documents
    paths = [os.fsdecode(source.path) for source in run.sources]
    places = zip(d.source.tolist(), d.record.tolist(), strict=True)
    for doc, ((source, record), row) in enumerate(zip(places, verdict_rows(run), strict=True)):
        yield dict(zip(EVERY_DOCUMENT, (paths[source], record, d.typed_id(doc), *row), strict=True))
