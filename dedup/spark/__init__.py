"""From Python on Spark: a DataFrame of texts -> DataFrames of the verdict.

    import dedup.spark
    found = dedup.spark.scan(df, text_column="text", id_column="url", checkpoints="/dbfs/tmp/dedup")
    df.join(found.keep, "url", "left_semi")

It works in the session of the DataFrame, whatever started it: spark-submit, a notebook, `pyspark`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import BadInput, BadSetting
from ..core.settings import Settings
from ..core.verdicts import RELATIONS
from ..readers.storage.addresses import is_address, plain
from . import job, plan, session
from .checkpoints import Checkpoints
from .output.folder import for_spark

Frame = Any  # pyspark.sql.DataFrame
NOT_HERE = ("text_field", "id_field", "encoding", "max_document_size", "follow_links", "threads")


@dataclass(frozen=True)
class Scanned:
    """The result of a scan; ids are those of the DataFrame that was scanned, and of its type.

    verdict: id, cluster, canonical, witness (ids), kept, relation, jaccard, containment, reason and the
    other figures of the run table `verdict`; a row per row scanned, set aside or not (then kept is false).
    pairs: left, right (ids), relation, and the counts of the run table `pairs`.
    """

    verdict: Frame
    pairs: Frame
    id_column: str

    @property
    def keep(self) -> Frame:
        """Return the ids of the documents to keep."""
        return self.verdict.where("kept").select(self.id_column)

    @property
    def drop(self) -> Frame:
        """Return the dropped documents with their kept witness and figures."""
        return self.verdict.where("not kept and state = 0")


def scan(
    df: Frame,
    text_column: str,
    id_column: str,
    settings: Settings | None = None,
    *,
    checkpoints: str = "",
    ways: job.SparkOptions | None = None,
    **overrides: Any,
) -> Scanned:
    """A DataFrame -> the verdict on each of its rows, in the session of the DataFrame.

    The same as `dedup.scan_texts` of its rows in the order of their ids.  Ids must differ and not be null.
    `checkpoints` is a folder or address that driver and executors share; the DataFrames returned are read
    from it.  `overrides` are settings by name.

    Raises BadSetting for settings that are of files, BadInput when an id is null or stands twice.
    """
    session.need_pyspark()
    ways = ways or job.SparkOptions()
    settings = replace(settings or Settings(), **overrides)
    for name in NOT_HERE:
        if getattr(settings, name) != getattr(Settings(), name):
            raise BadSetting(f"{name}: is about files, and has no meaning for a DataFrame")
    if "field:" in settings.prefer or "path:" in settings.prefer:
        raise BadSetting("prefer: the policies field and path are about files and their records")
    for column in (text_column, id_column):
        if column not in df.columns:
            raise BadInput(f"the DataFrame has no column {column!r}; its columns are {', '.join(df.columns)}")
    spark = df.sparkSession
    base = checkpoints or _local_folder(spark)
    key = hashlib.blake2b(os.urandom(16), digest_size=8).hexdigest()
    base = plain(base) if is_address(base) else base.rstrip("/")
    store = Checkpoints(spark, for_spark(spark, f"{base}/dedup-{key}"), ways.told)
    with session.translate_errors():
        _check_ids(df, id_column)
        return _scanned(store, df, text_column, id_column, settings, ways)


def _local_folder(spark: Any) -> str:
    master = spark.conf.get("spark.master", "")
    if not master.startswith("local"):
        raise BadSetting("checkpoints: name a folder or address that the driver and all executors share")
    return tempfile.mkdtemp(prefix="dedup-spark-")


def _check_ids(df: Frame, id_column: str) -> None:
    from pyspark.sql import functions as f

    twice = df.groupBy(id_column).count().where((f.col("count") > 1) | f.col(id_column).isNull()).head()
    if twice is not None:
        what = "is null" if twice[0] is None else f"{twice[0]!r} stands {twice[1]} times"
        raise BadInput(f"the column {id_column!r} must tell the rows apart: an id {what}")


def _scanned(
    store: Checkpoints,
    df: Frame,
    text_column: str,
    id_column: str,
    settings: Settings,
    ways: job.SparkOptions,
) -> Scanned:
    from pyspark.sql import functions as f

    found, names = job.taken(store, df, text_column, id_column, settings, ways)
    verdict = store.stage("found", lambda: _named_verdict(found, names, id_column))
    pairs = found.pairs
    for side in ("left", "right"):
        named = names.select(f.col("doc").alias(side), f.col(id_column).alias(f"{side}_id"))
        pairs = pairs.join(named, side).drop(side).withColumnRenamed(f"{side}_id", side)
    pairs = store.stage("named-pairs", lambda: pairs.withColumn("relation", _relation()))
    return Scanned(verdict, pairs, id_column)


def _relation() -> Any:
    from pyspark.sql import functions as f

    return f.element_at(f.array(*map(f.lit, RELATIONS)), f.col("relation").cast("int") + 1)


def _named_verdict(found: plan.ResultFrames, names: Frame, id_column: str) -> Frame:
    """Return the verdict with ids in the place of numbers."""
    from pyspark.sql import functions as f

    rows = found.verdict.join(found.letters.select("doc", "state"), "doc")
    rows = rows.withColumn("kept", (f.col("state") == 0) & (f.col("witness") == f.col("doc")))
    for name in ("cluster", "canonical", "witness"):
        named = names.select(f.col("doc").alias(name), f.col(id_column).alias(f"{name}_id"))
        rows = rows.join(named, name).drop(name).withColumnRenamed(f"{name}_id", name)
    return rows.withColumn("relation", _relation()).join(names, "doc").drop("doc")
