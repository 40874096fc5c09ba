"""A run -> a table with a row for each document, in the order of the documents."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.documents import STATUS, Documents, Source
from ..core.errors import DedupError
from ..core.verdicts import DECIDING, RELATIONS, Verdict

COLUMNS = (
    *("source", "record", "id", "status", "cluster", "cluster_size"),
    *("kept", "witness", "relation", "figure"),
)
WORDS = (*STATUS, "kept", "dropped")  # of the status: why a document was set aside, or what was decided
MAY_BE_MISSING = ("cluster", "witness", "canonical", "family")
WHOLE = tuple(f"{sign}{n}" for sign in ("Int", "UInt") for n in (8, 16, 32, 64))  # types of pandas


class Decided(Protocol):
    """What the table is made from: a `Run`."""

    @property
    def sources(self) -> list[Source]: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def kept(self) -> NDArray[np.bool_]: ...
    @property
    def dropped(self) -> NDArray[np.bool_]: ...
    @property
    def cluster_ids(self) -> NDArray[np.int64]: ...
    @property
    def family_ids(self) -> NDArray[np.int64]: ...
    @property
    def ids(self) -> Any: ...


def of_run(run: Decided) -> pa.Table:
    """Return the table of a run, COLUMNS first; why a document is dropped is null where it is not."""
    v, d, not_dropped = run.verdict, run.documents, ~run.dropped
    source = pa.array([_unicode(s.path) for s in run.sources], pa.string()).take(pa.array(d.source))
    record = pa.array(d.record)
    ids = _ids(d) if run.ids is None else run.ids
    names = _names(source, record) if run.ids is None else ids
    figures = ("jaccard", "containment", "discounted_jaccard", "discounted_containment")
    return pa.table(
        {
            "source": source,
            "record": record,
            "id": ids,
            "status": pa.array(WORDS, pa.string()).take(pa.array(_words(run))),
            "cluster": pa.array(run.cluster_ids, mask=run.cluster_ids == 0),
            "cluster_size": pa.array(sizes(run.cluster_ids)),
            "kept": pa.array(run.kept),
            "witness": names.take(pa.array(v.witness, mask=not_dropped)),
            "relation": pa.array(RELATIONS, pa.string()).take(pa.array(v.relation, mask=not_dropped)),
            "figure": pa.array(DECIDING, pa.string()).take(pa.array(v.figure, mask=not_dropped)),
            **{name: pa.array(getattr(v, name), mask=not_dropped) for name in ("value", "line", "lost")},
            **{name: pa.array(getattr(v, name), mask=not_dropped) for name in figures},
            "skeleton_jaccard": pa.array(v.skeleton_jaccard, mask=not_dropped | np.isnan(v.skeleton_jaccard)),
            "canonical": names.take(pa.array(v.canonical, mask=run.cluster_ids == 0)),
            "family": pa.array(run.family_ids, mask=run.family_ids == 0),
        }
    )


def _ids(documents: Documents) -> Any:
    """Return the ids of the records: whole numbers where all are, else text."""
    whole = documents.whole_ids()
    return pa.array(documents.id, pa.string()) if whole is None else pa.array(whole, pa.int64())


def _words(run: Decided) -> NDArray[np.int64]:
    """Return the status of each document, as an index into WORDS."""
    decided = np.where(run.kept, WORDS.index("kept"), WORDS.index("dropped"))
    return np.where(run.kept | run.dropped, decided, run.documents.status)


def sizes(cluster_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cluster ids int64[n] -> how many documents are in the cluster of each; 1 where it is in none.

    >>> sizes(np.array([1, 0, 1, 0])).tolist()
    [2, 1, 2, 1]
    """
    return np.where(cluster_ids == 0, 1, np.bincount(cluster_ids, minlength=1)[cluster_ids])


def _names(source: Any, record: Any) -> Any:
    """Return the name of each document: its source, or source:record."""
    import pyarrow.compute as pc  # NOTE: here, as it takes 40 ms, which other commands need not wait for

    of_records = pc.binary_join_element_wise(source, record.cast(pa.string()), ":")
    return pc.if_else(pc.greater(record, 0), of_records, source)


def _unicode(path: bytes) -> str:
    return path.decode("utf-8", "replace")


def to_pandas(table: pa.Table) -> Any:
    """Return a table as a pandas DataFrame; whole numbers that may be missing keep their type."""
    pandas = _library("pandas", "to_pandas")
    kinds = {pa.type_for_alias(kind.lower()): getattr(pandas, f"{kind}Dtype")() for kind in WHOLE}
    frame = table.to_pandas()
    for name in MAY_BE_MISSING:
        frame[name] = table[name].to_pandas(types_mapper=kinds.get)
    return frame


def to_polars(table: pa.Table) -> Any:
    """Return a table as a Polars DataFrame."""
    return _library("polars", "to_polars").from_arrow(table)


def _library(name: str, method: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise DedupError(f"{method} needs {name}; install it with: pip install {name}") from None
