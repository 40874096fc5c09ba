"""The harness of the benchmarks measures what it says."""

import json
import math
import sys

import pytest

from .conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import make_corpus
import measure
import run as harness
import scaling
import truth


@pytest.fixture
def planted(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("id,cluster,kind\na,a,base\nb,a,exact\nc,a,lower\nd,d,base\ne,d,exact\nf,f,base\n")
    return truth.read_truth(path)


def scored(planted, tmp_path, rows):
    path = tmp_path / "result.csv"
    path.write_text("".join(row + "\n" for row in rows.split()))
    return truth.score(planted, path)


def test_a_perfect_result_has_all_shares_one(planted, tmp_path):
    s = scored(planted, tmp_path, "a,1,1 b,1,0 c,1,0 d,2,0 e,2,1")
    assert (s.pair_precision, s.pair_recall, s.removal_precision, s.removal_recall) == (1, 1, 1, 1)
    assert s.kinds == {"exact": 1.0, "lower": 1.0}


def test_pairs_and_removals_are_counted_as_the_readme_says(planted, tmp_path):
    s = scored(planted, tmp_path, "a,1,1 b,1,0 f,1,0 d,2,1 e,2,1")
    assert s.pair_precision == 2 / 4  # ab and de of ab, af, bf, de
    assert s.pair_recall == 2 / 4  # of ab, ac, bc, de
    assert s.removal_precision == 1 / 2  # of f no copy is kept
    assert s.removal_recall == 1 / 3
    assert s.kinds == {"exact": 1.0, "lower": 0.0}


def test_a_result_without_clusters_is_judged_by_what_it_removes(planted, tmp_path):
    s = scored(planted, tmp_path, "b,,0 c,,0")
    assert math.isnan(s.pair_precision)
    assert (s.removal_precision, s.removal_recall) == (1, 2 / 3)


def test_the_memory_of_children_counts_and_their_cpu_too(tmp_path):
    child = "x = bytearray(60_000_000); import time; time.sleep(0.6); sum(range(3_000_000))"
    code = f"import subprocess as s, sys; x = bytearray(40_000_000); s.run([sys.executable, '-c', {child!r}])"
    usage = measure.run([sys.executable, "-c", code], tmp_path / "log")
    assert usage.failure == ""
    assert 100e6 < usage.peak < 200e6
    assert usage.wall > 0.6
    assert usage.cpu > 0.01


def test_the_cpu_of_children_that_nobody_waits_for_counts(tmp_path):
    child = "import time\nwhile time.process_time() < 0.4: pass\nopen('done', 'w')"
    code = f"import os, subprocess as s, sys, time; s.Popen([sys.executable, '-c', {child!r}])\n"
    code += "while not os.path.exists('done'): time.sleep(0.01)\nos._exit(0)"
    usage = measure.run([sys.executable, "-c", code], tmp_path / "log", cwd=tmp_path)
    assert usage.cpu > 0.3


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("import sys; print('why'); sys.exit('because')", {}, "exit code 1: because"),
        ("import time; time.sleep(60)", {"seconds": 0.2}, "stopped after 0 s"),
        ("x = bytearray(200_000_000); import time; time.sleep(60)", {"memory": 10**8}, "stopped at 0."),
    ],
)
def test_a_run_that_fails_or_passes_a_limit_says_why(tmp_path, code, limits, reason):
    usage = measure.run([sys.executable, "-c", code], tmp_path / "log", **limits)
    assert usage.failure.startswith(reason)
    assert usage.wall < 30


def test_a_peer_that_failed_is_a_row_with_the_reason(tmp_path):
    corpus = tmp_path / "rows.jsonl"
    corpus.write_text("{}\n")
    usage = measure.Usage(2.0, 3.0, 5_000_000)
    ours = harness.Program("dedup", [], {}, "1.0", runs=[usage])
    other = harness.Program("other", [], {}, "2.0", failure="exit code 1: a | b")
    text = harness.table([ours, other], corpus, 100)
    assert "| dedup | 1.0 | 2.00 | 3.00 | 5 | 50 | 1 | - | - | - | - |" in text
    row = next(line for line in text.splitlines() if line.startswith("| other"))
    assert "exit code 1: a / b" in row
    assert row.count("|") == 12


def test_every_peer_says_what_it_installs_in_a_pinned_version():
    for stem, _ in harness.PEERS.values():
        first = harness.header(ROOT / "benchmarks" / "peers" / f"{stem}.py")["dependencies"][0]
        assert "==" in first or first == "-e {checkout}", stem


def test_the_same_arguments_make_the_same_corpus_and_a_smaller_one_is_its_start():
    def some(n):
        source = make_corpus.documents([], seed=3, dups=0.3)
        return [next(source) for _ in range(n)]

    small, large = some(30), some(60)
    assert large[:30] == small
    clusters = {base for _, base, kind, _ in large if not kind.startswith("base")}
    assert clusters
    assert clusters < {name for name, *_ in large}


def test_every_kind_of_variant_keeps_words_of_its_base():
    maker = make_corpus.Maker(rng := make_corpus.np.random.default_rng(1), make_corpus.Made(rng, 5_000))
    text = maker.pool.sentences(20)
    words = set("".join(text).lower().split())
    for kind, make in make_corpus.VARIANTS.items():
        assert len(words & set(make(maker, text).lower().split())) > len(words) / 2, kind


def test_the_growth_of_a_phase_is_the_power_of_n_between_the_two_largest_sizes():
    rows = [{"docs": n, "scan": {"wall": n * n / 1e6}} for n in (10, 100, 1000)]
    assert scaling.growth(rows, "scan", "wall") == pytest.approx(2)


def test_the_median_of_runs_keeps_their_shape():
    runs = [{"scan": {"wall": w, "phases": {"pass": w / 2}}} for w in (1.0, 9.0, 2.0)]
    assert scaling.median(runs) == {"scan": {"wall": 2.0, "phases": {"pass": 1.0}}}


def test_the_picture_of_the_same_figures_has_the_same_bytes(tmp_path):
    pytest.importorskip("matplotlib")
    step = {"wall": 1.0, "peak": 10**8}
    rows = [{"docs": n, **dict.fromkeys(scaling.STEPS, step)} for n in (10, 100)]
    for name in ("a.svg", "b.svg"):
        scaling.draw(json.loads(json.dumps(rows)), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
