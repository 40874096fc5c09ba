"""Verified pairs -> clusters, canonical documents, witnesses and relations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..core import estimates, rules
from ..core.documents import OK, Documents, Source
from ..core.errors import BadSetting, Broken
from ..core.features import Signatures
from ..core.pairs import CandidatePairs, Evidence, Spellings, VerifiedPairs, pair_keys
from ..core.rules import MIN_PART, MIN_SKELETON
from ..core.settings import Settings
from ..core.sorted_arrays import inverse_permutation, is_in
from ..core.thresholds import Thresholds, lost
from ..core.verdicts import FORM, KEPT, LETTERS, NO_FIGURE, PUNCTUATION, RELATIONS, REWRITTEN, Verdict
from ..matching import kernels
from . import exact_duplicates as equal_letters
from . import families, hubs, policies
from .witnesses import Ballot, edges, settle, without_hubs

COVER = 0.95  # share of a document that another must hold to cover it, whatever `max_lost` is


def same_letters(documents: Documents) -> NDArray[np.int32]:
    """int32[n_docs]: the first document with the same letters; itself where it is set aside."""
    n = len(documents)
    same = np.arange(n, dtype=np.int32)
    docs = np.flatnonzero(documents.status == OK)
    if len(docs):
        one, other = documents.letters_hash[docs].T
        order = np.argsort(one)
        if (np.diff(one[order]) == 0)[
            np.diff(other[order]) != 0
        ].any():  # next to never: half a hash is 64 bits
            order = np.lexsort((other, one))
        new = np.r_[True, (np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)]
        first = np.minimum.reduceat(order, np.flatnonzero(new))
        same[docs[order]] = docs[first[np.cumsum(new) - 1]]
    return same


def same_values(documents: Documents, spellings: Spellings) -> NDArray[np.int32]:
    """int32[n_docs]: the first document with the same letters, points, signs and operators."""
    return equal_letters.same_values(same_letters(documents), spellings)


@dataclass(frozen=True)
class Decision:
    """The verdict with the pairs behind it."""

    verdict: Verdict
    pairs: VerifiedPairs  # that reach a threshold, and those of equal letters; sorted
    relations: NDArray[np.int8]  # of the pairs
    spoken: NDArray[np.int32] | None = None  # the witnesses before own skeletons were looked at


def thresholds(s: Settings) -> Thresholds:
    """Settings -> what two documents must reach."""
    forms = RELATIONS[FORM] in parse_relations(s.relations)
    return Thresholds(
        s.min_jaccard, s.min_containment, MIN_PART, s.min_skeleton, MIN_SKELETON, s.max_lost, forms
    )


def decide(
    s: Settings,
    sources: list[Source],
    documents: Documents,
    hopeful: Callable[[CandidatePairs], NDArray[np.bool_]],
    same: NDArray[np.int32],
    known: Evidence,
    verified: Callable[[CandidatePairs], VerifiedPairs],
    weight: NDArray[np.int64] | None = None,
) -> Decision:
    """What was compared -> clusters, canonical documents, witnesses and relations.

    Of documents with the same letters the most preferred one speaks for all.  Pairs of documents that were
    never compared are verified on the way where they are `hopeful`; families are learned from the others.
    `weight` int64[n_docs], by first document of the same letters, says how many there are where not all are
    here.
    """
    pairs = known.pairs
    n, limits, rule = len(documents), thresholds(s), policies.parse_rule(s.prefer)
    # a part is joined to its whole only over anchors that are no boilerplate, however it was found
    sure = limits.alike(pairs) | limits.rewritten(pairs) | known.by_anchors
    slots = families.slots(n, pairs.where(sure & known.candidate & limits.related(pairs)))
    pairs, candidate = slots.judged(pairs.where(sure)), known.candidate[sure]
    drops = np.isin(np.arange(len(RELATIONS)), [RELATIONS.index(r) for r in parse_relations(s.relations)])
    weight = np.bincount(same, minlength=n) if weight is None else weight
    good = without_hubs(pairs.where(limits.reached(pairs)), limits, n)
    facts = _facts(sources, documents, same, weight, good, limits)
    place, keys = policies.rank(rule, facts)
    speaker = _best_of(same, place)[same]
    equal, equal_kinds = equal_letters.pairs(speaker, known.spellings)
    kind = np.full(n, PUNCTUATION, np.int8)
    kind[np.where(speaker[equal.docs[:, 0]] == equal.docs[:, 1], *equal.docs.T)] = equal_kinds
    alone = (speaker == np.arange(n)) | ~drops[kind]
    ballot = Ballot(same, speaker, alone, place, keys, kind)

    def edges_of(good: VerifiedPairs) -> hubs.Edges:
        return edges(good, limits, drops, whole_for_part="cleanest" in dict(rule))

    def compared(missing: CandidatePairs) -> VerifiedPairs:
        return slots.judged(verified(CandidatePairs(missing.docs[hopeful(missing)])))

    settled = settle(ballot, pairs, limits, edges_of, compared)
    good, label, witness = settled.good, settled.label, settled.witness
    own = _own_skeletons(good, limits, same, witness, verified)
    spoken = witness.copy()
    witness[own.lost] = own.lost
    forms = pairs.where(candidate & limits.related(pairs) & ~limits.reached(pairs))
    both = VerifiedPairs.concatenated([good, equal, forms])
    order = np.argsort(pair_keys(both.docs))
    kinds = np.concatenate([limits.relation(good), equal_kinds, limits.relation(forms)])
    family = families.numbered(forms.docs, label, same)
    decided = _assembled(ballot, good, equal, label, witness, own, limits, family)
    return Decision(decided, both.where(order), kinds[order], spoken)


def _assembled(
    ballot: Ballot,
    good: VerifiedPairs,
    equal: VerifiedPairs,
    label: NDArray[np.int32],
    witness: NDArray[np.int32],
    own: OwnSkeletons,
    limits: Thresholds,
    family: NDArray[np.int32],
) -> Verdict:
    """Clusters and witnesses int32[n_docs] -> the verdict, with the figures of each to its witness."""
    n = len(label)
    row, docs = _rows(good, ballot.same, witness)
    good = good.where(row)
    kind = ballot.kind.copy()
    kind[docs] = limits.relation(good)

    def figure(of_pair: NDArray[np.float64], else_: float = 1.0) -> NDArray[np.float64]:
        out = np.full(n, else_)
        out[docs] = of_pair
        return out

    skeleton_jaccard = figure(good.skeleton_jaccard, np.nan)
    skeleton_jaccard[kind != REWRITTEN] = np.nan
    skeleton_jaccard[own.docs] = own.skeleton_jaccard
    side = (ballot.same[docs] > ballot.same[witness[docs]]).astype(np.int64)
    decided_by, value, line = limits.deciding(good)
    deciding = np.full(n, LETTERS, np.int8)
    deciding[docs] = decided_by
    value = figure(value)
    value[own.docs] = own.skeleton_jaccard
    kind[witness == np.arange(n)] = KEPT
    deciding[kind == KEPT] = NO_FIGURE
    first = np.full(n, -1, np.int32)
    order = inverse_permutation(ballot.place)[::-1]
    first[label[order]] = order  # the last one written, so the most preferred, stands
    size, witness_size = _sizes(good, equal, ballot.same, witness)
    return Verdict(
        cluster=label,
        canonical=first[label],
        witness=witness,
        relation=kind,
        jaccard=figure(good.jaccard),
        containment=figure(good.containment),
        discounted_jaccard=figure(good.discounted_jaccard),
        discounted_containment=figure(good.discounted_containment),
        skeleton_jaccard=skeleton_jaccard,
        lost=figure(lost(good)[np.arange(len(docs)), side], 0.0),
        figure=deciding,
        value=value,
        line=figure(line),
        size=size,
        witness_size=witness_size,
        reason=policies.reasons(label, ballot.place, ballot.keys),
        family=family,
    )


@dataclass(frozen=True)
class OwnSkeletons:
    """Documents dropped as rewritten over another one of the same letters, with their own figures."""

    docs: NDArray[np.int64]
    skeleton_jaccard: NDArray[np.float64]
    lost: NDArray[np.int64]  # those whose own skeleton does not reach the threshold


def _own_skeletons(
    pairs: VerifiedPairs,
    limits: Thresholds,
    same: NDArray[np.int32],
    witness: NDArray[np.int32],
    verified: Callable[[CandidatePairs], VerifiedPairs],
) -> OwnSkeletons:
    """Equal letters need not be cut into words alike, so a skeleton speaks for its own document only."""
    row, docs = _rows(pairs, same, witness)
    borrowed = (docs != same[docs]) | (witness[docs] != same[witness[docs]])
    docs = docs[borrowed & (limits.relation(pairs)[row] == REWRITTEN)]
    beside = np.stack([docs, witness[docs]], axis=1).astype(np.int32)
    own = verified(CandidatePairs.of(beside))
    own = own.where(limits.rewritten(own) & limits.reached(own))
    good = is_in(pair_keys(beside), pair_keys(own.docs))
    at = np.searchsorted(pair_keys(own.docs), pair_keys(beside[good]))
    return OwnSkeletons(docs[good], own.skeleton_jaccard[at], docs[~good])


def parse_relations(relations: str) -> list[str]:
    """`"identical,case"` -> the relations that drop a document; raises BadSetting for an unknown one.

    `"+form"` and `"-near"` change the default set.

    >>> parse_relations("+form,-near,-rewritten")
    ['identical', 'encoding', 'whitespace', 'case', 'punctuation', 'contained', 'form']
    """
    given = [r.strip() for r in relations.split(",") if r.strip()]
    changes = [r for r in given if r[0] in "+-"]
    names = given if not changes else parse_relations(Settings.relations)
    if changes and len(changes) < len(given):
        raise BadSetting(f"relations: {relations!r} mixes names with +NAME and -NAME; give one or the other")
    for name in (c[1:] for c in changes) if changes else names:
        if name not in RELATIONS[1:]:
            raise BadSetting(f"relations: there is no relation {name!r}; they are {', '.join(RELATIONS[1:])}")
    for change in changes:
        names = [n for n in names if n != change[1:]] + [change[1:]] * (change[0] == "+")
    return names


def _facts(
    sources: list[Source],
    documents: Documents,
    same: NDArray[np.int32],
    weight: NDArray[np.int64],
    good: VerifiedPairs,
    limits: Thresholds,
) -> policies.Facts:
    """What the policies look at; documents with the same letters hold each other."""
    n = len(documents)
    strict = replace(limits, max_lost=min(limits.max_lost, 1 - COVER))
    holds, held = hubs.holds(n, hubs.allowed(good.docs, *strict.held(good)), weight)
    times = np.array([s.mtime_ns for s in sources], np.int64)[documents.source]
    paths = np.array([s.path for s in sources], object)[documents.source].tolist()
    return policies.Facts(documents, holds[same] + weight[same], held[same], times, paths)


def hopeful(
    s: Settings,
    documents: Documents,
    signatures: Callable[[], Signatures],
    among: NDArray[np.int64] | None = None,
) -> Callable[[CandidatePairs], NDArray[np.bool_]]:
    """-> pairs -> bool[n]: signatures and lengths do not rule out that one is dropped for the other.

    From the estimated Jaccard j and the lengths follow the overlap and the containment, overlap / the
    shorter; j may be off by five standard errors.  Where only some pairs can be compared (`among`, their
    pair_keys), there is no hope for others, and the signatures are loaded only for those.
    """

    def hope(pairs: CandidatePairs) -> NDArray[np.bool_]:
        if among is not None:
            out = is_in(pair_keys(pairs.docs), among)
            if out.any():
                out[out] = estimated(CandidatePairs(pairs.docs[out]))
            return out
        return estimated(pairs)

    def estimated(pairs: CandidatePairs) -> NDArray[np.bool_]:
        signed = signatures()
        agree = kernels.matches(signed.values, pairs.docs)
        j = agree / s.num_perm
        high = np.minimum(
            1.0, j + estimates.STANDARD_ERRORS * estimates.standard_error(j, s.num_perm, s.sample)
        )
        left, right = documents.n_letters[pairs.docs].T
        containment = estimates.overlap(high, left, right, s.sample) / np.maximum(1, np.minimum(left, right))
        bones = kernels.matches(signed.skeletons, pairs.docs)
        both = documents.n_bones[pairs.docs].min(axis=1) >= MIN_SKELETON
        line = (documents.n_letters[pairs.docs].T, s.num_perm)
        rewritten = both & (bones >= rules.min_matching_values(s.min_skeleton, *line, estimates.EVERY))
        least = rules.min_matching_values(s.min_jaccard, *line, s.sample)
        signed.release_pages()
        return np.asarray((agree >= least) | (containment >= s.min_containment) | rewritten)

    return hope


def _best_of(same: NDArray[np.int32], place: NDArray[np.int64]) -> NDArray[np.int32]:
    """int32[n_docs], by first document of the same letters: the most preferred of them."""
    best = np.arange(len(same), dtype=np.int32)
    order = inverse_permutation(place)[::-1]
    best[same[order]] = order
    return best


def _rows(
    pairs: VerifiedPairs, same: NDArray[np.int32], witness: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row of the pair, document) of each document whose letters are not those of its witness."""
    docs = np.flatnonzero(same != same[witness])
    beside = np.stack([same[docs], same[witness[docs]]], axis=1)
    return np.searchsorted(pair_keys(pairs.docs), pair_keys(beside)), docs


def _sizes(
    pairs: VerifiedPairs,
    equal: VerifiedPairs,
    same: NDArray[np.int32],
    witness: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """int64[n_docs] each: shingles of a dropped document and of its witness; 0 where it is kept."""
    n = len(same)
    size = np.zeros(n, np.int64)
    size[same[equal.docs]] = equal.size_left[:, None]
    size[pairs.docs[:, 0]], size[pairs.docs[:, 1]] = pairs.size_left, pairs.size_right
    dropped = witness != np.arange(n)
    return np.where(dropped, size[same], 0), np.where(dropped, size[same[witness]], 0)


def check(done: Decision, same: NDArray[np.int32], documents: Documents, limits: Thresholds) -> None:
    """Raise Broken unless every dropped document has a kept witness and figures that reach a threshold."""
    v, everyone = done.verdict, np.arange(len(documents))
    dropped = v.witness != everyone
    chained = dropped & (v.witness[v.witness] != v.witness)
    apart = v.cluster[v.witness] != v.cluster
    aside = (documents.status != OK) & ((v.cluster != everyone) | dropped)
    good = done.pairs.where(limits.reached(done.pairs))
    row, docs = _rows(good, same, v.witness)
    unproved = np.zeros(len(documents), np.bool_)
    left, right = np.minimum(same[docs], same[v.witness[docs]]), np.maximum(same[docs], same[v.witness[docs]])
    known = np.minimum(row, max(0, len(good) - 1))
    if len(docs):
        unproved[docs] = (row >= len(good)) | (good.docs[known] != np.stack([left, right], axis=1)).any(
            axis=1
        )
    for what, bad in (
        ("a witness that is dropped", chained),
        ("no figures that reach the thresholds", unproved),
        ("a witness of another cluster", apart),
        ("a verdict though they were set aside", aside),
    ):
        if bad.any():
            raise Broken(f"{int(bad.sum())} documents have {what}, the first is number {int(bad.argmax())}")
