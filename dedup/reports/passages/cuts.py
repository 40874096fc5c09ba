"""Which passages are cut out of the kept documents, so that one copy of each stays.

Documents are taken in the order of preference.  What a passage has in a document before, uncut, goes from
those after it: so the witness of each cut stays whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...content.words import letters_at
from ...pipeline.passages import KINDS, MIN_PASSAGE, RunPassages
from ...readers.formats.fields import LISTS
from ...readers.registry import READERS
from ...runs.reading import texts_in_order
from ...runs.run import Run
from ...text.normalize import letter_table
from .units import units_of

MIN_COVERED = 0.9  # share of the letters of a unit that must stand elsewhere, for it to go


@dataclass(frozen=True)
class CutOptions:
    """What is cut: passages of some kinds, in whole units, at most `max_cut` of a document's letters."""

    kinds: tuple[str, ...]
    unit: str = "paragraph"
    max_cut: float = 0.5
    min_passage: int = MIN_PASSAGE


@dataclass(frozen=True)
class KeptPiece:
    """Letters start..end - 1 of a document, uncut, which begin with letter `offset` of a passage."""

    doc: int
    start: int
    end: int
    offset: int

    def holds(self, other: KeptPiece) -> bool:
        """Tell whether another piece of the same passage has nothing that this one lacks."""
        end = self.offset + self.end - self.start
        return self.offset <= other.offset and other.offset + other.end - other.start <= end


@dataclass(frozen=True)
class Cut:
    """Letters start..end - 1 of a document go; `witness` has them from letter `at` on."""

    doc: int
    start: int
    end: int
    passage: int
    witness: int
    at: int


@dataclass
class Cuts:
    """What is cut; `characters` has the characters start, end that go from each document."""

    found: RunPassages
    cuts: list[Cut] = field(default_factory=list)
    characters: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    letters: int = 0  # of all documents looked at
    cut_letters: int = 0
    left_whole: list[int] = field(default_factory=list)  # documents that would have lost more than max_cut
    uncut: Counter[str] = field(default_factory=Counter)  # readers of documents that cannot be cut


@dataclass(frozen=True)
class _Units:
    """The units of a text: the characters and the letters at which each begins, and the end."""

    characters: NDArray[np.int64]
    letters: NDArray[np.int64]


def choose_cuts(found: RunPassages, asked: CutOptions) -> Cuts:
    """Choose what goes from the documents in which passages were found."""
    p, run = found.passages, found.run
    out = Cuts(found, letters=int(run.documents.n_letters[found.docs].sum()))
    wanted = np.isin(found.kind, [KINDS.index(kind) for kind in asked.kinds])
    rows = np.flatnonzero(wanted[p.passage])
    rows = rows[np.lexsort((p.start[rows], found.rank[p.doc[rows]]))]
    units = _units_of_docs(run, np.unique(p.doc[rows]), asked.unit)
    pieces: dict[int, list[KeptPiece]] = {}
    for mine in np.split(rows, np.flatnonzero(np.diff(p.doc[rows])) + 1) if len(rows) else []:
        _cut_document(out, int(p.doc[mine[0]]), mine.tolist(), units, pieces, asked)
    return out


def _units_of_docs(run: Run, docs: NDArray[np.int32], unit: str) -> dict[int, _Units]:
    """Read documents that can be cut -> their units."""
    out = {}
    for doc, raw, utf8 in texts_in_order(run, docs):
        if can_be_cut(run, doc, raw, utf8):
            text = utf8.decode("utf-8", "replace")
            before = letters_at(text, letter_table())[1]
            starts = np.array([0, *(end for _, end in units_of(text, unit))], np.int64)
            out[doc] = _Units(starts, before[starts])
    return out


def can_be_cut(run: Run, doc: int, raw: bytes, utf8: bytes) -> bool:
    """Tell whether the characters of a text are those of its file, or of one field of its record."""
    index = int(run.documents.source[doc])
    source, text_field = run.sources[index], run.fields[index][0]
    if run.documents.repairs[doc] or source.member >= 0:
        return False
    if source.reader == "text":
        return encoded_again(raw, utf8, run.documents.encoding[doc]) == raw
    return READERS[source.reader].replace is not None and "," not in text_field and text_field not in LISTS


def encoded_again(raw: bytes, utf8: bytes, encoding: str) -> bytes | None:
    """UTF-8 text -> the bytes of its file, in its encoding; None where it cannot be written in it."""
    mark = next((m for m in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff") if raw.startswith(m)), b"")
    name = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(mark, encoding.split(" ")[0])
    try:
        written = utf8.decode().removeprefix("\ufeff").encode(name.replace("utf-8-sig", "utf-8"))
    except (UnicodeError, LookupError):
        return None
    return mark + written


def _cut_document(
    out: Cuts,
    doc: int,
    rows: list[int],
    units: dict[int, _Units],
    pieces: dict[int, list[KeptPiece]],
    asked: CutOptions,
) -> None:
    """Choose what goes from one document, and note which pieces of passages stay there."""
    p = out.found.passages
    number = dict(zip(rows, p.passage[rows].tolist(), strict=True))
    spans = {row: (int(p.start[row]), int(p.end[row])) for row in rows}
    n_letters = int(out.found.run.documents.n_letters[doc])
    gone = np.zeros(0, np.int64)
    if doc in units:
        possible = list(_possible(doc, rows, number, spans, pieces, "self" in asked.kinds, out.found.least))
        goes = _whole_units(units[doc], possible)
        letters = int((units[doc].letters[1:] - units[doc].letters[:-1])[goes].sum())
        if letters > asked.max_cut * n_letters:
            out.left_whole.append(doc)
        elif letters:
            gone = _take(out, doc, units[doc], goes, possible)
            out.cut_letters += letters
    elif any(pieces.get(number[row]) for row in rows):
        out.uncut[out.found.run.sources[int(out.found.run.documents.source[doc])].reader] += 1
    for row in rows:
        start, end = spans[row]
        for a, b in _without(start, end, gone.reshape(-1, 2).tolist()):
            known = pieces.setdefault(number[row], [])
            piece = KeptPiece(doc, a, b, a - start)
            if b - a >= out.found.least and not any(other.holds(piece) for other in known):
                known.append(piece)


def _possible(
    doc: int,
    rows: list[int],
    number: dict[int, int],
    spans: dict[int, tuple[int, int]],
    pieces: dict[int, list[KeptPiece]],
    with_self: bool,
    least: int,
) -> Iterator[Cut]:
    """Yield the stretches of a document that stand, uncut, in one before it, or before in it."""
    first: dict[int, int] = {}
    for row in rows:
        start, end = spans[row]
        seen: list[tuple[int, int]] = []
        for piece in pieces.get(number[row], []):
            a, b = start + piece.offset, start + piece.offset + piece.end - piece.start
            if not any(s <= a and b <= e for s, e in seen) and b <= end:
                seen.append((a, b))
                yield Cut(doc, a, b, number[row], piece.doc, piece.start)
        if not pieces.get(number[row]) and with_self:
            earlier = first.setdefault(number[row], row)
            if earlier != row and spans[earlier][1] <= start:
                yield Cut(doc, start, end, number[row], doc, spans[earlier][0])


def _whole_units(units: _Units, possible: list[Cut]) -> NDArray[np.bool_]:
    """Tell which units go: those of which MIN_COVERED stands elsewhere, and no part is a witness here."""
    start, end = units.letters[:-1], units.letters[1:]
    change = np.zeros(int(units.letters[-1]) + 1, np.int32)
    needed = np.zeros(int(units.letters[-1]) + 1, np.int32)
    for cut in possible:
        change[cut.start] += 1
        change[cut.end] -= 1
        if cut.witness == cut.doc:
            needed[cut.at] += 1
            needed[cut.at + cut.end - cut.start] -= 1
    covered = np.r_[0, np.cumsum(np.cumsum(change)[:-1] > 0)]
    held = np.r_[0, np.cumsum(np.cumsum(needed)[:-1] > 0)]
    n = covered[end] - covered[start]
    goes: NDArray[np.bool_] = (n >= MIN_COVERED * (end - start)) & (n > 0) & (held[end] == held[start])
    return goes


def _take(
    out: Cuts, doc: int, units: _Units, goes: NDArray[np.bool_], possible: list[Cut]
) -> NDArray[np.int64]:
    """Note the cuts of the units that go -> the letters that go, int64[m, 2]."""
    edges = np.flatnonzero(np.diff(np.r_[False, goes, False].astype(np.int8)))
    out.characters[doc] = [
        (int(units.characters[a]), int(units.characters[b])) for a, b in edges.reshape(-1, 2).tolist()
    ]
    gone = units.letters[edges].reshape(-1, 2)
    for start, end in gone.tolist():
        at = start
        while at < end:
            over = [cut for cut in possible if cut.start <= at < cut.end]
            if over:
                best = max(over, key=lambda cut: cut.end)
                stop = min(end, best.end)
                out.cuts.append(Cut(doc, at, stop, best.passage, best.witness, best.at + at - best.start))
            else:
                stop = min([end, *(cut.start for cut in possible if cut.start > at)])
                out.cuts.append(Cut(doc, at, stop, -1, -1, -1))
            at = stop
    return gone


def _without(start: int, end: int, gone: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Yield what is left of start:end."""
    for a, b in gone:
        if a < end and b > start:
            if a > start:
                yield start, a
            start = b
    if start < end:
        yield start, end


def new_text(text: str, characters: list[tuple[int, int]]) -> str:
    """Return a text without some of its characters.

    >>> new_text("abcdef", [(1, 2), (4, 6)])
    'acd'
    """
    at, parts = 0, []
    for start, end in characters:
        parts.append(text[at:start])
        at = end
    return "".join([*parts, text[at:]])
