"""A scan on Spark: sources -> run folder, by the same readers, kernels and decisions."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pyarrow as pa

from .. import __version__
from ..core.documents import Source
from ..core.errors import BadInput, BadSetting
from ..core.settings import Settings
from ..pipeline.decision import check_settings
from ..pipeline.sources import is_pipe, reading_options, require_readable, shown_paths
from ..readers.discover import find_sources
from ..readers.registry import Options, kind_of
from ..readers.storage import urls
from ..readers.storage.addresses import StorageFolder, is_address
from ..readers.storage.sources import all_unchanged
from ..runs.manifest import FORMAT
from ..runs.tables import TABLES
from . import ingest as reading
from . import numbering, plan
from .arrow import mapped
from .checkpoints import Checkpoints, Frame, Told
from .executors import check_executors
from .output.arrays import write_arrays
from .output.folder import Target, for_spark, writing
from .output.summary import Account, account
from .output.tables import PART, WrittenTables, blank_run, stated, write_one, write_tables
from .session import BATCHES, OURS, cores_of, session, translate_errors

SHUFFLED, PARTITION_BYTES = 4, 64 << 20  # bytes shuffled at once for a byte of text; of a partition
SMALL, TINY = 16 << 20, 2 << 20  # bytes of sources
MOST_DOCUMENTS = 2**31 - 1  # that the tables of a run folder can number

INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


@dataclass(frozen=True)
class SparkOptions:
    """How the work is cut; the result does not depend on it."""

    master: str = ""
    conf: dict[str, str] = field(default_factory=dict)
    partitions: int = 0  # 0 leaves them to Spark
    limits: plan.TaskSizes = plan.TaskSizes()
    part: int = PART
    unit_bytes: int = 0  # of sources read by one task; 0 leaves it to their number and the cores
    told: Told = lambda *_: None


def scan(
    paths: Sequence[str | bytes | os.PathLike[str]],
    settings: Settings,
    run: str | os.PathLike[str],
    ways: SparkOptions,
) -> Account:
    """Files, folders, URLs -> a run folder, or a run at an address, on Spark.

    Raises BadSetting for what the engine cannot honour, BadInput, BadRun.
    """
    given = [os.fsencode(p) for p in paths]
    refuse(given, settings, run)
    check_settings(settings)
    with writing(run, ways.conf) as target:
        sources, skipped = find_sources(
            given, kind_of, target.below, settings.follow_links, reading_options(settings)
        )
        # a run folder of this machine is not entered; one in a bucket may have to be told from what is there
        others = [s for s in sources if not (is_address(run) and s.at.startswith(target.below + b"/"))]
        if len(others) < len(sources):
            skipped["run folder"] += 1
        require_readable(given, others)
        small = sum(s.size for s in others) < SMALL
        with session(ways.master, ways.conf, small) as spark, translate_errors():
            return _scan(spark, target, given, others, dict(skipped), settings, ways)


def refuse(paths: list[bytes], settings: Settings, run: str | os.PathLike[str]) -> None:
    """Raise BadSetting for what only the local engine can do."""
    if settings.threads:
        raise BadSetting(
            "threads: the Spark engine takes its cores from the master; use --master 'local[N]' "
            "or --spark-conf spark.executor.cores=N"
        )
    for path in paths:
        if is_pipe(path):
            raise BadSetting(
                f"{os.fsdecode(path)}: the Spark engine cannot read standard input or pipes, "
                "which executors do not see; write it to a file"
            )


def _scan(
    spark: Any,
    target: Target,
    given: list[bytes],
    sources: list[Source],
    skipped: dict[str, int],
    settings: Settings,
    ways: SparkOptions,
) -> Account:
    options = reading_options(settings)
    key = fingerprint(sources, options, settings)
    mine = f"spark-{key}"
    _only(target.unfinished, mine)
    absolute = [s if urls.is_url(s.at) else replace(s, file=os.path.abspath(s.at)) for s in sources]
    places = [target.unfinished / mine, target.tables]
    check_executors(spark, places, [s for s in absolute if not s.problem], urls.secrets())
    base = for_spark(spark, places[0].at)
    store = Checkpoints(spark, base, ways.told, own=target.own)
    with _partitioned(spark, ways, sum(x.size for x in sources)):
        passed = store.stage("pass", lambda: _passed(store, absolute, options, settings, ways))
        counts = numbering.counted(passed, len(sources))
        n_docs = counts.n_docs
        if n_docs > MOST_DOCUMENTS:
            raise BadInput(f"{n_docs:,} documents: a run folder numbers at most {MOST_DOCUMENTS:,}")
        documents = numbering.numbered(spark, passed, counts)
        about = _about(spark, sources)
        changed: list[int] = []
        while True:
            suffix = f"-without-{hashlib.blake2b(repr(changed).encode()).hexdigest()[:12]}" if changed else ""
            stages = Checkpoints(spark, f"{base}/decision{suffix}", ways.told, store.seconds, target.own)
            found = plan.decide(stages, documents, about, changed, settings, ways.limits, counts.amounts)
            more = _changed_sources(sources, changed)
            if not more:
                break
            changed = sorted({*changed, *more})
        written, placed = WrittenTables(), numbering.placed(spark, passed, counts)
        write_arrays(placed, target.tables, n_docs, counts.n_anchors, settings, written)
        write_tables(found, target.tables, n_docs, settings, written, ways.part)
        run = replace(blank_run(settings), sources=sources, fields=counts.fields)
        write_one("sources", TABLES["sources"](run), target.tables, written)
        rows = stages.stage("rows", lambda: _rows(found))
        done = account(rows, sources, settings, skipped, store.seconds)
    done.summary["scanned"] = {
        "folder": os.getcwd(),
        "paths": shown_paths(given, sources),
        "settings": settings.deciding(),
    }
    target.publish(*written.in_order(), done.summary)
    return done


def fingerprint(sources: Sequence[Source], options: Options, settings: Settings) -> str:
    """Whatever the result depends on, as one name."""
    facts = (FORMAT, __version__, sorted(settings.deciding().items()), options, list(sources))
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def _only(unfinished: StorageFolder, mine: str) -> None:
    """Remove what other scans have left unfinished."""
    for other in unfinished.inside():
        if other.base_name != mine:
            unfinished.remove(other.base_name)


@contextlib.contextmanager
def _partitioned(spark: Any, ways: SparkOptions, total: int) -> Iterator[None]:
    """Return the size of batches, and the number of partitions of each shuffle, while the block runs.

    What was asked for; else, unless it is set already, by the bytes of the sources and the cores.
    """
    count, joined = "spark.sql.shuffle.partitions", "spark.sql.adaptive.coalescePartitions.enabled"
    wanted = {name: OURS[name] for name in BATCHES}
    cores = cores_of(spark)
    if 0 < total < TINY:  # the rows are too few to be worth code of their own
        wanted |= {name: value for name, value in INTERPRETED.items() if name not in ways.conf}
    if ways.partitions:
        wanted |= {count: str(ways.partitions), joined: "false"}
    elif total and spark.conf.get(count) == "200" and count not in ways.conf:
        wanted[count] = str(max(2 * cores, SHUFFLED * total // PARTITION_BYTES))
    old = {name: spark.conf.get(name, None) for name in wanted}
    for name, value in wanted.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # a session that has ended needs nothing set back
            for name, was in old.items():
                spark.conf.unset(name) if was is None else spark.conf.set(name, was)


def _passed(
    store: Checkpoints, sources: list[Source], options: Options, settings: Settings, ways: SparkOptions
) -> Frame:
    spark, total = store.spark, sum(s.size for s in sources)
    cores = cores_of(spark)
    size = ways.unit_bytes or min(reading.UNIT_BYTES, max(1 << 20, total // (3 * cores)))
    units = reading.units_of(sources, size)
    listed = f"{store.folder}/units-{store.own}".rstrip("-")
    reading.write_units(listed, sources, units)
    n = ways.partitions or len(units)
    rows = spark.range(0, len(units), 1, max(1, min(n, len(units))))
    read = partial(reading.read_units, listed, options, settings, urls.secrets())
    return mapped(rows, read, reading.PASSED)


def _about(spark: Any, sources: Sequence[Source]) -> Frame:
    from pyspark.sql import functions as f

    table = pa.table(
        {
            "source": pa.array(range(len(sources)), pa.int32()),
            "path": pa.array([s.path for s in sources], pa.binary()),
            "mtime_ns": pa.array([s.mtime_ns for s in sources], pa.int64()),
        }
    )
    return f.broadcast(spark.createDataFrame(table))


def _changed_sources(sources: Sequence[Source], known: list[int]) -> list[int]:
    same = all_unchanged(sources)
    lost = {i for i, s in enumerate(sources) if not same.get(s.at, True)}
    return sorted(lost - set(known))


def _rows(found: plan.ResultFrames) -> Frame:
    """Return a row per document: where it stands, what became of it, and its verdict."""
    documents = stated(found.documents, found.letters, found.k)
    return documents.select("doc", "source", "record", "n_bytes", "state", "note").join(found.verdict, "doc")


def taken(
    store: Checkpoints, df: Frame, text_column: str, id_column: str, settings: Settings, ways: SparkOptions
) -> tuple[plan.ResultFrames, Frame]:
    """A DataFrame of texts -> (the result; doc and id of each row), documents in the order of their ids."""
    from pyspark.sql import functions as f

    spark = store.spark
    check_settings(settings)
    given = df.select(f.col(id_column).alias("name"), f.col(text_column).cast("string").alias("text"))
    with _partitioned(spark, ways, 0):
        ordered = given.repartitionByRange("name").sortWithinPartitions("name")
        ordered = store.stage("given", lambda: ordered.withColumn("source", f.spark_partition_id()))
        kind = ordered.schema["name"].dataType
        rows = ordered.repartition("source").sortWithinPartitions("source", "name")
        named = {**reading.PASSED, "id": "string"}
        rows = rows.withColumn("key", f.to_json(f.struct("name"))).select("source", "key", "text")
        passed = store.stage("pass", lambda: mapped(rows, partial(reading.take_texts, settings), named))
        n = int(ordered.agg(f.max("source")).first()[0] or 0) + 1
        counts = numbering.counted(passed, n)
        documents = numbering.numbered(spark, passed, counts)
        names = documents.select("doc", f.from_json("id", _schema(kind)).alias("row"))
        names = names.select("doc", f.col("row.name").alias(id_column))
        about = spark.range(0, n).select(
            f.col("id").cast("int").alias("source"), f.lit(b"").alias("path"), f.lit(0).alias("mtime_ns")
        )
        found = plan.decide(store, documents, about, [], settings, ways.limits, counts.amounts)
    return found, names


def _schema(kind: Any) -> Any:
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField("name", kind)])
