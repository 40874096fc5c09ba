"""What a scan finds, and that its figures are exact."""

import os
import random

import numpy as np
import pytest

import dedup
from dedup.core.verdicts import RELATIONS
from dedup.text import minhash

from ..conftest import ALIKE_ALONE, OTHER, POST, brute_force, brute_force_skeleton

PAGE = (
    "Home News Ferries Contact\n"
    + "Subscribe to the island letter today. " * 3
    + POST
    + (
        " Comments: I waited nine days in 2011 and I'd do it again. Lovely photographs of the keeper's "
        "dog. Does the bakery still close on Wednesdays? My aunt kept a guest house there forty summers and "
        "never once saw the inside of the mainland hospital. Whoever finds a green umbrella on the afternoon "
        "boat, please leave it with the ticket office. All rights reserved by the harbour committee."
    )
)
TOKENIZED = POST.lower().replace("n't", " n't").replace("'s", " 's").replace(".", "").replace(",", " ,")


def relations(run):
    return {m.path: (m.relation, m.witness) for m in run.drop()}


def test_a_page_holds_its_post_and_the_tokenized_copy_and_another_post_stays_apart():
    documents = {"page": PAGE, "post": POST, "tokens": TOKENIZED, "other": OTHER}
    run = dedup.scan_texts([dedup.Document(t, name) for name, t in documents.items()])
    assert relations(run) == {"post": ("contained", "page"), "tokens": ("contained", "page")}
    assert run.keep() == ["page", "other"]
    assert [sorted(m.path for m in c.members) for c in run.clusters] == [["page", "post", "tokens"]]


@pytest.mark.parametrize(
    ("variant", "relation"),
    [
        (POST, "identical"),
        (POST.replace(" ", "\n  "), "whitespace"),
        (POST.upper(), "case"),
        (TOKENIZED, "punctuation"),
        (POST.replace("and stayed", "stayed"), "near"),
        (POST[:280], "near"),
        (POST[:140], "contained"),
    ],
)
def test_each_relation_is_the_mildest_that_holds(variant, relation):
    run = dedup.scan_texts([dedup.Document(POST, "a"), dedup.Document(variant, "b")])
    assert relations(run) == {"b": (relation, "a")}


def test_files_in_other_encodings_are_the_same_document(files):
    folder = files(
        {
            "a.txt": POST,
            "bom.txt": b"\xef\xbb\xbf" + POST.encode(),
            "crlf.txt": POST.replace(". ", ".\r\n"),
            "latin.txt": (POST + " Café crème, déjà vu, à la carte, garçon.").encode("cp1252"),
            "utf16.txt": POST.encode("utf-16"),
            "utf16le.txt": POST.encode("utf-16-le"),
            "utf8.txt": POST + " Café crème, déjà vu, à la carte, garçon.",
        }
    )
    run = dedup.scan(folder)
    (cluster,) = run.clusters
    assert len(cluster.members) == 7
    assert os.path.basename(cluster.canonical) == "latin.txt"
    only = dedup.scan([folder / n for n in ("a.txt", "bom.txt", "utf16.txt", "utf16le.txt", "crlf.txt")])
    assert {os.path.basename(m.path): m.relation for m in only.drop()} == {
        "bom.txt": "encoding",
        "utf16.txt": "encoding",
        "utf16le.txt": "encoding",
        "crlf.txt": "whitespace",
    }


def corpus(n: int, seed: int) -> list[str]:
    """Texts of words drawn at random, with variants of all kinds among them."""
    rng = random.Random(seed)
    words = [w for text in (POST, OTHER, PAGE) for w in text.split()] + [f"word{i}" for i in range(300)]
    out: list[str] = []
    while len(out) < n:
        base = [rng.choice(words) for _ in range(rng.randint(20, 200))]
        out.append(" ".join(base))
        for _ in range(rng.randint(0, 3)):
            copy = list(base)
            for _ in range(rng.randint(0, len(base) // 6)):
                copy[rng.randrange(len(copy))] = rng.choice(words)
            start = rng.randint(0, len(copy) // 3)
            out.append(" ".join(copy[start:]).swapcase() if rng.random() < 0.5 else " ".join(copy[start:]))
    return out


def test_every_exported_figure_is_the_one_that_brute_force_finds():
    texts = corpus(120, seed=4)
    run = dedup.scan_texts(texts, **ALIKE_ALONE)
    dropped = run.drop()
    assert len(dropped) > 40
    for member in dropped:
        mine, witness = texts[int(member.path) - 1], texts[int(member.witness) - 1]
        jaccard, containment = brute_force(mine, witness)
        assert (member.jaccard, member.containment) == (jaccard, containment)
        if member.relation == "rewritten":
            assert member.skeleton_jaccard == brute_force_skeleton(mine, witness) >= 0.4
        else:
            assert jaccard >= 0.5 or containment >= 0.8
        assert member.witness in run.keep()
    for (left, right), jaccard, overlap in zip(
        run.pairs.docs.tolist(), run.pairs.jaccard.tolist(), run.pairs.overlap.tolist(), strict=True
    ):
        assert jaccard == brute_force(texts[left], texts[right])[0]
        assert overlap > 0


def test_all_pairs_at_the_threshold_are_found_but_for_the_stated_share():
    texts = corpus(150, seed=9)
    run = dedup.scan_texts(texts, **ALIKE_ALONE)
    label = run.verdict.cluster
    missed = found = 0
    for i in range(len(texts)):
        for j in range(i):
            if brute_force(texts[i], texts[j])[0] >= 0.5:
                found += 1
                missed += label[i] != label[j]
    assert found > 50
    assert missed <= 0.01 * found


def test_nothing_is_dropped_over_a_chain():
    rng = random.Random(2)
    words = [f"term{i}" for i in range(400)]
    first = [rng.choice(words) for _ in range(120)]
    chain = [first]
    for _ in range(7):  # each resembles the one before, not the one before that
        new = list(chain[-1])
        for i in rng.sample(range(120), 28):
            new[i] = rng.choice(words)
        chain.append(new)
    texts = [" ".join(c) for c in chain]
    run = dedup.scan_texts(texts, **ALIKE_ALONE)
    kept = set(run.keep())
    assert len(kept) > 1
    for member in run.drop():
        assert member.witness in kept
        jaccard, containment = brute_force(texts[int(member.path) - 1], texts[int(member.witness) - 1])
        assert jaccard >= 0.5 or containment >= 0.8


def test_kept_documents_of_one_cluster_are_not_alike():
    texts = corpus(150, seed=5)
    run = dedup.scan_texts(texts, **ALIKE_ALONE)
    for cluster in run.clusters:
        kept = [int(m.path) - 1 for m in cluster.members if m.kept]
        for i, a in enumerate(kept):
            for b in kept[:i]:
                assert brute_force(texts[a], texts[b])[0] < 0.5


def test_the_ledger_adds_up_and_short_texts_match_by_equal_letters():
    run = dedup.scan_texts(["", "ok", "OK!", "...", "no", POST])
    assert run.summary["documents"] == {"seen": 6, "kept": 2, "dropped": 1, "set_aside": 3}
    assert relations(run) == {"3": ("punctuation", "2")} or relations(run) == {"2": ("punctuation", "3")}
    assert run.summary["set_aside"]["reasons"] == {"empty": 2, "too short to judge": 1}


@pytest.mark.parametrize("k", [8, 11])
def test_a_text_of_one_shingle_is_judged_and_one_of_a_letter_less_is_too_short(k):
    letters = "shortestone"
    run = dedup.scan_texts([letters[:k], POST], k=k)
    assert run.keep() == ["1", "2"]
    run = dedup.scan_texts([letters[: k - 1], POST], k=k)
    assert run.summary["set_aside"]["reasons"] == {"too short to judge": 1}


def test_a_text_on_every_page_does_not_bind_the_pages_together():
    rng = random.Random(1)
    footer = OTHER
    pages = [" ".join(f"w{rng.randrange(5000)}" for _ in range(150)) + footer for _ in range(40)]
    run = dedup.scan_texts([*pages, footer])
    assert run.clusters == []


@pytest.mark.parametrize("prefer", ["longest", "shortest", "first", "newest", "oldest", "cased", "path:b*"])
def test_a_policy_chooses_the_canonical_document(files, prefer):
    folder = files({"a.txt": POST.lower(), "b.txt": POST, "c.txt": POST + " And that was that."})
    for age, name in enumerate("bca"):
        os.utime(folder / f"{name}.txt", (1000 + age, 1000 + age))
    run = dedup.scan(folder, prefer=prefer)
    (cluster,) = run.clusters
    expected = {
        "longest": "c",
        "shortest": "a",
        "first": "a",
        "newest": "a",
        "oldest": "b",
        "cased": "b",
        "path:b*": "b",
    }[prefer]
    assert os.path.basename(cluster.canonical) == f"{expected}.txt"


def test_longest_tells_a_text_from_its_copy_without_stop_words_that_has_its_capitals_and_marks():
    text = f"{POST} {OTHER}"
    stops = " the to a of that you and for because it was in with they them most on than "
    copy = " ".join(word for word in text.split() if f" {word} " not in stops)
    given = [dedup.Document(copy, id="a"), dedup.Document(text, id="b")]
    (cluster,) = dedup.scan_texts(given).clusters
    assert [(m.path, m.reason) for m in cluster.members if m.kept] == [("b", "fullest")]
    for prefer, kept, reason in (("cased", "a", "first"), ("cased,longest", "b", "longest")):
        (cluster,) = dedup.scan_texts(given, prefer=prefer, max_lost=1.0).clusters
        assert [(m.path, m.reason) for m in cluster.members if m.kept] == [(kept, reason)]


@pytest.mark.parametrize(("num_perm", "seed"), [(16, 0), (128, 1), (256, 42), (1024, 2**32 - 1)])
def test_the_permutations_are_those_that_datasketch_draws(num_perm, seed):
    from datasketch import MinHash

    theirs = MinHash(num_perm=num_perm, seed=seed, scheme=minhash.SCHEME).permutations
    assert np.array_equal(np.stack(minhash.permutations(num_perm, seed)), theirs)


def test_signatures_load_into_datasketch():
    from datasketch import MinHash

    run = dedup.scan_texts([POST, POST.upper(), OTHER])
    a, b, c = (
        MinHash(hashvalues=row, scheme="affine32", seed=run.signatures.seed) for row in run.signatures.values
    )
    assert a.jaccard(b) == 1.0
    assert a.jaccard(c) < 0.2


def test_to_arrow_has_a_row_for_every_document():
    table = dedup.scan_texts([POST, POST.lower(), OTHER, ""]).to_arrow()
    assert table.num_rows == 4
    assert table.column("kept").to_pylist() == [True, False, True, False]
    assert table.column("relation").to_pylist()[1] == "case"
    assert set(table.column("relation").to_pylist()) <= {None, *RELATIONS}


@pytest.mark.slow
def test_many_copies_of_one_page_in_small_variations_stay_linear():
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(2000)])
    base = rng.choice(words, 80)
    texts = []
    for _ in range(1500):
        copy = base.copy()
        copy[rng.integers(0, 80, 3)] = rng.choice(words, 3)
        texts.append(" ".join(copy))
    run = dedup.scan_texts(texts, **ALIKE_ALONE)
    assert len(run.clusters) == 1
    assert len(run.pairs) < 60 * len(texts)
    assert len(run.keep()) < 10
