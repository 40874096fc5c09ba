"""Documents of the same letters: the first of them, the one that speaks for them, how each differs from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .. import canonical
from ..model import OK, TOO_SHORT, Documents
from ..settings import Settings
from .arrow import Columns, batch, ddl, in_groups, numbers, starts_of, texts
from .store import Frame
from .verifying import compared

FACTS: Columns = {
    **{"doc": "int64", "same": "int64", "weight": "int64", "n_letters": "int64", "n_upper": "int64"},
    **{"n_marks": "int64", "n_bones": "int64", "mtime_ns": "int64", "path": "binary", "fields": "string"},
}
CHOSEN: Columns = {**FACTS, "place": "int32"}
AT_ONCE = 10_000  # documents of the same letters that one task looks at


def same_letters(documents: Frame, k: int) -> Frame:
    """Documents (doc, status, letters_hash, n_letters) -> (doc, state, same, weight).

    `state` is the status with those set aside that are shorter than a shingle and have no equal; same and
    weight, the first document of the same letters and how many there are, are null for one set aside.
    """
    from pyspark.sql import functions as f

    ok = f.col("status") == OK
    groups = documents.where(ok).groupBy("letters_hash")
    found = groups.agg(f.min("doc").alias("same"), f.count("*").alias("weight"))
    short = ok & (f.col("n_letters") < k) & (f.col("weight") == 1)
    rows = documents.join(found, "letters_hash", "left").withColumn("short", short)
    good = ok & ~f.col("short")
    return rows.select(
        "doc",
        f.when(f.col("short"), TOO_SHORT).otherwise(f.col("status")).cast("tinyint").alias("state"),
        f.when(good, f.col("same")).alias("same"),
        f.when(good, f.col("weight")).alias("weight"),
    )


def facts_of(table: pa.Table) -> canonical.Facts:
    """Rows of FACTS in document order -> what policies look at, but for who holds whom."""
    documents = documents_of(table)
    n = table.num_rows
    none = np.zeros(n, np.int64)
    paths = [p or b"" for p in texts(table, "path")]
    return canonical.Facts(documents, none, none, numbers(table, "mtime_ns").astype(np.int64), paths)


def documents_of(table: pa.Table) -> Documents:
    """Rows of FACTS in document order -> documents; what no decision looks at is empty."""
    n = table.num_rows
    none, blank = np.zeros(n, np.int64), [""] * n
    counts = {name: numbers(table, name) for name in ("n_letters", "n_upper", "n_marks", "n_bones")}
    return Documents(
        **{"source": np.arange(n, dtype=np.int32), "record": none, "offset": none, "n_bytes": none},
        **counts,
        **{"letters_hash": np.zeros((n, 2), np.uint64), "status": np.full(n, OK, np.int8)},
        **{"encoding": blank, "id": blank, "note": blank, "repairs": blank, "written": [b""] * n},
        fields=[x or "" for x in texts(table, "fields")],
    )


def _best(rule: list[tuple[str, str]], keys: list[str]) -> Callable[..., Iterator[pa.RecordBatch]]:
    """-> FACTS of documents of equal letters, sorted by the keys -> the two best, and the first one."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in in_groups(batches, keys):
            starts = starts_of(table, keys)
            group = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, table.num_rows]))
            order = np.argsort(numbers(table, "doc"), kind="stable")
            place = np.empty(len(order), np.int64)
            place[order] = canonical.rank(rule, facts_of(table.take(pa.array(order))))[0]
            yield _chosen(table, group, place)

    return run


def _chosen(table: pa.Table, group: NDArray[np.int64], place: NDArray[np.int64]) -> pa.RecordBatch:
    order = np.lexsort((place, group))
    new = np.r_[True, group[order][1:] != group[order][:-1]]
    nth = np.arange(len(order)) - np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    rank = np.empty(len(order), np.int32)
    rank[order] = nth
    keep = np.flatnonzero((rank < 2) | (numbers(table, "doc") == numbers(table, "same")))
    some = table.take(pa.array(keep))
    return batch(CHOSEN, {**{n: some.column(n) for n in FACTS}, "place": rank[keep]})


def chosen(facts: Frame, s: Settings) -> Frame:
    """FACTS of documents that have an equal -> of each group the first, the best and the next best.

    `place` is 0 for the best, which speaks for all.  A large group is looked at in parts first.
    """
    from pyspark.sql import functions as f

    rule = canonical.parse_rule(s.prefer)
    part = f.pmod(f.xxhash64("doc"), f.ceil(f.col("weight") / AT_ONCE)).cast("bigint")
    rows = facts.withColumn("part", part)
    large = rows.where(f.col("weight") > AT_ONCE).repartition("same", "part")
    large = large.sortWithinPartitions("same", "part", "doc")
    some = large.mapInArrow(_best(rule, ["same", "part"]), ddl(CHOSEN)).select(*FACTS)
    rest = rows.where(f.col("weight") <= AT_ONCE).select(*FACTS).union(some)
    rest = rest.repartition("same").sortWithinPartitions("same", "doc")
    return rest.mapInArrow(_best(rule, ["same"]), ddl(CHOSEN))


def equal_pairs(members: Frame, speakers: Frame, read: Frame, s: Settings) -> Frame:
    """(doc, same), (same, speaker), texts (doc, text, written) -> (doc, same, speaker, kind, n, bones).

    Of copies that are the same byte for byte one is compared, and stands for the others.
    """
    from pyspark.sql import functions as f

    bytes_of = f.sha2(f.concat(f.coalesce("written", f.lit(b"")), f.lit(b"|"), "text"), 256)
    rows = members.join(read, "doc").select("doc", "same", bytes_of.alias("copy")).join(speakers, "same")
    rows = rows.where("doc != speaker")
    one = rows.groupBy("same", "speaker", "copy").agg(f.min("doc").alias("one"))
    done = compared(one.select(f.col("one").alias("left"), f.col("speaker").alias("right")), read, s)
    done = done.select(f.col("doc").alias("one"), "kind", "n", "bones").join(
        one.select("one", "same", "copy"), "one"
    )
    return rows.join(done.drop("one"), ["same", "copy"]).select(
        "doc", "same", "speaker", "kind", "n", "bones"
    )
