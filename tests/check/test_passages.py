"""Contamination: how much of each new document stands in a run, word for word."""

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.check.passages import PassageLimits, checking_passages
from dedup.core.errors import BadSetting
from dedup.text.normalize import letters

from ..examples import examples
from ..pipeline.test_passages import WORDS, prose


def items(seed: int, n: int, words: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choice(WORDS) for _ in range(words)) for _ in range(n)]


def dressed(text: str, how: int) -> str:
    return [text, text.upper(), text.replace(" ", "\n"), text.replace(" ", " , "), f"«{text}»"][how % 5]


@pytest.fixture(params=[0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))])
def leaked(request, files, tmp_path):
    """500 items of 12 words; 50 of them stand in a run of 40 documents, in other dress."""
    test = items(1 + request.param, 500, 12)
    planted = dict(enumerate(random.Random(20 + request.param).sample(range(500), 50)))
    texts = [prose(1000 * request.param + 100 + i, 150) for i in range(40)]
    for n, item in planted.items():
        at = texts[n % 40].index(" ", 200 + 7 * n)
        texts[n % 40] = f"{texts[n % 40][:at]} {dressed(test[item], n)} {texts[n % 40][at:]}"
    lines = "".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(test))
    folder = files({**{f"train/{i}.txt": text for i, text in enumerate(texts)}, "test.jsonl": lines})
    dedup.scan(folder / "train", run=tmp_path / "run")
    return test, set(planted.values())


def test_items_that_stand_in_the_run_are_found_whatever_their_dress(leaked, tmp_path):
    test, planted = leaked
    with checking_passages([tmp_path / "test.jsonl"], tmp_path / "run", PassageLimits()) as result:
        found = {i for i, doc in enumerate(result.found) if doc.contaminated}
        assert found == planted
        for doc in (result.found[i] for i in planted):
            assert doc.share == 1
            assert doc.longest.documents == 1
            text = Path(doc.longest.path).read_text()
            stretch = letters(text)[doc.longest.at :][: doc.letters]
            assert stretch == letters(test[int(doc.id)])


def test_the_command_writes_a_clean_set_and_a_report(leaked, run, tmp_path):
    test, planted = leaked
    args = ("check", "test.jsonl", "--against", "run", "--passages", "--to", "clean", "--report", "leaks.csv")
    shown = run(*args, code=1)
    assert "50 of 500 new documents contaminated" in shown.stdout
    kept = [json.loads(line)["id"] for line in (tmp_path / "clean/test.jsonl").read_text().splitlines()]
    assert kept == [i for i in range(500) if i not in planted]
    rows = list(csv.DictReader((tmp_path / "leaks.csv").read_text().splitlines()))
    assert {int(r["id"]) for r in rows if r["contaminated"] == "true"} == planted
    row = next(r for r in rows if r["contaminated"] == "true")
    text = (tmp_path / row["in"]).read_text()
    assert letters(text[int(row["start"]) : int(row["end"])]) in letters(text)
    assert letters(test[int(row["id"])]) in letters(text[int(row["start"]) : int(row["end"])])
    report = run("check", "test.jsonl", "--against", "run", "--passages", "--json", code=1).json
    assert report["contaminated"] == 50
    assert report["limits"] == {"min_passage": 32, "min_share": 0.8, "max_documents": 100}


def test_what_stands_in_many_documents_is_no_leak(files, tmp_path):
    phrase = prose(3, 14)
    files({**{f"in/{i}.txt": prose(i, 60) + phrase + prose(50 + i, 60) for i in range(20)}, "t.txt": phrase})
    dedup.scan(tmp_path / "in", run=tmp_path / "run")
    for most, contaminated in ((20, True), (19, False)):
        limits = PassageLimits(max_documents=most)
        with checking_passages([tmp_path / "t.txt"], tmp_path / "run", limits) as result:
            assert result.found[0].contaminated == contaminated


def test_the_share_is_that_of_the_letters_that_stand_in_the_run(files, tmp_path):
    known = prose(1, 200)
    mine, other = letters(known)[300:400], letters(prose(2, 200))[:150]
    files({"in/a.txt": known, "in/b.txt": prose(3, 100), "t.txt": other[:75] + mine + other[75:]})
    dedup.scan(tmp_path / "in", run=tmp_path / "run")
    with checking_passages([tmp_path / "t.txt"], tmp_path / "run", PassageLimits()) as result:
        (doc,) = result.found
    assert abs(doc.share - 100 / 250) < 0.02
    assert not doc.contaminated


@examples(60)
@given(st.integers(0, 1 << 30), st.sampled_from(["ab", "abcdef", "abcdefghijklmnopqrstuvw"]))
def test_the_letters_that_stand_in_the_run_are_those_of_the_definition(tmp_path_factory, seed, alphabet):
    rng = random.Random(seed)
    folder = tmp_path_factory.mktemp("x")

    def some(n):
        return "".join(rng.choice(alphabet) for _ in range(n))

    known = [some(rng.randint(40, 300)) for _ in range(3)]
    new = []
    for _ in range(4):
        text = rng.choice(known)
        s = rng.randint(0, len(text))
        new.append(some(rng.randint(0, 60)) + text[s : s + rng.randint(0, 120)] + some(rng.randint(0, 60)))
    (folder / "in").mkdir()
    for i, text in enumerate(known):
        (folder / f"in/{i}.txt").write_text(text)
    (folder / "new.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in new))
    dedup.scan(folder / "in", run=folder / "run")
    least = 32
    stretches = {text[s : s + least] for text in known for s in range(len(text) - least + 1)}
    with checking_passages([folder / "new.jsonl"], folder / "run", PassageLimits()) as result:
        for doc, text in zip(result.found, new, strict=True):
            covered = np.zeros(len(text), bool)
            for s in range(len(text) - least + 1):
                if text[s : s + least] in stretches:
                    covered[s : s + least] = True
            assert doc.covered == covered.sum()
            longest = max((len(x) for x in "".join(".x"[int(c)] for c in covered).split(".")), default=0)
            assert (doc.longest.end - doc.longest.start if doc.longest else 0) <= longest


def test_texts_of_one_period_are_compared_in_no_time(files, tmp_path):
    files({"in/a.txt": "abc" * 60_000, "in/b.txt": "abc" * 40_000 + "d", "t.txt": "bca" * 3_000})
    dedup.scan(tmp_path / "in", run=tmp_path / "run")
    with checking_passages([tmp_path / "t.txt"], tmp_path / "run", PassageLimits()) as result:
        assert result.found[0].share == 1
        assert result.found[0].longest.documents >= 1


def test_options_that_do_not_go_together_are_refused(run, files, tmp_path):
    files({"in/a.txt": prose(1, 50), "t.txt": prose(2, 50)})
    run("scan", "in", "-q")
    for args in (["--passages", "--format", "jsonl"], ["--min-share", "0.5"], ["--passages", "--add"]):
        assert len(run("check", "t.txt", *args, code=2).told) == 1
    assert "32 letters" in run("check", "t.txt", "--passages", "--min-passage", "31", code=2).told[0]
    with (
        pytest.raises(BadSetting),
        checking_passages([tmp_path / "t.txt"], tmp_path / ".dedup", PassageLimits(min_passage=8)),
    ):
        pass


def test_a_short_item_and_a_file_that_has_gone_are_told(run, files, tmp_path):
    files({"in/a.txt": prose(1, 50), "in/b.txt": prose(3, 50), "t.jsonl": '{"text": "too short"}\n'})
    run("scan", "in", "-q")
    shown = run("check", "t.jsonl", "--passages")
    assert "fewer than --min-passage 32" in shown.stdout
    files({"u.txt": prose(1, 50)})
    (tmp_path / "in/a.txt").unlink()
    found = run("check", "u.txt", "--passages")
    assert "in/a.txt: has changed or gone" in found.told[0]
    run("check", "u.txt", "--passages", "--strict", code=2)
