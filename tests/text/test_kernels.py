"""The compiled kernels equal the plain definitions, on generated and on hostile text."""

import itertools
import unicodedata
from unittest import mock

import mmh3
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.core import rules
from dedup.core import sorted_arrays as keys_module
from dedup.core.components import connected_components
from dedup.core.features import Anchors, Spans
from dedup.core.hashing import BASE
from dedup.core.pairs import CandidatePairs
from dedup.core.sorted_arrays import group_equal
from dedup.matching import boilerplate, containment
from dedup.matching import kernels as matching_kernels
from dedup.text import kernels as text_kernels
from dedup.text import minhash, normalize, shingle, skeleton, winnowing

from ..examples import examples

TABLE = normalize.letter_table()
NUM_PERM = 20
A, B = minhash.permutations(NUM_PERM, seed=1)

HOSTILE = [
    "",
    " \n\t",
    "a",
    "abcdefg",
    "abcdefgh",
    "ﷺ" * 40,  # one code point, eighteen letters
    "aaaaaaaaaaaaaaaaaaaaaaaa" * 30,
    "e\u0301\u0301\u0301" * 50,
    "가각힣" * 9,
    "\u0130\u0131ß\u1e9eﬃ½Å①Ⅻ",
    "\ufeff\u200b\u00ad\u202e\x00\x1b[31m",
    "\U0001f600\U0001d400\U00010400\U000e0041\U0010ffff",
    "日本語のテキスト、漢字かな交じり文。" * 8,
    "Ca n't stop -- WON'T stop. " * 500,
    "Cafe\u0301 e\u0301tages hy\u00adphen Straße ไทยภาษา кошками Αθήνα हिन्दी भाषाओं עברית العربية 한국어문서 "
    * 9,
]
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300)
words = st.lists(
    st.sampled_from(
        ["the", "quick", "brown", "fox", "jumps", "over", "THE", "lazy", "dog's", "back", "can't", "won't"]
    ),
    max_size=900,
)
any_text = st.one_of(texts, words.map(" ".join), st.sampled_from(HOSTILE))
shingle_lengths = st.integers(2, 13)


def packed(items):
    data = [t.encode() for t in items]
    buffer = np.frombuffer(b"".join(data) or b"\0", np.uint8)
    return buffer, np.cumsum([0] + [len(d) for d in data]).astype(np.int64)


def letters_by_table(text):
    out = []
    for char in text:
        v = int(TABLE.value[ord(char)])
        out += [v] if v > 0 else TABLE.pool[TABLE.starts[-v] : TABLE.starts[-v + 1]].tolist() if v else []
    return "".join(map(chr, out))


def skeleton_by_table(text):
    """The plain skeleton, but for characters that the shipped table and this Python class differently."""
    known = "".join(c for c in text if unicodedata.category(c) != "Cn" or TABLE.value[ord(c)] == 0)
    return skeleton.skeleton_hashes(known)


def sign(items, k, window, sample=2**40):
    return text_kernels.sign_texts(*packed(items), TABLE, k, window, A, B, sample)


@examples(60)
@given(
    st.lists(any_text, min_size=1, max_size=4),
    shingle_lengths,
    st.integers(2, 40),
    st.sampled_from([1, 7, 100, 2**40]),
)
@example(HOSTILE, 8, 16, 100)
@example([HOSTILE[-1] * 3], 8, 32, 64)
def test_one_pass_equals_the_plain_definitions(items, k, window, sample):
    signatures, skeletons, counts, letters_hash, anchor_hash, anchor_text, anchor_place = sign(
        items, k, window, sample
    )
    for i, text in enumerate(items):
        skeleton_shingles = skeleton_by_table(text)
        assert counts[i, 3] == len(skeleton_shingles)
        assert np.array_equal(skeletons[i], minhash.signature(skeleton_shingles, NUM_PERM, 1))
        plain = letters_by_table(text)
        hashes = shingle.shingle_hashes(plain, k)
        assert counts[i, 0] == len(plain)
        assert tuple(map(int, letters_hash[i])) == shingle.letters_hash(plain)
        smallest = minhash.smallest(hashes, sample)
        assert np.array_equal(signatures[i], minhash.signature(smallest, NUM_PERM, 1))
        places = winnowing.winnow(hashes, window)
        mine = anchor_text == i
        assert anchor_place[mine].tolist() == places
        assert anchor_hash[mine].tolist() == hashes[places].tolist()


@examples(60)
@given(st.lists(any_text, min_size=1, max_size=4), shingle_lengths)
@example(HOSTILE, 8)
def test_shingle_sets_equal_sets_of_plain_shingle_hashes(items, k):
    hashes, indptr = matching_kernels.shingle_sets(*packed(items), TABLE, k)
    for i, text in enumerate(items):
        expected = sorted({int(h) for h in shingle.shingle_hashes(letters_by_table(text), k)})
        assert hashes[indptr[i] : indptr[i + 1]].tolist() == expected
    hashes, indptr = matching_kernels.skeleton_sets(*packed(items), TABLE)
    for i, text in enumerate(items):
        assert hashes[indptr[i] : indptr[i + 1]].tolist() == sorted(set(skeleton_by_table(text).tolist()))


@pytest.mark.parametrize("segment_edge", range(-3, 4))
def test_a_text_longer_than_a_segment_has_the_same_letters_hash_shingles_and_anchors(segment_edge):
    rng = np.random.default_rng(segment_edge + 3)
    text = "".join(
        rng.choice(list("abcdefghijklmnopqrstuvwxyz 日本ß"), 2 * text_kernels.SEGMENT + segment_edge)
    )
    signatures, skeletons, counts, letters_hash, anchor_hash, _, places = sign([text], 8, 24)
    plain = letters_by_table(text)
    hashes = shingle.shingle_hashes(plain, 8)
    assert counts[0, 0] == len(plain)
    assert tuple(map(int, letters_hash[0])) == shingle.letters_hash(plain)
    assert np.array_equal(signatures[0], minhash.signature(hashes, NUM_PERM, 1))
    assert places.tolist() == winnowing.winnow(hashes, 24)
    assert anchor_hash.tolist() == hashes[places].tolist()
    skeleton_shingles = skeleton_by_table(text)
    assert np.array_equal(skeletons[0], minhash.signature(skeleton_shingles, NUM_PERM, 1))
    assert matching_kernels.skeleton_sets(*packed([text]), TABLE)[0].tolist() == sorted(
        set(skeleton_shingles.tolist())
    )
    sets, _ = matching_kernels.shingle_sets(*packed([text]), TABLE, 8)
    assert sets.tolist() == sorted(set(hashes.tolist()))


RNG = np.random.default_rng(9)
LONG = {
    "random": "".join(RNG.choice(list("abcdefghijklmnop qrstuvwxyz"), 60_000)),
    "one letter": "a" * 40_000,
    "a sentence again and again": "It says the same thing once more, and then again. " * 1000,
    "few letters first, then many": ". " * 9000 + "".join(RNG.choice(list("abcdefgh"), 30_000)),
    "many letters first, then few": "".join(RNG.choice(list("abcdefgh"), 3000)) + "abc, " * 9000,
    "two scripts": "".join(RNG.choice(list("abcd "), 9000)) + "".join(RNG.choice(list("日本語漢字"), 9000)),
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("sample", [64, 512, 2**40])
def test_a_long_text_is_signed_by_its_smallest_different_hashes(name, sample):
    hashes = shingle.shingle_hashes(letters_by_table(LONG[name]), 8)
    signed = sign(["before", LONG[name], "after"], 8, 24, sample)
    expected = minhash.signature(minhash.smallest(hashes, sample), NUM_PERM, 1)
    assert np.array_equal(signed.signatures[1], expected)
    mine = signed.anchor_text == 1
    assert signed.anchor_place[mine].tolist() == winnowing.winnow(hashes, 24)
    assert len(set(signed.anchor_text.tolist())) == 3


@examples(60)
@given(st.binary(max_size=200))
def test_broken_utf8_stays_within_its_text(data):
    buffer = np.frombuffer(data + b"letters", np.uint8)
    starts = np.array([0, len(data), len(buffer)], np.int64)
    counts = text_kernels.sign_texts(buffer, starts, TABLE, 8, 16, A, B, 512).counts
    assert counts[1, 0] == 7


@examples(60)
@given(any_text)
def test_letters_hash_is_murmurhash3_x64_128(text):
    h1, h2 = shingle.letters_hash(text)
    assert (h1, h2) == mmh3.hash64(text.encode("utf-16-le"), seed=0, signed=False)


@examples(60)
@given(any_text)
def test_upper_case_and_punctuation_are_counted(text):
    counts = sign([text], 8, 0).counts[0]
    assigned = [c for c in text if TABLE.flags[ord(c)] or unicodedata.category(c) != "Cn"]
    categories = [unicodedata.category(c) for c in assigned]
    assert counts[1] == sum(c in ("Lu", "Lt") for c in categories)
    assert counts[2] == sum(c[0] == "P" for c in categories)


@examples(60)
@given(st.lists(st.sets(st.integers(0, 2**64 - 1), max_size=30), min_size=2, max_size=6))
def test_overlaps_equal_python_sets(sets):
    hashes = np.array([h for s in sets for h in sorted(s)], np.uint64)
    indptr = np.cumsum([0] + [len(s) for s in sets]).astype(np.int64)
    pairs = np.array([(i, j) for i in range(len(sets)) for j in range(i)], np.int32)
    got = matching_kernels.overlaps(hashes, indptr, pairs)
    for (i, j), row in zip(pairs, got, strict=True):
        assert row.tolist() == [len(sets[i] & sets[j]), len(sets[i]), len(sets[j])]


@examples(60)
@given(st.lists(st.integers(0, 5), max_size=60), st.integers(2, 8))
def test_bucket_pairs_join_every_bucket_and_are_all_pairs_of_a_small_one(values, full):
    keys = np.sort(np.array(values, np.uint64))
    docs = np.arange(len(keys), dtype=np.int32)
    pairs = {tuple(p) for p in matching_kernels.bucket_pairs(keys, docs, full).tolist()}
    for key in set(values):
        members = docs[keys == key].tolist()
        inside = {p for p in pairs if p[0] in members}
        assert inside <= {(a, b) for a in members for b in members if a < b}
        if len(members) <= full:
            assert len(inside) == len(members) * (len(members) - 1) // 2
        else:
            assert inside == {(members[0], b) for b in members[1:]} | set(
                zip(members, members[1:], strict=False)
            )


@examples(60)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
def test_components_are_the_smallest_node_that_can_be_reached(edges):
    label = connected_components(20, np.array(edges, np.int32).reshape(-1, 2))
    reach = {i: {i} for i in range(20)}
    for _ in range(20):
        for a, b in edges:
            reach[a] = reach[b] = reach[a] | reach[b]
            for c in list(reach[a]):
                reach[c] = reach[a]
    assert label.tolist() == [min(reach[i]) for i in range(20)]


@examples(60)
@given(st.lists(st.integers(0, 3) | st.integers(0, 1 << 62), max_size=60))
def test_equal_keys_are_put_together_in_the_order_they_had(values):
    values = [*values, *values[::2]]
    keys = np.array(values, np.uint64)
    order, ordered = group_equal(keys)
    assert sorted(order.tolist()) == list(range(len(keys)))
    assert ordered.tolist() == keys[order].tolist()
    runs = [list(run) for _, run in itertools.groupby(order.tolist(), key=lambda i: values[i])]
    assert len(runs) == len(set(values))
    assert all(run == sorted(run) for run in runs)


def test_keys_whose_bits_are_alike_are_told_apart(monkeypatch):
    monkeypatch.setattr(keys_module, "_SPREAD", np.uint64(1))  # so that the lowest bits count for nothing
    keys = np.array([5, 7, 5, 6, 7, 1 << 40, 5], np.uint64)
    assert [len(list(run)) for _, run in itertools.groupby(group_equal(keys)[1].tolist())] == [3, 1, 2, 1]


@examples(60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 19), st.booleans()), max_size=80), st.data())
def test_postings_are_those_of_hashes_in_few_groups(rows, data):
    most, few = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    group = np.array(data.draw(st.lists(st.integers(0, 7), min_size=20, max_size=20)), np.int32)
    rows = sorted(rows, key=lambda row: row[0])
    hashes, docs, sure = (
        (np.array(column) for column in zip(*rows, strict=True)) if rows else [np.zeros(0)] * 3
    )
    found = matching_kernels.postings(
        hashes.astype(np.uint64), docs.astype(np.int32), sure.astype(np.bool_), group, most, few
    )
    sizes, got, first, at = (column.tolist() for column in found)
    want = {}
    for h, of_hash in itertools.groupby(rows, key=lambda row: row[0]):
        of_hash = list(of_hash)
        some = sorted({(int(group[d]), d) for _, d, _ in of_hash})
        if any(s for _, _, s in of_hash) and 2 <= len({g for g, _ in some}) <= most:
            want[h] = [(d, sum(g == other for other, _ in some[:i]) < few) for i, (g, d) in enumerate(some)]
    assert [rows[i][0] for i in at] == list(want)
    assert list(zip(got, first, strict=True)) == [
        posting for postings in want.values() for posting in postings
    ]
    assert sizes == [len(postings) for postings in want.values()]


@examples(60)
@given(
    st.lists(st.lists(st.integers(0, 12), max_size=24), min_size=1, max_size=8),
    st.sampled_from([0.3, 0.5, 0.8]),
)
def test_containment_candidates_equal_the_plain_count_of_different_anchors(anchors_of_doc, min_share):
    n = len(anchors_of_doc)
    flat = [a for anchors in anchors_of_doc for a in anchors]
    start = np.cumsum([0] + [len(anchors) for anchors in anchors_of_doc])
    anchors = Anchors(np.array(flat, np.uint64), np.zeros(len(flat), np.int32), start)
    group = np.arange(n, dtype=np.int32) // 2
    sets = [set(of_doc) for of_doc in anchors_of_doc]
    fewer = [[min(len(a), len(b)) for b in sets] for a in sets]
    expected = [
        [i, j]
        for i in range(n)
        for j in range(i + 1, n)
        if i // 2 != j // 2
        and sets[i] & sets[j]
        and len(sets[i] & sets[j]) >= max(min(2, fewer[i][j]), min_share * fewer[i][j])
    ]
    mine = np.ones(n, np.bool_)
    none = boilerplate.no_boilerplate(anchors, mine)
    found = containment.SharedAnchors.of(anchors, mine, none, group).pairs(min_share, map)
    assert CandidatePairs.of(found[:, :2]).docs.tolist() == expected


@examples(60)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 12) | st.integers(2**63, 2**63 + 9), st.booleans()), max_size=90),
        min_size=2,
        max_size=5,
    )
)
def test_what_two_documents_share_besides_boilerplate_is_counted(anchors_of_doc):
    n = len(anchors_of_doc)
    flat = np.array([h for doc in anchors_of_doc for h, _ in doc], np.uint64)
    flags = np.array([flag for doc in anchors_of_doc for _, flag in doc], np.bool_)
    starts = np.r_[0, np.cumsum([len(doc) for doc in anchors_of_doc])].astype(np.int64)
    anchors = Anchors(flat, np.zeros(len(flat), np.int32), starts)
    bits = np.r_[np.packbits(flags, bitorder="little"), 0].astype(np.uint8)
    known = boilerplate.marked(anchors, np.ones(n, np.bool_), bits)
    every = [len({h for h, _ in doc}) for doc in anchors_of_doc]
    assert known.n_anchors.tolist() == every
    assert known.n_left.tolist() == [len({h for h, flag in doc if not flag}) for doc in anchors_of_doc]
    wanted = np.arange(n) != 2
    pairs = np.array(list(itertools.combinations(range(n), 2)), np.int32)
    own = [
        {h for h, flag in doc if not flag and h % 2**32} if i != 2 else set()
        for i, doc in enumerate(anchors_of_doc)
    ]
    plain = [sum(h % 2**32 in {x % 2**32 for x in own[a]} for h in own[b]) for a, b in pairs.tolist()]
    assert (
        matching_kernels.shared_own(*boilerplate.own_anchors(anchors, wanted, known), pairs).tolist() == plain
    )


@examples(60)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9), max_size=60), st.integers(1, 15))
def test_what_was_counted_often_enough_is_never_missed(values, least):
    hashes, counts = np.array(values, np.uint64), np.zeros(1024, np.uint8)
    matching_kernels.count_hashes(counts, hashes, least)
    often = np.array([values.count(v) >= least for v in values], np.bool_)
    found = matching_kernels.are_frequent(counts, hashes, least)
    assert (found | ~often).all()
    places = (hashes * np.uint64(BASE)) >> np.uint64(64 - 11)  # of a table of the fewest, two to a byte
    if len(set(places.tolist())) == len(set(values)):
        assert found.tolist() == often.tolist()


@examples(60)
@given(st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=1, max_size=6))
def test_the_values_that_two_signatures_share_are_counted(rows):
    signatures = np.array(rows, np.uint32)
    pairs = np.array([(i, j) for i in range(len(rows)) for j in range(len(rows))], np.int32)
    plain = [sum(a == b for a, b in zip(rows[i], rows[j], strict=True)) for i, j in pairs.tolist()]
    assert matching_kernels.matches(signatures, pairs).tolist() == plain


@examples(60)
@given(st.lists(st.lists(st.integers(0, 20), max_size=24), min_size=1, max_size=8))
def test_long_documents_are_looked_for_by_a_sample_and_by_what_short_ones_have(anchors_of_doc):
    n, sets = len(anchors_of_doc), [{a << 8 for a in anchors} for anchors in anchors_of_doc]
    start = np.cumsum([0] + [len(anchors) for anchors in anchors_of_doc])
    flat = np.array([a << 8 for anchors in anchors_of_doc for a in anchors], np.uint64)
    anchors, mine = Anchors(flat, np.zeros(len(flat), np.int32), start), np.ones(n, np.bool_)
    none = boilerplate.no_boilerplate(anchors, mine)
    with mock.patch.object(containment, "FEW_ANCHORS", 6):
        shared = containment.SharedAnchors.of(anchors, mine, none, np.arange(n, dtype=np.int32))
        got = CandidatePairs.of(shared.pairs(rules.ANCHOR_SHARE, map)[:, :2]).docs.tolist()
    in_sample = {a for s in sets for a in s if (a >> 8) % 4 == 0}
    in_short = {a for s in sets if len(s) <= 6 for a in s}
    n_terms = [len(s & in_sample) if len(s) > 6 else len(s) for s in sets]
    shared = {
        (i, j): len(sets[i] & sets[j] & (in_sample | in_short)) for i in range(n) for j in range(i + 1, n)
    }
    fewer = {(i, j): min(n_terms[i], n_terms[j]) for i, j in shared}
    assert got == [[*p] for p in shared if shared[p] and shared[p] >= max(min(2, fewer[p]), 0.25 * fewer[p])]


@examples(60)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=10), min_size=1, max_size=6), st.integers(1, 2)
)
def test_figures_equal_python_sets_with_and_without_what_is_boilerplate_in_either_text(values, step):
    sets = [sorted(set(v)) for v in values] + [[], list(range(300)), list(range(2, 700, 3))]
    own = [set(s[::step]) for s in sets]
    marked = np.array([2 * x + (x in own[i]) for i, part in enumerate(sets) for x in part], np.uint64)
    indptr = np.cumsum([0] + [len(part) for part in sets]).astype(np.int64)
    pairs = np.array([(i, j) for i in range(len(sets)) for j in range(len(sets))], np.int32)
    for (i, j), row in zip(pairs, matching_kernels.figures(marked, indptr, pairs), strict=True):
        left, right = set(sets[i]), set(sets[j])
        frames = (left - own[i]) | (right - own[j])
        a, b = left - frames, right - frames
        assert row.tolist() == [len(left & right), len(left), len(right), len(a & b), len(a), len(b)]


@pytest.mark.parametrize("k", [3, 8])
def test_shingles_that_stand_outside_boilerplate_are_marked(k):
    rng = np.random.default_rng(k)
    texts = ["".join(rng.choice(list("abcdefgh \u00df"), n)) for n in (0, 5, 300, 20_000)]
    spans = [[], [(0, 2)], [(3, 40), (50, 51), (200, 10**9)], [(0, 10), (8000, 9000), (15_000, 15_001)]]
    start, end = (np.array([s[i] for part in spans for s in part], np.int64) for i in range(2))
    indptr = np.cumsum([0] + [len(part) for part in spans]).astype(np.int64)
    hashes, rows = matching_kernels.marked_sets(*packed(texts), TABLE, k, Spans(start, end, indptr))
    for t, text in enumerate(texts):
        all_hashes = shingle.shingle_hashes(letters_by_table(text), k).tolist()
        kept = {h for i, h in enumerate(all_hashes) if not any(a <= i < b for a, b in spans[t])}
        every = {h >> 1 << 1 for h in all_hashes} | {h | 1 for h in kept}
        expected = sorted(h for h in every if h & 1 or h | 1 not in every)
        assert hashes[rows[t] : rows[t + 1]].tolist() == expected
