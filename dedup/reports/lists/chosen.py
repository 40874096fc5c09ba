"""Which documents go into an exported corpus, and what is added to their records."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clustering import verdict
from ...core.documents import STATUS, UNREADABLE
from ...core.errors import BadInput, BadSetting
from ...core.settings import Settings
from ...readers.base import BROKEN, why
from ...readers.formats.added import FLAG, INTEGER, TEXT, VALUES, Added
from ...readers.registry import READERS
from ...readers.storage.sources import open_source
from ...runs.reading import options_of
from ...runs.run import Run
from ..passages.cuts import CutOptions
from .verdicts import VERDICT, verdict_rows

KINDS = dict(zip(VERDICT, (TEXT, INTEGER, INTEGER, FLAG, TEXT, TEXT, TEXT), strict=True))


@dataclass(frozen=True)
class CorpusOptions:
    """What is asked of an exported corpus."""

    mode: str = "copy"
    force: bool = False
    with_short: bool = False  # also what is too short to judge
    with_set_aside: bool = False  # also all else that was set aside
    mark: bool = False  # every record, with its verdict in added columns
    keep_per_cluster: int = 1
    whole: bool = False  # nothing is written where a file cannot be
    cut: CutOptions | None = None  # repeated passages are cut out of the documents
    collect: tuple[str, ...] = ()  # fields of which the kept records get the values of their cluster


def chosen(run: Run, asked: CorpusOptions) -> NDArray[np.bool_]:
    """Choose the documents that are written -> bool[n_docs]."""
    out = run.kept.copy()
    if asked.keep_per_cluster > 1:
        out[_more_of_clusters(run, asked.keep_per_cluster)] = True
    if asked.with_short:
        out |= run.too_short
    if asked.with_set_aside:
        out |= ~run.ok
    return np.ones_like(out) if asked.mark else out


def left_out(run: Run, taken: NDArray[np.bool_]) -> dict[str, int]:
    """Count what was set aside and is not among the documents taken, by reason."""
    missing = Counter(run.documents.status[~run.ok & ~taken].tolist())
    return {STATUS[status]: n for status, n in sorted(missing.items())}


def _more_of_clusters(run: Run, n: int) -> NDArray[np.int64]:
    """Return the dropped documents that fill each cluster up to n, in the order of preference."""
    settings = Settings.of_run(run.summary)
    same = verdict.same_values(run.documents, run.evidence.spellings)
    rank = verdict.order_of_preference(settings, run.sources, run.documents, same, run.evidence)
    docs = run.clustered.astype(np.int64)
    ids = run.cluster_ids[docs]
    docs = docs[np.lexsort((rank[docs], ~run.kept[docs], ids))]
    ids = run.cluster_ids[docs]
    place = np.arange(len(docs)) - np.searchsorted(ids, ids)
    return docs[place < n]


# ------------------------------------------------------------------ added columns


def added_columns(run: Run, asked: CorpusOptions) -> list[Added] | None:
    """Return the columns to add to each source; None where none are.

    Raises BadInput where a source takes none: columns cannot be added to texts that are files.
    """
    if not (asked.mark or asked.collect):
        return None
    check_takes_columns(run, "--mark" if asked.mark else "--collect")
    kinds = {f"dedup_{name}": kind for name, kind in KINDS.items()} if asked.mark else {}
    of = {f"dedup_collected_{name.replace('.', '_')}": name for name in asked.collect}
    if len(of) < len(asked.collect):
        raise BadSetting(f"--collect {' --collect '.join(asked.collect)}: would be one column")
    rows: list[dict[int, tuple[Any, ...]]] = [{} for _ in run.sources]
    places = zip(run.documents.source.tolist(), run.documents.offset.tolist(), strict=True)
    collected = [_collected(run, name) for name in asked.collect]
    verdicts: Iterator[tuple[Any, ...]] = verdict_rows(run) if asked.mark else iter([()] * len(run.documents))
    for doc, ((source, offset), row) in enumerate(zip(places, verdicts, strict=True)):
        rows[source][offset] = (*row, *(values.get(doc) for values in collected))
    return [Added({**kinds, **dict.fromkeys(of, VALUES)}, row, of) for row in rows]


def check_takes_columns(run: Run, option: str) -> None:
    """Raise BadInput for a source of documents that no column can be added to."""
    n_docs = np.bincount(run.documents.source, minlength=len(run.sources))
    for source, n in zip(run.sources, n_docs.tolist(), strict=True):
        if n and READERS[source.reader].annotate is None:
            raise BadInput(
                f"{os.fsdecode(source.path)}: has no columns, so {option} can add none; "
                "`dedup export documents` lists the same of every document"
            )


def _collected(run: Run, field: str) -> dict[int, tuple[int, list[Any]]]:
    """A field -> for each kept document, how many documents are in its cluster, and their values.

    The kept documents come first, then the others in the order of the run; what has no value is left out.
    Raises BadInput where no document has the field.
    """
    values = _values(run, field)
    if all(value is None for value in values.values()):
        raise BadInput(f"--collect {field}: no document has a field of this name")
    out = {}
    members: dict[int, list[int]] = {}
    for doc in sorted(run.clustered.tolist(), key=lambda d: (not run.kept[d], d)):
        members.setdefault(int(run.cluster_ids[doc]), []).append(doc)
    for doc in np.flatnonzero(run.kept).tolist():
        docs = members.get(int(run.cluster_ids[doc]), [doc])
        out[doc] = (len(docs), [values[d] for d in docs if values.get(d) is not None])
    return out


def _values(run: Run, field: str) -> dict[int, Any]:
    """Return the values of a field of all documents that are not set aside.  Raises BadInput."""
    d, options = run.documents, options_of(run)
    out: dict[int, Any] = {}
    for index, docs in by_source(run, run.ok).items():
        source = run.sources[index]
        read = READERS[source.reader].values
        assert read is not None
        places = [(int(d.offset[doc]), int(d.n_bytes[doc])) for doc in docs]
        try:
            with open_source(source) as stream:
                out.update(zip(docs, read(stream, options[index], places, field), strict=True))
        except BROKEN as error:
            raise BadInput(f"{os.fsdecode(source.path)}: {why(error)}") from None
    return out


def by_source(run: Run, taken: NDArray[np.bool_]) -> dict[int, list[int]]:
    """Documents bool[n_docs] -> those of each source that has any, in order."""
    docs = np.flatnonzero(taken)
    source = run.documents.source[docs]
    docs = docs[np.argsort(source, kind="stable")]
    index, starts = np.unique(run.documents.source[docs], return_index=True)
    parts = np.split(docs, starts[1:])
    return {i: part.tolist() for i, part in zip(index.tolist(), parts, strict=True)} if len(docs) else {}


def is_lost(run: Run, doc: int) -> bool:
    """Tell whether a document stands for what could not be read of a source, so that it cannot be copied."""
    return bool(run.documents.status[doc] == UNREADABLE)
