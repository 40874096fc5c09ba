"""The second scan reads only what is new and gives the same bytes as a first one; `decide` reads nothing."""

import json
import os
import random
import zipfile
from pathlib import Path

import pytest

import dedup
from dedup.core.errors import BadSetting
from dedup.core.settings import MIN_LINES, Settings
from dedup.core.verdicts import RELATIONS
from dedup.matching.update import finder
from dedup.pipeline import ingest
from dedup.pipeline.rescan import PASS, last_run

from ..conftest import OTHER, POST
from ..matching.test_passages import Prose
from ..noise import scan as scanned

WORDS = (POST + " " + OTHER).split()


def text(i: int) -> str:
    return " ".join(WORDS[(i * 7 + j * (3 + i % 5)) % len(WORDS)] for j in range(120)) + f" {i}"


def tables(run_folder):
    (found,) = run_folder.glob("tables-*")
    return {path.name: path.read_bytes() for path in found.iterdir()}


@pytest.fixture
def folder(files):
    rows = "".join(json.dumps({"text": text(i % 40) + " row"}) + "\n" for i in range(60))
    made = files(
        {
            **{f"in/{i:03}.txt": text(i % 45) + (" again" if i % 3 else "") for i in range(90)},
            "in/b.jsonl": rows,
            "in/c.txt": POST,
            "in/d.txt": POST.upper(),
            "in/e.txt": "short",
            "in/f.txt": "",
        }
    )
    with zipfile.ZipFile(made / "in/x.zip", "w") as z:
        for name in ("2.txt", "1.txt", "more.jsonl"):
            z.writestr(name, rows if name.endswith("l") else POST + name)
    dedup.scan(made / "in", run=made / "r")
    return made


FROM_NOTHING = pytest.param(10**9, id="from nothing", marks=pytest.mark.slow)


@pytest.fixture(params=[pytest.param(0, id="from the last run"), FROM_NOTHING], autouse=True)
def again(request, monkeypatch):
    """Candidates are found from those of the last run, whatever has changed; or always from nothing."""
    monkeypatch.setattr(finder, "LEAST_SAME", request.param)
    monkeypatch.setattr(finder, "LEAST_SETTLED", 1)
    monkeypatch.setattr(finder, "STEPS", 10**9)


@pytest.fixture
def n_read(monkeypatch):
    """How many documents were read and signed."""
    count, sign = [0], ingest.sign

    def counting(read, settings):
        count[0] += sum(len(records) for _, records, _, _ in read)
        return sign(read, settings)

    monkeypatch.setattr(ingest, "sign", counting)
    return count


def same_as_from_nothing(folder, n_read, **settings):
    """Scan again; what was read, after a check that a scan from nothing gives the same bytes."""
    n_read[0] = 0
    dedup.scan(folder / "in", run=folder / "r", **settings)
    read = n_read[0]
    dedup.scan(folder / "in", run=folder / f"whole-{os.urandom(4).hex()}", **settings)
    (newest,) = sorted(folder.glob("whole-*"), key=os.path.getmtime)[-1:]
    assert tables(folder / "r") == tables(newest)
    return read


def test_nothing_new_reads_nothing_and_leaves_the_run_as_it_is(folder, n_read):
    before = (folder / "r/run.json").read_bytes()
    dedup.scan(folder / "in", run=folder / "r")
    assert n_read == [0]
    assert (folder / "r/run.json").read_bytes() == before
    assert sorted(os.listdir(folder / "r")) == ["lock", "run.json", "tables-000001"]


@pytest.mark.parametrize("new_name", ["in/000a.txt", "in/zz.txt"])
def test_a_new_file_alone_is_read(folder, n_read, new_name):
    (folder / new_name).write_text(text(7) + " yet another")
    assert same_as_from_nothing(folder, n_read) == 1


@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_without_what_led_to_the_candidates_all_are_found_anew(folder, n_read, how):
    (steps,) = (folder / "r").glob("tables-*/steps.npz")
    steps.unlink() if how == "lost" else steps.write_bytes(steps.read_bytes()[:-9] + b"damaged!!")
    (folder / "in/000a.txt").write_text(text(7) + " yet another")
    assert same_as_from_nothing(folder, n_read) == 1


def test_a_changed_file_alone_is_read(folder, n_read):
    (folder / "in/003.txt").write_text(text(11) + " changed")
    assert same_as_from_nothing(folder, n_read) == 1
    (folder / "in/003.txt").write_text(text(11) + " CHANGES")  # of the same size
    assert same_as_from_nothing(folder, n_read) == 1
    (folder / "in/b.jsonl").write_text(json.dumps({"text": POST}) + "\n")
    assert same_as_from_nothing(folder, n_read) == 1


def test_a_removed_file_is_gone_and_nothing_is_read(folder, n_read):
    (folder / "in/000.txt").unlink()
    (folder / "in/c.txt").unlink()
    assert same_as_from_nothing(folder, n_read) == 0


def test_an_equal_of_a_short_text_and_a_new_first_of_equal_letters_are_seen(folder, n_read):
    (folder / "in/000000.txt").write_text("SHORT!")
    os.utime(folder / "in/000000.txt", (1, 1))  # so that it is the older one
    (folder / "in/0000.txt").write_text(POST.lower())
    assert same_as_from_nothing(folder, n_read) == 2
    assert "000000.txt" in " ".join(dedup.open_run(folder / "r").keep())


def test_noisy_copies_are_found_among_old_and_new_files(folder, n_read):
    prose = Prose(2)
    texts = [prose.text(90) for _ in range(6)]
    for i, noisy in enumerate(texts):
        (folder / f"in/clean{i}.txt").write_text(noisy)
        if i < 3:
            (folder / f"in/noisy{i}.txt").write_text(scanned(noisy, 0.15))
    assert same_as_from_nothing(folder, n_read) == 9
    for i in range(3, 6):
        (folder / f"in/noisy{i}.txt").write_text(scanned(texts[i], 0.2))
    (folder / "in/noisy0.txt").unlink()
    assert same_as_from_nothing(folder, n_read) == 3
    relations = dedup.open_run(folder / "r").pair_relations.tolist()
    assert relations.count(RELATIONS.index("scanned")) == 5


def test_damaged_pages_are_found_in_old_and_new_books(folder, n_read):
    prose = Prose(4)
    volumes = [[prose.text(160) for _ in range(6)] for _ in range(2)]
    for i, volume in enumerate(volumes):
        (folder / f"in/page{i}.txt").write_text(scanned(volume[2], 0.1))
    (folder / "in/volume0.txt").write_text(" ".join(volumes[0]))
    assert same_as_from_nothing(folder, n_read) == 3
    (folder / "in/volume1.txt").write_text(" ".join(volumes[1]))
    (folder / "in/again.txt").write_text(scanned(volumes[0][4], 0.15))
    assert same_as_from_nothing(folder, n_read) == 2
    cluster = {Path(m.path).name: c.id for c in dedup.open_run(folder / "r").clusters for m in c.members}
    assert cluster["page0.txt"] == cluster["volume0.txt"] == cluster["again.txt"]
    assert cluster["page1.txt"] == cluster["volume1.txt"] != cluster["page0.txt"]


def test_new_boilerplate_is_learned_over_old_and_new_files(folder, n_read):
    assert not len(dedup.open_run(folder / "r").spans.start)
    prose = Prose(1)
    for i in range(20):
        (folder / f"in/frame{i}.txt").write_text(f"{POST} {prose.text(60)} {OTHER}")
    assert same_as_from_nothing(folder, n_read) == 20
    assert len(dedup.open_run(folder / "r").spans.start) > 40  # in the frames, and in POST itself


@pytest.mark.parametrize(
    ("rounds", "boilerplate"), [(3, "on"), (2, "off"), pytest.param(40, "on", marks=pytest.mark.slow)]
)
def test_a_series_of_changes_ends_as_one_scan_does(files, n_read, rounds, boilerplate):
    chance = random.Random(rounds)
    frames = [" ".join(chance.choices(WORDS, k=60)) for _ in range(3)]

    def page():
        about = chance.randrange(30)
        body = " ".join(WORDS[(about * 11 + j * (1 + about % 7)) % len(WORDS)] for j in range(80))
        return f"{chance.choice(frames)} {body[chance.randrange(40) :]} {chance.choice(frames)}"

    folder = files({f"in/{i:03}.txt": page() for i in range(chance.randrange(40, 90))})
    dedup.scan(folder / "in", run=folder / "r", boilerplate=boilerplate)
    for i in range(rounds):
        for path in chance.sample(sorted((folder / "in").iterdir()), 4):
            path.unlink() if chance.random() < 0.5 else path.write_text(page() + str(i))
        for _ in range(chance.randrange(6)):
            (folder / f"in/{chance.randrange(1000):03}.txt").write_text(page())
        same_as_from_nothing(folder, n_read, boilerplate=boilerplate)


def test_other_settings_of_the_pass_read_everything_and_thresholds_read_nothing(folder, n_read):
    everything = len(dedup.open_run(folder / "r").documents)
    assert same_as_from_nothing(folder, n_read, min_jaccard=0.7) == 0
    assert same_as_from_nothing(folder, n_read, k=9) == everything


def test_a_run_of_a_pass_with_any_other_setting_is_not_gone_on_from(folder):
    others = {"k": 9, "num_perm": 64, "sample": 100, "seed": 2, "text_field": "text", "id_field": "id"}
    others |= {"encoding": "utf-8", "max_document_size": "1MB", "prefer": "longest"}
    of_no_pass = {*MIN_LINES, "max_lost", "relations", "boilerplate", "noise", "follow_links"}
    assert set(others) == set(PASS) == set(Settings().deciding()) - of_no_pass
    assert last_run(folder / "r", Settings()) is not None
    for name, value in others.items():
        assert last_run(folder / "r", Settings(**{name: value})) is None, name


def test_checksum_trusts_no_size_and_time(folder, n_read):
    path = folder / "in/003.txt"
    facts = path.stat()
    path.write_text(path.read_text().replace("again", "AGAIN").replace("the", "tho"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    dedup.scan(folder / "in", run=folder / "r")
    assert n_read == [0]
    dedup.scan(folder / "in", run=folder / "r", checksum=True)
    assert n_read[0] == len(dedup.open_run(folder / "r").documents)


def test_the_command_line_says_that_nothing_has_changed(run, folder):
    outcome = run("scan", "in", "--run", "again")
    assert "nothing" not in outcome.stderr
    outcome = run("scan", "in", "--run", "again")
    assert "nothing has changed" in outcome.stderr
    assert "seen 216" in outcome.stdout


def test_where_nothing_has_changed_the_time_is_that_of_now_and_the_run_keeps_its_own(run, folder):
    first = run("scan", "in", "--run", "again", "--json").json
    again = run("scan", "in", "--run", "again", "--json").json
    assert {**again, "seconds": {}} == {**first, "seconds": {}}
    assert list(again["seconds"]) == ["unchanged"]
    assert list(dedup.scan(["in"], run="again").summary["seconds"]) == ["unchanged"]
    assert dedup.open_run("again").summary["seconds"] == first["seconds"]
    assert "nothing was read again\n" in run("scan", "in", "--run", "again").stdout
    assert "documents/s" in run("scan", "in", "--run", "again", "--checksum").stdout


# ------------------------------------------------------------------ decide


@pytest.mark.parametrize(
    "settings",
    [
        {"min_jaccard": 0.8},
        {"prefer": "shortest"},
        {"prefer": "cleanest,first"},
        {"relations": "identical,case"},
        {"min_containment": 0.95, "min_skeleton": 0.9},
    ],
)
def test_a_decision_is_that_of_a_scan_and_reads_no_text(folder, monkeypatch, settings):
    with monkeypatch.context() as m:
        m.setattr(ingest, "fetch", lambda *a: pytest.fail("a text was read"))
        decided = dedup.decide(folder / "r", **settings)
    scanned = dedup.scan(folder / "in", **settings)
    assert set(decided.keep()) >= set(scanned.keep())
    if settings.get("prefer") != "shortest":  # for which the first scan has not compared all that matters
        assert len(decided.keep()) <= len(scanned.keep()) + 3
    opened = dedup.open_run(folder / "r")
    assert opened.keep() == decided.keep()
    assert opened.summary["settings"] == scanned.summary["settings"]
    if "prefer" not in settings:
        assert [m.path for m in decided.drop()] == [m.path for m in scanned.drop()]


def test_decisions_can_be_taken_back(folder):
    before = tables(folder / "r")
    dedup.decide(folder / "r", min_jaccard=0.9, prefer="longest")
    assert tables(folder / "r")["verdict.parquet"] != before["verdict.parquet"]
    dedup.decide(folder / "r", min_jaccard=0.5, prefer=Settings().prefer)
    after = tables(folder / "r")
    assert after["verdict.parquet"] == before["verdict.parquet"]
    assert after["pairs.parquet"] == before["pairs.parquet"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"min_jaccard": 0.4}, r"0\.4 is below 0\.5.*scan again"),
        ({"k": 9}, "k: only a scan"),
        ({"prefer": "field:score"}, "did not keep the field 'score'"),
    ],
)
def test_what_only_a_scan_can_answer_is_refused(folder, settings, words):
    with pytest.raises(BadSetting, match=words):
        dedup.decide(folder / "r", **settings)
    assert len(list((folder / "r").glob("tables-*"))) == 1


def test_decide_on_the_command_line(run, folder):
    outcome = run("decide", "--run", "r", "--min-jaccard", "0.95", "--json")
    assert outcome.json["settings"]["min_jaccard"] == 0.95
    assert "scan again" in run("decide", "--run", "r", "--min-jaccard", "0.1", code=2).stderr
    assert "dedup scan" in run("decide", "--run", "none", code=2).stderr
