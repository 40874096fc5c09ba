"""`Run`: the result of a scan."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..core.documents import OK, TOO_SHORT, Documents, Source
from ..core.features import Anchors, Signatures, Spans
from ..core.pairs import Evidence, VerifiedPairs
from ..core.verdicts import DECIDING, RELATIONS, Verdict
from ..matching.update.state import CandidateState
from . import documents_table, notebook


@dataclass(frozen=True)
class Member:
    """A document of a cluster."""

    path: str
    kept: bool
    witness: str
    relation: str
    jaccard: float
    containment: float
    discounted_jaccard: float
    discounted_containment: float
    skeleton_jaccard: float | None  # where the relation is rewritten
    lost: float  # the share of its letters that the witness lacks
    figure: str  # that decided, in DECIDING; "" where it is kept
    value: float
    line: float  # that the figure had to reach
    size: int
    witness_size: int
    reason: str


@dataclass(frozen=True)
class Cluster:
    """Variants of one document; `canonical` is the name of the preferred one."""

    id: int
    canonical: str
    members: list[Member]


ROW_NUMBERS = "row number"  # in a summary: the kind of ids that are the positions of rows, from 0
IDS = (ROW_NUMBERS, "string", *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64)))


@dataclass(frozen=True, repr=False)
class Run:
    """The result of a scan.

    `documents` and `verdict` have a row per document seen, in the order of (source path, record);
    `pairs` holds the verified pairs, docs int32[n, 2], with their
    relations, and of documents with equal letters, each with its representative.
    `summary` is what `--json` prints.
    """

    sources: list[Source]
    fields: list[tuple[str, str]]  # per source: text field, id field
    documents: Documents
    pairs: VerifiedPairs
    pair_relations: NDArray[np.int8]  # per pair; index into RELATIONS
    verdict: Verdict
    summary: dict[str, Any] = field(default_factory=dict)
    load_signatures: Callable[[], Signatures] | None = None  # from memory or from the run folder
    load_anchors: Callable[[], Anchors] | None = None
    load_evidence: Callable[[], Evidence] | None = None
    load_spans: Callable[[], Spans] | None = None
    anchor_start: NDArray[np.int64] | None = None  # [n_docs + 1]: where the anchors of each document begin
    texts: Sequence[bytes] | None = None  # texts given from Python, by doc
    load_steps: Callable[[], CandidateState | None] = lambda: None
    tables: Path | None = None  # the folder of its tables, where it has one

    @cached_property
    def signatures(self) -> Signatures:
        """Return the signatures of all documents: values uint32[n_docs, num_perm]."""
        assert self.load_signatures is not None
        return self.load_signatures()

    @cached_property
    def anchors(self) -> Anchors:
        """Return the anchors of all documents."""
        assert self.load_anchors is not None
        return self.load_anchors()

    @cached_property
    def evidence(self) -> Evidence:
        """Return all pairs that were compared, and how documents with equal letters differ."""
        assert self.load_evidence is not None
        return self.load_evidence()

    @cached_property
    def spans(self) -> Spans:
        """Return the boilerplate of each document."""
        assert self.load_spans is not None
        return self.load_spans()

    @cached_property
    def steps(self) -> CandidateState | None:
        """Return what a second scan goes on from, if it was kept."""
        return self.load_steps()

    @cached_property
    def names(self) -> list[bytes]:
        """Return the name of each document as bytes: its path, or path:record."""
        d = self.documents
        return [
            self.sources[s].path + (b":%d" % r if r else b"")
            for s, r in zip(d.source.tolist(), d.record.tolist(), strict=True)
        ]

    def name(self, doc: int) -> str:
        """Return the name of a document as text; bytes that are not UTF-8 become surrogates (PEP 383)."""
        record = int(self.documents.record[doc])
        return os.fsdecode(
            self.sources[self.documents.source[doc]].path + (b":%d" % record if record else b"")
        )

    @cached_property
    def ok(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: documents that are not set aside."""
        return self.documents.status == OK

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: the documents to keep."""
        return self.ok & (self.verdict.witness == np.arange(len(self.documents)))

    @cached_property
    def dropped(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: dropped documents; each has a kept witness."""
        return self.ok & ~self.kept

    @cached_property
    def too_short(self) -> NDArray[np.bool_]:
        """Return bool[n_docs]: set aside, being shorter than a shingle without an exact duplicate."""
        return self.documents.status == TOO_SHORT

    @cached_property
    def clustered(self) -> NDArray[np.int32]:
        """Return int32[m]: the documents in clusters, cluster by cluster, by smallest document."""
        cluster = self.verdict.cluster
        size = np.bincount(cluster, minlength=len(cluster))
        docs = np.flatnonzero(self.ok & (size[cluster] > 1))
        return docs[np.argsort(cluster[docs], kind="stable")].astype(np.int32)

    @cached_property
    def cluster_ids(self) -> NDArray[np.int64]:
        """Return int64[n_docs]: clusters are 1, 2, ... by smallest document; 0 for a document in none."""
        ids = np.zeros(len(self.documents), np.int64)
        ids[self.clustered] = np.cumsum(np.diff(self.verdict.cluster[self.clustered], prepend=-1) != 0)
        return ids

    @cached_property
    def family_ids(self) -> NDArray[np.int64]:
        """int64[n_docs]: 1, 2, ... in the order of the smallest documents of a form, of which two or more are
        kept; 0 for a document that is no instance of one, or is dropped."""
        ids = np.zeros(len(self.documents), np.int64)
        docs = np.flatnonzero(self.kept & (self.verdict.family >= 0))
        family, size = np.unique(self.verdict.family[docs], return_counts=True)
        at = np.searchsorted(family, self.verdict.family[docs])
        ids[docs] = np.where(size > 1, np.cumsum(size > 1), 0)[at]
        return ids

    def member(self, doc: int) -> Member:
        """Return what was decided about a document."""
        v = self.verdict
        return Member(
            self.name(doc),
            bool(self.kept[doc]),
            self.name(int(v.witness[doc])),
            RELATIONS[v.relation[doc]],
            float(v.jaccard[doc]),
            float(v.containment[doc]),
            float(v.discounted_jaccard[doc]),
            float(v.discounted_containment[doc]),
            None if np.isnan(v.skeleton_jaccard[doc]) else float(v.skeleton_jaccard[doc]),
            float(v.lost[doc]),
            DECIDING[v.figure[doc]],
            float(v.value[doc]),
            float(v.line[doc]),
            int(v.size[doc]),
            int(v.witness_size[doc]),
            v.reason[doc],
        )

    @cached_property
    def clusters(self) -> list[Cluster]:
        """Return all clusters, each of two or more documents."""
        docs, ids = self.clustered, self.cluster_ids[self.clustered]
        starts = np.flatnonzero(ids[1:] != ids[:-1]) + 1
        return [
            Cluster(
                int(self.cluster_ids[part[0]]),
                self.name(int(self.verdict.canonical[part[0]])),
                [self.member(d) for d in part.tolist()],
            )
            for part in (np.split(docs, starts) if len(docs) else [])
        ]

    @cached_property
    def ids(self) -> pa.Array | None:
        """Return the ids of the rows of a table from Python, with their type; None for any other run."""
        kind = self.summary.get("scanned", {}).get("ids")
        if kind == ROW_NUMBERS:
            return pa.array(np.arange(len(self.documents)))
        ids = pa.array(self.documents.id, pa.string())
        return ids.cast(pa.type_for_alias(kind)) if kind in IDS else None

    def keep(self, with_short: bool = False) -> list[Any]:
        """Return the names of the documents to keep; of a table from Python, the ids, with their type.

        `with_short` adds those that were set aside because they are too short to judge.
        """
        kept = self.kept | self.too_short if with_short else self.kept
        if self.ids is not None:
            found: list[Any] = self.ids.filter(pa.array(kept)).to_pylist()
            return found
        return [self.name(d) for d in np.flatnonzero(kept).tolist()]

    def drop(self) -> list[Member]:
        """Return the dropped documents, each with its kept witness and the figures."""
        return [self.member(d) for d in np.flatnonzero(self.dropped).tolist()]

    def to_arrow(self) -> pa.Table:
        """Return a table with a row per document, in order; see "The table of a run" in docs/reference.md."""
        return documents_table.of_run(self)

    def to_pandas(self) -> Any:
        """Return the table of `to_arrow` as a pandas DataFrame; `cluster` is of the type Int64, with NA."""
        return documents_table.to_pandas(self.to_arrow())

    def to_polars(self) -> Any:
        """Return the table of `to_arrow` as a Polars DataFrame."""
        return documents_table.to_polars(self.to_arrow())

    def save(self, folder: str | os.PathLike[str]) -> Run:
        """Write the run to a run folder, texts from Python included -> the run as it is there.

        The commands of `dedup` open it with --run FOLDER.  A run that is in the folder is replaced.
        Raises BadRun when the folder cannot be written, or holds something else.
        """
        # NOTE: by name, as that module makes runs itself
        saved: Run = import_module("dedup.runs.saving").save(self, folder)
        return saved

    def __repr__(self) -> str:
        return notebook.as_text(self)

    def _repr_html_(self) -> str:
        return notebook.as_html(self)
