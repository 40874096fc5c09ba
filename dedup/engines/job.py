"""A scan on Spark: sources -> run folder, by the same readers, kernels and decisions."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .. import __version__, canonical, intake, ledger, pipeline
from ..errors import BadInput, BadSetting
from ..folder import FORMAT, RunFolder, open_run, write_table, writing
from ..model import Source
from ..readers import Options, kind_of
from ..readers.places import unchanged
from ..readers.walk import find_sources
from ..run import Run
from ..settings import Settings
from ..tables import tables_of
from . import flow, reading
from .arrow import ddl
from .session import check_executors, session, told_plainly
from .store import Frame, Store, Told
from .writing import PART, write_tables

MOST_DOCUMENTS = 2**31 - 1  # that the tables of a run folder can number


@dataclass(frozen=True)
class Ways:
    """How the work is cut; the result does not depend on it."""

    master: str = ""
    conf: dict[str, str] = field(default_factory=dict)
    partitions: int = 0  # 0 leaves them to Spark
    limits: flow.Limits = flow.Limits()
    part: int = PART
    told: Told = lambda *_: None


def scan(paths: Sequence[str | bytes | os.PathLike[str]], settings: Settings, run: Path, ways: Ways) -> Run:
    """Files and folders -> a run folder, on Spark.  Raises BadSetting for what the engine cannot honour."""
    given = [os.fsencode(p) for p in paths]
    refuse(given, settings)
    canonical.parse_rule(settings.prefer)
    pipeline.verdict.parse_relations(settings.relations)
    with writing(run) as folder:
        here = os.fsencode(os.path.realpath(folder.folder))
        sources, skipped = find_sources(given, kind_of, here, settings.follow_links)
        intake.complain_of_nothing(given, sources)
        with session(ways.master, ways.conf) as spark, told_plainly():
            return _scan(spark, folder, given, sources, dict(skipped), settings, ways)


def refuse(paths: list[bytes], settings: Settings) -> None:
    """Raise BadSetting for what only the local engine can do."""
    if settings.threads:
        raise BadSetting(
            "threads: the Spark engine takes its cores from the master; use --master 'local[N]' "
            "or --spark-conf spark.executor.cores=N"
        )
    for path in paths:
        if intake.is_pipe(path):
            raise BadSetting(
                f"{os.fsdecode(path)}: the Spark engine cannot read standard input or pipes, "
                "which executors do not see; write it to a file"
            )


def _scan(
    spark: Any,
    folder: RunFolder,
    given: list[bytes],
    sources: list[Source],
    skipped: dict[str, int],
    settings: Settings,
    ways: Ways,
) -> Run:
    options = pipeline._options(settings)
    key = fingerprint(sources, options, settings)
    base = folder.unfinished.absolute() / f"spark-{key}"
    _only(folder.unfinished, base)
    samples = [s.at for s in sources if not s.problem]
    check_executors(spark, str(base), [os.path.abspath(p) for p in samples[:: max(1, len(samples) // 20)]])
    store = Store(spark, str(base), ways.told)
    with _partitioned(spark, ways.partitions):
        absolute = [replace(s, file=os.path.abspath(s.at)) for s in sources]
        passed = store.stage(
            "pass", lambda: _passed(spark, base, absolute, options, settings, ways.partitions)
        )
        counts, fields = _counted(passed, len(sources))
        n_docs = int(counts.sum())
        if n_docs > MOST_DOCUMENTS:
            raise BadInput(f"{n_docs:,} documents: a run folder numbers at most {MOST_DOCUMENTS:,}")
        documents = _numbered(spark, passed, counts)
        about = _about(spark, sources)
        changed: list[int] = []
        while True:
            suffix = f"-without-{hashlib.blake2b(repr(changed).encode()).hexdigest()[:12]}" if changed else ""
            stages = Store(spark, f"{base}/decision{suffix}", ways.told, store.seconds)
            found = flow.decide(stages, documents, about, changed, settings, ways.limits)
            more = _changed_sources(sources, changed)
            if not more:
                break
            changed = sorted({*changed, *more})
        sizes = write_tables(found, folder.tables, n_docs, settings, ways.part)
    sizes = {"sources": len(sources), **sizes}
    _write_sources(folder.tables, sources, fields, settings)
    return _published(folder, sizes, given, skipped, settings, store.seconds)


def fingerprint(sources: Sequence[Source], options: Options, settings: Settings) -> str:
    """Whatever the result depends on, as one name."""
    facts = (FORMAT, __version__, sorted(settings.deciding().items()), options, list(sources))
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def _only(folder: Path, mine: Path) -> None:
    """Remove what other scans have left unfinished."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.iterdir():
        if other.absolute() != mine:
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    mine.mkdir(exist_ok=True)


class _partitioned:  # noqa: N801 (used as a context manager)
    """A fixed number of partitions while the block runs; 0 leaves them to Spark."""

    NAMES = ("spark.sql.shuffle.partitions", "spark.sql.adaptive.coalescePartitions.enabled")

    def __init__(self, spark: Any, partitions: int) -> None:
        self.spark, self.partitions = spark, partitions

    def __enter__(self) -> None:
        self.old = [self.spark.conf.get(name) for name in self.NAMES]
        if self.partitions:
            for name, value in zip(self.NAMES, (str(self.partitions), "false"), strict=True):
                self.spark.conf.set(name, value)

    def __exit__(self, *_: object) -> None:
        try:
            for name, value in zip(self.NAMES, self.old, strict=True):
                self.spark.conf.set(name, value)
        except Exception:  # noqa: S110 (the session has ended: there is nothing to set back)
            pass


def _passed(
    spark: Any, base: Path, sources: list[Source], options: Options, settings: Settings, partitions: int
) -> Frame:
    cores = spark.sparkContext.defaultParallelism
    total = sum(s.size for s in sources)
    units = reading.units_of(sources, min(reading.UNIT_BYTES, max(1 << 16, total // (3 * cores))))
    path = base / "units.arrow"
    reading.write_units(path, sources, units)
    n = partitions or len(units)
    rows = spark.range(0, len(units), 1, max(1, min(n, len(units))))
    return rows.mapInArrow(reading.reader(str(path), options, settings), ddl(reading.PASSED))


def _counted(passed: Frame, n_sources: int) -> tuple[Any, list[tuple[str, str]]]:
    """Documents of each source, and the fields it was read by."""
    from pyspark.sql import functions as f

    counts, fields = np.zeros(n_sources, np.int64), [("", "")] * n_sources
    for source, n in passed.where("ordinal >= 0").groupBy("source").agg(f.count("*")).collect():
        counts[source] = n
    for source, text, name in passed.where("ordinal < 0").select("source", "encoding", "id").collect():
        fields[source] = (text or "", name or "")
    return counts, fields


def _numbered(spark: Any, passed: Frame, counts: Any) -> Frame:
    """Documents with their numbers, in the order of (source, place in the source)."""
    from pyspark.sql import functions as f

    bases = np.r_[0, np.cumsum(counts)][:-1].astype(np.int64)
    base = spark.createDataFrame(reading.numbers_of(bases))
    joined = passed.where("ordinal >= 0").join(f.broadcast(base), "source")
    return joined.withColumn("doc", f.col("base") + f.col("ordinal")).drop("base", "ordinal")


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
    same: dict[bytes, bool] = {}
    for source in sources:
        if not source.problem and source.at not in same:
            same[source.at] = unchanged(source)
    lost = {i for i, s in enumerate(sources) if not same.get(s.at, True)}
    return sorted(lost - set(known))


def _write_sources(
    folder: Path, sources: list[Source], fields: list[tuple[str, str]], settings: Settings
) -> None:
    from .writing import empty_run

    run = replace(empty_run(settings), sources=sources, fields=fields)
    write_table(tables_of(run)["sources"], folder / "sources.parquet", "sources")


def _published(
    folder: RunFolder,
    sizes: dict[str, int],
    given: list[bytes],
    skipped: dict[str, int],
    settings: Settings,
    seconds: dict[str, float],
) -> Run:
    from ..folder import _read

    basis = {"settings": settings.deciding(), "tables": folder.tables.name, "rows": sizes}
    run = _read(folder.tables, basis)
    summary = ledger.summary(run, settings, skipped, seconds)
    summary["scanned"] = {"folder": os.getcwd(), "paths": [os.fsdecode(p) for p in given]}
    folder.publish(sizes, summary)
    return open_run(folder.folder)


Made = Callable[..., Run]
