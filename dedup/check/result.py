"""What `check` says of each new document, and the list of pairs that a person has accepted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..core.by_letters import aligned
from ..core.documents import FAULTS, OK, STATUS, Documents, Source
from ..core.errors import BadInput
from ..core.pairs import VerifiedPairs
from ..core.thresholds import Thresholds, lost
from ..core.verdicts import ALIGNED, CONTAINED, DECIDING, FORM, LETTERS, NEAR, RELATIONS, REWRITTEN
from ..readers.storage.url_files import AnyFile

NEW, DUPLICATE, ALLOWED, IN_RUN, SET_ASIDE = "new", "duplicate", "allowed", "in the run", "set aside"
STATES = (NEW, DUPLICATE, ALLOWED, IN_RUN, SET_ASIDE)


@dataclass(frozen=True)
class MatchFigures:
    """The figures of n verified pairs as lists of n plain numbers; of each side the left document first."""

    jaccard: list[float]
    containment: list[float]
    discounted_jaccard: list[float]
    discounted_containment: list[float]
    skeleton_jaccard: list[float]
    aligned: list[float]
    lost: list[list[float]]  # [2][n]
    size: list[list[int]]  # [2][n]
    is_part: list[list[bool]]  # [2][n]: it is part of the other one
    similar: list[bool]
    relation: list[int]
    deciding: list[tuple[int, float]]  # the figure, in DECIDING, and its value

    @staticmethod
    def of(pairs: VerifiedPairs, limits: Thresholds) -> MatchFigures:
        """Work all of them out at once."""
        found = limits.classify(pairs)
        return MatchFigures(
            pairs.jaccard.tolist(),
            pairs.containment.tolist(),
            pairs.discounted_jaccard.tolist(),
            pairs.discounted_containment.tolist(),
            pairs.skeleton_jaccard.tolist(),
            aligned(pairs).tolist(),
            lost(pairs).T.tolist(),
            [pairs.size_left.tolist(), pairs.size_right.tolist()],
            [found.left_in_right.tolist(), found.right_in_left.tolist()],
            found.similar.tolist(),
            found.relation.tolist(),
            list(zip(*(column.tolist() for column in found.deciding[:2]), strict=True)),
        )


@dataclass(frozen=True)
class Match:
    """A document that a new one duplicates.

    `side` is "part" when the new document is part of the other one, "whole" when it holds the other one,
    else "".  `estimated`: the other text cannot be read as it was, and the figures come from signatures.
    """

    path: str
    in_run: bool
    relation: str
    side: str
    jaccard: float
    containment: float
    discounted_jaccard: float | None
    discounted_containment: float | None
    skeleton_jaccard: float | None
    aligned: float | None  # the share of the letters that agree, if one text is full of errors
    lost: float | None  # the share of the new document that the other one lacks
    size: int | None  # shingles of the new document
    other_size: int | None
    figure: str | None  # that decided, in DECIDING; not known where figures are estimated
    value: float | None
    kept: bool | None  # in the run; its witness there
    witness: str | None
    text: str  # of the other document: ok, gone, changed, unreadable
    estimated: bool = False
    allowed: bool = False

    @staticmethod
    def of(kind: int, figures: MatchFigures, row: int | None, left: bool, **about: object) -> Match:
        """A verified pair, its left document the new one or not; of equal letters perhaps without a row."""
        name = RELATIONS[kind]
        if row is None:
            unknown = {**_UNKNOWN, "lost": 0.0, "figure": DECIDING[LETTERS], "value": 1.0}
            return Match(relation=name, side="", jaccard=1.0, containment=1.0, **unknown, **about)  # type: ignore[arg-type]
        mine, other = (0, 1) if left else (1, 0)
        figure, value = (LETTERS, 1.0) if kind < NEAR else figures.deciding[row]
        side = ""
        if kind == CONTAINED:
            side = "part" if figures.is_part[mine][row] else "whole"
        return Match(
            relation=name,
            side=side,
            jaccard=figures.jaccard[row],
            containment=figures.containment[row],
            discounted_jaccard=figures.discounted_jaccard[row],
            discounted_containment=figures.discounted_containment[row],
            skeleton_jaccard=figures.skeleton_jaccard[row] if kind == REWRITTEN else None,
            aligned=figures.aligned[row] if figure == ALIGNED else None,
            lost=figures.lost[mine][row],
            size=figures.size[mine][row],
            other_size=figures.size[other][row],
            figure=DECIDING[figure],
            value=value,
            **about,  # type: ignore[arg-type]
        )

    @staticmethod
    def estimated_of(
        counts: list[tuple[float, int, int]], share: float, limits: Thresholds, **about: object
    ) -> list[Match]:
        """Return a match by estimated counts, if they reach a threshold.

        `counts` are (shared, of the new document, of the other one) in each view; `share` is that of the
        anchors of the document with fewer that both have.
        """
        letters, skeleton = np.rint(counts).astype(np.int64)
        by_anchors = np.maximum(letters, (round(share * letters[1:].min()), 0, 0))
        docs = np.array([(0, 1), (0, 1)], np.int32)
        two = VerifiedPairs.of_counts(
            docs, np.stack([[x, x, skeleton] for x in (letters, by_anchors)]).astype(np.int64)
        )
        classified = limits.classify(two)
        related, is_part = classified.related, classified.is_part
        if not related[0] and not is_part[1]:
            return []
        kind = int(classified.likeness[0]) if related[0] else CONTAINED
        side = "" if kind != CONTAINED else "part" if classified.left_in_right.any() else "whole"
        figures: dict[str, Any] = dict(_UNKNOWN)
        if kind == REWRITTEN:
            figures["skeleton_jaccard"] = float(two.skeleton_jaccard[0])
        found = Match(
            relation=RELATIONS[kind],
            side=side,
            jaccard=float(two.jaccard[0]),
            containment=float(two.containment.max()),
            estimated=True,
            **figures,
            **about,  # type: ignore[arg-type]
        )
        return [found]


_UNKNOWN: dict[str, None] = dict.fromkeys(
    ("discounted_jaccard", "discounted_containment", "skeleton_jaccard", "aligned")
    + ("lost", "size", "other_size", "figure", "value")
)


@dataclass(frozen=True)
class Checked:
    """The result for a new document; `matches` has the closest first, instances of its form last."""

    path: str
    file: str
    record: int  # line in the file; 0 for a whole file
    id: str
    status: str  # one of STATES
    note: str
    fault: bool = False
    matches: tuple[Match, ...] = field(default=())


def matched(
    sources: Sequence[Source], documents: Documents, doc: int, matches: list[Match], itself: bool
) -> Checked:
    """Make the result of a new document from its matches; `itself`: the run has this very record."""
    source, record = sources[int(documents.source[doc])], int(documents.record[doc])
    name = os.fsdecode(source.path + (b":%d" % record if record else b""))
    best = tuple(sorted(matches, key=_closeness))
    is_one = any(m.relation != RELATIONS[FORM] for m in best)
    status, note = DUPLICATE if is_one else IN_RUN if itself else NEW, documents.note[doc]
    state = int(documents.status[doc])
    if state != OK:
        status, best = SET_ASIDE, ()
        note = f"{STATUS[state]}{': ' if note else ''}{note}"
    return Checked(
        name,
        os.fsdecode(source.path if source.member < 0 else source.at),
        record,
        documents.id[doc],
        status,
        note,
        state in FAULTS,
        best,
    )


def _closeness(m: Match) -> tuple[object, ...]:
    """Forms last, exact before estimated, the mildest relation, the run first, figures, kept, the name."""
    figure = max(m.jaccard, m.skeleton_jaccard or 0.0, m.aligned or 0.0)
    return (
        m.relation == RELATIONS[FORM],
        m.estimated,
        min(RELATIONS.index(m.relation), NEAR) if m.side != "whole" else NEAR + 1,
        not m.in_run,
        -figure if m.relation != RELATIONS[CONTAINED] else -m.containment,
        not m.kept,
        m.path,
    )


# ------------------------------------------------------------------ accepted pairs


@dataclass(frozen=True)
class Allowed:
    """Accepted pairs, and accepted new documents; entry -> line of the file."""

    path: AnyFile
    lines: dict[tuple[str, ...], int]

    @staticmethod
    def read(path: AnyFile) -> Allowed:
        """A file with a line for each: `new TAB existing`, or the name of a new document.

        Blank lines and those that begin with `# ` are passed over.  Raises BadInput.
        """
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
        lines: dict[tuple[str, ...], int] = {}
        for number, line in enumerate(raw.split(b"\n"), 1):
            text = line.rstrip(b"\r")
            if not text.strip() or text.startswith(b"# "):
                continue
            names = tuple(_plain(os.fsdecode(name)) for name in text.split(b"\t"))
            if len(names) > 2 or not all(names):
                raise BadInput(
                    f"{path}, line {number}: neither `new TAB existing` nor one name; a name with a tab "
                    "in it cannot be listed"
                )
            lines.setdefault(names, number)
        return Allowed(path, lines)

    def applied(self, found: list[Checked]) -> tuple[list[Checked], list[str]]:
        """Mark what is accepted; return also the entries that were not needed, as messages."""
        used: set[tuple[str, ...]] = set()

        def one(doc: Checked) -> Checked:
            mine = _plain(doc.path)
            matches = []
            for m in doc.matches:
                entries = [e for e in ((mine,), (mine, _plain(m.path))) if e in self.lines]
                used.update(entries)
                matches.append(replace(m, allowed=bool(entries)))
            status = doc.status
            if status == DUPLICATE and all(m.allowed for m in matches if m.relation != RELATIONS[FORM]):
                status = ALLOWED
            return replace(doc, status=status, matches=tuple(sorted(matches, key=lambda m: m.allowed)))

        marked = [one(doc) for doc in found]
        unused = [
            f"{self.path}, line {number}: nothing to accept: {' and '.join(names)}"
            for names, number in self.lines.items()
            if names not in used
        ]
        return marked, unused


def _plain(name: str) -> str:
    return os.path.normpath(name) if name.strip() else ""
