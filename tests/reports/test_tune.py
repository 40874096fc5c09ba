"""Tune: what other lines would drop, pairs near the line, measured recall, and the interview."""

import dataclasses
import io
import random
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import dedup
from dedup.core.errors import BadInput, BadSetting
from dedup.core.pairs import VerifiedPairs
from dedup.core.settings import Settings
from dedup.core.verdicts import NEAR
from dedup.matching.bands import banding, recall
from dedup.reports.tune.borderline import borderline, candidates_of
from dedup.reports.tune.interview import Interview, LabelsFile, interview
from dedup.reports.tune.recall import measured_recall, wilson
from dedup.reports.tune.threshold import Answers, advice, errors_at
from dedup.reports.tune.tune import histogram, s_curve, tune, what_if
from dedup.reports.tune.whatif import decided_at

from ..cli.test_cli import one_line
from ..conftest import ALIKE_ALONE, ALIKE_OPTIONS, OTHER, POST, VARIANTS, brute_force, needs_variants
from ..matching.test_passages import Prose

SHARES = (0.0, 0.02, 0.05, 0.09, 0.12, 0.15, 0.2)  # of the words that are replaced


def versions(n: int, seed: int = 1) -> list[str]:
    """n texts of their own words, each in several versions, from nearly the same to hardly alike."""
    rng = random.Random(seed)

    def word() -> str:
        return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(4, 9)))

    texts = []
    for _ in range(n):
        words = [word() for _ in range(150)]
        texts += [" ".join(word() if rng.random() < share else w for w in words) for share in SHARES]
        texts.append(texts[-1].upper())
    return texts


TEXTS = versions(8)
DISTINCT = len({t.lower() for t in TEXTS})  # of other letters


@pytest.fixture(scope="module")
def result():
    return dedup.scan_texts(TEXTS, **ALIKE_ALONE)


@pytest.fixture(scope="module")
def near_line(result):
    return borderline(result, candidates_of(result))


# ------------------------------------------------------------------ other lines


@pytest.mark.parametrize("line", [0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 0.95])
def test_another_line_drops_what_a_scan_there_would_drop(result, line):
    guessed = decided_at(result, line).verdict
    real = dedup.scan_texts(TEXTS, min_jaccard=line, **ALIKE_ALONE).verdict
    for name in ("witness", "cluster", "canonical", "relation"):
        assert (getattr(guessed, name) == getattr(real, name)).all(), name
    assert np.allclose(guessed.jaccard, real.jaccard)


@pytest.mark.parametrize(
    "settings",
    [
        {"prefer": "cleanest,shortest"},
        {"prefer": "shortest", "relations": "near,contained"},
        {"min_jaccard": 0.3, "min_containment": 0.6, "boilerplate": "off"},
    ],
)
def test_another_line_is_exact_with_other_settings_too(settings):
    texts = [
        *TEXTS,
        " ".join(TEXTS[:56:8]),
        "<p>" + TEXTS[3].title(),
        *(t[: len(t) // 2] for t in TEXTS[::9]),
    ]
    found = dedup.scan_texts(texts, **settings)
    for line in (0.6, 0.8):
        real = dedup.scan_texts(texts, **{**settings, "min_jaccard": line}).verdict
        assert (decided_at(found, line).verdict.witness == real.witness).all()
        assert (decided_at(found, line).verdict.relation == real.relation).all()


def test_other_lines_differ_so_that_the_test_above_can_fail(result):
    dropped = [row["dropped"] for row in what_if(result)]
    assert dropped == sorted(dropped, reverse=True)
    assert len(set(dropped)) > 4
    assert what_if(result)[0]["dropped"] == int(result.dropped.sum())


@pytest.mark.slow
@needs_variants
def test_another_line_on_the_labelled_set_is_exact():
    folder = VARIANTS / "docs"
    run = dedup.scan(folder, noise="off")  # at a higher line more pairs would be aligned by letters
    for line in (0.6, 0.9):
        real = dedup.scan(folder, min_jaccard=line, noise="off").verdict
        guessed = decided_at(run, line).verdict
        assert (guessed.witness == real.witness).all()
        assert (guessed.cluster == real.cluster).all()


def test_below_the_line_of_the_run_nothing_is_guessed(result):
    with pytest.raises(BadSetting, match="scan again with --min-jaccard 0.4"):
        decided_at(result, 0.4)


def test_a_run_without_pairs_has_every_figure():
    report = tune(dedup.scan_texts([POST, OTHER, ""]))
    assert {row["dropped"] for row in report["lines"]} == {0}
    assert report["above"] == report["below"] == []
    assert report["recall"]["relations"]["near"] == {
        **{"pairs": 0, "found": 0, "recall": None},
        **{"low": 0.0, "high": 1.0},
    }


# ------------------------------------------------------------------ histogram and S-curve


def test_the_histogram_counts_every_verified_pair_once(result):
    rows = histogram(result, candidates_of(result))
    near = [row["near"] for row in rows]
    assert sum(near) == int((result.pair_relations == NEAR).sum())
    values = result.pairs.jaccard[result.pair_relations == NEAR]
    for row in rows:
        last = row["to"] == 1.0
        inside = (values >= row["from"]) & ((values < row["to"]) | last)
        assert row["near"] == inside.sum()
    assert all(row["near"] == 0 for row in rows if row["to"] <= 0.5)
    assert sum(row["not_joined"] for row in rows) > 0


def test_the_line_is_an_edge_of_the_bins_wherever_it_lies():
    found = dedup.scan_texts(TEXTS[:8], min_jaccard=0.53, **ALIKE_ALONE)
    assert 0.53 in [row["from"] for row in histogram(found, candidates_of(found))]


def test_the_s_curve_is_that_of_the_bands_of_the_scan():
    curve = s_curve(Settings(min_jaccard=0.7))
    bands = banding(0.7, 0.99, 128)
    assert (curve["bands"], curve["rows"]) == bands.columns.shape
    for point in curve["points"]:
        assert point["found"] == pytest.approx(recall(point["jaccard"], bands.columns, 128), abs=1e-4)


# ------------------------------------------------------------------ recall


def all_pairs_alike(texts: list[str], line: float) -> int:
    """Pairs of texts with other letters whose Jaccard reaches the line, by the plain definition."""
    plain = list(dict.fromkeys(t.lower() for t in texts))
    n = range(len(plain))
    return sum(brute_force(plain[i], plain[j])[0] >= line for i in n for j in n if i < j)


def test_brute_force_knows_every_pair_and_the_scan_found_them(result):
    report = measured_recall(result, sample=1000)
    near = report["relations"]["near"]
    assert near["pairs"] == all_pairs_alike(TEXTS, 0.5) > 50
    assert (near["recall"], near["high"]) == (1.0, 1.0)
    assert near["low"] < 1.0
    assert (report["sample"], report["compared_with"], report["of"]) == (DISTINCT,) * 3


def test_pairs_that_a_scan_did_not_find_lower_the_recall_and_are_named(result):
    rows = np.flatnonzero(result.pair_relations >= NEAR)
    lost = rows[::4]
    rest = np.setdiff1d(np.arange(len(result.pairs)), lost)
    blind = dataclasses.replace(
        result, pairs=result.pairs.where(rest), pair_relations=result.pair_relations[rest]
    )
    report = measured_recall(blind, sample=1000)
    near = report["relations"]["near"]
    assert near["found"] == near["pairs"] - len(lost)
    assert near["low"] < near["recall"] < near["high"] < 1.0
    names = {tuple(blind.name(int(d)) for d in pair) for pair in result.pairs.docs[lost]}
    assert len(report["missed"]) == 5
    assert {(row["left"], row["right"]) for row in report["missed"]} <= names


def test_a_sample_is_the_same_for_the_same_seed_and_smaller_than_all(result):
    some = [measured_recall(result, sample=10, seed=s) for s in (1, 1, 2)]
    assert some[0] == some[1]
    assert some[0]["relations"] != some[2]["relations"]
    assert 0 < some[0]["relations"]["near"]["pairs"] < all_pairs_alike(TEXTS, 0.5)


def test_of_a_corpus_too_large_a_random_part_is_held_against_the_sample(result):
    report = measured_recall(result, sample=5, max_bytes=20 * len(TEXTS[0]))
    assert 15 < report["compared_with"] <= 25
    assert report["of"] == DISTINCT


def test_parts_and_rewritten_copies_are_measured_too():
    whole = " ".join(TEXTS[0:56:8])
    found = dedup.scan_texts([whole, *TEXTS[0:56:8], OTHER], **ALIKE_ALONE)
    contained = measured_recall(found)["relations"]["contained"]
    assert contained["pairs"] == 7


def test_wilson_is_the_interval_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    for found, n in ((0, 1), (1, 1), (3, 10), (99, 100), (0, 250), (250, 250), (17, 9999)):
        theirs = stats.binomtest(found, n).proportion_ci(method="wilson")
        assert wilson(found, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


# ------------------------------------------------------------------ pairs near the line


def test_pairs_near_the_line_are_ordered_by_distance_and_have_their_exact_figure(result, near_line):
    assert near_line.nearest(True, 99)
    assert near_line.nearest(False, 99)
    distance = np.abs(near_line.jaccard - 0.5)
    assert (np.diff(distance) >= 0).all()
    assert ((near_line.jaccard >= 0.5) == near_line.joined).all()
    for (a, b), figure in zip(near_line.pairs.docs.tolist()[:20], near_line.jaccard, strict=False):
        assert brute_force(TEXTS[a], TEXTS[b])[0] == pytest.approx(float(figure))
        assert brute_force(TEXTS[a], TEXTS[b])[1] < 0.8


def test_a_pair_that_another_threshold_joins_is_not_near_the_line():
    half = POST[: len(POST) * 11 // 20]
    found = dedup.scan_texts([POST, half])
    assert found.pairs.jaccard[0] > 0.5
    assert len(borderline(found, candidates_of(found))) == 0


def test_pages_that_are_mostly_boilerplate_are_held_against_their_own_line(run, files, tmp_path):
    prose = Prose(2)
    top, bottom = prose.text(25), prose.text(25)
    texts = [f"{top} {prose.text(n)} {bottom}" for n in [60] * 20 + [8] * 4]
    files({f"in/{i:02}": text for i, text in enumerate(texts)})
    run("scan", "in", "-q")
    below = run("tune", "--json").json["below"]
    assert {row["line"] for row in below} == {0.8}
    assert all(0.5 < row["deciding_jaccard"] < 0.8 for row in below)
    assert "mostly boilerplate, joined from Jaccard 0.8 on" in run("tune").stdout
    found = dedup.open_run(tmp_path / ".dedup")
    near_line = borderline(found, candidates_of(found))
    asked = Interview(found, near_line, LabelsFile(tmp_path / "labels.csv")).near_line
    assert set(near_line.line) == {0.5, 0.8}
    assert set(asked.line) == {0.5}


def test_documents_gone_since_the_scan_are_shown_as_gone_and_the_figures_stay(run, files):
    folder = files({f"in/{i:02}": text for i, text in enumerate(TEXTS)})
    run("scan", "in", "-q", *ALIKE_OPTIONS)
    before = run("tune", "--json").json
    for path in (folder / "in").iterdir():
        path.unlink()
    after = run("tune", "--json").json
    for name in ("histogram", "lines", "s_curve", "above"):
        assert after[name] == before[name]
    assert (after["below"], after["recall"]["unread"]) == ([], DISTINCT)
    assert before["below"]
    shown = run("tune").stdout
    assert f"J {before['above'][0]['figures']['jaccard']:.3f}" in shown
    assert "has gone since the scan" in shown


# ------------------------------------------------------------------ the advice


answered = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=12)


@given(answered, st.sampled_from([0.05, 0.3, 0.5, 0.9, 1.0]))
def test_no_line_has_fewer_errors_than_the_one_advised(rows, now):
    answers = Answers(np.array([r[0] for r in rows]), np.array([r[1] for r in rows], np.bool_))
    found = advice(answers, now)
    lines = [x for j, _ in rows for x in (j, np.nextafter(j, 2.0)) if 0 < x <= 1]
    assert sum(found.errors) == sum(errors_at(answers, found.line))
    assert sum(found.errors) <= min(sum(errors_at(answers, x)) for x in [now, 1.0, *lines])
    assert found.low < found.line <= found.high
    if sum(found.errors_now) == sum(found.errors):
        assert found.line == now


def test_the_advice_is_the_middle_of_the_widest_gap_that_fits():
    answers = Answers(np.array([0.52, 0.6, 0.7, 0.9]), np.array([False, False, True, True]))
    found = advice(answers, 0.5)
    assert (found.line, found.low, found.high) == (0.65, 0.6, 0.7)
    assert (found.errors, found.errors_now) == ((0, 0), (2, 0))
    assert advice(answers, 0.62).line == 0.62


# ------------------------------------------------------------------ the interview


def talk(result, near_line, path, keys):
    """Run an interview with these keys -> (the advice, what was printed, the labels file)."""
    paper, given_keys = io.StringIO(), iter(keys)
    found = interview(
        result, near_line, LabelsFile(path), Console(file=paper, width=100), lambda: next(given_keys, "")
    )
    return found, paper.getvalue(), path.read_text().splitlines()


def test_answers_are_written_skipped_undone_and_continued(result, near_line, tmp_path):
    path = tmp_path / "labels.csv"
    _, shown, lines = talk(result, near_line, path, "sxdkq")
    assert lines[0] == "a,b,label"
    assert [line.split(",")[2] for line in lines[1:]] == ["same", "different"]
    assert shown.count("one document?") == 5
    _, shown, more = talk(result, near_line, path, "suduuuq")
    assert more == lines
    assert "2 answers of" in shown
    assert "nothing to undo" in shown
    found, _, most = talk(result, near_line, path, "s")
    assert most[:3] == lines
    assert len({line.rsplit(",", 1)[0] for line in most}) == 4
    assert (found["answers"], found["same"]) == (3, 2)


def test_an_answer_is_on_disk_before_the_next_question(result, near_line, tmp_path):
    path = tmp_path / "labels.csv"
    seen = []

    def ask():
        seen.append(len(path.read_text().splitlines()))
        return "s" if len(seen) < 4 else "q"

    interview(result, near_line, LabelsFile(path), Console(file=io.StringIO()), ask)
    assert seen == [0, 2, 3, 4]


def test_questions_go_where_the_answers_point(result, near_line, tmp_path):
    """A person who calls alike only what has a Jaccard of 0.6 is asked about pairs around that."""
    asked = Interview(result, near_line, LabelsFile(tmp_path / "labels.csv"))
    for _ in range(25):
        row = asked.next()
        asked.answer(row, bool(near_line.jaccard[row] >= 0.6))
    found = advice(asked.answers, 0.5)
    assert found.low < 0.6 <= found.high
    assert found.errors == (0, 0)
    assert found.high - found.low < 0.1


def test_eval_reads_the_labels_that_an_interview_wrote(run, files, monkeypatch):
    files({f"in/{i:02},{chr(34)}": text for i, text in enumerate(TEXTS)})
    run("scan", "in", "-q", *ALIKE_OPTIONS)
    keys = iter("sdsdq")
    monkeypatch.setattr("click.getchar", lambda: next(keys))
    monkeypatch.setattr("sys.stdin", type("Tty", (io.StringIO,), {"isatty": lambda self: True})())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    shown = run("tune", "-i", "--labels", "mine.csv")
    assert "4 answers in mine.csv about pairs near the line: 2 same, 2 different" in shown.stdout
    assert run("eval", "mine.csv", "--json").json["pairs"] == 4


def test_a_file_that_is_no_labels_file_is_left_alone(run, files, tmp_path):
    for text, words in (
        ("path,cluster\nx,1\n", "path,cluster, not a,b,label"),
        ("a,b,label\nx,y,maybe\n", "row 2"),
    ):
        folder = files({"labels.csv": text})
        with pytest.raises(BadInput, match=words):
            LabelsFile(folder / "labels.csv")
        assert (folder / "labels.csv").read_text() == text
    with pytest.raises(BadInput, match="cannot be used: no such file"):
        LabelsFile(tmp_path / "nowhere" / "labels.csv")


def test_a_last_line_without_end_is_not_run_into(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("a,b,label\nx,y,same")
    LabelsFile(path).add('p,"1"', "q", False)
    assert path.read_text() == 'a,b,label\nx,y,same\n"p,""1""",q,different\n'


def test_an_interview_without_a_terminal_is_refused(run, files):
    files({"in/a": POST})
    run("scan", "in", "-q", *ALIKE_OPTIONS)
    one_line(run("tune", "-i", code=2), "--interactive", "needs a terminal")


# ------------------------------------------------------------------ the command


def test_the_command_shows_each_part(run, files):
    files({f"in/{i:02}": text for i, text in enumerate(TEXTS)})
    run("scan", "in", "-q", *ALIKE_OPTIONS, "--run", "r")
    shown = run("tune", "--run", "r", "--pairs", "1").stdout
    report = run("tune", "--run", "r", "--json").json
    for words in ("▲ min_jaccard 0.5 ▲", "at another line you would drop", "this run", "recall, measured"):
        assert words in shown
    for row in report["lines"]:
        assert re.search(rf"{row['min_jaccard']:g} +{row['dropped']} +{row['kept']} ", shown)
    assert "just below the line: not joined" in shown
    assert (len(report["above"]), len(report["below"])) == (3, 3)
    assert f"just above the line: joined; 1 of {report['near_line']['above']}" in shown
    assert "the line: " not in run("tune", "--run", "r", "--pairs", "0").stdout
    assert "recall, measured" not in run("tune", "--run", "r", "--sample", "0").stdout
    one_line(run("tune", code=2), ".dedup", "dedup scan")


def test_hostile_names_and_texts_are_made_visible(run, files):
    files({f"in/\x1b[3{i}m": "\x1b]0;x\x07" + text for i, text in enumerate(TEXTS[:8])})
    run("scan", "in", "-q", *ALIKE_OPTIONS)
    assert not set(run("tune").stdout) & {"\x1b", "\x07"}


def test_a_picture_is_the_same_for_the_same_figures(run, files):
    pytest.importorskip("matplotlib")
    from dedup.reports.tune.plot import picture

    folder = files({f"in/{i:02}": text for i, text in enumerate(TEXTS[:16])})
    run("scan", "in", "-q", *ALIKE_OPTIONS)
    shown = run("tune", "--sample", "0", "--json", "--plot", "a.svg")
    svg = (folder / "a.svg").read_bytes()
    assert svg == picture(shown.json, "svg")
    assert b"<svg" in svg
    assert b"dc:date" not in svg
    assert picture(shown.json, "png").startswith(b"\x89PNG")
    one_line(run("tune", "--plot", "a.svg", code=2), "a.svg", "--force")
    run("tune", "--sample", "0", "--plot", "a.svg", "--force")
    one_line(run("tune", "--plot", "a.pdf", code=2), "a.pdf", ".svg nor .png")


def test_without_matplotlib_the_command_to_install_it_is_named(run, files, monkeypatch):
    files({"in/a": POST})
    run("scan", "in", "-q", *ALIKE_OPTIONS)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    one_line(run("tune", "--plot", "a.svg", code=2), "pip install 'dedup[plot]'")


def test_no_pairs_at_all_are_no_error(run, files):
    files({"in/a": POST})
    run("scan", "in", "-q", *ALIKE_OPTIONS)
    assert "0 verified pairs" in run("tune").stdout
    assert VerifiedPairs.none().jaccard.size == 0
