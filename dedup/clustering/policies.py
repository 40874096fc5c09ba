"""Which document of a cluster to keep: an ordered rule of policies.

A policy turns documents into numbers, and the smallest is preferred; the next policy of the rule
decides between equals, and the order of the documents (source name, record) decides last.  A new
policy is one function and one line in POLICIES.
"""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.documents import Documents
from ..core.errors import BadSetting
from ..core.sorted_arrays import inverse_permutation
from .copy_names import copy_signs


@dataclass(frozen=True)
class Facts:
    """What a policy may look at; every array has n_docs rows."""

    documents: Documents
    holds: NDArray[np.int64]  # how many documents it holds, itself among them
    held: NDArray[np.int64]  # how many documents of other letters hold it
    cleaner: NDArray[np.int64]  # how many documents are the same text with fewer errors
    mtime_ns: NDArray[np.int64]
    paths: list[bytes]


DAMAGE = frozenset({"mojibake", "json escapes", "entities", "ptb codes"})  # repairs of what a text had lost
Policy = Callable[[Facts, str], NDArray[np.int64]]


def fullest(facts: Facts, _: str) -> NDArray[np.int64]:
    """The document that covers the most others, so that no text is lost."""
    return -facts.holds


def cleanest(facts: Facts, _: str) -> NDArray[np.int64]:
    """The body rather than the page around it: the document that the most others hold."""
    return facts.holds - facts.held


def cleanest_text(facts: Facts, _: str) -> NDArray[np.int64]:
    """The text rather than a noisy copy of it, as a scanner or typist makes: one that has no cleaner copy."""
    return facts.cleaner


def cased(facts: Facts, _: str) -> NDArray[np.int64]:
    """The one that still has its capitals, its punctuation and its characters, and is not full of marks."""
    d = facts.documents
    damaged = {r: not DAMAGE.isdisjoint(r.split(",")) for r in set(d.repairs)}
    is_whole = ~np.array([damaged[r] for r in d.repairs], np.bool_)
    has_case = (d.n_upper > 0) & (2 * d.n_upper < d.n_letters)  # all capitals is no case either
    has_marks = (250 * d.n_marks > d.n_letters) & (8 * d.n_marks < d.n_letters)  # more of them are markup
    return -(has_case.astype(np.int64) + has_marks + is_whole)


def longest(facts: Facts, _: str) -> NDArray[np.int64]:
    """The one with the most letters."""
    return -facts.documents.n_letters


def shortest(facts: Facts, _: str) -> NDArray[np.int64]:
    """The one with the fewest letters."""
    return facts.documents.n_letters


def newest(facts: Facts, _: str) -> NDArray[np.int64]:
    """The one whose file was changed last."""
    return -facts.mtime_ns


def oldest(facts: Facts, _: str) -> NDArray[np.int64]:
    """The one whose file was changed first."""
    return facts.mtime_ns


def first(facts: Facts, _: str) -> NDArray[np.int64]:
    """The one whose source name sorts first."""
    return np.arange(len(facts.documents), dtype=np.int64)


def original(facts: Facts, _: str) -> NDArray[np.int64]:
    """The one whose name does not say copy, backup, old, draft, ~, (1) or the like; then the older file."""
    signs = {p: copy_signs(os.fsdecode(p)) for p in set(facts.paths)}
    named = np.array([signs[p] for p in facts.paths], np.int64)
    order = np.lexsort((facts.mtime_ns, named))
    new = np.r_[True, (np.diff(named[order]) != 0) | (np.diff(facts.mtime_ns[order]) != 0)][: len(order)]
    out = np.empty(len(order), np.int64)
    out[order] = np.cumsum(new)
    return out


def path(facts: Facts, glob: str) -> NDArray[np.int64]:
    """The one whose path matches the pattern, `path:clean/**`."""
    pattern = glob.encode("utf-8", "surrogateescape")
    good = {
        p: fnmatch.fnmatchcase(p, pattern) or fnmatch.fnmatchcase(p, b"*/" + pattern)
        for p in set(facts.paths)
    }
    return np.array([not good[p] for p in facts.paths], np.int64)


def field(facts: Facts, name: str) -> NDArray[np.int64]:
    """The one with the largest value in a field of its record, `field:quality`; with `:asc` the smallest."""
    name, _, order = name.partition(":")
    values = [json.loads(f).get(name) if f else None for f in facts.documents.fields]
    numbers = sorted({v for v in values if isinstance(v, (int, float))})
    words = sorted({v for v in values if isinstance(v, str)})
    place = {v: i for i, v in enumerate([*numbers, *words])}
    known = np.array([place[v] if isinstance(v, (int, float, str)) else -1 for v in values], np.int64)
    worst = len(place)
    return np.where(known < 0, worst, known if order == "asc" else worst - 1 - known)


POLICIES: dict[str, Policy] = {
    "fullest": fullest,
    "cleanest": cleanest,
    "cleanest-text": cleanest_text,
    "cased": cased,
    "longest": longest,
    "shortest": shortest,
    "newest": newest,
    "oldest": oldest,
    "first": first,
    "original": original,
    "path": path,
    "field": field,
}
TAKES_ARGUMENT = {"path": "a pattern, path:GLOB", "field": "a name, field:NAME or field:NAME:asc"}


def parse_rule(rule: str) -> list[tuple[str, str]]:
    """`"fullest,path:clean/*"` -> [(policy, argument)].

    >>> parse_rule("fullest, path:clean/*")
    [('fullest', ''), ('path', 'clean/*')]
    """
    parts = []
    for part in filter(None, (p.strip() for p in rule.split(","))):
        name, _, argument = part.partition(":")
        if name not in POLICIES:
            raise BadSetting(f"prefer: there is no policy {name!r}; the policies are {', '.join(POLICIES)}")
        if bool(argument) != (name in TAKES_ARGUMENT):
            wants = f"wants {TAKES_ARGUMENT[name]}" if name in TAKES_ARGUMENT else "takes no argument"
            raise BadSetting(f"prefer: the policy {name!r} {wants}")
        if name == "field" and argument.partition(":")[2] not in ("", "asc", "desc"):
            raise BadSetting(f"prefer: {part!r} ends neither in :asc nor in :desc")
        parts.append((name, argument))
    if not parts:
        raise BadSetting(f"prefer: name at least one policy of {', '.join(POLICIES)}")
    return parts


def fields_of(rule: list[tuple[str, str]]) -> tuple[str, ...]:
    """The record fields that a rule looks at.

    >>> fields_of(parse_rule("field:quality:asc,first"))
    ('quality',)
    """
    return tuple(dict.fromkeys(argument.partition(":")[0] for name, argument in rule if name == "field"))


Keys = list[tuple[str, NDArray[np.int64]]]


def rank(rule: list[tuple[str, str]], facts: Facts) -> tuple[NDArray[np.int64], Keys]:
    """Rule -> (int64[n_docs], 0 for the most preferred document of all; the keys it was made from)."""
    keys = [(name, POLICIES[name](facts, argument)) for name, argument in rule]
    order = np.lexsort([key for _, key in reversed(keys)])  # NOTE: stable, so equals stay in doc order
    return inverse_permutation(order), keys


def reasons(label: NDArray[np.int32], place: NDArray[np.int64], keys: Keys) -> list[str]:
    """Clusters int32[n_docs] -> by document, the policy that chose a canonical one; "" for the others.

    It is the first policy in which the canonical document is better than the next best of its cluster.
    """
    out = np.full(len(label), "", object)
    several = np.flatnonzero(np.bincount(label, minlength=len(label))[label] > 1)
    order = several[np.lexsort((place[several], label[several]))]
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    best, second = order[starts], order[starts + 1]
    by = np.full(len(best), len(keys))
    for i, (_, key) in reversed(list(enumerate(keys))):
        by[key[best] != key[second]] = i
    out[best] = np.array([*(name for name, _ in keys), "first"], object)[by]
    found: list[str] = out.tolist()
    return found
