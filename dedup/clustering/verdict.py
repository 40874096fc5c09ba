"""Decide: verified pairs to clusters, canonical documents, witnesses and relations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..core import rules
from ..core.by_letters import cleaner
from ..core.documents import OK, Documents, Source
from ..core.errors import BadSetting, Broken
from ..core.features import Signatures
from ..core.pairs import CandidatePairs, Evidence, Spellings, VerifiedPairs, pair_keys
from ..core.parallel import ParallelMap
from ..core.rules import MIN_PART, MIN_SKELETON
from ..core.settings import Settings
from ..core.sorted_arrays import inverse_permutation, is_in
from ..core.thresholds import Thresholds, lost
from ..core.verdicts import FORM, KEPT, LETTERS, NO_FIGURE, PUNCTUATION, RELATIONS, REWRITTEN, Verdict
from ..matching import kernels, views
from ..text.normalize import letter_table
from . import exact_duplicates, families, hubs, nearest, policies
from .witnesses import Preferences, edges, select_witnesses, without_hubs

COVER = 0.95  # share of a document that another must hold to cover it, whatever `max_lost` is


def same_letters(documents: Documents) -> NDArray[np.int32]:
    """Return int32[n_docs]: the first document with the same letters; a document set aside is its own."""
    n = len(documents)
    exact_group = np.arange(n, dtype=np.int32)
    docs = np.flatnonzero(documents.status == OK)
    if len(docs):
        one, other = documents.letters_hash[docs].T
        order = np.argsort(one)
        if (np.diff(one[order]) == 0)[np.diff(other[order]) != 0].any():  # next to never: 64 bits are equal
            order = np.lexsort((other, one))
        new = np.r_[True, (np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)]
        first = np.minimum.reduceat(order, np.flatnonzero(new))
        exact_group[docs[order]] = docs[first[np.cumsum(new) - 1]]
    return exact_group


def same_values(documents: Documents, spellings: Spellings) -> NDArray[np.int32]:
    """Return int32[n_docs]: the first document with the same letters, points, signs and operators."""
    return exact_duplicates.same_values(same_letters(documents), spellings)


def exact_groups(
    documents: Documents,
    known: Spellings,
    read: Callable[[NDArray[np.int32]], list[tuple[bytes, bytes] | None]],
    k: int,
    parallel_map: ParallelMap,
) -> tuple[Spellings, NDArray[np.int32]]:
    """Group documents by their letters and signs -> how those of equal letters are spelled, `same_values`.

    `read(docs)` gives the bytes and the UTF-8 text of documents; `known` spellings are not read again.
    """
    letters = same_letters(documents)
    several = exact_duplicates.spellings_of_several
    spellings = several(letters, known, read, letter_table(), k, parallel_map)
    return spellings, exact_duplicates.same_values(letters, spellings)


@dataclass(frozen=True)
class Decision:
    """The verdict, and the pairs it rests on."""

    verdict: Verdict
    pairs: VerifiedPairs  # that reach a threshold, or have equal letters; sorted
    relations: NDArray[np.int8]  # of the pairs
    first_witness: NDArray[np.int32] | None = None  # before skeletons of equal letters were compared


def thresholds(s: Settings) -> Thresholds:
    """Return the thresholds that settings ask for."""
    forms = RELATIONS[FORM] in parse_relations(s.relations)
    return Thresholds(
        *(s.min_jaccard, s.min_containment, MIN_PART, s.min_skeleton, MIN_SKELETON),
        *(s.min_aligned if s.noise == "on" else np.inf, s.max_lost, forms),
    )


def decide(
    s: Settings,
    sources: list[Source],
    documents: Documents,
    may_match: Callable[[CandidatePairs], NDArray[np.bool_]],
    exact_group: NDArray[np.int32],
    known: Evidence,
    verified: Callable[[CandidatePairs], VerifiedPairs],
    weight: NDArray[np.int64] | None = None,
) -> Decision:
    """Decide clusters, canonical documents, witnesses and relations from what was compared.

    The most preferred document of an exact group represents it.  Pairs that were never compared are verified
    on the way if `may_match` allows it.  Families are learned from the pairs known before.  `weight`
    int64[n_docs] is the size of each exact group, at its first document, where not all of it is here.
    """
    n, limits, rule = len(documents), thresholds(s), policies.parse_rule(s.prefer)
    slots, pairs, candidate = _judged(n, known, limits)
    drops = np.isin(np.arange(len(RELATIONS)), [RELATIONS.index(r) for r in parse_relations(s.relations)])
    weight = np.bincount(exact_group, minlength=n) if weight is None else weight
    good = without_hubs(pairs.where(limits.classify(pairs).reached), limits, n)
    facts = _facts(sources, documents, exact_group, weight, good, limits)
    rank, keys = policies.rank(rule, facts)
    representative = _best_of(exact_group, rank)[exact_group]
    equal, equal_kinds = exact_duplicates.pairs(representative, known.spellings)
    kind = np.full(n, PUNCTUATION, np.int8)
    kind[np.where(representative[equal.docs[:, 0]] == equal.docs[:, 1], *equal.docs.T)] = equal_kinds
    by_itself = (representative == np.arange(n)) | ~drops[kind]
    preferences = Preferences(exact_group, representative, by_itself, rank, keys, kind)

    def edges_of(good: VerifiedPairs) -> hubs.Edges:
        return edges(good, limits, drops, whole_for_part="cleanest" in dict(rule))

    def compared(missing: CandidatePairs) -> VerifiedPairs:
        return slots.judged(verified(CandidatePairs(missing.docs[may_match(missing)])))

    assigned = select_witnesses(preferences, pairs, limits, edges_of, compared)
    good, label, witness = assigned.good, assigned.label, assigned.witness
    own = _own_skeletons(good, limits, exact_group, witness, verified)
    first_witness = witness.copy()
    witness[own.lost] = own.lost
    found = limits.classify(pairs)
    forms = pairs.where(candidate & found.related & ~found.reached)
    both = VerifiedPairs.concatenated([good, equal, forms])
    order = np.argsort(pair_keys(both.docs))
    kinds = np.concatenate([limits.classify(good).relation, equal_kinds, limits.classify(forms).relation])
    family = families.numbered(forms.docs, label, exact_group)
    decided = _assembled(preferences, good, equal, label, witness, own, limits, family)
    return Decision(decided, both.where(order), kinds[order], first_witness)


def order_of_preference(
    s: Settings, sources: list[Source], documents: Documents, exact_group: NDArray[np.int32], known: Evidence
) -> NDArray[np.int64]:
    """Rank the documents of a run by its policies -> int64[n_docs], 0 for the most preferred of all."""
    n, limits = len(documents), thresholds(s)
    _, pairs, _ = _judged(n, known, limits)
    good = without_hubs(pairs.where(limits.classify(pairs).reached), limits, n)
    weight = np.bincount(exact_group, minlength=n)
    facts = _facts(sources, documents, exact_group, weight, good, limits)
    return policies.rank(policies.parse_rule(s.prefer), facts)[0]


def _judged(
    n: int, known: Evidence, limits: Thresholds
) -> tuple[families.Slots, VerifiedPairs, NDArray[np.bool_]]:
    """Compared pairs -> (the slots of forms, the pairs that say something, which were candidates)."""
    # a part is joined to its whole only if they share anchors, or shingles, that are no boilerplate
    found = limits.classify(known.pairs)
    sure = found.similar | found.apart | known.by_anchors | found.noisy_part
    slots = families.slots(n, known.pairs.where(sure & known.candidate & found.related))
    pairs = slots.judged(known.pairs.where(sure))
    return slots, nearest.judged(n, pairs, limits), known.candidate[sure]


def _assembled(
    preferences: Preferences,
    good: VerifiedPairs,
    equal: VerifiedPairs,
    label: NDArray[np.int32],
    witness: NDArray[np.int32],
    own: OwnSkeletons,
    limits: Thresholds,
    family: NDArray[np.int32],
) -> Verdict:
    """Return the verdict for clusters and witnesses int32[n_docs], with the figures to each witness."""
    n = len(label)
    row, docs = _rows(good, preferences.exact_group, witness)
    good = good.where(row)
    kind = preferences.kind.copy()
    found = limits.classify(good)
    kind[docs] = found.relation

    def figure(of_pair: NDArray[np.float64], else_: float = 1.0) -> NDArray[np.float64]:
        out = np.full(n, else_)
        out[docs] = of_pair
        return out

    skeleton_jaccard = figure(good.skeleton_jaccard, np.nan)
    skeleton_jaccard[kind != REWRITTEN] = np.nan
    skeleton_jaccard[own.docs] = own.skeleton_jaccard
    side = (preferences.exact_group[docs] > preferences.exact_group[witness[docs]]).astype(np.int64)
    decided_by, value, line = found.deciding
    deciding = np.full(n, LETTERS, np.int8)
    deciding[docs] = decided_by
    value = figure(value)
    value[own.docs] = own.skeleton_jaccard
    kind[witness == np.arange(n)] = KEPT
    deciding[kind == KEPT] = NO_FIGURE
    first = np.full(n, -1, np.int32)
    order = inverse_permutation(preferences.rank)[::-1]
    first[label[order]] = order  # the last write, of the most preferred document, wins
    size, witness_size = _sizes(good, equal, preferences.exact_group, witness)
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
        reason=policies.reasons(label, preferences.rank, preferences.keys),
        family=family,
    )


@dataclass(frozen=True)
class OwnSkeletons:
    """Documents dropped as rewritten because another one with the same letters is; with their own figures."""

    docs: NDArray[np.int64]
    skeleton_jaccard: NDArray[np.float64]
    lost: NDArray[np.int64]  # those whose own skeleton does not reach the threshold


def _own_skeletons(
    pairs: VerifiedPairs,
    limits: Thresholds,
    exact_group: NDArray[np.int32],
    witness: NDArray[np.int32],
    verified: Callable[[CandidatePairs], VerifiedPairs],
) -> OwnSkeletons:
    """Compare the skeletons of documents whose representative was found rewritten.

    Documents with equal letters may split into different words, so a skeleton match with one does not apply
    to the others.
    """
    row, docs = _rows(pairs, exact_group, witness)
    borrowed = (docs != exact_group[docs]) | (witness[docs] != exact_group[witness[docs]])
    docs = docs[borrowed & (limits.classify(pairs).relation[row] == REWRITTEN)]
    beside = np.stack([docs, witness[docs]], axis=1).astype(np.int32)
    own = verified(CandidatePairs.of(beside))
    found = limits.classify(own)
    own = own.where(found.rewritten & found.reached)
    good = is_in(pair_keys(beside), pair_keys(own.docs))
    at = np.searchsorted(pair_keys(own.docs), pair_keys(beside[good]))
    return OwnSkeletons(docs[good], own.skeleton_jaccard[at], docs[~good])


def parse_relations(relations: str) -> list[str]:
    """Parse the relations that drop a document, `"identical,case"`; raise BadSetting for an unknown one.

    `"+form"` and `"-near"` change the default set.

    >>> parse_relations("+form,-near,-rewritten")
    ['identical', 'encoding', 'whitespace', 'case', 'punctuation', 'scanned', 'contained', 'form']
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
    exact_group: NDArray[np.int32],
    weight: NDArray[np.int64],
    good: VerifiedPairs,
    limits: Thresholds,
) -> policies.Facts:
    """Return what the policies look at; documents with the same letters contain each other."""
    n = len(documents)
    strict = replace(limits, max_lost=min(limits.max_lost, 1 - COVER))
    holds, held = hubs.holds(n, hubs.allowed(good.docs, *strict.classify(good).held), weight)
    n_cleaner = np.zeros(n, np.int64)
    for side, is_cleaner in zip((1, 0), cleaner(good), strict=True):
        np.add.at(n_cleaner, good.docs[is_cleaner, side], 1)
    times = np.array([s.mtime_ns for s in sources], np.int64)[documents.source]
    paths = np.array([s.path for s in sources], object)[documents.source].tolist()
    return policies.Facts(
        *(documents, holds[exact_group] + weight[exact_group], held[exact_group], n_cleaner[exact_group]),
        *(times, paths),
    )


def may_match(
    s: Settings,
    documents: Documents,
    signatures: Callable[[], Signatures],
    allowed_pairs: NDArray[np.int64] | None = None,
) -> Callable[[CandidatePairs], NDArray[np.bool_]]:
    """Return a test of pairs, bool[n]: whether one document may be dropped for the other.

    It is false where signatures and lengths rule that out.  The overlap and the containment follow from
    the lengths and the estimated Jaccard, to which five standard errors are added.  With `allowed_pairs`
    (pair_keys) it is false for all other pairs, and signatures are loaded for those only.
    """

    def allowed(pairs: CandidatePairs) -> NDArray[np.bool_]:
        if allowed_pairs is not None:
            out = is_in(pair_keys(pairs.docs), allowed_pairs)
            if out.any():
                out[out] = estimated(CandidatePairs(pairs.docs[out]))
            return out
        return estimated(pairs)

    def estimated(pairs: CandidatePairs) -> NDArray[np.bool_]:
        signed = signatures()
        out = np.zeros(len(pairs), np.bool_)
        for view in views.VIEWS:
            matching, sizes = kernels.matches(view.signatures(signed), pairs.docs), view.sizes(documents)
            both = sizes[pairs.docs].T
            out |= (both.min(axis=0) >= view.least) & (matching >= view.min_matching(s, both))
            if view == views.LETTERS:
                out |= rules.max_containment(matching, both, s.num_perm, s.sample) >= s.min_containment
        signed.release_pages()
        return out

    return allowed


def _best_of(exact_group: NDArray[np.int32], rank: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return int32[n_docs]: the most preferred document of each exact group, at its first document."""
    best = np.arange(len(exact_group), dtype=np.int32)
    order = inverse_permutation(rank)[::-1]
    best[exact_group[order]] = order
    return best


def _rows(
    pairs: VerifiedPairs, exact_group: NDArray[np.int32], witness: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (row of the pair, document) for each document whose letters differ from those of its witness."""
    docs = np.flatnonzero(exact_group != exact_group[witness])
    beside = np.stack([exact_group[docs], exact_group[witness[docs]]], axis=1)
    return np.searchsorted(pair_keys(pairs.docs), pair_keys(beside)), docs


def _sizes(
    pairs: VerifiedPairs,
    equal: VerifiedPairs,
    exact_group: NDArray[np.int32],
    witness: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return int64[n_docs] each: shingles of a dropped document and of its witness; 0 where it is kept."""
    n = len(exact_group)
    size = np.zeros(n, np.int64)
    size[exact_group[equal.docs]] = equal.size_left[:, None]
    size[pairs.docs[:, 0]], size[pairs.docs[:, 1]] = pairs.size_left, pairs.size_right
    dropped = witness != np.arange(n)
    return np.where(dropped, size[exact_group], 0), np.where(dropped, size[exact_group[witness]], 0)


def check(done: Decision, exact_group: NDArray[np.int32], documents: Documents, limits: Thresholds) -> None:
    """Raise Broken unless every dropped document has a kept witness and figures that reach a threshold."""
    v, everyone = done.verdict, np.arange(len(documents))
    dropped = v.witness != everyone
    chained = dropped & (v.witness[v.witness] != v.witness)
    apart = v.cluster[v.witness] != v.cluster
    aside = (documents.status != OK) & ((v.cluster != everyone) | dropped)
    good = done.pairs.where(limits.classify(done.pairs).reached)
    row, docs = _rows(good, exact_group, v.witness)
    unproved = np.zeros(len(documents), np.bool_)
    left, right = (
        np.minimum(exact_group[docs], exact_group[v.witness[docs]]),
        np.maximum(exact_group[docs], exact_group[v.witness[docs]]),
    )
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
