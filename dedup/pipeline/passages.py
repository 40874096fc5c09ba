"""A run -> the passages that stand in two or more places of its documents, by its anchors and texts."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clustering import verdict
from ..core.errors import BadRun, BadSetting
from ..core.parallel import Context, Progress, shared_context
from ..core.settings import Settings
from ..core.sorted_arrays import inverse_permutation, offsets_from_sizes
from ..matching.kernels import Letters
from ..matching.passages import Passages, Seeds, join_over_gaps, least_passage, passages_in
from ..runs.reading import blocks_of, read_texts
from ..runs.run import Run
from ..text.kernels import joined, letters_of_texts
from ..text.normalize import letter_table
from .ingest import WINDOW

MIN_PASSAGE = 200  # letters, where nothing else is asked
KINDS = ("self", "frame", "copy", "quote")
MIN_FRAME = 0.5  # share of the letters of the copies that are boilerplate


@dataclass(frozen=True)
class RunPassages:
    """The passages of a run, of at least `least` letters, among the documents `docs` int32[n], rising.

    `kind` int8[n_passages] is an index into KINDS; `stays` int64[n_passages] is the copy that stays where one
    must, among all copies; `rank` int64[n_docs] is that of `preference`, 0 where nothing was found; `unread`
    int32[m] are documents that have changed or gone since the scan.
    """

    run: Run
    least: int
    docs: NDArray[np.int32]
    passages: Passages
    kind: NDArray[np.int8]
    stays: NDArray[np.int64]
    rank: NDArray[np.int64]
    unread: NDArray[np.int32]


def find_passages(
    run: Run,
    min_passage: int = MIN_PASSAGE,
    max_gap: int = 0,
    every: bool = False,
    threads: int = 0,
    progress: Progress | None = None,
) -> RunPassages:
    """Find the passages of the kept documents of a run, or with `every` of all that were judged.

    Passages are joined over differences of `max_gap` letters or fewer.  Raises BadSetting for passages so
    short that anchors may miss them, and BadRun for a run without anchors.
    """
    settings = Settings.of_run(run.summary)
    check_min_passage(settings, min_passage)
    wanted = run.ok if every else run.kept
    n_letters = np.where(wanted, run.documents.n_letters, 0)
    anchors = run.anchors
    if not len(anchors.hash) and (n_letters >= min_passage).any():
        raise BadRun("the run has no anchors, by which passages are found; scan again")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dedup-")))
        context = stack.enter_context(shared_context(replace(settings, threads=threads), progress))
        with context.timed("candidates"):
            seeds = Seeds.of(
                anchors, n_letters, WINDOW, settings.k, min_passage, scratch, context.parallel_map
            )
            stack.callback(seeds.close)
            anchors.release_pages()
        with context.timed("pass"):
            docs = np.flatnonzero(seeds.texts).astype(np.int32)
            letters, good = stack.enter_context(letters_of(context, run, docs, scratch))
        with context.timed("passages"):
            found = passages_in(seeds, letters, docs[good], min_passage, context.counted(0, 0, each=1))
            found = join_over_gaps(found, max_gap)
        rank = preference(run, settings) if len(found) else np.zeros(len(run.documents), np.int64)
        return RunPassages(
            run,
            min_passage,
            np.flatnonzero(wanted).astype(np.int32),
            found,
            kinds_of(run, found, settings.k),
            staying(found, rank),
            rank,
            docs[~good],
        )


def check_min_passage(settings: Settings, min_passage: int) -> None:
    """Raise BadSetting for passages shorter than those that are surely found."""
    least = least_passage(WINDOW, settings.k)
    if min_passage < least:
        raise BadSetting(
            f"--min-passage {min_passage}: the anchors of this run find passages of {least} letters and more"
        )


# ------------------------------------------------------------------ the letters


@contextmanager
def letters_of(
    context: Context, run: Run, docs: NDArray[np.int32], scratch: Path
) -> Iterator[tuple[Letters, NDArray[np.bool_]]]:
    """Read the letters of documents into a file, mapped into memory -> (the letters of those that are as they
    were scanned, which those are: bool[n]).
    """
    d = run.documents
    good = np.zeros(len(docs), np.bool_)
    widths: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]

    def read(block: NDArray[np.int32]) -> tuple[NDArray[np.bool_], NDArray[np.uint8], list[bytes]]:
        texts = read_texts(run, block)
        utf8 = [text[1] if text is not None else b"" for text in texts]
        found, indptr = letters_of_texts(*joined(utf8), letter_table())
        there = np.array([t is not None for t in texts]) & (np.diff(indptr) == d.n_letters[block])
        width, packed = _packed(found, indptr, there)
        return there, width, packed

    with tempfile.TemporaryFile(dir=scratch) as file:
        first = 0
        blocks = blocks_of(d.n_bytes, docs)
        for there, width, packed in context.counted(len(docs), 0)(read, blocks):
            good[first : first + len(there)] = there
            first += len(there)
            widths.append(width)
            file.writelines(packed)
        file.flush()
        if not file.tell():
            file.write(b"\0")
            file.flush()
        # NOTE: a private writable map, so that compiled code sees the same type as for other arrays
        mapped = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        width, n_letters = np.concatenate(widths), d.n_letters[docs[good]]
        ends = np.cumsum(n_letters * width)
        yield Letters(np.frombuffer(mapped, np.uint8), ends - n_letters * width, width, n_letters), good


def _packed(
    letters: NDArray[np.int32], indptr: NDArray[np.int64], there: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], list[bytes]]:
    """Letters of texts -> (bytes for each letter of those that are there, the letters so written)."""
    width, packed = [], []
    for i in np.flatnonzero(there).tolist():
        mine = letters[indptr[i] : indptr[i + 1]]
        most = int(mine.max(initial=0))
        kind: Any = np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.int32
        width.append(np.dtype(kind).itemsize)
        packed.append(mine.astype(kind).tobytes())
    return np.array(width, np.uint8), packed


# ------------------------------------------------------------------ what the passages are


def kinds_of(run: Run, found: Passages, k: int) -> NDArray[np.int8]:
    """Return the kind of each passage, int8[n], the first that holds.

    self    all its copies stand in one document
    frame   half of its letters or more are boilerplate that the run has learned
    copy    all its documents are of one cluster
    quote   it stands in documents that otherwise differ
    """
    rows = found.passage
    first = found.doc[found.indptr[:-1]]
    one_doc = _all_equal(found.doc, first, rows)
    cluster = run.verdict.cluster
    one_cluster = _all_equal(cluster[found.doc], cluster[first], rows)
    framed = np.bincount(rows, _boilerplate_letters(run, found, k), len(found))
    letters = np.bincount(rows, found.end - found.start, len(found))
    is_frame = framed >= MIN_FRAME * letters
    kind = np.select([one_doc, is_frame, one_cluster], [0, 1, 2], 3)
    return kind.astype(np.int8)


def _all_equal(values: NDArray[Any], first: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    other = np.bincount(rows, values != first[rows], len(first))
    equal: NDArray[np.bool_] = other == 0
    return equal


def _boilerplate_letters(run: Run, found: Passages, k: int) -> NDArray[np.int64]:
    """Return how many letters of each copy are boilerplate: int64[m]."""
    spans = run.spans
    if not len(spans.start):
        return np.zeros(len(found.doc), np.int64)
    # positions in all documents, one after the other; a span covers the letters of its shingles
    base = offsets_from_sizes(run.documents.n_letters)
    doc = np.repeat(np.arange(len(run.documents)), np.diff(spans.indptr))
    start = base[doc] + spans.start
    end = base[doc] + np.minimum(spans.end, run.documents.n_letters[doc]) + (k - 1)
    end = np.minimum(np.minimum(end, base[doc + 1]), np.r_[start[1:], base[-1]])
    before = offsets_from_sizes(end - start)

    def covered(place: NDArray[np.int64]) -> NDArray[np.int64]:
        i = np.searchsorted(start, place, "right") - 1
        inside = np.minimum(place, end[i]) - start[i]
        return np.where(i >= 0, before[i] + np.maximum(inside, 0), 0)

    at = base[found.doc]
    return covered(at + found.end) - covered(at + found.start)


def preference(run: Run, settings: Settings) -> NDArray[np.int64]:
    """Rank documents int64[n_docs]: which keeps its copy of a passage; kept ones first, then by --prefer."""
    same = verdict.same_values(run.documents, run.evidence.spellings)
    rank = verdict.order_of_preference(settings, run.sources, run.documents, same, run.evidence)
    return inverse_permutation(np.lexsort((rank, ~run.kept)))


def staying(found: Passages, rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the copy of each passage that stays, among all copies: int64[n]."""
    order = np.lexsort((found.start, rank[found.doc], found.passage))
    return order[found.indptr[:-1]]
