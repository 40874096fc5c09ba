"""Two documents -> what each says that the other does not, and whether one may be dropped for the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ..content.own_content import text_of
from ..content.unmatched import REPLACED, places
from ..core.by_letters import MIN_OWN_CONTENT
from ..core.thresholds import Classified, lost, numbers, own_content
from ..text.normalize import letter_table
from .wording import counted

LONGEST = 200_000  # characters of a text of which the words in the place of others are named
EXAMPLES = 8


@dataclass(frozen=True)
class Says:
    """lost: the share of the left and of the right one that the other lacks; may_go: whether that one may be
    dropped for the other; of_one_form: the two are instances of one; own_content: what one puts in the
    place of what the other says, by what agrees; replaced: words (left, right) in a place, and how often."""

    lost: tuple[float, float]
    may_go: tuple[bool, bool]
    of_one_form: bool
    own_content: float
    numbers: int
    by_family: bool
    replaced: Counter[tuple[str, str]]

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {
            "lost_left": self.lost[0],
            "lost_right": self.lost[1],
            "left_may_go": self.may_go[0],
            "right_may_go": self.may_go[1],
            "own_content": self.own_content,
            "own_content_line": MIN_OWN_CONTENT,
            "numbers": self.numbers,
            "form_by_family": self.by_family,
            "replaced": [
                {"left": a, "right": b, "times": n} for (a, b), n in self.replaced.most_common(EXAMPLES)
            ],
        }


def says(
    found: Classified,
    left: str,
    right: str,
    equal: bool = False,
    dropped: tuple[bool, bool] = (False, False),
) -> Says:
    """One pair and its texts -> what each says alone.

    `equal`: they have the same letters and signs, so neither lacks anything.  `dropped`: a scan, which knew
    the whole corpus, has dropped the left one for the right one, or the reverse.  Neither may go if they are
    not variants of one document.
    """
    pair, is_form = found.pairs, bool((found.related & ~found.reached)[0])
    may_go = [
        bool(equal or went or (side & found.reached)[0])
        for side, went in zip(found.held, dropped, strict=True)
    ]
    shares = [0.0, 0.0] if equal else lost(pair)[0].tolist()
    replaced: Counter[tuple[str, str]] = Counter()
    if max(len(left), len(right)) <= LONGEST:
        a, b = (text_of(text, letter_table()) for text in (left, right))
        for place in places(a.words, b.words, a.framed, b.framed)[0]:
            if place.kind == REPLACED:
                replaced[" ".join(place.one), " ".join(place.other)] += 1
    return Says(
        (shares[0], shares[1]),
        (may_go[0], may_go[1]),
        is_form and not any((equal, *dropped)),
        float(own_content(pair)[0]),
        int(numbers(pair)[0]),
        bool(pair.by_family[0]),
        replaced,
    )


def shown(found: Says) -> list[str]:
    """What each says alone -> lines for the eye.

    >>> shown(Says((0.031, 0.0), (False, True), False, 0.02, 0, False, Counter({("alice", "bertha"): 2})))[1:]
    ['B may be dropped for A', 'in place of each other: alice | bertha 2 x']
    """
    a, b = (f"{share * 100:.2g} %" if share else "nothing" for share in found.lost)
    out = [f"A has {a} that B lacks, B {b} that A lacks"]
    if found.numbers:
        out.append(f"numbers, signs or negations differ in {counted(found.numbers, 'place')}")
    one, other = found.may_go
    if found.of_one_form:
        why = "their family tells" if found.by_family else f"own content {found.own_content:.3f}"
        out.append(f"instances of one form ({why}, from {MIN_OWN_CONTENT:g} on), both are kept")
    elif one and other:
        out.append("either may be dropped for the other")
    elif one or other:
        out.append("A may be dropped for B" if one else "B may be dropped for A")
    else:
        out.append("neither may be dropped for the other")
    if found.replaced:
        some = [
            f"{a[:40]} | {b[:40]}" + (f" {n} x" if n > 1 else "")
            for (a, b), n in found.replaced.most_common(EXAMPLES)
        ]
        more = f", and {len(found.replaced) - EXAMPLES:,} more" if len(found.replaced) > EXAMPLES else ""
        out.append(f"in place of each other: {', '.join(some)}{more}")
    return out
