"""Letters of documents -> the characters and lines of their original texts in which they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...pipeline.passages import RunPassages
from ...readers.registry import WRITTEN_AS_TEXT
from ...runs.reading import options_of, texts_in_order
from ...runs.run import Run
from ...text.decode import transcode
from ...text.kernels import characters_of_letters
from ...text.normalize import letter_table
from ..explain.lines import Lines

GONE = -1


@dataclass(frozen=True)
class CopyPlaces:
    """Characters start..end - 1 and lines first_line..last_line of each of m copies, all int64[m].

    Characters are those of the decoded text, counted from 0, lines from 1; of a file that was repaired, those
    of the text before repair.  GONE for a copy that was not asked for, or is in a document that has changed
    or gone.  `text` holds the first characters of some copies.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    first_line: NDArray[np.int64]
    last_line: NDArray[np.int64]
    text: dict[int, str]


def places_of(
    found: RunPassages, shown: NDArray[np.int64], shown_characters: int = 0, only_shown: bool = False
) -> CopyPlaces:
    """Find where each copy of passages stands, and the text of the copies `shown` int64[n].

    With `only_shown` the places of these copies alone, which is quick.
    """
    passages, run = found.passages, found.run
    out = np.full((4, len(passages.doc)), GONE, np.int64)
    text: dict[int, str] = {}
    order = np.lexsort((passages.start, passages.doc))
    if only_shown:
        order = order[np.isin(order, shown)]
    docs = np.unique(passages.doc[order])
    first = np.searchsorted(passages.doc[order], docs)
    rows_of = dict(zip(docs.tolist(), np.split(order, first[1:]), strict=True)) if len(docs) else {}
    asked = set(shown.tolist())
    for doc, raw, utf8 in texts_in_order(run, docs):
        rows = rows_of[doc]
        place = characters(utf8, passages.start[rows], passages.end[rows])
        mine = [i for i, row in enumerate(rows.tolist()) if row in asked]
        if mine:
            decoded = utf8.decode("utf-8", "replace")
            for i in mine:
                begin, end = int(place[0, i]), int(place[1, i])
                text[int(rows[i])] = decoded[begin : min(end, begin + shown_characters)]
        out[:, rows] = _in_original(run, doc, raw, utf8, place)
    return CopyPlaces(out[0], out[1], out[2], out[3], text)


def characters(utf8: bytes, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Letters start..end - 1 of a text, int64[n] -> its characters and lines, int64[4, n], as in CopyPlaces.

    >>> characters("One \\nTwo ½.".encode(), np.array([1]), np.array([8])).ravel().tolist()
    [1, 10, 1, 2]
    """
    letters = np.concatenate([start, end - 1])
    order = np.argsort(letters, kind="stable")
    table, buffer = letter_table(), np.frombuffer(utf8 or b"\0", np.uint8)
    found = np.empty((len(letters), 2), np.int64)
    found[order] = characters_of_letters(buffer, table.packed, table.starts, letters[order])
    first, last = found[: len(start)], found[len(start) :]
    return np.stack([first[:, 0], last[:, 0] + 1, first[:, 1], last[:, 1]])


def characters_in(
    run: Run, asked: list[tuple[int, int, int]], shown_characters: int = 0
) -> list[tuple[int, int, str]]:
    """Documents, -1 for none, and letters start..end - 1 of each -> (the characters start, end of the text as
    it was read, the first `shown_characters` of them); GONE for what is not there any more.
    """
    out = [(GONE, GONE, "")] * len(asked)
    of_doc: dict[int, list[int]] = {}
    for i, (doc, _, _) in enumerate(asked):
        if doc >= 0:
            of_doc.setdefault(doc, []).append(i)
    for doc, _, utf8 in texts_in_order(run, np.array(sorted(of_doc), np.int32)):
        rows = of_doc[doc]
        first, last = (np.array([asked[i][side] for i in rows], np.int64) for side in (1, 2))
        text = utf8.decode("utf-8", "replace") if shown_characters else ""
        for i, (start, end) in zip(rows, characters(utf8, first, last)[:2].T.tolist(), strict=True):
            out[i] = (start, end, text[start : min(end, start + shown_characters)])
    return out


def _in_original(run: Run, doc: int, raw: bytes, utf8: bytes, place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Characters and lines of a text as it was read -> those of the file, where the text was repaired."""
    source = int(run.documents.source[doc])
    if not run.documents.repairs[doc] or run.sources[source].reader not in WRITTEN_AS_TEXT or raw == utf8:
        return place
    original = transcode(raw, options_of(run)[source].encoding).utf8.decode("utf-8", "replace")
    lines = Lines(utf8.decode("utf-8", "replace"), original)
    out = place.copy()
    for i, (start, end) in enumerate(place[:2].T.tolist()):
        out[0, i], out[1, i] = lines.place(start), lines.place(end - 1) + 1
        out[2:, i] = lines.first_last(start, end)
    return out
