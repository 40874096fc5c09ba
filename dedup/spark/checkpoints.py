"""Stage checkpoints: each finished stage is Parquet in the run folder, and is not made twice.

    unfinished/spark-FINGERPRINT/STAGE/_SUCCESS

Spark commits a stage by writing `_SUCCESS` last.  The fingerprint is of the settings, the program and
the inputs, so a stage of another scan is never taken for one of this.  At an address no lock keeps a second
scan of the same inputs out, so there each scan has names of its own, STAGE-OWN, and the file STAGE.done
says which of them is the stage.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..readers.storage.addresses import StorageFolder

Frame = Any  # pyspark.sql.DataFrame
Told = Callable[[str, float, bool], None]  # stage, seconds, whether it was found finished


@dataclass
class Checkpoints:
    """Where the stages of one scan are."""

    spark: Any
    folder: str  # a path or address that Spark reads and writes
    told: Told = lambda *_: None
    seconds: dict[str, float] = field(default_factory=dict)
    own: str = ""  # of this scan, where others are not kept out

    def finished(self, stage: str) -> str:
        """Return the folder of a stage that has been committed, else ""."""
        place = StorageFolder(self.folder)
        if not self.own:
            return stage if place.size(f"{stage}/_SUCCESS") >= 0 else ""
        return (place.read(f"{stage}.done") or b"").decode()

    def stage(self, name: str, make: Callable[[], Frame]) -> Frame:
        """Return the rows of a stage, made now or found finished."""
        start, found, read = time.perf_counter(), self.finished(name), self.spark.read
        folder = found or f"{name}-{self.own}".rstrip("-")
        if not found:
            with contextlib.suppress(Exception):  # for the eye, in Spark's own pages; not all sessions can
                self.spark.sparkContext.setJobDescription(f"dedup: {name}")
            rows = make()
            read = read.schema(rows.schema)  # so that Spark does not look into the files for it
            rows.write.mode("overwrite").parquet(f"{self.folder}/{folder}")
            if self.own:
                StorageFolder(self.folder).write(f"{name}.done", folder.encode())
        took = time.perf_counter() - start
        self.seconds[name] = round(took, 3)
        self.told(name, took, bool(found))
        return read.parquet(f"{self.folder}/{folder}")
