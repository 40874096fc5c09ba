"""The stages of a scan as DataFrame operations, each a checkpoint; in the order of `pipeline`."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..clustering import verdict
from ..clustering.witnesses import WITNESS_ROUNDS
from ..core.documents import CHANGED, COUNTED, OK
from ..core.errors import Broken
from ..core.pairs import SHINGLES, VerifiedPairs
from ..core.settings import Settings
from ..core.verdicts import KEPT, NO_FIGURE, RELATIONS, REWRITTEN
from .arrow import Columns, Mapper, batch, ddl, mapped
from .checkpoints import Checkpoints, Frame
from .shuffle import TARGET_BYTES
from .stages.bands import HEAVY, alike_pairs
from .stages.boilerplate import FLAGGED, apart, boilerplate
from .stages.components import IN_ONE_TASK, components
from .stages.containment import part_pairs
from .stages.exact_duplicates import (
    CHOSEN,
    FACTS,
    SPELLING,
    chosen,
    same_letters,
    same_values,
    spellings,
    with_kinds,
)
from .stages.noise import noisy_pairs
from .stages.verdict import (
    ANSWER,
    ASKED,
    DOCUMENT,
    GOOD,
    GROUP,
    INPUT,
    OUTPUT,
    PAIR,
    RULED,
    SERVED,
    TEXT,
    VERDICT,
    WRITTEN,
    decider,
)
from .stages.verify import FEW, FIGURES, VERIFIED, Library, pairs_of, verified

OWN: Columns = {
    "left": "int64",
    "right": "int64",
    "skeleton": "double",
}  # skeleton is null where it is not enough
FIGURE_NAMES = ("jaccard", "containment", "discounted_jaccard", "discounted_containment")
OF_GROUP = (
    *("cluster", "canonical", "witness", *FIGURE_NAMES, "size", "witness_size"),
    *("lost", "figure", "value", "line", "family"),
)
TEXT_OF_COMPONENT = 16 << 20  # bytes; a smaller component that asks for pairs is sent its texts


@dataclass(frozen=True)
class TaskSizes:
    """What goes to one task; the result does not depend on it."""

    heavy: int = HEAVY
    in_one_task: int = IN_ONE_TASK
    text_of_component: int = TEXT_OF_COMPONENT
    few: int = FEW
    target_bytes: int = TARGET_BYTES


@dataclass(frozen=True)
class Amounts:
    """How many there are, at most."""

    docs: int
    anchors: int


@dataclass(frozen=True)
class ResultFrames:
    """The result as DataFrames."""

    k: int
    documents: Frame  # doc and the columns of the pass
    letters: Frame  # doc, state, same, weight
    boilerplate: Frame  # doc (first of its letters), start, end
    verdict: Frame  # doc and the columns of the verdict, of every document
    pairs: Frame  # FIGURES and relation
    compared: Frame  # FIGURES, part and candidate
    spellings: Frame  # SPELLING


def decide(
    store: Checkpoints,
    documents: Frame,
    sources: Frame,
    changed: list[int],
    s: Settings,
    limits: TaskSizes,
    amounts: Amounts,
) -> ResultFrames:
    """Documents after the pass, sources (source, path, mtime_ns), those that changed -> the result."""
    from pyspark.sql import functions as f

    size = limits.target_bytes
    lost = f.col("source").isin(changed) & (f.col("status") == OK)
    status = f.when(lost, CHANGED).otherwise(f.col("status")) if changed else f.col("status")
    seen = documents.withColumn("status", status)
    by_letters = store.stage("by-letters", lambda: same_letters(seen, s.k))
    several = documents.select("doc", "text", "written").join(by_letters.where("weight > 1"), "doc")
    written = store.stage("spellings", lambda: spellings(several, s))
    letters = store.stage("letters", lambda: same_values(by_letters, written))
    own = letters.where("same = doc").select("doc")
    kept = ["doc", "n_letters", "n_bones", "values", "skeletons", "anchor_hash", "anchor_place"]
    firsts = store.stage("firsts", lambda: documents.select(*kept).join(own, "doc"))
    alike = store.stage("alike", lambda: alike_pairs(firsts, amounts.docs, s, limits.heavy, size))
    banded = alike
    groups = components(store, "groups", alike.where("close"), limits.in_one_task)
    group = f.coalesce("label", "doc").alias("group")
    anchored = firsts.select("doc", "n_letters", "anchor_hash", "anchor_place").join(groups, "doc", "left")
    anchored = anchored.select("doc", "n_letters", "anchor_hash", "anchor_place", group)
    if s.boilerplate == "on":
        frames = boilerplate(store, anchored, amounts.anchors, size)
    else:
        frames = store.spark.createDataFrame([], ddl(FLAGGED))
    flags = frames.select("doc", "flagged")
    flagged = anchored.join(flags, "doc", "left")
    if not frames.isEmpty():
        framed = firsts.select("doc", "anchor_hash").join(flags, "doc")
        gone = store.stage("apart", lambda: apart(alike, framed, s))
        alike = alike.join(gone, ["left", "right"], "left_anti")
    parts = store.stage("parts", lambda: part_pairs(flagged, amounts.docs, amounts.anchors, size))
    library = Library(documents.select("doc", "text"), frames.select("doc", "start", "end"))
    if s.noise == "on":
        known = banded.select("left", "right").union(parts.select("left", "right"))
        noisy = store.stage("noisy", lambda: noisy_pairs(firsts, known, library, s))
    else:
        noisy = alike.select("left", "right", "n_left", "n_right").limit(0)
    compared = store.stage("compared", lambda: _compared([alike, noisy], parts, library, s))
    pairs = compared.where("sure or part").select(*FIGURES)
    facts = _facts(documents, sources, letters, s)
    few = store.stage("chosen", lambda: chosen(facts.where("weight > 1"), s))
    spelled = written.drop("same").join(letters.where("weight > 1").select("doc", "same"), "doc")
    spelled = spelled.select(*SPELLING)
    speakers = few.where("place = 0").select("same", f.col("doc").alias("speaker"))
    equal = with_kinds(spelled, speakers)
    joined = components(store, "components", pairs, limits.in_one_task)
    rows = _rows(facts, few, spelled, pairs, joined, firsts)
    decided = _decided(store, rows, library, s, limits)
    rest = store.stage("rest", lambda: _rest(decided, equal, few, s))
    own = store.stage("own", lambda: _own_skeletons(rest, library, s, limits))
    ruled = store.stage("verdict", lambda: _ruled(decided, documents, rest, own, s))
    no = f.lit(False).alias("part"), f.lit(False).alias("candidate")
    served = decided.where(f.col("what") == SERVED).select(*FIGURES, *no)
    served = served.union(own.select(*FIGURES, *no))
    part = f.coalesce("part", f.lit(False)).alias("part")
    everything = compared.select(*FIGURES, part, f.lit(True).alias("candidate")).union(served)
    names = [f.max(x).alias(x) for x in (*FIGURES, "part", "candidate") if x not in ("left", "right")]
    everything = everything.groupBy("left", "right").agg(*names)
    return ResultFrames(
        s.k, documents, letters, frames, ruled, _all_pairs(decided, equal), everything, written
    )


def _compared(found: list[Frame], parts: Frame, library: Library, s: Settings) -> Frame:
    """Candidates -> VERIFIED, and `part`: found as a part and its whole."""
    from pyspark.sql import functions as f

    names = ["left", "right", "n_left", "n_right"]
    some = [pairs.select(*names) for pairs in (*found, parts)]
    candidates = functools.reduce(lambda one, other: one.union(other), some).distinct()
    part = parts.select("left", "right", f.lit(True).alias("part"))
    return verified(candidates, library, s).join(part, ["left", "right"], "left")


def _facts(documents: Frame, sources: Frame, letters: Frame, s: Settings) -> Frame:
    """FACTS of every document that is not set aside."""
    rows = documents.select("doc", "source", *COUNTED, "fields", "repairs")
    return rows.join(letters.where("same is not null"), "doc").join(sources, "source").select(*FACTS)


def _as_input(rows: Frame, what: int) -> Frame:
    from pyspark.sql import functions as f

    from .arrow import KINDS

    there = set(rows.columns)
    named = [
        (f.col(name) if name in there else f.lit(None)).cast(KINDS[kind][1]).alias(name)
        for name, kind in INPUT.items()
        if name != "what"
    ]
    return rows.select(*named, f.lit(what).cast("tinyint").alias("what"))


def _rows(facts: Frame, few: Frame, spelled: Frame, pairs: Frame, joined: Frame, firsts: Frame) -> Frame:
    """Return all that is known of the documents that have a pair or an equal, by component: rows of INPUT."""
    from pyspark.sql import functions as f

    single = facts.where("weight = 1").join(joined.select("doc"), "doc").withColumn("place", f.lit(0))
    mine = few.select(*CHOSEN).union(single.select(*CHOSEN))
    of_group = joined.select(f.col("doc").alias("same"), f.col("label").alias("component"))
    component = f.coalesce("component", "same").alias("component")
    mine = mine.join(of_group, "same", "left").select(*CHOSEN, component)
    signed = mine.join(firsts.select("doc", "values", "skeletons"), "doc", "left")
    of_pair = joined.select(f.col("doc").alias("left"), f.col("label").alias("component"))
    beside = (
        spelled.join(few.select("doc"), "doc").join(of_group, "same", "left").select(*SPELLING, component)
    )
    rows = _as_input(signed, DOCUMENT).union(_as_input(pairs.join(of_pair, "left"), PAIR))
    return rows.union(_as_input(beside, WRITTEN))


def _decided(store: Checkpoints, rows: Frame, library: Library, s: Settings, limits: TaskSizes) -> Frame:
    """Rows of INPUT -> rows of OUTPUT of all components; those that ask for pairs are decided again."""
    from pyspark.sql import functions as f

    found, answers = [], []
    now = rows
    for turn in range(WITNESS_ROUNDS + 3):
        mine = now.repartition("component").sortWithinPartitions("component")
        done = store.stage(f"decided-{turn}", lambda mine=mine: mapped(mine, decider(s), OUTPUT))  # type: ignore[misc]
        found.append(done)
        asked = done.where(f.col("what") == ASKED).select("component", "left", "right")
        if asked.isEmpty():
            out = found[0]
            for other in found[1:]:
                out = out.union(other)
            return out
        waiting = asked.select("component").distinct()
        now = rows.join(waiting, "component", "left_semi")
        mine = now.where(f.col("what") == DOCUMENT).select("doc", "component")
        mine = store.stage(f"waiting-{turn}", lambda mine=mine: mine)  # type: ignore[misc]
        read = library.of(mine, mine.count() <= limits.few)
        size = read.groupBy("component").agg(f.sum(f.length("text")).alias("size"))
        small = store.stage(
            f"small-{turn}",
            lambda size=size: size.where(f.col("size") <= limits.text_of_component).select("component"),  # type: ignore[misc]
        )
        large = asked.join(small, "component", "left_anti")
        if not large.isEmpty():
            answers.append(store.stage(f"answers-{turn}", lambda x=large: _answers(x, library, s, limits)))  # type: ignore[misc]
        for answer in answers:
            here = answer.join(waiting, "component", "left_semi")
            now = now.unionByName(_as_input(here, ANSWER))
        wanted = mine.join(
            f.broadcast(small) if small.count() <= limits.few else small, "component", "left_semi"
        )
        now = now.unionByName(_as_input(library.of(wanted, wanted.count() <= limits.few), TEXT))
    raise Broken(f"some documents were not decided in {WITNESS_ROUNDS + 3} rounds")


def _answers(asked: Frame, library: Library, s: Settings, limits: TaskSizes) -> Frame:
    """Pairs asked for (component, left, right) -> VERIFIED, with their component."""
    from pyspark.sql import functions as f

    sizes = asked.withColumn("n_left", f.lit(0)).withColumn("n_right", f.lit(0))
    found = verified(sizes, library, s, asked.count() <= limits.few)
    return found.join(asked, ["left", "right"])


# ------------------------------------------------------------------ from components to documents


def _own(s: Settings) -> Mapper:
    """-> verified pairs -> the Jaccard of their skeletons where they are rewritten."""
    limits = verdict.thresholds(s)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for one in batches:
            table = pa.Table.from_batches([one])
            docs = np.unique(np.concatenate([table.column(x).to_numpy() for x in ("left", "right")]))
            found = pairs_of(table, docs)
            sides = docs[found.docs].reshape(-1, 2)
            classified = limits.classify(found)
            figure = pa.array(found.skeleton_jaccard, mask=~(classified.rewritten & classified.reached))
            yield batch(OWN, {"left": sides[:, 0], "right": sides[:, 1], "skeleton": figure})

    return run


def _ruled(decided: Frame, documents: Frame, rest: Frame, own: Frame, s: Settings) -> Frame:
    """Decided documents, and those that follow their speaker -> the verdict of every document."""
    from pyspark.sql import functions as f

    mine = decided.where(f.col("what") == VERDICT).select("doc", *RULED)
    all_rows = mine.unionByName(_followers(rest, mapped(own, _own(s), OWN)))
    itself, one, none = f.col("doc"), f.lit(1.0), f.lit(0)
    defaults = {
        **dict.fromkeys(("cluster", "canonical", "witness"), itself),
        **dict.fromkeys(("jaccard", "containment", "discounted_jaccard", "discounted_containment"), one),
        **{"relation": none, "size": none, "witness_size": none, "reason": f.lit("")},
        **{"lost": f.lit(0.0), "figure": none, "value": one, "line": one, "family": f.lit(-1)},
        "skeleton_jaccard": f.lit(float("nan")),
    }
    joined = documents.select("doc").join(all_rows, "doc", "left")
    return joined.select("doc", *(f.coalesce(name, defaults[name]).alias(name) for name in RULED))


def _rest(decided: Frame, equal: Frame, few: Frame, s: Settings) -> Frame:
    """Documents of equal letters that were not in their component, with what holds for their group.

    `over` is the relation of the group to that of its witness, -1 where its speaker is kept; `follows`,
    whether the document is dropped for its speaker or the speaker's witness.
    """
    from pyspark.sql import functions as f

    groups = decided.where(f.col("what") == GROUP)
    groups = groups.select(f.col("doc").alias("same"), f.col("kind").alias("over"), *OF_GROUP)
    rest = equal.join(few.select("doc"), "doc", "left_anti").select("doc", "same", "kind")
    drops = [RELATIONS.index(name) for name in verdict.parse_relations(s.relations)]
    follows = f.col("kind").isin(drops) if drops else f.lit(False)
    return rest.join(groups, "same").withColumn("follows", follows)


def _own_skeletons(rest: Frame, library: Library, s: Settings, limits: TaskSizes) -> Frame:
    """VERIFIED pairs of such documents with their witness, where their group is rewritten."""
    from pyspark.sql import functions as f

    rest = rest.where(f.col("follows") & (f.col("over") == REWRITTEN))
    sides = [f.least("doc", "witness").alias("left"), f.greatest("doc", "witness").alias("right")]
    pairs = rest.select(*sides, f.lit(0).alias("n_left"), f.lit(0).alias("n_right"))
    n = pairs.count()
    if not n:
        return pairs.sparkSession.createDataFrame([], ddl(VERIFIED))
    return verified(pairs, library, s, n <= limits.few)


def _followers(rest: Frame, own: Frame) -> Frame:
    """Documents that were not in their component, OWN -> their verdicts."""
    from pyspark.sql import functions as f

    pair = (f.least("doc", "witness") == f.col("left")) & (f.greatest("doc", "witness") == f.col("right"))
    rest = rest.join(own, pair, "left")
    rewritten = f.col("over") == REWRITTEN
    lost = ~f.col("follows") | (rewritten & f.col("skeleton").isNull())
    relation = f.when(f.col("over") < 0, f.col("kind")).otherwise(f.col("over"))
    skeleton = f.when(~lost & rewritten, f.col("skeleton")).otherwise(float("nan"))
    figure = f.when(lost, NO_FIGURE).otherwise(f.col("figure")).cast("tinyint")
    value = f.when(lost, 1.0).when(rewritten, f.col("skeleton")).otherwise(f.col("value"))
    values = {
        **{name: f.when(lost, 1.0).otherwise(f.col(name)) for name in OF_GROUP if name in FIGURE_NAMES},
        **{name: f.when(lost, 0).otherwise(f.col(name)) for name in ("size", "witness_size")},
        "witness": f.when(lost, f.col("doc")).otherwise(f.col("witness")),
        "relation": f.when(lost, KEPT).otherwise(relation).cast("tinyint"),
        **{"skeleton_jaccard": skeleton, "reason": f.lit(""), "figure": figure, "value": value},
        **{"lost": f.when(lost, 0.0).otherwise(f.col("lost")), "family": f.col("family")},
        "line": f.when(lost, 1.0).otherwise(f.col("line")),
        **{name: f.col(name) for name in ("cluster", "canonical")},
    }
    return rest.select("doc", *(values[name].alias(name) for name in RULED))


def _all_pairs(decided: Frame, equal: Frame) -> Frame:
    """FIGURES and relation of the pairs that reach a threshold, and of each document with its speaker."""
    from pyspark.sql import functions as f

    good = decided.where(f.col("what") == GOOD).select(*FIGURES, f.col("kind").alias("relation"))
    nothing = VerifiedPairs.of_counts(np.zeros((1, 2), np.int32), np.zeros((1, 3, 3), np.int64)).columns()
    columns = {
        **{n: f.lit(x.item() if x.ndim == 1 else bytearray(x.tobytes())) for n, x in nothing.items()},
        **{"left": f.least("doc", "speaker"), "right": f.greatest("doc", "speaker")},
        **{n: f.col("n_bones" if n.startswith("bones") else "n_shingles") for n in SHINGLES},
    }
    named = [column.alias(name) for name, column in columns.items()]
    return good.union(equal.select(*named, f.col("kind").alias("relation")))
