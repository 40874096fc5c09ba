"""No rule hangs on which of two documents comes first, nor on their names."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup import Document
from dedup.clustering import hubs
from dedup.text.normalize import letters

from ..conftest import ALIKE_ALONE
from ..examples import examples
from ..repetitive import lines, word


def overlapping(chance):
    """Texts of the same pieces in other orders, with words exchanged or cut, no two of one length."""
    words = [word(chance) for _ in range(chance.choice([40, 400]))]
    pieces = [" ".join(chance.choices(words, k=chance.randint(5, 60))) for _ in range(chance.randint(2, 7))]
    out = []
    for _ in range(chance.randint(2, 8)):
        some = chance.sample(pieces, chance.randint(1, len(pieces)))
        some += some[:1] * chance.choice([0, 0, 1, 3])
        text, odds = ". ".join(some).split(" "), chance.choice([0, 0.02, 0.1])
        text = [chance.choice(words) if chance.random() < odds else w for w in text]
        if chance.random() < 0.2:
            text = [w[: chance.randint(3, 9)] for w in text]
        out.append(" ".join(text))
    return list({len(letters(text)): text for text in out}.values())


def outcome(documents, **values):
    """Clusters, and who is dropped for whom and why, by name."""
    run = dedup.scan_texts(documents, **values)
    clusters = sorted(sorted(m.path for m in c.members) for c in run.clusters)
    return clusters, sorted((m.path, m.witness, m.relation, m.figure, m.value, m.lost) for m in run.drop())


VALUES = {
    "min_jaccard": st.sampled_from([0.3, 0.5, 0.7, 0.9]),
    "min_containment": st.sampled_from([0.5, 0.6, 0.8, 0.95]),
    "min_skeleton": st.sampled_from([0.2, 0.3, 0.6]),
    "max_lost": st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    "boilerplate": st.sampled_from(["on", "off"]),
    "relations": st.sampled_from(["+form", "-near", "contained,near"]),
    "prefer": st.sampled_from(["fullest,longest", "longest", "shortest", "cleanest,shortest"]),
}


@examples(60)
@given(st.integers(0, 2**32).map(random.Random), st.fixed_dictionaries(VALUES))
def test_names_and_order_decide_nothing_where_the_policy_does(chance, values):
    texts = overlapping(chance)
    names = [f"d{i}" for i in range(len(texts))]
    documents = [Document(text, name) for text, name in zip(texts, names, strict=True)]
    first = outcome(documents, **values)
    assert outcome(chance.sample(documents, len(documents)), **values) == first
    assert outcome(documents[::-1], **values) == first


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_a_part_goes_with_the_whole_it_is_most_like_wherever_that_stands(order, turn):
    """Documents: a part, a whole near to it with a copy, and a far one."""
    part, whole, copy, far = order
    alike = np.array([True, False, False])
    docs = np.array([(whole, copy), (part, whole), (part, far)], np.int32)
    docs = docs[:, ::-1].copy() if turn else docs
    left = np.array([False, not turn, not turn])
    for near, others, bound in (
        ([0.9, 0.5, 0.4], [0, 0, 0], [True, True, False]),
        ([0.9, 0.5, 0.5], [0, 0.1, 0.2], [True, False, True]),
        ([0.9, 0.5, 0.5], [0, 0.1, 0.1], [True, True, True]),  # nothing but their order tells them apart
    ):
        found = hubs.binding(4, docs, alike, left, (np.array(near), np.array(others)), 3)
        assert found.tolist() == bound
    assert hubs.binding(4, docs, alike, left, (np.zeros(3),), 1).tolist() == [True, False, False]


def test_a_post_in_two_pages_that_nothing_tells_apart_goes_whatever_their_names():
    chance = random.Random(1)
    words = sorted({word(chance) for _ in range(4000)})
    fives = [w for w in words if len(w) == 6]
    post = " ".join(lines(chance, 12, words))
    pages = [" ".join([post, *chance.sample(fives, 60)]) for _ in range(2)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        documents = [Document([post, *pages][i], str(i)) for i in order]
        assert [m.path for m in dedup.scan_texts(documents).drop()] == ["0"]


def test_a_stricter_line_may_drop_what_a_milder_one_kept_and_each_drop_is_held_at_that_line():
    """The second goes for the first, and the third stays; where the second stays, the third goes for it."""
    chance = random.Random(2)
    words = [word(chance) for _ in range(8000)]
    x, y, y2, z = (" ".join(chance.sample(words, 5 * n)) for n in (20, 20, 40, 20))
    texts = [f"{x} {y} {y2}", f"{y} {y2} {z}", f"{y2} {z}"]
    settings = {"prefer": "first", **ALIKE_ALONE}
    assert dedup.scan_texts(texts, **settings, min_jaccard=0.5).keep() == ["1", "3"]
    stricter = dedup.scan_texts(texts, **settings, min_jaccard=0.7)
    assert stricter.keep() == ["1", "2"]
    assert all(m.value >= m.line for m in stricter.drop())


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
@pytest.mark.parametrize("turn", [False, True])
def test_lists_of_headlines_that_are_alike_do_not_join_the_pages_that_hold_them(order, turn):
    """Documents: two lists, alike by nine tenths of one and three quarters of the other; the page of each."""
    one, other, page, second = order
    docs = np.array([(one, other), (one, page), (other, second)], np.int32)
    part = np.array([[False, False], [True, False], [True, False]])
    share = np.array([[0.9, 0.75], [0.98, 0.3], [0.97, 0.3]])
    if turn:
        docs, part, share = (x[:, ::-1].copy() for x in (docs, part, share))
    assert hubs.torn(4, docs, part, share, 0.8).tolist() == [True, False, False]
    group_equal = np.vstack([docs, [(page, second)]]).astype(np.int32)  # the pages are alike as well
    also = np.vstack([part, [[False, False]]]), np.vstack([share, [[0.6, 0.6]]])
    assert not hubs.torn(4, group_equal, *also, 0.8).any()
    better = np.where(share == 0.75, 0.85, share)  # each list holds the other by the line
    assert not hubs.torn(4, docs, part, better, 0.8).any()
