"""What is found from the last run is what is found from nothing, bit for bit."""

import dataclasses
import random
from unittest import mock

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.core.features import Anchors, Banding
from dedup.matching import boilerplate as plain_boilerplate
from dedup.matching import containment as plain_containment
from dedup.matching.bands import candidate_pairs
from dedup.matching.containment import SharedAnchors
from dedup.matching.update import bands, boilerplate, containment
from dedup.matching.update.delta import Change, PreviousRun
from dedup.matching.update.posting_lists import RunAnchors
from dedup.matching.update.state import CandidateState

from ..examples import examples


def change_of(then, now):
    """The documents of two runs -> the change."""
    old, new = ({name: i for i, (name, _, _) in enumerate(run)} for run in (then, now))
    old_doc = np.array([old.get(name, -1) for name, _, _ in now], np.int32)
    new_doc = np.array([new.get(name, -1) for name, _, _ in then], np.int32)
    return Change(old_doc, new_doc, looked_at(now), looked_at(then))


def looked_at(run):
    return np.array([flag for _, flag, _ in run], np.bool_)


def two_runs(chance, n):
    """Documents of two runs, (name, looked at, number of its group), of which most are in both."""
    n_groups = chance.choice([3, n // 3 + 1, n + 1])
    there = {name: [chance.random() < 0.9, chance.randrange(n_groups)] for name in range(n)}
    runs = []
    for _ in range(2):
        runs.append([(name, *there[name]) for name in sorted(there) if chance.random() < 0.95])
        for name in chance.sample(range(n), min(n, chance.randint(0, 3))):
            there[name] = [chance.random() < 0.7, chance.randrange(n_groups)]
    return runs


chances = st.integers(0, 2**32).map(random.Random)


@examples(150)
@given(chances, st.integers(0, 40), st.integers(0, 2))
def test_pairs_by_bands_from_the_last_run_are_those_from_nothing(chance, n, n_values):
    row = {name: [chance.randint(0, n_values) * 2**29 for _ in range(6)] for name in range(n)}
    runs = two_runs(chance, n)
    change = change_of(*runs)
    columns = np.array([[0, 1], [2, 3], [4, 5], [0, 3]], np.int32)
    banding = Banding(columns, 1.0)

    def least(pairs):
        return np.full(len(pairs), 3)

    signed = [np.array([row[n] for n, _, _ in run], np.uint32).reshape(-1, 6) for run in runs]
    docs = [np.flatnonzero(looked_at(run)).astype(np.int32) for run in runs]
    whole = [candidate_pairs(*facts, banding, least, map).docs for facts in zip(signed, docs, strict=True)]
    found = bands.candidate_pairs(*signed, change, whole[0], banding, least, map)
    assert found.tolist() == whole[1].tolist()


def some_anchors(chance, n, length):
    """Name -> the anchors of a document: stretches that many have, and some of its own."""
    stretches = [[chance.randint(1, 9) for _ in range(chance.randint(3, 6))] for _ in range(4)]
    out = {}
    for name in range(n):
        parts = [chance.choice(stretches) for _ in range(chance.randint(0, 3))]
        own = [chance.randint(10, 10 + 3 * n) for _ in range(chance.randint(0, length))]
        parts.insert(chance.randint(0, len(parts)), own)
        out[name] = [h for part in parts for h in part]
    return out


def anchors_of(hashes, run):
    """Anchors 40 letters apart."""
    flat = [h * 0x9E3779B97F4A7C15 % 2**64 for name, _, _ in run for h in hashes[name]]
    place = [40 * i for name, _, _ in run for i in range(len(hashes[name]))]
    start = np.cumsum([0] + [len(hashes[name]) for name, _, _ in run]).astype(np.int64)
    return Anchors(np.array(flat, np.uint64), np.array(place, np.int32), start)


def groups_of(run):
    """The group of each document: the first of those looked at with the same number, else itself."""
    out, first = np.arange(len(run), dtype=np.int32), {}
    for i, (_, looked, number) in enumerate(run):
        if looked:
            out[i] = first.setdefault(number, i)
    return out


def previous_run(steps, anchors, spans):
    return PreviousRun(steps, None, None, anchors, spans)


def steps_of(found, mine, **rest):
    none = np.zeros(0, np.int32)
    given = {
        "pairs": none.reshape(0, 2),
        "shared": none.reshape(0, 2),
        "flags": none.astype(np.uint8),
        "n_sampled": none,
        **rest,
    }
    counts = {"n_anchors": found.n_anchors.astype(np.int32), "n_left": found.n_left.astype(np.int32)}
    return CandidateState(mine=mine, boilerplate=found.bits, **counts, **vars(found.known), **given)


@examples(150)
@given(chances, st.integers(0, 30), st.integers(0, 4), st.integers(1, 200))
def test_boilerplate_from_the_last_run_is_that_from_nothing(chance, n, max_holders, own_run):
    hashes, (then, now) = some_anchors(chance, n, 5), two_runs(chance, n)
    change = change_of(then, now)
    anchors, groups = (
        [anchors_of(hashes, run) for run in (then, now)],
        [groups_of(run) for run in (then, now)],
    )
    whole = [
        plain_boilerplate.boilerplate(a, looked_at(run), g, max_holders, own_run)
        for a, run, g in zip(anchors, (then, now), groups, strict=True)
    ]
    before = previous_run(steps_of(whole[0], looked_at(then)), anchors[0], whole[0].spans)
    regrouped = change.regrouped(*groups)
    passages = boilerplate.passages_in(anchors[1], groups[1], max_holders, map)
    found, changed = boilerplate.boilerplate(before, passages, change, regrouped, own_run)
    for name in ("common", "frames", "owning"):
        assert getattr(found.known, name).tolist() == getattr(whole[1].known, name).tolist(), name
    assert found.bits.tolist() == whole[1].bits.tolist()
    assert found.n_anchors.tolist() == whole[1].n_anchors.tolist()
    assert found.n_left.tolist() == whole[1].n_left.tolist()
    for name in ("start", "end", "indptr"):
        assert getattr(found.spans, name).tolist() == getattr(whole[1].spans, name).tolist()


@examples(150)
@given(chances, st.integers(0, 30), st.integers(1, 8), st.integers(1, 6), st.integers(1, 3))
@example(random.Random(472552), 3, 2, 1, 1)  # two documents of many anchors, none of them in the sample
def test_parts_and_wholes_from_the_last_run_are_those_from_nothing(chance, n, most_groups, of_group, pairs):
    few = chance.choice([5, 8, 100])
    hashes, (then, now) = some_anchors(chance, n, 8), two_runs(chance, n)
    share = chance.choice([0.1, 0.25, 0.5])
    limits = {"MAX_GROUPS": most_groups, "DOCS_OF_GROUP": of_group, "PAIRS_WITH_GROUP": pairs}
    with (
        mock.patch.multiple(plain_containment, FEW_ANCHORS=few, SAMPLED=2, **limits),
        mock.patch.object(containment, "PAIRS_OF_LIST", chance.choice([0, 30, 1000])),
    ):
        sides, whole = [], []
        for run in (then, now):
            anchors, mine, group = anchors_of(hashes, run), looked_at(run), groups_of(run)
            known = plain_boilerplate.boilerplate(anchors, mine, group, 3, 100)
            shared = SharedAnchors.of(anchors, mine, known, group)
            sides.append(RunAnchors(anchors, known, group, shared.n_sampled, min_share=share))
            whole.append(shared.pairs(share, map))
        change = change_of(then, now)
        docs, old = np.flatnonzero(change.unchanged), change.old_doc[change.unchanged]
        changed = change.regrouped(sides[0].group, sides[1].group)
        for a, b in zip(docs.tolist(), old.tolist(), strict=True):
            changed[a] |= (
                sides[1].rows(np.array([a])).hash.tolist() != sides[0].rows(np.array([b])).hash.tolist()
            )
        blank = dataclasses.replace(sides[1], n_sampled=np.zeros(0, np.int64))
        sampled = blank.sampled(sides[0].n_sampled, change, changed)
        assert sampled.tolist() == sides[1].n_sampled.tolist()
        then = change.but(changed)
        found = containment.directed(*sides, then, whole[0], containment.Most(n, 10**9))
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, whole[1].tolist()))


def test_a_text_with_just_enough_letters_of_its_own_differs_otherwise():
    hashes = np.arange(3, dtype=np.uint64) << 40
    anchors = Anchors(hashes, np.array([10, 50, 109], np.int32), np.array([0, 3]))
    everyone, group = np.ones(1, np.bool_), np.zeros(1, np.int32)

    def differs(own_run):
        return plain_boilerplate.boilerplate(anchors, everyone, group, 12, own_run).known.owning.tolist()

    assert (differs(100), differs(101)) == ([True], [False])


def test_documents_of_a_group_that_has_grown_or_shrunk_are_regrouped():
    docs, everyone = np.arange(3, dtype=np.int32), np.ones(3, np.bool_)
    change = Change(docs, docs, everyone, everyone)
    alone, together = np.array([0, 1, 2], np.int32), np.array([0, 0, 2], np.int32)
    assert change.regrouped(alone, together).tolist() == [True, True, False]
    assert change.regrouped(together, alone).tolist() == [True, True, False]
    assert change.regrouped(together, together).tolist() == [False, False, False]
