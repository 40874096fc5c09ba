"""Documents of the same letters: the first of them, the one that speaks for all, how each is written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...clustering import exact_duplicates, policies
from ...core.documents import COUNTED, OK, TOO_SHORT, Documents
from ...core.pairs import DIGEST_WORDS
from ...core.settings import Settings
from ...core.verdicts import PUNCTUATION, WRITTEN_ALIKE
from ...text.normalize import letter_table
from ..arrow import Batches, Columns, batch, in_groups, mapped, numbers, offsets_from_sizes, packed, texts
from ..checkpoints import Frame

FACTS: Columns = {
    **dict.fromkeys(("doc", "same", "weight", *COUNTED, "mtime_ns"), "int64"),
    **{"path": "binary", "fields": "string", "repairs": "string"},
}
SPELLING: Columns = {
    **{"doc": "int64", "same": "int64", "digests": "binary"},
    **{"n_shingles": "int64", "n_bones": "int64"},
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


def same_values(letters: Frame, spelled: Frame) -> Frame:
    """Return the same with first documents of the same letters and values: points, signs and operators."""
    from pyspark.sql import functions as f

    told = spelled.select("doc", f.substring("digests", 65, 8).alias("values"))
    rows = letters.join(told, "doc", "left").withColumnRenamed("same", "letters")
    groups = rows.where("letters is not null").groupBy("letters", "values")
    found = groups.agg(f.min("doc").alias("same"), f.count("*").alias("weight")).withColumnsRenamed(
        {"letters": "of_letters", "values": "of_values"}
    )
    beside = (f.col("letters") == f.col("of_letters")) & f.col("values").eqNullSafe(f.col("of_values"))
    return rows.drop("weight").join(found, beside, "left").select("doc", "state", "same", "weight")


def facts_of(table: pa.Table) -> policies.Facts:
    """Rows of FACTS in document order -> what policies look at, but for who holds whom."""
    documents = documents_of(table)
    n = table.num_rows
    none = np.zeros(n, np.int64)
    paths = [p or b"" for p in texts(table, "path")]
    return policies.Facts(documents, none, none, none, numbers(table, "mtime_ns").astype(np.int64), paths)


def documents_of(table: pa.Table) -> Documents:
    """Rows of FACTS in document order -> documents; what no decision looks at is empty."""
    n = table.num_rows
    none, blank = np.zeros(n, np.int64), [""] * n
    return Documents(
        source=np.arange(n, dtype=np.int32),
        record=none,
        offset=none,
        n_bytes=none,
        **{name: numbers(table, name) for name in COUNTED},
        letters_hash=np.zeros((n, 2), np.uint64),
        status=np.full(n, OK, np.int8),
        encoding=blank,
        id=blank,
        note=blank,
        repairs=[x or "" for x in texts(table, "repairs")],
        written=[b""] * n,
        id_type=blank,
        fields=[x or "" for x in texts(table, "fields")],
    )


def _best(rule: list[tuple[str, str]], keys: list[str], batches: Batches) -> Iterator[pa.RecordBatch]:
    """FACTS of documents of equal letters, sorted by the keys -> the two best, and the first one."""
    for table in in_groups(batches, keys):
        starts = offsets_from_sizes(table, keys)
        group = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, table.num_rows]))
        order = np.argsort(numbers(table, "doc"), kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = policies.rank(rule, facts_of(table.take(pa.array(order))))[0]
        yield _chosen(table, group, place)


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

    rule = policies.parse_rule(s.prefer)
    part = f.pmod(f.xxhash64("doc"), f.ceil(f.col("weight") / AT_ONCE)).cast("bigint")
    rows = facts.withColumn("part", part)
    large = rows.where(f.col("weight") > AT_ONCE).repartition("same", "part")
    large = large.sortWithinPartitions("same", "part", "doc")
    some = mapped(large, partial(_best, rule, ["same", "part"]), CHOSEN).select(*FACTS)
    rest = rows.where(f.col("weight") <= AT_ONCE).select(*FACTS).union(some)
    rest = rest.repartition("same").sortWithinPartitions("same", "doc")
    return mapped(rest, partial(_best, rule, ["same"]), CHOSEN)


def spellings(read: Frame, s: Settings) -> Frame:
    """Texts (doc, same, text, written) of documents that have an equal -> SPELLING: how each is written."""
    return mapped(read.select("doc", "same", "text", "written"), partial(_spelled, s), SPELLING)


def _spelled(s: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    for one in batches:
        utf8, written = texts(one, "text"), texts(one, "written")

        def read(docs: NDArray[np.int32], utf8: Any = utf8, written: Any = written) -> Any:
            return [(written[d] or utf8[d], utf8[d]) for d in docs.tolist()]

        everyone = np.arange(one.num_rows, dtype=np.int32)
        found = exact_duplicates.spellings(everyone, read, letter_table(), s.k, map)
        yield batch(
            SPELLING,
            {
                "doc": numbers(one, "doc"),
                "same": numbers(one, "same"),
                "digests": packed(found.digests.reshape(-1), DIGEST_WORDS * np.arange(one.num_rows + 1)),
                "n_shingles": found.n_shingles,
                "n_bones": found.n_bones,
            },
        )


def with_kinds(spelled: Frame, speakers: Frame) -> Frame:
    """SPELLING, (same, speaker) -> that of the others, with their speaker and `kind`, the relation to it."""
    from pyspark.sql import functions as f

    theirs = speakers.join(
        spelled.select(f.col("doc").alias("speaker"), f.col("digests").alias("d")), "speaker"
    )
    rows = spelled.join(theirs.select("same", "speaker", "d"), "same").where("doc != speaker")
    kind = f.lit(PUNCTUATION)
    for i, relation in reversed(list(enumerate(WRITTEN_ALIKE))):
        shared = f.substring("digests", 16 * i + 1, 16) == f.substring("d", 16 * i + 1, 16)
        kind = f.when(shared, relation).otherwise(kind)
    return rows.withColumn("kind", kind.cast("tinyint")).drop("d")
