"""Containment and boilerplate: parts are found in their wholes, frames and licences bind nothing."""

import random

import numpy as np
import pytest

import dedup
from dedup.clustering import witnesses

from ..conftest import ALIKE_ALONE, OTHER, POST

CONSONANTS, VOWELS = "bcdfghjklmnprstvw", "aeiou"


class Prose:
    """Words with the frequencies of a language, sentences and posts, all drawn at random."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.words = [
            "".join(self.rng.choice(s) for s in (CONSONANTS, VOWELS) * self.rng.randint(1, 4))
            for _ in range(8000)
        ]
        self.weights = [1 / (i + 3) for i in range(8000)]

    def text(self, n_words: int) -> str:
        return " ".join(self.rng.choices(self.words, self.weights, k=n_words))


@pytest.mark.parametrize("n", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_short_posts_are_not_part_of_a_book_by_chance(n):
    prose = Prose(1)
    book = prose.text(180_000)
    posts = [prose.text(prose.rng.randint(15, 60)) for _ in range(n)]
    quoted = [book[n * 5000 : n * 5000 + 300] for n in range(5)]
    assert len(book) > 1_000_000
    run = dedup.scan_texts([book, *posts, *quoted])
    assert [int(m.path) for m in run.drop()] == list(range(n + 2, n + 7))
    assert {(m.relation, m.witness) for m in run.drop()} == {("contained", "1")}


@pytest.fixture(scope="module")
def site():
    """Twenty posts of 60 words, each in a frame of 100 words, and some of the posts without it."""
    prose = Prose(2)
    top, bottom = prose.text(50), prose.text(50)
    posts = [prose.text(60) for _ in range(20)]
    return [f"{top} {post} {bottom}" for post in posts] + posts[:5]


def test_different_posts_in_one_frame_stay_apart_and_one_post_with_and_without_it_is_found(site):
    run = dedup.scan_texts(site)
    clusters = [[m.path for m in c.members] for c in run.clusters]
    assert clusters == [[str(i), str(20 + i)] for i in range(1, 6)]
    for member in run.drop():
        assert member.jaccard < 0.5 < member.discounted_jaccard
        assert member.relation in ("near", "contained")


def test_pages_in_one_frame_are_compared_only_where_they_share_more_than_the_frame():
    prose = Prose(7)
    top, bottom = prose.text(120), prose.text(120)
    posts = [prose.text(120) for _ in range(80)]
    edited = [" ".join(w for i, w in enumerate(post.split()) if i % 9) for post in posts[:10]]
    run = dedup.scan_texts([f"{top} {post} {bottom}" for post in posts + edited])
    assert [[m.path for m in c.members] for c in run.clusters] == [
        [str(i), str(80 + i)] for i in range(1, 11)
    ]
    assert len(run.evidence.pairs) < 20
    plain = dedup.scan_texts([f"{top} {post} {bottom}" for post in posts + edited], boilerplate="off")
    assert len(plain.evidence.pairs) > 300


def test_pages_that_are_little_but_their_frame_are_one_when_nearly_the_same():
    prose = Prose(8)
    frame, posts = prose.text(200), [prose.text(60) for _ in range(40)]
    nearly = [f"{frame} {prose.text(15)}" for _ in range(2)]
    longer = f"{nearly[0]} {prose.text(1)}"
    run = dedup.scan_texts([*(f"{frame} {post}" for post in posts), *nearly, longer])
    assert [[m.path for m in c.members] for c in run.clusters] == [["41", "43"]]
    joined = dedup.scan_texts([*(f"{frame} {post}" for post in posts), *nearly, longer], **ALIKE_ALONE)
    assert [[m.path for m in c.members] for c in joined.clusters] == [["41", "42", "43"]]


def test_one_post_in_two_frames_is_one_document():
    prose = Prose(3)
    frames = [(prose.text(50), prose.text(50)) for _ in range(2)]
    posts = [prose.text(60) for _ in range(20)]
    texts = [f"{top} {post} {bottom}" for top, bottom in frames for post in posts]
    run = dedup.scan_texts(texts)
    assert [[m.path for m in c.members] for c in run.clusters] == [
        [str(i), str(20 + i)] for i in range(1, 21)
    ]
    off = dedup.scan_texts(texts, boilerplate="off")
    assert off.clusters != run.clusters
    assert all(m.discounted_jaccard == m.jaccard for m in off.drop())


def test_a_post_copied_fifty_times_with_small_changes_is_no_boilerplate():
    prose = Prose(4)
    words = prose.text(150).split()
    copies = []
    for _ in range(50):
        copy = list(words)
        for i in prose.rng.sample(range(150), 4):
            copy[i] = prose.text(1)
        copies.append(" ".join(copy))
    run = dedup.scan_texts(copies, **ALIKE_ALONE)
    assert len(run.clusters) == 1
    assert len(run.keep()) == 1


def test_a_licence_in_many_files_binds_none_of_them_and_stays_a_document_of_its_own():
    prose = Prose(5)
    licence = prose.text(170)
    files = [
        f"Copyright {i} {prose.text(3)} {licence} {prose.text(prose.rng.randint(60, 400))}" for i in range(40)
    ]
    run = dedup.scan_texts([*files, licence, f"Copyright 1999 {prose.text(2)} {licence}"])
    (cluster,) = run.clusters
    assert [m.path for m in cluster.members] == ["41", "42"]


def test_a_text_that_few_others_hold_goes_with_one_of_them_and_one_that_more_hold_with_none():
    prose = Prose(6)
    part = prose.text(80)
    wholes = [f"{prose.text(150)} {part} {prose.text(150)}" for _ in range(witnesses.MAX_WHOLES + 1)]
    few = dedup.scan_texts([part, *wholes[:-1]])
    assert [len(c.members) for c in few.clusters] == [2]
    assert few.keep() == [str(n) for n in range(2, len(wholes) + 1)]
    assert dedup.scan_texts([part, *wholes]).clusters == []


def test_a_text_that_few_others_hold_goes_with_the_one_that_it_is_most_like():
    prose = Prose(11)
    part = prose.text(80)
    wholes = [f"{prose.text(n)} {part} {prose.text(n)}" for n in (150, 60, 100)]
    (cluster,) = dedup.scan_texts([*wholes, part]).clusters
    assert [m.path for m in cluster.members] == ["2", "4"]


@pytest.mark.parametrize("body_first", [True, False])
def test_a_whole_is_dropped_for_its_part_only_by_the_policy_that_asks_for_it(body_first):
    prose = Prose(12)
    body = prose.text(150)
    page = f"{prose.text(200)} {body} {prose.text(100)}"
    texts = [body, page] if body_first else [page, body]
    given = [dedup.Document(text, "body" if text is body else "page") for text in texts]
    kept = {
        prefer: sorted(dedup.scan_texts(given, prefer=prefer, max_lost=1.0).keep())
        for prefer in ("longest", "shortest", "cleanest")
    }
    assert kept == {"longest": ["page"], "shortest": ["body", "page"], "cleanest": ["body"]}


def test_stemmed_and_stop_worded_copies_are_rewritten():
    from dedup.text.skeleton import skeleton

    text = f"{POST} {OTHER} " * 2 + POST[::-1].replace(" ", "  ")
    text = " ".join(w for w in Prose(7).text(900).split())
    small = {w for w in text.split() if len(w) < 5}
    assert len(skeleton(text)) > 100
    stopped = " ".join(w for w in text.split() if w not in small)
    stemmed = " ".join(w[:5] for w in text.split())
    run = dedup.scan_texts([dedup.Document(t, n) for n, t in (("a", text), ("b", stopped), ("c", stemmed))])
    assert {m.relation for m in run.drop()} == {"rewritten"}
    assert [len(c.members) for c in run.clusters] == [3]
    assert all(m.skeleton_jaccard >= 0.4 for m in run.drop())


def test_scripts_without_spaces_have_no_skeleton():
    run = dedup.scan_texts(["吾輩は猫である。名前はまだ無い。" * 9, "ฉันรักภาษาไทยและอาหารไทยมากที่สุดในโลก" * 9])
    assert run.documents.n_bones.tolist() == [0, 0]


# ------------------------------------------------------------------ what is dropped, and why


def test_only_the_relations_asked_for_drop_a_document():
    prose = Prose(8)
    body = prose.text(200)
    texts = [f"{prose.text(300)} {body}", body, body.upper(), body.replace(" ", "\n"), f"{body} end"]
    everything = dedup.scan_texts(texts, max_lost=0.01)
    assert len(everything.keep()) == 1
    some = dedup.scan_texts(texts, max_lost=0.01, relations="whitespace,case")
    assert {m.relation for m in some.drop()} <= {"whitespace", "case"}
    assert len(some.drop()) == 2
    assert [len(c.members) for c in some.clusters] == [5]
    with pytest.raises(dedup.DedupError, match="no relation 'close'"):
        dedup.scan_texts(texts, relations="close")


def test_cleanest_keeps_the_body_and_drops_the_page_around_it():
    prose = Prose(9)
    body = prose.text(150)
    page = f"{prose.text(200)} {body} {prose.text(100)}"
    run = dedup.scan_texts([page, body, body.upper()], prefer="cleanest,cased")
    assert run.keep() in (["2"], ["3"])
    dropped = {m.path: m for m in run.drop()}
    assert (dropped["1"].relation, dropped["1"].containment) == ("contained", 1.0)
    assert dropped["1"].size > dropped["1"].witness_size


def test_each_choice_carries_its_reason():
    prose = Prose(10)
    body = prose.text(100)
    page = f"{prose.text(200)} {body}"
    reasons = {}
    for name, texts in {
        "fullest": [body, page],
        "cased": [body, body.capitalize() + "."],
        "first": [body, body],
    }.items():
        (cluster,) = dedup.scan_texts(
            [t.replace(" b", ", B") if name == "cased" and t != body else t for t in texts]
        ).clusters
        reasons[name] = next(m.reason for m in cluster.members if m.path == cluster.canonical)
    assert reasons == {"fullest": "fullest", "cased": "cased", "first": "first"}


def test_a_field_of_the_record_can_decide(files):
    import json

    rows = [{"text": POST, "quality": q, "when": w} for q, w in ((0.2, "2024"), (0.9, "2021"), (0.5, None))]
    path = files({"a.jsonl": "\n".join(map(json.dumps, rows))}) / "a.jsonl"
    for rule, line in (
        ("field:quality", 2),
        ("field:quality:asc", 1),
        ("field:when", 1),
        ("field:when:asc", 2),
    ):
        (cluster,) = dedup.scan(path, prefer=rule).clusters
        assert cluster.canonical.endswith(f":{line}"), rule


def test_the_program_checks_its_own_output(monkeypatch):
    from dedup.clustering import hubs

    choose = hubs.choose_witnesses

    def chained(*args):
        witness = choose(*args)
        one, other = np.flatnonzero(witness != np.arange(len(witness)))
        witness[one] = other  # which is itself dropped
        return witness

    monkeypatch.setattr(hubs, "choose_witnesses", chained)
    texts = [POST, POST.replace("luck", "much luck"), POST.replace("warm", "very warm")]
    with pytest.raises(dedup.DedupError, match="a witness that is dropped"):
        dedup.scan_texts(texts, **ALIKE_ALONE)


@pytest.mark.parametrize("codec", ["cp1252", "cp1251", "cp437"])
def test_a_text_with_its_characters_is_kept_rather_than_its_mojibake(codec):
    text = POST.replace("e", "é")
    wrong = text.encode().decode(codec, "replace")
    for texts in ([wrong, text], [text, wrong]):
        run = dedup.scan_texts(texts)
        assert [texts[int(name) - 1] for name in run.keep()] == [text]
        (cluster,) = run.clusters
        assert next(m.reason for m in cluster.members if m.kept) == "cased"
