"""Check: new documents against a run give what a scan of both would; nothing is added unless asked."""

import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import dedup
from dedup.check.check import check
from dedup.check.existing import Existing
from dedup.check.result import Allowed
from dedup.core.errors import BadInput, BadRun
from dedup.matching.views import LETTERS

from ..conftest import OTHER, POST, SAMPLES, VARIANTS, brute_force, needs_variants
from ..noise import scan as scanned

WORDS = [w for w in (POST + " " + OTHER).split() if len(w) > 2]


def prose(seed: int, n: int = 150) -> str:
    """Words that share no passage with those of another seed."""
    rng = random.Random(seed)
    return " ".join("".join(rng.sample("abcdefghijklmnopqrstuvwxyz", rng.randint(3, 9))) for _ in range(n))


def found_by(new, run, **how):
    found, _ = check(new, run, **how)
    return {doc.path: doc for doc in found}


def clustered_by_check(found) -> set[str]:
    """The new documents that stand in some pair."""
    partners = {m.path for doc in found.values() for m in doc.matches if not m.in_run}
    return {path for path, doc in found.items() if doc.matches} | partners


def clustered_by_scan(both, prefix: str) -> set[str]:
    """The new documents that a scan of both finds in a cluster or in a form."""
    names = map(both.name, np.flatnonzero((both.cluster_ids > 0) | (both.family_ids > 0)).tolist())
    return {name for name in names if name.startswith(prefix)}


@pytest.fixture
def place(files, monkeypatch):
    """A folder with old documents, scanned into the run folder `r`; the test works in it."""
    made = files(
        {
            "old/post.txt": POST,
            "old/other.txt": OTHER,
            "old/long.txt": f"{prose(1)} {prose(2, 400)} {prose(3)}",
            "old/part.txt": prose(4),
            "old/tiny.txt": "tiny",
        }
    )
    monkeypatch.chdir(made)
    (made / "new").mkdir()
    dedup.scan("old", run="r")
    return made


# ------------------------------------------------------------------ the plain answer


@pytest.mark.parametrize("share", [2, 3, 5])
def test_samples_are_judged_as_a_scan_of_both_judges_them(tmp_path, monkeypatch, share):
    monkeypatch.chdir(tmp_path)
    split(SAMPLES, tmp_path, share)
    dedup.scan("old", run="r")
    found = found_by(["new"], "r")
    both = dedup.scan(["old", "new"])
    assert clustered_by_check(found) == clustered_by_scan(both, "new/")
    aside = {both.name(d) for d in np.flatnonzero(~both.ok).tolist() if both.name(d).startswith("new/")}
    assert {path for path, doc in found.items() if doc.status == "set aside"} == aside


@pytest.mark.slow
@needs_variants
def test_the_labelled_set_is_judged_as_a_scan_of_both_judges_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    split(VARIANTS / "docs", tmp_path, 5)
    dedup.scan("old", run="r")
    found = found_by(["new"], "r")
    scanned = clustered_by_scan(dedup.scan(["old", "new"]), "new/")
    assert len(found) == 335
    assert len(scanned) > 200
    assert clustered_by_check(found) == scanned


def split(source: Path, to: Path, share: int) -> None:
    """Every `share`-th file goes to new/, the others to old/."""
    for i, path in enumerate(sorted(p for p in source.rglob("*") if p.is_file())):
        target = to / ("new" if i % share == 0 else "old") / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def test_a_corpus_with_frames_parts_and_edits_is_judged_as_a_scan_of_both_judges_it(files, monkeypatch):
    frame, licence = prose(900, 120), prose(901, 80)
    texts = {}
    for i in range(120):
        body = prose(i, 140)
        kind, words = i % 6, body.split()
        texts[f"{i:03}a"] = f"{frame} {body}" if kind == 0 else f"{body} {licence}" if kind == 1 else body
        words[10:14] = ["quite", "other", "words", "here"]
        texts[f"{i:03}b"] = {
            0: f"{frame} {prose(1000 + i, 140)}",
            1: f"{prose(2000 + i, 140)} {licence}",
            2: " ".join(words),
            3: " ".join(words[20:110]),
            4: body.upper().replace(" ", ".\n"),
            5: f"{prose(3000 + i, 30)} {body} {prose(4000 + i, 30)}",
        }[kind]
    rng = random.Random(5)
    new = set(rng.sample(sorted(texts), 60))
    made = files({f"{'new' if name in new else 'old'}/{name}.txt": text for name, text in texts.items()})
    monkeypatch.chdir(made)
    assert dedup.scan("old", run="r").spans.indptr[-1] > 0
    found = found_by(["new"], "r")
    both = clustered_by_scan(dedup.scan(["old", "new"]), "new/")
    assert 20 < len(both) < 60
    assert clustered_by_check(found) == both


# ------------------------------------------------------------------ what is told


def test_each_relation_is_told_with_exact_figures(place):
    near = POST.replace("warm coat", "thick jumper")
    part = " ".join(prose(2, 400).split()[50:250])
    texts = {
        "identical": POST,
        "whitespace": POST.replace(" ", "  "),
        "case": POST.upper(),
        "punctuation": POST.replace(",", ""),
        "near": near,
        "contained": part,
    }
    for name, text in texts.items():
        (place / "new" / f"{name}.txt").write_text(text)
        (doc,) = found_by([f"new/{name}.txt"], "r").values()
        match = doc.matches[0]
        assert (doc.status, match.relation) == ("duplicate", name)
        old = (place / match.path).read_text()
        jaccard, containment = brute_force(text, old)
        assert match.jaccard == pytest.approx(jaccard)
        assert match.containment == pytest.approx(containment)
        assert not match.estimated
    assert match.side == "part"
    assert match.path == "old/long.txt"


def test_a_new_document_that_holds_an_existing_one_is_told_so(place):
    (place / "new/whole.txt").write_text(f"{prose(50, 300)} {prose(4)} {prose(51, 300)}")
    doc = found_by(["new"], "r")["new/whole.txt"]
    assert [(m.path, m.relation, m.side) for m in doc.matches] == [("old/part.txt", "contained", "whole")]


def test_new_documents_that_duplicate_each_other_are_told_once(place):
    text = prose(60)
    for name, copy in (("a", text), ("b", text), ("c", text.replace(text[:40], "changed")), ("d", prose(61))):
        (place / "new" / f"{name}.txt").write_text(copy)
    found = found_by(["new"], "r")
    assert {name: doc.status for name, doc in found.items()} == {
        "new/a.txt": "new",
        "new/b.txt": "duplicate",
        "new/c.txt": "duplicate",
        "new/d.txt": "new",
    }
    assert found["new/b.txt"].matches[0].relation == "identical"
    assert [(m.path, m.in_run) for m in found["new/c.txt"].matches] == [("new/a.txt", False)]


def test_a_short_text_has_an_equal_or_is_set_aside(place):
    (place / "new/t.txt").write_text("TINY")
    (place / "new/u.txt").write_text("small")
    found = found_by(["new"], "r")
    assert (found["new/t.txt"].status, found["new/t.txt"].matches[0].relation) == ("duplicate", "case")
    assert (found["new/u.txt"].status, found["new/u.txt"].note) == (
        "set aside",
        "too short to judge: 5 letters; a shingle has 8",
    )


def test_a_document_of_the_run_is_not_its_own_duplicate(place):
    assert {doc.status for doc in found_by(["old", place / "old/post.txt"], "r").values()} == {"in the run"}
    (place / "old/post.txt").write_text(POST.replace("warm", "cold"))
    assert found_by(["old/post.txt"], "r")["old/post.txt"].status == "new"


def test_records_are_checked_one_by_one(place):
    rows = [{"id": "x", "text": POST}, {"id": "y", "text": prose(70)}]
    (place / "new/test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = found_by(["new"], "r")
    assert [(d.path, d.file, d.record, d.id, d.status) for d in found.values()] == [
        ("new/test.jsonl:1", "new/test.jsonl", 1, "x", "duplicate"),
        ("new/test.jsonl:2", "new/test.jsonl", 2, "y", "new"),
    ]


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_where_the_existing_text_is_lost_estimates_are_told_as_such(place, change):
    (place / "new/near.txt").write_text(POST.replace("warm coat", "thick jumper"))
    (place / "new/equal.txt").write_text(POST.upper())
    (place / "new/part.txt").write_text(" ".join(prose(2, 400).split()[50:350]))
    exact = found_by(["new"], "r")
    for name in ("post", "long"):
        path = place / "old" / f"{name}.txt"
        path.unlink() if change == "gone" else path.write_text("something else")
    found = found_by(["new"], "r")
    for name, doc in exact.items():
        (was,), (now,) = doc.matches, found[name].matches
        assert (now.path, now.text) == (was.path, change)
        assert now.containment == pytest.approx(was.containment, abs=0.25)
        assert now.estimated == (name != "new/equal.txt")  # that letters are equal is no estimate
    assert found["new/part.txt"].matches[0].relation == exact["new/part.txt"].matches[0].relation


def test_a_run_that_is_used_from_another_folder_finds_its_texts(place, monkeypatch):
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    (place / "elsewhere/a.txt").write_text(POST + " And so on.")
    (doc,) = found_by(["a.txt"], place / "r").values()
    assert (doc.matches[0].relation, doc.matches[0].estimated) == ("near", False)


# ------------------------------------------------------------------ the index


def test_the_index_is_made_once_and_again_when_it_is_damaged(place):
    made = []
    (place / "new/a.txt").write_text(POST)

    def once():
        return [d.status for d in check(["new"], "r", on_index=lambda: made.append(1))[0]], len(made)

    assert once() == (["duplicate"], 1)
    assert once() == (["duplicate"], 1)
    (tables_folder,) = (place / "r").glob("tables-*")
    os.truncate(tables_folder / "index-values.npy", 200)
    assert once() == (["duplicate"], 2)
    dedup.scan("old", run="r", min_jaccard=0.6)
    assert once() == (["duplicate"], 3)


def test_a_run_that_cannot_be_written_to_is_checked_all_the_same(place, monkeypatch):
    def refused(*args, **how):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("dedup.check.existing.tempfile.TemporaryFile", refused)
    (place / "new/a.txt").write_text(POST)
    assert found_by(["new"], "r")["new/a.txt"].status == "duplicate"
    assert not list((place / "r").glob("tables-*/index*"))


def test_bands_and_letters_are_found_for_every_document_by_its_own_signature(place):
    existing = Existing(Path("r"))
    check(["old/post.txt"], "r")
    made = existing.open_index()
    first = np.ascontiguousarray(existing.signatures.values[:4])
    pairs = made.in_band(LETTERS, first, existing.settings)
    assert {(i, i) for i in range(4)} <= set(map(tuple, pairs.tolist()))
    assert len(made.letters[0]) == existing.n_docs


# ------------------------------------------------------------------ the command


def test_the_exit_code_says_whether_there_is_a_duplicate(run, place):
    (place / "new/a.txt").write_text(prose(80))
    assert run("check", "new", "--against", "r").lines == [
        "checked 1 = new 1 + duplicate 0, against 5 documents in r"
    ]
    (place / "new/b.txt").write_text(POST)
    out = run("check", "new", "--against", "r", code=1).lines
    assert out[0] == "duplicate  new/b.txt"
    assert out[1].split() == ["identical", "J", "1.000", "C", "1.000", "old/post.txt"]
    (place / "new/c.jsonl").write_text("not json\n")
    assert "new/c.jsonl" in run("check", "new", "--against", "r", code=2).stderr


def test_nothing_is_added_without_add(run, place):
    before = (place / "r/run.json").read_bytes()
    (place / "new/a.txt").write_text(prose(81))
    run("check", "new", "--against", "r")
    assert (place / "r/run.json").read_bytes() == before
    run("check", "new", "--against", "r", "--add")
    assert "new/a.txt" in run("export", "keep", "--run", "r").lines
    assert run("check", "new", "--against", "r").lines == [
        "checked 1 = new 0 + duplicate 0 + in the run 1, against 6 documents in r"
    ]


def test_add_refuses_what_later_scans_could_not_read(run, place, monkeypatch):
    assert "a pipe cannot be read again" in run("check", "-", "--against", "r", "--add", code=2).stderr
    (place / "sub").mkdir()
    (place / "sub/a.txt").write_text(prose(82))
    monkeypatch.chdir(place / "sub")
    assert "do it there" in run("check", "a.txt", "--against", "../r", "--add", code=2).stderr


def test_accepted_pairs_are_no_duplicates_and_unused_ones_are_told(run, place):
    (place / "new/a.txt").write_text(POST)
    (place / "new/b.txt").write_text(OTHER)
    lines = [
        "# a comment",
        "",
        "new/a.txt\told/post.txt",
        "./new/b.txt",
        "new/b.txt\told/post.txt",
        "new/c.txt",
    ]
    (place / "allow").write_text("\n".join(lines))
    out = run("check", "new", "--against", "r", "--allow", "allow")
    assert out.lines[-1] == "checked 2 = new 0 + duplicate 0 + allowed 2, against 5 documents in r"
    assert out.stderr.splitlines()[-2:] == [
        "dedup: allow, line 5: nothing to accept: new/b.txt and old/post.txt",
        "dedup: allow, line 6: nothing to accept: new/c.txt",
    ]
    (place / "allow").write_text("new/a.txt\told/other.txt\n")
    assert (
        run("check", "new", "--against", "r", "--allow", "allow", code=1).lines[0] == "duplicate  new/a.txt"
    )


@pytest.mark.parametrize("line", ["a\tb\tc", "\tb", "a\t"])
def test_a_bad_line_of_accepted_pairs_is_named(tmp_path, line):
    (tmp_path / "allow").write_text(f"a\n{line}\n")
    with pytest.raises(BadInput, match="allow, line 2: neither"):
        Allowed.read(tmp_path / "allow")


def test_json_lists_every_new_document(run, place):
    (place / "new/a.txt").write_text(POST)
    (place / "new/b.txt").write_text(prose(83))
    out = run("check", "new", "--against", "r", "--json", code=1).json
    assert out["documents"] == {
        **{"seen": 2, "new": 1, "duplicate": 1, "allowed": 0, "in_the_run": 0, "set_aside": 0}
    }
    assert out["against"] == {"run": "r", "documents": 5}
    assert [d["path"] for d in out["checked"]] == ["new/a.txt", "new/b.txt"]
    assert out["checked"][0]["matches"][0]["kept"] is True
    rows = run("check", "new", "--against", "r", "--format", "jsonl", code=1).jsonl
    assert rows == out["checked"]


def test_github_gets_an_annotation_for_each_duplicate(run, place):
    rows = [{"text": prose(84)}, {"text": POST}]
    (place / "new/50%,a:b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "allow").write_text("nobody\n")
    out = run("check", "new", "--against", "r", "--format", "github", "--allow", "allow", code=1)
    assert out.lines == [
        "::error file=new/50%25%2Ca%3Ab.jsonl,line=2,title=duplicate::"
        "identical J 1.000  C 1.000: old/post.txt",
        "::warning title=unused entry::allow, line 1: nothing to accept: nobody",
    ]


def test_hostile_names_reach_no_terminal(run, place):
    (place / "new/a\x1b[31m.txt").write_text(POST)
    for form in ("text", "github"):
        assert "\x1b[31m" not in run("check", "new", "--against", "r", "--format", form, code=1).stdout


def test_a_missing_run_or_input_is_one_clear_line(run, place):
    assert run("check", "new", "--against", "none", code=2).stderr == (
        "dedup: none: no run here; make one with: dedup scan FOLDER\n"
    )
    assert "nowhere" in run("check", "nowhere", "--against", "r", code=2).stderr
    (tables_folder,) = (place / "r").glob("tables-*")
    (tables_folder / "documents.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(BadRun, match="damaged"):
        check(["old/post.txt"], "r")


def test_a_noisy_copy_of_a_document_of_the_run_is_found(place):
    (place / "old/book.txt").write_text(OTHER * 2 + prose(77))
    (place / "old/volume.txt").write_text(" ".join(map(prose, range(80, 84))))
    dedup.scan("old", run="r")
    (place / "new/scan.txt").write_text(scanned(OTHER * 2 + prose(77), 0.15))
    (place / "new/again.txt").write_text(scanned(OTHER * 2 + prose(77), 0.1))
    (place / "new/else.txt").write_text(scanned(prose(78), 0.15))
    (place / "new/page.txt").write_text(scanned(prose(81), 0.1))
    found = found_by(["new"], "r")
    assert {path: doc.status for path, doc in found.items()} == {
        "new/again.txt": "duplicate",
        "new/else.txt": "new",
        "new/page.txt": "duplicate",
        "new/scan.txt": "duplicate",
    }
    (match,) = found["new/page.txt"].matches
    assert (match.path, match.relation, match.side) == ("old/volume.txt", "contained", "part")
    assert match.containment < 0.6 < 0.85 < match.aligned
    matches = {m.path: m for m in found["new/scan.txt"].matches}
    assert matches["old/book.txt"].relation == "scanned"
    assert 0.6 < matches["old/book.txt"].aligned < 1
