"""Eval: figures against labels, both forms of labels, how documents are named, and errors in one line."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.core.errors import BadInput
from dedup.reports.evaluate import agreement as agree
from dedup.reports.evaluate.evaluate import evaluate
from dedup.reports.evaluate.labels import read_labels

from ..cli.test_cli import one_line
from ..conftest import OTHER, POST, VARIANTS, needs_variants

NEAR = POST.replace("warm coat", "thick jumper")
clusterings = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def result():
    """1, 3 and 4 are one document, 2 and 6 another, 5 stands alone."""
    return dedup.scan_texts([POST, OTHER, POST.upper(), NEAR, "Something else altogether.", OTHER.lower()])


@pytest.fixture
def labelled(result, tmp_path):
    """labelled("path,cluster\\n...") -> the report; the name of the file tells the format."""

    def call(text, name="labels.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return evaluate(result, read_labels(path, result, **options))

    return call


# ------------------------------------------------------------------ figures


def pairs_by_hand(true, predicted):
    """(pairs together in both, in the true, in the predicted), one pair at a time."""
    n = range(len(true))
    both = [(true[i] == true[j], predicted[i] == predicted[j]) for i in n for j in n if i < j]
    return sum(t and p for t, p in both), sum(t for t, _ in both), sum(p for _, p in both)


@given(clusterings)
def test_pairs_counted_through_cells_are_those_counted_one_by_one(rows):
    true, predicted = np.array(rows).T
    found = agree.pairwise(agree.Contingency.of(true, predicted))
    assert (found["correct_pairs"], found["true_pairs"], found["predicted_pairs"]) == pairs_by_hand(
        true, predicted
    )


@given(clusterings)
def test_bcubed_is_the_mean_of_what_each_document_sees(rows):
    true, predicted = np.array(rows).T
    found = agree.bcubed(agree.Contingency.of(true, predicted))
    both = [((true == t) & (predicted == p)).sum() for t, p in rows]
    precision = np.mean([b / (predicted == p).sum() for b, (_, p) in zip(both, rows, strict=True)])
    recall = np.mean([b / (true == t).sum() for b, (t, _) in zip(both, rows, strict=True)])
    assert found["precision"] == pytest.approx(precision)
    assert found["recall"] == pytest.approx(recall)


@given(clusterings)
def test_pairs_by_value_are_those_in_which_a_document_of_it_takes_part(rows):
    of, value = np.array(rows).T
    found = agree.pairs_by_value(of, np.bincount(of, minlength=6), value, 6)
    n = range(len(of))
    for v in range(6):
        mine = [1 for i in n for j in n if i < j and of[i] == of[j] and v in (value[i], value[j])]
        assert found[v] == len(mine)


def test_the_adjusted_rand_index_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    for n, clusters in ((2, 2), (50, 5), (1000, 300), (1000, 1)):
        true, predicted = rng.integers(0, clusters, (2, n))
        mine = agree.adjusted_rand(agree.Contingency.of(true, predicted))
        assert mine == pytest.approx(metrics.adjusted_rand_score(true, predicted), abs=1e-12)


def test_a_million_documents_of_two_clusters_take_no_time():
    half = np.arange(1_000_000) % 2
    found = agree.pairwise(agree.Contingency.of(half, half))
    assert found["correct_pairs"] == 2 * (500_000 * 499_999 // 2)


# ------------------------------------------------------------------ a truth table


def test_a_truth_table_gives_the_figures(labelled):
    report = labelled(
        "path,cluster,kind\n1,x,original\n3,x,caps\n4,y,near\n2,z,original\n6,z,lower\n5,v,alone\n"
    )
    pair = report["pairwise"]
    assert (pair["correct_pairs"], pair["true_pairs"], pair["predicted_pairs"]) == (2, 2, 4)
    assert (pair["precision"], pair["recall"]) == (0.5, 1.0)
    assert (report["true_clusters"], report["predicted_clusters"], report["mixed_clusters"]) == (4, 3, 1)
    (wrong,) = report["false_joins"]
    assert (wrong["left"], wrong["right"], wrong["left_cluster"]) == ("1", "4", 1)
    assert wrong["figures"]["verified"]
    assert 0.5 < wrong["figures"]["jaccard"] < 1
    assert report["missed"] == []
    kinds = report["by"]["kind"]
    assert (kinds["caps"]["recall"], kinds["caps"]["variants"]["to_anchor"]) == (1.0, 1.0)
    assert kinds["near"]["alone"] == {"n": 1, "wrongly_joined": 1.0}
    assert kinds["alone"]["recall"] is None
    assert report["variants"]["n"] == 2


def test_what_is_split_is_named_with_figures_measured_now(labelled):
    report = labelled("file\tgroup\n1\tx\n3\tx\n2\tx\n5\tv\n", "truth.tsv")
    assert (report["n_missed"], report["split_clusters"], report["documents_without_label"]) == (1, 1, 2)
    (missed,) = report["missed"]
    assert (missed["left"], missed["right"]) == ("1", "2")
    assert not missed["figures"]["verified"]
    assert missed["figures"]["jaccard"] < 0.1


def test_a_column_of_too_many_values_is_told_and_one_value_breaks_nothing_down(tmp_path):
    many = dedup.scan_texts([f"{i} {i * i}" for i in range(101)])
    rows = "".join(f"{i},{i},{i},same\n" for i in range(1, 102))
    (tmp_path / "t.csv").write_text("path,cluster,n,set\n" + rows)
    report = evaluate(many, read_labels(tmp_path / "t.csv", many))
    assert (report["by"], report["columns_left_out"]) == ({}, ["n"])
    assert report["ari"] == report["pairwise"]["f1"] == 1.0


def test_of_a_missed_document_whose_text_is_gone_the_rest_stays(run, files):
    folder = files({"in/a": POST, "in/b": OTHER, "t.csv": "path,cluster\nin/a,x\nin/b,x\n"})
    run("scan", "in", "-q")
    (folder / "in/b").unlink()
    assert run("eval", "t.csv", "--json").json["missed"][0]["figures"] is None
    assert "gone or has changed" in run("eval", "t.csv").stdout


@pytest.mark.slow
@needs_variants
def test_the_figures_are_those_of_the_scorer_of_the_labelled_set(tmp_path):
    found = dedup.scan(
        VARIANTS / "docs", min_jaccard=0.3, min_containment=0.6, relations="+form"
    )  # so that some joins are false
    labels = read_labels(VARIANTS / "truth.csv", found)
    report = evaluate(found, labels)
    rows = [
        {"path": found.name(d), "cluster_id": int(found.cluster_ids[d])} for d in found.clustered.tolist()
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    score = VARIANTS.parents[1] / "tools" / "score.py"
    command = [sys.executable, score, VARIANTS / "truth.csv", tmp_path / "p.jsonl", "--json", tmp_path / "s"]
    subprocess.run(command, check=True, capture_output=True)
    theirs = json.loads((tmp_path / "s").read_text())
    assert theirs["mixed_clusters"] > 0
    for name in ("documents", "true_clusters", "predicted_clusters", "mixed_clusters", "pairwise"):
        assert report[name] == theirs[name], name
    assert report["ari"] == pytest.approx(theirs["ari"])
    assert report["bcubed"] == pytest.approx(theirs["bcubed"])
    assert report["n_false_joins"] == theirs["mixed_clusters"]
    for column, values in theirs["variants"].items():
        for value, figures in values.items():
            assert report["by"][column][value]["variants"] == pytest.approx(figures), (column, value)
    distractors = theirs["distractors"].pop("all")
    mine = report["by"]["relation"]["distractor"]["alone"]
    assert mine == pytest.approx(distractors)


# ------------------------------------------------------------------ pairs


def test_labelled_pairs_give_precision_and_recall_over_these_pairs(labelled):
    report = labelled("A,B,Label,who\n1,3,same,x\n4,1,Different,x\n2,5,same,y\n5,1,different,y\n")
    pair = report["pairwise"]
    assert (pair["precision"], pair["recall"], pair["labelled_pairs"]) == (0.5, 0.5, 4)
    assert (report["bcubed"], report["ari"]) == (None, None)
    assert [(r["left"], r["right"]) for r in report["false_joins"]] == [("1", "4")]
    assert [(r["left"], r["right"]) for r in report["missed"]] == [("2", "5")]
    assert report["by"]["who"]["x"]["precision"] == 0.5


def test_every_format_and_spelling_reads_the_same(labelled, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [("1", "3", True), ("1", "2", False)]
    lines = "".join(json.dumps({"Left": a, "RIGHT": b, "same": s}) + "\n" for a, b, s in rows)
    table = pa.table({"left": ["1", "1"], "right": ["3", "2"], "same": [True, False]})
    pq.write_table(table, tmp_path / "made.parquet")
    reports = [
        labelled("a,b,label\n1,3,same\n1,2,different\n"),
        labelled("\ufeffleft;right;label\r\n1;3;yes\r\n1;2;no\r\n"),
        labelled("doc1\tdoc2\tduplicate\n1\t3\t1\n1\t2\t0\n", "x.tsv"),
        labelled(lines, "x.jsonl"),
        labelled((tmp_path / "made.parquet").read_bytes(), "x.parquet"),
    ]
    assert all(r == reports[0] for r in reports)
    assert reports[0]["pairwise"]["f1"] == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,label\n1,3,maybe\n", "row 2: the label 'maybe' is neither same nor different"),
        ("a,b,label\n1,1,same\n", "with itself"),
        ("a,b,label\n1,3,same\n3,1,different\n", "row 3 says 'different' of what row 2 calls 'same'"),
        ("path,cluster\n1,x\n1,y\n", "row 3 says 'y' of what row 2 calls 'x'"),
        ("path,cluster\n1,\n", "row 2: has no cluster"),
        ("path,cluster\n", "has no rows"),
        ("colour,taste\n1,x\n", "has the columns colour, taste; it needs a, b, label"),
        ("path,cluster\nnope,x\n1,x\n\x1b[0m,x\n", "2 documents of the labels are not in the run"),
    ],
)
def test_labels_that_cannot_be_used_are_told(labelled, text, words):
    with pytest.raises(BadInput, match="^[^\x1b]*$") as told:
        labelled(text)
    assert words in str(told.value)


def test_documents_that_are_not_in_the_run_are_left_out_when_asked(labelled):
    report = labelled("path,cluster\n1,x\n3,x\nnope,x\n", ignore_unknown=True)
    assert (report["documents"], report["rows_left_out"], report["pairwise"]["f1"]) == (2, 1, 1.0)
    with pytest.raises(BadInput, match="none of its documents"):
        labelled("path,cluster\nnope,x\n", ignore_unknown=True)


# ------------------------------------------------------------------ names


def test_documents_are_found_by_name_normalized_name_suffix_or_id(run, files):
    rows = "".join(json.dumps({"id": f"r{i}", "text": t}) + "\n" for i, t in enumerate([POST, OTHER]))
    folder = files({"in/x/a.txt": POST, "in/y/a.txt": OTHER, "in/x/c.txt": POST.upper(), "in/d.jsonl": rows})
    run("scan", "in", "-q")
    from dedup.reports.evaluate.labels import Names

    names = Names(dedup.open_run(folder / ".dedup"))
    c = names.exact[b"in/x/c.txt"]
    for spelled in (
        "in/x/c.txt",
        "./in//x/c.txt",
        f"{folder}/in/x/c.txt",
        "x/c.txt",
        "c.txt",
        "/mnt/in/x/c.txt",
    ):
        assert names.find(spelled) == c, spelled
    assert names.find("a.txt") == names.find("z/c.txt") == names.find("") == names.find("..") == -1
    assert names.find("y/a.txt") == names.exact[b"in/y/a.txt"]
    assert names.find("d.jsonl:2") == names.find("r1") == names.exact[b"in/d.jsonl:2"]


def test_the_command_prints_figures_and_errors(run, files):
    files({"in/a": POST, "in/b": POST.upper(), "in/c": NEAR, "t.csv": "path,cluster\na,x\nb,x\nc,\x1b[31m\n"})
    run("scan", "in", "-q", "--run", "r")
    out = run("eval", "t.csv", "--run", "r").stdout
    assert "pairwise     0.3333  1.0000  0.5000" in out
    assert "false joins: one document here, two in the labels; 1 of 1" in out
    assert "\x1b" not in out
    assert run("eval", "t.csv", "--run", "r", "--json", "--examples", "0").json["false_joins"] == []
    one_line(run("eval", "nowhere.csv", "--run", "r", code=2), "nowhere.csv", "no such file")
    one_line(run("eval", "t.csv", code=2), ".dedup", "dedup scan")
    files({"u.csv": "path,cluster\nzzz,x\na,x\n"})
    one_line(run("eval", "u.csv", "--run", "r", code=2), "1 document of the labels is not", "zzz", "row 2")
    assert run("eval", "u.csv", "--run", "r", "--ignore-unknown").code == 0


# ------------------------------------------------------------------ what the drops cost


def test_drops_and_joins_are_told_by_relation_with_the_false_ones_and_what_is_lost(labelled):
    """By these labels the copy in capitals is another document than what it is dropped for."""
    found = labelled("path,cluster\n1,x\n3,y\n4,x\n2,z\n6,z\n5,v\n")
    of = found["drops"]
    assert (of["dropped"], of["false"], of["copies"], of["most_lost"]) == (2, 1, 2, 0.0)
    assert {name: (row["dropped"], row["false"]) for name, row in of["by_relation"].items()} == {
        "case": (2, 1)
    }
    assert found["joins"] == {"case": {"pairs": 2, "false": 1}, "near": {"pairs": 1, "false": 0}}


def test_labelled_pairs_tell_of_the_drops_that_they_name(labelled):
    of = labelled("a,b,label\n3,1,different\n2,6,same\n1,5,different\n")["drops"]
    assert (of["dropped"], of["false"], of["copies"]) == (2, 1, None)
    assert labelled("a,b,label\n1,5,different\n")["drops"]["dropped"] == 0
