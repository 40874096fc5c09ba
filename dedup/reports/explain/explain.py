"""Two documents -> how they are one document, or why not: relation, figures, and where they differ."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...clustering.exact_duplicates import same_letters
from ...clustering.verdict import thresholds
from ...content.words import counts, letters_at
from ...core.by_letters import aligned, errors
from ...core.features import Spans
from ...core.pairs import CandidatePairs, VerifiedPairs
from ...core.settings import Settings
from ...core.thresholds import Classified, numbers
from ...core.verdicts import CONTAINED, RELATIONS
from ...matching import verify
from ...runs.run import Run
from ...text.normalize import letter_table
from ...text.scripts import UNSPACED_CLASS
from ..documents import DocumentText, status_of
from ..figures import rows_of
from ..statements import Says, says
from .align import ISLAND, SAME, Alignment, Span, align
from .lines import Lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIFFERENT = "different"
EXAMPLES = 12  # words of the same letters, written otherwise, that are shown
SEEN_WORD = re.compile(rf"[{UNSPACED_CLASS}]|[^\s{UNSPACED_CLASS}]+")


@dataclass(frozen=True)
class ExplainedText:
    """One of the two documents: its text, and what normalization found in it."""

    source: DocumentText
    text: str
    letters: int
    capitals: int
    marks: int
    status: str  # what the run says of it
    lines: Lines

    @property
    def name(self) -> str:
        return self.source.name

    def as_dict(self) -> dict[str, Any]:
        """Return the side as plain values."""
        return {
            "path": self.name,
            "run": self.status or None,
            "notes": list(self.source.notes),
            "encoding": self.source.encoding,
            "bytes": len(self.source.raw),
            "characters": len(self.text),
            "lines": self.lines.count,
            "letters": self.letters,
            "capitals": self.capitals,
            "marks": self.marks,
            "repairs": list(self.source.repairs),
        }


@dataclass(frozen=True)
class Figures:
    """Exact counts of distinct shingles, and what follows from them."""

    k: int
    found: Classified  # one pair

    @property
    def pair(self) -> VerifiedPairs:
        return self.found.pairs

    @property
    def left(self) -> int:
        return int(self.pair.size_left[0])

    @property
    def right(self) -> int:
        return int(self.pair.size_right[0])

    @property
    def framed(self) -> bool:
        """Tell whether one of the two has boilerplate."""
        return bool(self.found.framed[0])

    @property
    def mostly_boilerplate(self) -> bool:
        """Tell whether too little else is left in one of the two to compare them by it."""
        return self.framed and not self.found.judged_without[0]

    @property
    def shared(self) -> int:
        return int(self.pair.overlap[0])

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        pair = self.pair
        return {
            "k": self.k,
            "shingles_left": self.left,
            "shingles_right": self.right,
            "shared": self.shared,
            "jaccard": float(pair.jaccard[0]),
            "jaccard_line": float(self.found.line[0]),
            "left_in_right": float(pair.left_in_right[0]),
            "right_in_left": float(pair.right_in_left[0]),
            "larger": "left" if self.left > self.right else "right" if self.right > self.left else None,
            "larger_holds_more": max(self.left, self.right) - self.shared,
            "discounted_left": int(pair.non_boilerplate[0, 1]),
            "discounted_right": int(pair.non_boilerplate[0, 2]),
            "discounted_shared": int(pair.non_boilerplate[0, 0]),
            "discounted_jaccard": float(pair.discounted_jaccard[0]),
            "discounted_containment": float(pair.discounted_containment[0]),
            "skeleton_left": int(pair.skeleton[0, 1]),
            "skeleton_right": int(pair.skeleton[0, 2]),
            "skeleton_shared": int(pair.skeleton[0, 0]),
            "skeleton_jaccard": float(pair.skeleton_jaccard[0]),
            "errors": int(errors(pair)[0]),
            "aligned": float(aligned(pair)[0]) if pair.counted("errors")[0] else None,
        }


@dataclass(frozen=True)
class PlaceInWhole:
    """Where a part lies in its whole: characters start:end, the lines first to last of the file."""

    part: str
    whole: str
    start: int
    end: int
    first_line: int
    last_line: int


@dataclass(frozen=True)
class Explanation:
    """All that is known of two documents."""

    left: ExplainedText
    right: ExplainedText
    relation: str
    figures: Figures
    alignment: Alignment
    place: PlaceInWhole | None
    otherwise: Counter[tuple[str, str]]  # same letters, written otherwise: how often
    settings: Settings
    says: Says

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values; offsets count characters of the decoded texts."""
        return {
            "relation": self.relation,
            "figures": self.figures.as_dict(),
            "content": self.says.as_dict(),
            "settings": {
                name: getattr(self.settings, name)
                for name in ("min_jaccard", "min_containment", "min_skeleton", "max_lost", "k")
            },
            "left": self.left.as_dict(),
            "right": self.right.as_dict(),
            "place": vars(self.place) if self.place else None,
            "written_otherwise": {
                "places": self.otherwise.total(),
                "examples": [
                    {"left": a, "right": b, "times": n} for (a, b), n in self.otherwise.most_common(EXAMPLES)
                ],
            },
            "cut_short": self.alignment.cut_short,
            "spans": [
                {
                    "kind": s.kind,
                    "left": {"start": s.left[0], "end": s.left[1]},
                    "right": {"start": s.right[0], "end": s.right[1]},
                }
                for s in self.alignment.spans
            ],
            "moved": [
                {
                    "left": {"start": left[0], "end": left[1]},
                    "right": {"start": right[0], "end": right[1]},
                }
                for left, right in self.alignment.moves
            ],
        }

    def as_json(self) -> str:
        """Return the explanation as one JSON object, in ASCII."""
        return json.dumps(self.as_dict(), indent=1)


def explain(
    left: DocumentText, right: DocumentText, settings: Settings, run: Run | None = None
) -> Explanation:
    """Two documents -> how they are one document, or why not.

    >>> a, b = (DocumentText(n, -1, t, t, "utf-8") for n, t in [("a", b"You can't!"), ("b", b"you ca n't")])
    >>> found = explain(a, b, Settings())
    >>> found.relation, found.figures.shared, found.otherwise.most_common(1)
    ('punctuation', 1, [(('You', 'you'), 1)])
    """
    a, b = _side(left, run), _side(right, run)
    figures = _figures(left, right, settings, run)
    found = align(a.text, b.text, letter_table())
    equal = a.letters == b.letters and _letters(a) == _letters(b) and not numbers(figures.pair)[0]
    relation = DIFFERENT
    if equal:
        relation = RELATIONS[same_letters(left.raw, a.text, right.raw, b.text)]
    elif figures.found.related[0]:
        relation = RELATIONS[figures.found.relation[0]]
    told = says(figures.found, a.text, b.text, equal, _dropped(left, right, run))
    place = _place(a, b, figures, found) if relation == RELATIONS[CONTAINED] else None
    respelled = otherwise(a.text, b.text, found)
    return Explanation(a, b, relation, figures, found, place, respelled, settings, told)


def _dropped(left: DocumentText, right: DocumentText, run: Run | None) -> tuple[bool, bool]:
    """Tell whether the run dropped the left text for the right one, or the reverse, and both are as then."""
    if run is None or min(left.doc, right.doc) < 0 or left.notes or right.notes:
        return False, False
    witness = run.verdict.witness[[left.doc, right.doc]].tolist()
    return witness[0] == right.doc != left.doc, witness[1] == left.doc != right.doc


def _side(source: DocumentText, run: Run | None) -> ExplainedText:
    text = source.utf8.decode("utf-8", "replace")
    status = status_of(run, source.doc) if run and source.doc >= 0 else ""
    original = None if source.original is None else source.original.decode("utf-8", "replace")
    return ExplainedText(source, text, *counts(text, letter_table()), status, Lines(text, original))


def _figures(left: DocumentText, right: DocumentText, s: Settings, run: Run | None) -> Figures:
    """Return the exact figures; boilerplate is known of documents of a run only."""
    texts: list[bytes | None] = [left.utf8, right.utf8]
    spans = Spans.none(2)
    if run is not None and left.doc >= 0 and right.doc >= 0:
        spans = run.spans.of_docs(np.array([left.doc, right.doc], np.int32))
    both = CandidatePairs(np.array([[0, 1]], np.int32))
    n_bytes = np.array([len(left.utf8), len(right.utf8)], np.int64)

    def read(docs: NDArray[np.int32]) -> list[bytes | None]:
        return [texts[d] for d in docs.tolist()]

    limits = thresholds(s)
    pair = verify.verify(both, n_bytes, read, letter_table(), s.k, spans, limits, map, every=True)
    return Figures(s.k, limits.classify(replace(pair, by_family=_by_family(left.doc, right.doc, run))))


def _by_family(left: int, right: int, run: Run | None) -> NDArray[np.bool_]:
    """Return bool[1]: the scan found the two to be instances of a form by their family."""
    if run is None or min(left, right) < 0:
        return np.zeros(1, np.bool_)
    row = rows_of(run.pairs, np.array([[left, right]]))
    return run.pairs.by_family[row[row >= 0]] if (row >= 0).any() else np.zeros(1, np.bool_)


def _letters(side: ExplainedText) -> str:
    return letters_at(side.text, letter_table())[0]


def _place(a: ExplainedText, b: ExplainedText, figures: Figures, found: Alignment) -> PlaceInWhole | None:
    """Return where the smaller document lies in the larger."""
    part, whole = (a, b) if figures.left <= figures.right else (b, a)
    place = extent(found.spans, whole.text, whole is b)
    return place and PlaceInWhole(part.name, whole.name, *place, *whole.lines.first_last(*place))


def extent(spans: list[Span], whole: str, in_right: bool) -> tuple[int, int] | None:
    """Return where a part lies in its whole, the right or the left text of an alignment: from the first long
    shared passage to the last, as (start, end) in characters; None where nothing is shared."""
    shared = [span for span in spans if span.kind == SAME]
    shared = [span for span in shared if span.left[1] - span.left[0] >= 2 * ISLAND] or shared
    if not shared:
        return None
    there = [span.right if in_right else span.left for span in shared]
    start, end = there[0][0], there[-1][1]
    return start, start + len(whole[start:end].rstrip())


def otherwise(left: str, right: str, found: Alignment) -> Counter[tuple[str, str]]:
    """Words of shared passages that are written otherwise: (as in left, as in right) -> how often."""
    out: Counter[tuple[str, str]] = Counter()
    for span in found.spans:
        mine, other = left[slice(*span.left)], right[slice(*span.right)]
        if span.kind == SAME and mine.split() != other.split():
            pairs = _word_pairs(mine, other)
            out.update((a, b) for a, b in pairs if a != b)
    return out


def _word_pairs(left: str, right: str) -> list[tuple[str, str]]:
    """Two passages of the same letters -> the fewest words of each, in order, that have the same letters.

    >>> _word_pairs("can't stop,", "ca n't stop ,")
    [("can't", "ca n't"), ('stop,', 'stop ,')]
    """
    return [
        (" ".join(left[i:j].split()), " ".join(right[p:q].split()))
        for (i, j), (p, q) in word_places(left, right)
    ]


def word_places(left: str, right: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Two passages of the same letters -> where the fewest words of each, in order, that have the same
    letters begin and end.

    >>> word_places("can't stop,", "ca n't stop ,")
    [((0, 5), (0, 6)), ((6, 11), (7, 13))]
    """
    (places_a, at_a), (places_b, at_b) = _ends(left), _ends(right)
    common = np.intersect1d(at_a, at_b)
    ends_a = np.searchsorted(at_a, common, "right").tolist()
    ends_b = np.searchsorted(at_b, common, "right").tolist()
    out = []
    i = j = 0
    for p, q in zip(ends_a, ends_b, strict=True):
        out.append((_passage(places_a, i, p), _passage(places_b, j, q)))
        i, j = p, q
    return out


def _passage(places: list[tuple[int, int]], i: int, j: int) -> tuple[int, int]:
    """Words i..j - 1 -> where they begin and end; where there are none, the end of the one before."""
    end = places[j - 1][1] if j else 0
    return (places[i][0] if i < j else end), end


def _ends(text: str) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
    """A passage -> the places of its words as seen, and how many letters stand before the end of each."""
    _, before = letters_at(text, letter_table())
    places = [m.span() for m in SEEN_WORD.finditer(text)]
    return places, before[[end for _, end in places]]
