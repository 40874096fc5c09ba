"""Compare two texts letter by letter, where one may be full of errors: a scan, a transcript, bad typing.

The letters are aligned as for an edit distance (Levenshtein 1966): blocks of letters that stand once in each
text are fixed points, as in a patience diff, and what lies between two of them is aligned exactly.  Then each
stretch of the alignment is explained in one of two ways: it is the same text with errors, spread as evenly as
a scanner makes them, or it is foreign, text in the place of other text.  The explanation is the likeliest of
a hidden Markov model with these two states (Viterbi 1967); the rate of errors is the one that explains most.
What is foreign, differences that recur (a name, another spelling), and more changed digits than the errors
explain are content; the rest is noise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from .alignment import fixed_points
from .words import DECIMALS, comes_second

BLOCK = 6  # letters of a fixed point
MOST_CELLS = 1 << 20  # of the table of a stretch between two fixed points; a larger one is not aligned
RATES = (5, 10, 20, 40, 70, 100, 140, 180, 220, 260, 300, 350, 400)  # errors of a thousand letters
CHANCE = 300  # of a thousand letters, how many an alignment of two unrelated texts matches
SWITCH = 6000  # the cost of going from one state to the other, in thousandths of a natural logarithm
MANY_WRONG = 3  # letters of a word that is broken
PASSAGE = 30  # letters of a foreign stretch that is a passage, not a word
GRAM, STRETCH, DIAGONALS = 4, 512, 32  # letters, see `_alike_at`
ALIKE, LEAST_ALIKE = 8, 6  # one gram in so many, and so many, on neighbouring diagonals
NONE = -1


def _logs(match: int) -> tuple[int, int]:
    """Return the scores of a match and of an error where `match` of a thousand letters match."""
    return round(1000 * math.log(match / 1000)), round(1000 * math.log(1 - match / 1000))


SCORES = tuple(_logs(1000 - rate) for rate in RATES)  # of the same text with errors
FOREIGN = _logs(CHANCE)

Column = tuple[int, int]  # a letter of the left text and one of the right text, or NONE


@dataclass(frozen=True)
class Noise:
    """What the alignment of two texts says, in letters; see `core.pairs.COUNTS`."""

    letters_left: int  # that were compared
    letters_right: int
    errors: int  # of the alignment: replaced, missing and added letters
    rate: int  # errors of a thousand letters that explain most, foreign text aside
    noise: int  # errors that are no content
    replaced: int  # words in the place of others: foreign stretches, and errors that always recur
    repeated: int  # errors in words that differ in the same way half of the times
    broken: int  # errors in words of which most letters are wrong: of two counts, by either text, the larger
    passages: int
    only_left: int
    only_right: int
    numbers: int  # numbers in the place of others, two digits for each
    grams_left: int  # of 10,000 GRAM in a row the different ones: a noisy copy has more than the clean text
    grams_right: int


def compare(left: Sequence[str], right: Sequence[str]) -> Noise:
    """Compare the words of two texts, letter by letter.

    >>> one = "the bees were asleep when the keeper came to the hive at dusk"
    >>> read = "tbe bees vvere as1eep wlien the keeper carne to the liive at dnsk"
    >>> found = compare(one.split(), read.split())
    >>> found.errors, found.noise, found.replaced
    (11, 11, 0)
    >>> compare(one.split(), one.replace("keeper", "inspectors").split()).replaced
    6
    """
    if comes_second(left, right):
        turned = compare(right, left)
        return replace(
            turned,
            **{"only_left": turned.only_right, "only_right": turned.only_left},
            **{"grams_left": turned.grams_right, "grams_right": turned.grams_left},
            **{"letters_left": turned.letters_right, "letters_right": turned.letters_left},
        )
    return compared(left, right)


def compared(left: Sequence[str], right: Sequence[str]) -> Noise:
    """Compare two texts in this order, which decides between alignments that are equally good."""
    a, b = "".join(left), "".join(right)
    columns = align(a, b)
    is_error = [i == NONE or j == NONE or a[i] != b[j] for i, j in columns]
    rate, foreign = explain(is_error)
    spans, other_spans = _spans(left, columns, 0), _spans(right, columns, 1)
    one, other = _recurring(left, b, spans, columns, 1), _recurring(right, a, other_spans, columns, 0)
    always, mostly = one[0] | other[0], one[1] | other[1]
    n_digits = n_changed = in_words = repeated = 0
    for at, (i, j) in enumerate(columns):
        digits = i != NONE and j != NONE and a[i] in DECIMALS and b[j] in DECIMALS
        n_digits += digits
        n_changed += digits and is_error[at]
        if is_error[at] and not foreign[at] and not digits:
            in_words += at in always
            repeated += at in mostly
    words = passages = only_left = only_right = 0
    for is_foreign, some in groupby(range(len(columns)), lambda at: foreign[at]):
        if is_foreign:
            stretch = [columns[at] for at in some]
            n, m = (sum(column[side] != NONE for column in stretch) for side in (0, 1))
            if min(n, m) < PASSAGE:
                words += min(n, m)
            else:
                passages += min(n, m)
            only_left, only_right = only_left + n - min(n, m), only_right + m - min(n, m)
    errors = [wrong and not strange for wrong, strange in zip(is_error, foreign, strict=True)]
    return Noise(
        letters_left=len(a),
        letters_right=len(b),
        errors=sum(is_error),
        rate=rate,
        noise=sum(errors) - in_words - sum(errors[at] and _changed(a, b, c) for at, c in enumerate(columns)),
        replaced=words + in_words,
        repeated=repeated,
        broken=max(_broken(spans, errors), _broken(other_spans, errors)),
        passages=passages,
        only_left=only_left,
        only_right=only_right,
        numbers=numbers(n_digits, n_changed, rate),
        grams_left=_n_grams(a),
        grams_right=_n_grams(b),
    )


def first_words(words: Sequence[str]) -> Sequence[str]:
    """Return the words in which the first STRETCH letters stand: where a copy shows its noise."""
    starts = [0, *accumulate(map(len, words))][: len(words)]
    return words[: sum(start < STRETCH for start in starts)]


def _n_grams(text: str) -> int:
    grams = [text[i : i + GRAM] for i in range(len(text) - GRAM + 1)]
    return 10_000 * len(set(grams)) // max(1, len(grams))


def _spans(words: Sequence[str], columns: Sequence[Column], side: int) -> list[range]:
    """Return the columns of each word of one side; letters that are added before a word belong to it."""
    at = {column[side]: n for n, column in enumerate(columns) if column[side] != NONE}
    ends = [at[end - 1] + 1 for end in accumulate(map(len, words))]
    return [range(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def _broken(spans: Sequence[range], errors: Sequence[bool]) -> int:
    """Count the errors in words of which most letters are wrong, as they are where another word stands."""
    counts = [(sum(errors[n] for n in span), len(span)) for span in spans]
    return sum(wrong for wrong, n in counts if wrong >= MANY_WRONG and 2 * wrong > n)


def _changed(a: str, b: str, column: Column) -> bool:
    """Tell whether a column has two different digits."""
    i, j = column
    return i != NONE and j != NONE and a[i] != b[j] and a[i] in DECIMALS and b[j] in DECIMALS


def numbers(n_digits: int, n_changed: int, rate: int) -> int:
    """Return how many numbers changed: two digits each, beyond three standard deviations of the errors.

    >>> numbers(100, 3, 20), numbers(100, 12, 20), numbers(4, 4, 5)
    (0, 5, 2)
    """
    expected = rate * n_digits  # in thousandths
    excess = 1000 * n_changed - expected
    if excess <= 0 or excess * excess <= 9 * 1000 * expected:
        return 0
    return (excess // 1000 + 1) // 2


# ------------------------------------------------------------------ the alignment


def align(left: str, right: str) -> list[Column]:
    """Align the letters of two texts.

    >>> align("came", "carne")
    [(0, 0), (1, 1), (-1, 2), (2, 3), (3, 4)]
    """
    out: list[Column] = []
    i = j = 0
    for p, q in fixed_points(left, right, BLOCK):
        if p >= i and q >= j:
            out += _between(left[i:p], right[j:q], i, j)
            i, j = p, q
        elif p - i != q - j:  # it overlaps the one before it, in other places
            continue
        while i < p + BLOCK:
            out.append((i, j))
            i, j = i + 1, j + 1
    return out + _between(left[i:], right[j:], i, j)


def _between(x: str, y: str, i0: int, j0: int) -> list[Column]:
    """Align two stretches with the fewest errors; of equally good ways the one that replaces first."""
    n, m = len(x), len(y)
    if n * m > MOST_CELLS:
        return [(i0 + i, NONE) for i in range(n)] + [(NONE, j0 + j) for j in range(m)]
    cost = [[max(i, j) if not i or not j else 0 for j in range(m + 1)] for i in range(n + 1)]
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            same = cost[i - 1][j - 1] + (x[i - 1] != y[j - 1])
            cost[i][j] = min(same, cost[i - 1][j] + 1, cost[i][j - 1] + 1)
    out: list[Column] = []
    i, j = n, m
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (x[i - 1] != y[j - 1]):
            i, j = i - 1, j - 1
            out.append((i0 + i, j0 + j))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            out.append((i0 + i, NONE))
        else:
            j -= 1
            out.append((NONE, j0 + j))
    return out[::-1]


# ------------------------------------------------------------------ what explains it


def explain(is_error: Sequence[bool]) -> tuple[int, list[bool]]:
    """Return the rate of errors that explains an alignment best, and which of its columns are foreign.

    >>> rate, foreign = explain([False] * 40 + [True] * 12 + [False] * 40)
    >>> rate, foreign.index(True), sum(foreign)
    (5, 40, 12)
    """
    ways = [_likeliest(is_error, scores) for scores in SCORES]
    best = max(range(len(ways)), key=lambda r: ways[r][0])  # of equal ones the first
    return RATES[best], ways[best][1]


def _likeliest(is_error: Sequence[bool], same: tuple[int, int]) -> tuple[int, list[bool]]:
    """Return the score of the likeliest sequence of states, and where it is foreign."""
    in_same, in_foreign = 0, -SWITCH
    came: list[tuple[bool, bool]] = []  # whether each state was reached from the other one
    for wrong in is_error:
        turned = in_foreign - SWITCH > in_same, in_same - SWITCH > in_foreign
        in_same, in_foreign = (
            max(in_same, in_foreign - SWITCH) + same[wrong],
            max(in_foreign, in_same - SWITCH) + FOREIGN[wrong],
        )
        came.append(turned)
    state = in_foreign > in_same
    out = []
    for turned in reversed(came):
        out.append(state)
        state ^= turned[state]
    return max(in_same, in_foreign), out[::-1]


def _recurring(
    words: Sequence[str], other: str, spans: Sequence[range], columns: Sequence[Column], side: int
) -> tuple[set[int], set[int]]:
    """Return the columns of words that stand twice or more and differ in the same way always, or mostly.

    `side` is that of the other text.
    """
    read = ["".join(other[j] for n in span if (j := columns[n][side]) != NONE) for span in spans]
    stands, differs = Counter(words), Counter((w, r) for w, r in zip(words, read, strict=True) if w != r)
    always: set[int] = set()
    mostly: set[int] = set()
    for word, as_read, span in zip(words, read, spans, strict=True):
        times = differs[word, as_read]
        if times > 1 and 2 * times >= stands[word]:
            mostly |= set(span)
            always |= set(span) if times == stands[word] else set()
    return always, mostly


# ------------------------------------------------------------------ a quick test


def begin_alike(left: str, right: str) -> bool:
    """Tell whether two texts may begin alike, errors and all; a quick test before they are aligned.

    >>> one = "the bees were asleep when the keeper came to the hive at dusk".replace(" ", "")
    >>> begin_alike(one, one.replace("w", "vv")), begin_alike(one, one[::-1])
    (True, False)
    """
    return _alike_at(left, right, 0)


def end_alike(left: str, right: str) -> bool:
    """Tell whether two texts may be alike where the shorter one ends."""
    return _alike_at(left, right, max(0, min(len(left), len(right)) - STRETCH))


def _alike_at(left: str, right: str, start: int) -> bool:
    """Tell whether two stretches are alike: whether enough grams of their letters lie on one diagonal.

    Grams that stand once on the left are looked up on the right.  Texts with three errors in ten letters
    still share every fifth, at distances that vary little; unrelated texts share a few, at any distance.
    """
    left, right = left[start : start + STRETCH], right[start : start + STRETCH]
    once: dict[str, int] = {}
    for i in range(len(left) - GRAM + 1):
        gram = left[i : i + GRAM]
        once[gram] = NONE if gram in once else i
    votes = [0] * (2 * STRETCH // DIAGONALS + 2)
    for j in range(len(right) - GRAM + 1):
        i = once.get(right[j : j + GRAM], NONE)
        if i != NONE:
            votes[(i - j + STRETCH) // DIAGONALS] += 1
    shorter = max(1, min(len(left), len(right)))
    common = (shorter - abs((d + 1) * DIAGONALS - STRETCH) for d in range(len(votes)))  # letters there
    both = zip(votes, votes[1:], strict=False)
    n_once = sum(i != NONE for i in once.values())
    return any(
        a + b >= max(LEAST_ALIKE, n_once * n // (ALIKE * shorter))
        for (a, b), n in zip(both, common, strict=False)
    )
