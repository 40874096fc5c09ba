"""Passages of a run: which there are, of which kind, which copy stays, and what changed files do."""

import random

import numpy as np
import pytest

import dedup
from dedup.core.errors import BadRun, BadSetting
from dedup.pipeline.passages import KINDS, find_passages
from dedup.runs.opening import open_run
from dedup.text.normalize import letters

WORDS = ["".join(random.Random(i).choices("abcdefghijklmnoprstuvw", k=3 + i % 7)) for i in range(4000)]


def prose(seed: int, n: int) -> str:
    """Return n words in sentences."""
    rng = random.Random(seed)
    words = [rng.choice(WORDS) for _ in range(n)]
    return " ".join(w.capitalize() + "," if i % 9 == 0 else w for i, w in enumerate(words)) + ".\n"


QUOTE = prose(7, 60)


def copies(found, number):
    p = found.passages
    rows = range(int(p.indptr[number]), int(p.indptr[number + 1]))
    return [(found.run.name(int(p.doc[i])), int(p.start[i]), int(p.end[i])) for i in rows]


def test_a_quotation_is_found_whatever_its_dress():
    texts = [
        prose(1, 300) + QUOTE + prose(2, 300),
        prose(3, 200) + QUOTE.upper().replace(" ", "\n") + prose(4, 200),
        prose(5, 250) + QUOTE.lower().replace(",", " ,") + prose(6, 50),
    ]
    found = find_passages(dedup.scan_texts(texts))
    assert [KINDS[k] for k in found.kind] == ["quote"]
    assert len(letters(QUOTE)) <= found.passages.length[0] < len(letters(QUOTE)) + 3
    for name, start, end in copies(found, 0):
        assert letters(QUOTE) in letters(texts[int(name) - 1])[start:end]


def test_each_kind_is_told_apart():
    frame = prose(8, 80)
    twice = prose(9, 50)
    pages = [frame + prose(20 + i, 300) for i in range(30)]
    a, b = prose(80, 400), prose(81, 120)
    texts = [
        *pages,
        prose(10, 200) + QUOTE + prose(11, 200),
        prose(12, 200) + QUOTE + prose(13, 200),
        prose(14, 100) + twice + prose(15, 100) + twice,
        a + b,  # joined in one cluster with the next one, which says something of its own
        a + prose(82, 30),
    ]
    found = find_passages(dedup.scan_texts(texts), every=True)
    kinds = {KINDS[k]: len(copies(found, i)) for i, k in enumerate(found.kind)}
    assert kinds["frame"] == 30
    assert kinds["quote"] == 2
    assert kinds["self"] == 2
    assert kinds["copy"] == 2


def test_dropped_documents_are_looked_at_only_when_asked():
    text = prose(1, 300)
    run = dedup.scan_texts([text, text.lower(), prose(2, 300)])
    assert len(find_passages(run).passages) == 0
    every = find_passages(run, every=True)
    assert [KINDS[k] for k in every.kind] == ["copy"]
    (kept,) = [name for name in ("1", "2") if name in run.keep()]
    assert run.name(int(every.passages.doc[every.stays[0]])) == kept


def test_the_copy_that_stays_is_the_one_that_the_policy_prefers(files, tmp_path):
    files({"in/a.txt": prose(1, 300) + QUOTE, "in/b.txt": prose(2, 900) + QUOTE})
    for rule, stays in (("longest", "in/b.txt"), ("shortest", "in/a.txt"), ("path:*b.txt", "in/b.txt")):
        run = dedup.scan(tmp_path / "in", run=tmp_path / "run", prefer=rule)
        found = find_passages(run)
        assert run.name(int(found.passages.doc[found.stays[0]])).endswith(stays)


def test_a_file_that_changed_is_left_out_and_named(files, tmp_path):
    files({f"in/{i}.txt": prose(i, 200) + QUOTE for i in range(3)})
    dedup.scan(tmp_path / "in", run=tmp_path / "run")
    (tmp_path / "in/1.txt").write_text(prose(1, 100) + QUOTE)
    run = open_run(tmp_path / "run")
    found = find_passages(run)
    assert [run.name(d).rsplit("/", 1)[1] for d in found.unread.tolist()] == ["1.txt"]
    assert len(copies(found, 0)) == 2


def test_passages_are_the_same_whatever_the_threads():
    texts = [prose(i, 150) + QUOTE + prose(50 + i % 3, 40) for i in range(40)]
    run = dedup.scan_texts(texts)
    one, many = (find_passages(run, 80, threads=n) for n in (1, 4))
    for name in ("length", "indptr", "doc", "start", "end"):
        assert np.array_equal(getattr(one.passages, name), getattr(many.passages, name))
    assert np.array_equal(one.stays, many.stays)


def test_what_cannot_be_found_is_refused():
    run = dedup.scan_texts([prose(1, 100)])
    with pytest.raises(BadSetting, match="--min-passage 31: the anchors of this run find passages of 32"):
        find_passages(run, 31)


def test_a_run_without_anchors_is_refused():
    from dataclasses import replace

    from dedup.core.features import Anchors

    run = dedup.scan_texts([prose(1, 100)])
    none = Anchors(np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(2, np.int64))
    with pytest.raises(BadRun, match="no anchors"):
        find_passages(replace(run, load_anchors=lambda: none))


def test_an_empty_run_has_no_passages(tmp_path):
    run = dedup.scan_texts([])
    assert len(find_passages(run).passages) == 0
