"""The stages by themselves: letters, decoding, bands, verification, witnesses, policies."""

import dataclasses
import itertools
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.clustering import exact_duplicates, hubs, policies, verdict
from dedup.core import estimates
from dedup.core.documents import BINARY, EMPTY, OK
from dedup.core.pairs import COUNTS, CandidatePairs, VerifiedPairs
from dedup.core.settings import Settings
from dedup.core.thresholds import Thresholds
from dedup.core.verdicts import RELATIONS
from dedup.matching import bands as lsh
from dedup.matching import verify
from dedup.pipeline import ingest
from dedup.text import kernels, minhash, normalize
from dedup.text.decode import decode

ONE = normalize.letters("can't")


@pytest.mark.parametrize(
    "dress",
    ["ca n't", "CAN'T", "can’t", "c a n\n' t", "ｃａｎ＇ｔ", "can&'t", "cän't", "𝒄𝒂𝒏'𝒕", "c\u00adan\u200b't"],
)
def test_one_word_in_any_dress_has_the_same_letters(dress):
    assert normalize.letters(dress) == ONE == "cant"


@given(st.text())
def test_letters_are_stable_under_unicode_forms_and_case(text):
    plain = normalize.letters(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert normalize.letters(unicodedata.normalize(form, text)) == plain


def test_kana_and_han_count_twice_and_their_forms_are_one():
    assert normalize.letters("漢") == normalize.letters("汉") == "汉汉"
    assert normalize.letters("學校へ行つた") == normalize.letters("学校へ行った")
    assert normalize.letters("かﾞｶﾞ") == "かかカカ"


@pytest.mark.slow
def test_the_shipped_table_is_the_plain_definition():
    shipped = normalize.letter_table()
    if unicodedata.unidata_version != shipped.unicode:
        pytest.skip(f"this Python has Unicode {unicodedata.unidata_version}, the table {shipped.unicode}")
    built = normalize.build_table()
    for name in ("value", "flags", "pool", "starts"):
        assert np.array_equal(getattr(shipped, name), getattr(built, name))


LATIN = (
    "Le garçon n'a pas répondu. Il s'était assis près de la fenêtre, où l'on voyait déjà le clocher et les "
    "premières lumières du village, et il relisait la lettre que sa mère avait laissée sur la table."
)
CYRILLIC = (
    "Всю зиму я ни разу не открывал ульи и только взвешивал их по воскресеньям. В первую неделю было "
    "тридцать килограмм, а когда зацвёл орешник, осталось двадцать два."
)
JAPANESE = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
    "何でも薄暗いじめじめした所で泣いていた事だけは記憶している。"
)
CHINESE = (
    "冬天里我一次也没有打开蜂箱，只是每个星期天称一次重量。最轻的不是最小的那一群，而是盖子没有绑好的那一群。"
)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *((e, LATIN) for e in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")),
        *((e, CYRILLIC) for e in ("cp1251", "koi8-r", "iso8859-5", "cp866")),
        *((e, JAPANESE) for e in ("shift_jis", "euc_jp")),
        *((e, CHINESE) for e in ("gb18030",)),
    ],
)
def test_text_in_any_encoding_is_read(encoding, text):
    found = decode(text.encode(encoding))
    assert found.status == OK
    assert normalize.letters(found.utf8.decode()) == normalize.letters(text)


def test_what_is_no_text_is_told_apart():
    assert decode(b"").status == EMPTY
    assert decode(b"%PDF-1.7 \xff\xfe").status == BINARY
    assert decode(bytes(range(32)) * 9).status == BINARY
    assert decode("broken \u2026 utf-8 é è à".encode() + b"\xff").encoding == "utf-8 (damaged)"


@given(st.binary(max_size=300))
def test_any_bytes_can_be_decoded(data):
    decode(data).utf8.decode("utf-8")


@pytest.mark.parametrize(("num_perm", "jaccard"), [(128, 0.5), (128, 0.7), (128, 0.9), (256, 0.4), (64, 0.8)])
def test_bands_find_a_pair_at_the_threshold_with_the_stated_recall(num_perm, jaccard):
    bands = lsh.banding(jaccard, 0.99, num_perm)
    assert bands.recall >= 0.99
    rng = np.random.default_rng(5)
    agree = rng.random((5000, num_perm)) < jaccard
    hit = agree[:, bands.columns].all(axis=2).any(axis=1)
    assert hit.mean() >= 0.985


@pytest.mark.parametrize("ratio", [1.0, 1.2, 1.4])
def test_long_texts_of_different_length_are_found_by_their_samples(ratio):
    """Jaccard 0.5, neither contained in the other at 0.8 below a ratio of 1.4."""
    bands = lsh.banding(estimates.least_sampled_jaccard(0.5, 0.8), 0.99, 128)
    rng, a_and_b = np.random.default_rng(5), minhash.permutations(128, 1)
    sizes = np.array([6000]), np.array([int(6000 * ratio)])
    shared = int(sum(sizes)[0] / 3)
    least = estimates.least_matches(estimates.sampled_jaccard(0.5, *sizes, 512), 128, 512)[0]
    found, agreeing = 0, []
    for _ in range(200):
        hashes = rng.integers(0, 2**64, sum(sizes)[0] - shared, np.uint64)
        both = [hashes[: sizes[0][0]], hashes[sizes[0][0] - shared :]]
        x = [minhash.smallest(h, 512).astype(np.uint32) for h in both]  # mixed already
        left, right = ((a_and_b[0][:, None] * h + a_and_b[1][:, None]).min(axis=1) for h in x)
        agree = left == right
        agreeing.append(agree.mean())
        found += agree[bands.columns].all(axis=1).any() and agree.sum() >= least
    assert found / 200 >= 0.98
    # a little lower where the sizes are equal, since the two rates differ by chance
    assert np.mean(agreeing) == pytest.approx(estimates.sampled_jaccard(0.5, *sizes, 512)[0], abs=0.02)
    back = estimates.overlap(estimates.sampled_jaccard(0.5, *sizes, 512), *sizes, 512)
    assert back == pytest.approx(shared, abs=2)


@pytest.mark.parametrize(("rows", "rounds"), [(4, 4), (4, lsh.MAX_ROUNDS), (6, 5)])
def test_bands_of_different_rounds_share_at_most_one_value(rows, rounds):
    columns = lsh.columns(128, rows, rounds)
    sets = [set(c) for c in columns.tolist()]
    assert all(len(s) == rows for s in sets)
    assert max(len(a & b) for i, a in enumerate(sets) for b in sets[:i]) == 1


def test_a_threshold_that_cannot_be_reached_gets_the_best_there_is():
    assert 0 < lsh.banding(0.05, 0.99, 16).recall < 0.99


def test_batches_hold_whole_components_and_every_pair_once():
    rng = np.random.default_rng(3)
    pairs = CandidatePairs.of(rng.integers(0, 60, (80, 2)).astype(np.int32))
    n_bytes = rng.integers(1, 50, 60)
    parts = list(verify.batches(pairs, n_bytes, limit=200))
    assert len(parts) > 1
    assert sorted(map(tuple, np.concatenate(parts).tolist())) == sorted(map(tuple, pairs.docs.tolist()))
    for part in parts:
        sizes = n_bytes[np.unique(part)]
        assert sizes.sum() - sizes.max() <= 200


def test_a_long_text_beside_many_short_ones_is_in_few_batches():
    pairs = CandidatePairs.of(np.array([(i, 1000 + b) for i in range(1000) for b in (0, 1, 2)], np.int32))
    n_bytes = np.array([10] * 1000 + [5000] * 3)
    assert len(list(verify.batches(pairs, n_bytes, limit=4000))) <= 12


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] != e[1]), max_size=30),
    st.permutations(range(10)),
)
def test_every_dropped_document_has_a_kept_witness_with_an_edge(edges, places):
    dropped, witness_of = np.array(edges or [(0, 1)], np.int32).T
    witness = hubs.choose_witnesses(np.array(places), hubs.Edges(dropped, witness_of))
    allowed = set(zip(dropped.tolist(), witness_of.tolist(), strict=True))
    for doc, kept in enumerate(witness.tolist()):
        assert witness[kept] == kept
        assert doc == kept or (doc, kept) in allowed


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] != e[1]), max_size=30),
    st.permutations(range(10)),
)
def test_each_document_goes_for_the_most_preferred_kept_one_that_it_may_go_for(edges, places):
    may_go = {doc: {w for d, w in edges if d == doc} for doc in range(10)}
    witness = {}
    for doc in sorted(range(10), key=places.__getitem__):
        kept = [w for w in may_go[doc] if witness.get(w) == w]
        witness[doc] = min(kept, key=places.__getitem__, default=doc)
    found = hubs.choose_witnesses(
        np.array(places), hubs.Edges(*np.array(edges or np.zeros((0, 2)), np.int32).reshape(-1, 2).T)
    )
    assert found.tolist() == [witness[doc] for doc in range(10)]


def pair_of(shingles, **counts):
    """A pair of two texts, with three counts of shingles and what they say alone."""
    by_kind = np.array([[shingles, shingles, (0, 0, 0)]])
    pairs = VerifiedPairs.of_counts(np.array([[0, 1]], np.int32), by_kind)
    letters = {"letters_left": shingles[1], "letters_right": shingles[2], "places": 1}
    for name, value in {**letters, **counts}.items():
        pairs.content[0, COUNTS.index(name)] = value
    return pairs


def limits(**settings):
    return replace(Thresholds(0.5, 0.8, 32, 0.4, 12, 0.55, max_lost=0.01), **settings)


def test_a_part_may_be_dropped_for_its_whole_and_not_the_other_way():
    pairs = pair_of((100, 100, 900), only_right=800)
    for min_part, expected in ((32, True), (101, False)):
        found = limits(min_part=min_part).classify(pairs)
        assert found.reached.tolist() == found.left_in_right.tolist() == [expected]
        assert found.right_in_left.tolist() == [False]
        assert found.relation.tolist() == [RELATIONS.index("contained" if expected else "rewritten")]
    left, right = limits().classify(pairs).held
    assert (left.tolist(), right.tolist()) == ([True], [False])


def test_a_part_in_crumbs_is_no_part():
    assert limits().classify(
        pair_of((95, 100, 900), only_left=60, only_right=860)
    ).left_in_right.tolist() == [False]


@pytest.mark.parametrize(
    ("counts", "relation", "held"),
    [
        ({}, "near", (True, True)),
        ({"places": 0}, "punctuation", (True, True)),
        ({"places": 0, "doubtful_numbers": 1}, "near", (False, False)),
        ({"only_left": 150}, "near", (False, True)),
        ({"only_left": 150, "only_right": 150}, "near", (False, False)),
        ({"replaced": 6}, "near", (False, False)),
        ({"replaced": 600}, "form", (False, False)),
        ({"passages": 1300}, "form", (False, False)),
        ({"numbers": 7}, "form", (False, False)),
        ({"doubtful_numbers": 7, "damaged": 60, "replaced": 6}, "near", (True, True)),
        ({"inserted": 20, "only_left": 20}, "near", (False, False)),
    ],
)
def test_what_a_text_says_alone_decides_whether_it_may_go(counts, relation, held):
    pairs = pair_of((9000, 10000, 10000), words=2000, **counts)
    assert RELATIONS[limits().classify(pairs).relation[0]] == relation
    assert tuple(bool(side[0]) for side in limits().classify(pairs).held) == held
    assert limits().classify(pairs).reached.tolist() == [relation != "form"]
    assert limits(joins_forms=True).classify(pairs).reached.tolist() == [True]


def test_with_the_largest_share_all_of_a_cluster_may_go():
    pairs = pair_of((9000, 10000, 10000), replaced=6, only_left=150)
    assert all(side[0] for side in limits(max_lost=1.0).classify(pairs).held)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("Cafe\u0301.", "Caf\u00e9.", "encoding"),
        ("a\r\nb", "a\nb", "encoding"),
        ("a b", "a\n b ", "whitespace"),
        ("Ab. c", "aB.  C", "case"),
        ("can't", "ca n't", "punctuation"),
    ],
)
def test_texts_with_equal_letters_differ_in_a_named_way(left, right, kind):
    found = exact_duplicates.same_letters(left.encode(), left, right.encode(), right)
    assert RELATIONS[found] == kind


def test_a_rule_of_policies_is_read_from_left_to_right():
    assert policies.parse_rule(" path:a/**, cased ,first") == [
        ("path", "a/**"),
        ("cased", ""),
        ("first", ""),
    ]


def test_pairs_that_every_band_gives_are_held_once(monkeypatch):
    signatures = np.tile(np.arange(128, dtype=np.uint32), (300, 1))
    docs, bands = np.arange(300, dtype=np.int32), lsh.banding(0.5, 0.99, 128)

    def found():
        return lsh.candidate_pairs(
            signatures, docs, bands, lambda pairs: np.zeros(len(pairs)), map
        ).docs.tolist()

    whole = found()
    monkeypatch.setattr(lsh, "FEW_DOCS", 0)
    monkeypatch.setattr(lsh, "PAIRS_HELD", 100)
    assert (
        whole == found() == sorted([*([0, i] for i in range(1, 300)), *([i, i + 1] for i in range(1, 299))])
    )


@pytest.mark.parametrize("n", [0, 1, 2, 60, 400])
def test_few_documents_give_the_pairs_that_many_give(monkeypatch, n):
    rng = np.random.default_rng(n)
    signatures = rng.integers(0, 3, (n + 5, 32), np.uint32)
    docs, bands = np.flatnonzero(np.arange(n + 5) % 6 > 0).astype(np.int32), lsh.banding(0.5, 0.99, 32)

    def found():
        least = lambda pairs: np.full(len(pairs), 10)  # noqa: E731
        return lsh.candidate_pairs(signatures, docs, bands, least, map).docs.tolist()

    few = found()
    monkeypatch.setattr(lsh, "FEW_DOCS", -1)
    assert found() == few
    assert len(few) > 0 or n < 60


SPACED = [*" \t\n\r\x0b\x1c\x1f\x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000", "\r\n"]


@given(
    st.lists(st.lists(st.sampled_from([*SPACED, *SPACED, "a", "B", "é", "e\u0301", "ß", "\ufeff", "\u200b"])))
)
def test_digests_of_many_texts_are_those_of_each(texts):
    both = [(str(i).encode(), "".join(text).encode()) for i, text in enumerate(texts)]
    assert exact_duplicates.digests_of(both) == [
        exact_duplicates.digests(raw, utf8.decode()) for raw, utf8 in both
    ]


def test_every_space_that_splits_a_text_is_joined_with_those_beside_it():
    every = [c for c in map(chr, range(0x110000)) if not 0xD800 <= ord(c) < 0xE000]
    texts = [f"a{c} b{c}" for c in every if c.isspace() or ord(c) < 0x3100]
    buffer, starts = kernels.spaces_joined(*kernels.joined([text.encode() for text in texts]))
    found = [buffer[i:j].tobytes().decode() for i, j in itertools.pairwise(starts)]
    assert found == [" ".join(text.split()) for text in texts]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=30))
def test_documents_have_the_letters_of_the_first_one_with_both_halves_of_the_hash(rows):
    block, _, _ = ingest.sign([], Settings())
    hashes = np.array([(a, b) for a, b, _ in rows], np.uint64).reshape(-1, 2)
    status = np.array([OK if ok else EMPTY for _, _, ok in rows], np.int8)
    documents = dataclasses.replace(block.documents, letters_hash=hashes, status=status, source=status)
    same = [rows.index(row) if row[2] else i for i, row in enumerate(rows)]
    assert verdict.same_letters(documents).tolist() == same


def test_a_reader_who_recomputes_the_jaccard_of_han_and_kana_gets_the_same():
    """Each such character twice, one form of a Han character, large kana; then sets of 8 letters."""
    a, b = (
        "国家図書館で本をちょっと読む。新聞も読みました。",
        "國家圖書館で本をちよつと讀む。雑誌も読みました。",
    )
    fold = str.maketrans("國圖讀図ょっ", "国图读图よつ")
    by_hand = []
    for text in (a, b):
        kept = [c for c in text.translate(fold).replace("読", "读") if c not in "。"]
        doubled = "".join(normalize.letters(c) for c in kept)
        assert len(doubled) == 2 * len(kept)
        by_hand.append({doubled[i : i + 8] for i in range(len(doubled) - 7)})
    plain = [normalize.letters(text) for text in (a, b)]
    sets = [{p[i : i + 8] for i in range(len(p) - 7)} for p in plain]
    assert len(by_hand[0] & by_hand[1]) / len(by_hand[0] | by_hand[1]) == len(sets[0] & sets[1]) / len(
        sets[0] | sets[1]
    )
