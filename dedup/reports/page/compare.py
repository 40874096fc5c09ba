"""Clusters of a run -> how each dropped document differs from its witness, for the page, within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from ...core.errors import safe
from ...core.verdicts import CONTAINED, of_equal_letters
from ...readers.registry import WRITTEN_AS_TEXT
from ...runs.reading import read_texts
from ...runs.run import Run
from ...text.decode import transcode
from ...text.normalize import letter_table
from ..documents import title_of
from ..explain.align import SAME, Span, align
from ..explain.explain import extent, otherwise, word_places
from ..explain.hunks import Fold, Hunk, hunks, n_words
from ..explain.lines import Lines
from ..wording import safe_lines
from .listing import Listed

LONGEST = 1_000_000  # bytes of a document that is compared
PAIRS = 60  # of a cluster
CLUSTER = 300_000  # bytes of its texts
PAIR, PLACES = 40_000, 80  # bytes and differing places of a pair
EXCERPT, FOLDED = 1200, 700  # characters of one passage that differs, of one that is folded
HEAD = 1500  # characters of a kept document
BLANK = re.compile(r"\n(?:[^\S\n]*\n){2,}")
BLOCKS, NEARBY = 160, 0.004  # shared passages drawn on the map; those this near are drawn as one
EXAMPLES = 6  # words written otherwise
RESPELLED = "respelled"
KINDS = (SAME, "replaced", "only_left", "only_right", RESPELLED)

Texts = dict[int, tuple[bytes, bytes] | None]


@dataclass
class PageTexts:
    """What the page holds of texts.

    `clusters`: by the cluster's place in the list, {"pairs": {row: comparison}, "heads": {row: text}}, rows
    counted in the cluster; `titles`: the first telling line that a pair of each shares; `pairs`: how many.
    """

    clusters: dict[int, dict[str, Any]] = field(default_factory=dict)
    titles: dict[int, str] = field(default_factory=dict)
    pairs: int = 0


def compared(run: Run, listed: Listed, reading: int, budget: int) -> PageTexts:
    """The listed clusters -> their texts and differences, within `budget` bytes.

    At most `reading` bytes of documents are read, and none longer than LONGEST.  Larger clusters come
    first, and in each the pairs that differ most.
    """
    plan = _plan(run, listed, reading) if budget > 0 else {}
    wanted = sorted({doc for rows in plan.values() for pair in rows.values() for doc in pair})
    texts = _read(run, wanted)
    out = PageTexts()
    for cluster, rows in plan.items():
        if budget <= 0:
            break
        value = _cluster(run, listed, cluster, rows, texts, min(budget, CLUSTER))
        if title := value.pop("title"):
            out.titles[cluster] = title
        if value["pairs"] or value["heads"]:
            out.clusters[cluster] = value
            out.pairs += len(value["pairs"])
            budget -= len(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
    return out


def _plan(run: Run, listed: Listed, reading: int) -> dict[int, dict[int, tuple[int, int]]]:
    """Cluster -> {row: (document, witness)} of the pairs that are read, those that differ most first."""
    n_bytes, witness = run.documents.n_bytes, run.verdict.witness
    out: dict[int, dict[int, tuple[int, int]]] = {}
    seen: set[int] = set()
    for cluster in range(len(listed.clusters)):
        start, end = listed.indptr[cluster : cluster + 2].tolist()
        rows: dict[int, tuple[int, int]] = {}
        for row in range(end - 1, start - 1, -1):
            pair = (int(listed.docs[row]), int(witness[listed.docs[row]]))
            if pair[0] == pair[1] or n_bytes[list(pair)].max() > LONGEST:
                continue
            reading -= sum(int(n_bytes[doc]) for doc in set(pair) - seen)
            if reading < 0:
                return out
            seen |= set(pair)
            rows[row - start] = pair
            if len(rows) == PAIRS:
                break
        out[cluster] = rows
    return out


def _read(run: Run, docs: list[int]) -> Texts:
    """Documents -> their bytes and texts, read again; each source is read once, from front to back."""
    return dict(zip(docs, read_texts(run, np.array(docs, np.int32)), strict=True))


def _cluster(
    run: Run,
    listed: Listed,
    cluster: int,
    rows: dict[int, tuple[int, int]],
    texts: Texts,
    budget: int,
) -> dict[str, Any]:
    """A cluster -> {"pairs": {row: comparison}, "heads": {row: beginning of a kept document}, "title"}."""
    start, end = listed.indptr[cluster : cluster + 2].tolist()
    heads, pairs, title = {}, {}, ""
    for row in range(end - start):
        text = texts.get(int(listed.docs[start + row]))
        if text is not None and run.kept[listed.docs[start + row]]:
            heads[row] = _excerpt(text[1].decode("utf-8", "replace"), HEAD)
    for row, (doc, witness) in rows.items():
        left, right = texts[doc], texts[witness]
        if left is None or right is None:
            continue
        value = comparison(run, doc, witness, left, right)
        own = value.pop("title")
        title = title or own
        budget -= len(orjson.dumps(value))
        if budget < 0:
            break
        pairs[row] = value
    return {"pairs": dict(sorted(pairs.items())), "heads": heads, "title": title}


def comparison(
    run: Run, doc: int, witness: int, left: tuple[bytes, bytes], right: tuple[bytes, bytes]
) -> dict[str, Any]:
    """A document and its witness, each as (bytes, text) -> how they differ, as plain values.

    `parts` are passages: [0, words, left, right] of shared text that is folded, [1, spans] of differences,
    where a span is [kind, left, right]; right is 0 where it is the same as left.  Each part ends with the
    places in the two texts where it begins.
    """
    a, b = left[1].decode("utf-8", "replace"), right[1].decode("utf-8", "replace")
    found = align(a, b, letter_table())
    spans, relation = found.spans, int(run.verdict.relation[doc])
    if of_equal_letters(relation):
        spans = [part for span in spans for part in respelled(span, a, b)]
    out: dict[str, Any] = {"length": [len(a), len(b)], "blocks": blocks(found.spans, len(a), len(b))}
    out["parts"], out["more"] = _parts(spans, a, b)
    out["encoding"] = [run.documents.encoding[d] for d in (doc, witness)]
    out["repairs"] = [run.documents.repairs[d].replace(",", ", ") for d in (doc, witness)]
    words = otherwise(a, b, found)
    out["otherwise"] = [
        [n, safe(mine[:80]), safe(other[:80])] for (mine, other), n in words.most_common(EXAMPLES)
    ]
    out["otherwise_all"] = words.total()
    place = extent(found.spans, b, True)
    out["title"] = title_of(b[slice(*place)] if place else b)
    if relation == CONTAINED and place:
        lines = Lines(b, _as_written(run, witness, right[0]))
        out["lines"] = [*lines.first_last(*place), lines.count]
    return out


def _as_written(run: Run, doc: int, raw: bytes) -> str | None:
    """Return the text of a whole file before its repair; None where it was not repaired."""
    if run.documents.record[doc] or not run.documents.repairs[doc] or run.texts is not None:
        return None
    if run.sources[int(run.documents.source[doc])].reader not in WRITTEN_AS_TEXT:
        return None
    encoding = run.summary.get("settings", {}).get("encoding", "")
    return transcode(raw, encoding).utf8.decode("utf-8", "replace")


def respelled(span: Span, left: str, right: str) -> Iterator[Span]:
    """A span -> itself; where its words are the same but written otherwise, cut at each of these.

    >>> spans = respelled(Span(SAME, (0, 9), (0, 9)), "Such Rain", "such Rain")
    >>> [(s.kind, "Such Rain"[slice(*s.left)]) for s in spans]
    [('respelled', 'Such'), ('same', ' Rain')]
    """
    (i, i2), (j, j2) = span.left, span.right
    mine, other = left[i:i2], right[j:j2]
    if span.kind != SAME or mine.split() == other.split():
        yield span
        return
    p = q = 0
    for (a, a2), (b, b2) in word_places(mine, other):
        if mine[a:a2].split() == other[b:b2].split():
            continue
        if a > p or b > q:
            yield Span(SAME, (i + p, i + a), (j + q, j + b))
        yield Span(RESPELLED, (i + a, i + a2), (j + b, j + b2))
        p, q = a2, b2
    if i + p < i2 or j + q < j2:
        yield Span(SAME, (i + p, i2), (j + q, j2))


def blocks(spans: list[Span], n_left: int, n_right: int) -> list[list[int]]:
    """Spans of two texts -> the shared passages [left start, end, right start, end], near ones as one,
    the longest BLOCKS of them in order."""
    near = NEARBY * max(n_left, n_right)
    out: list[list[int]] = []
    for span in spans:
        if span.kind != SAME:
            continue
        place = [*span.left, *span.right]
        if out and place[0] - out[-1][1] <= near and place[2] - out[-1][3] <= near:
            out[-1][1], out[-1][3] = place[1], place[3]
        else:
            out.append(place)
    longest = sorted(out, key=lambda p: (p[0] - p[1], p))[:BLOCKS]
    return sorted(longest)


def _parts(spans: list[Span], left: str, right: str) -> tuple[list[Any], int]:
    """Spans -> (parts of a comparison, how many more places differ)."""
    out: list[Any] = []
    room, places, more = PAIR, 0, 0
    for part in hunks(spans, left, right):
        places += isinstance(part, Hunk)
        if room <= 0 or places > PLACES:
            more += isinstance(part, Hunk)
            continue
        value = _fold(part, left, right) if isinstance(part, Fold) else _hunk(part, left, right)
        room -= len(orjson.dumps(value))
        out.append(value)
    return out, more


def _fold(fold: Fold, left: str, right: str) -> list[Any]:
    a, b = left[slice(*fold.left)], right[slice(*fold.right)]
    return [0, n_words(a), *_both(a, b, FOLDED), fold.left[0], fold.right[0]]


def _hunk(hunk: Hunk, left: str, right: str) -> list[Any]:
    spans = [
        [KINDS.index(s.kind), *_both(left[slice(*s.left)], right[slice(*s.right)], EXCERPT)]
        for s in hunk.spans
    ]
    return [1, spans, hunk.spans[0].left[0], hunk.spans[0].right[0]]


def _both(left: str, right: str, longest: int) -> tuple[Any, Any]:
    mine, other = _excerpt(left, longest), _excerpt(right, longest)
    return mine, 0 if mine == other else other


def _excerpt(text: str, longest: int) -> Any:
    """A passage -> it, or where it is long [its beginning, how many characters are left out, its end].

    Several blank lines are shown as one.
    """
    text = BLANK.sub("\n\n", text)
    if len(text) <= longest * 5 // 4:
        return safe_lines(text)
    half = longest // 2
    return [safe_lines(text[:half]), len(text) - 2 * half, safe_lines(text[-half:])]
