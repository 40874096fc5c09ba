"""The stages of a scan as DataFrame operations, each a checkpoint; in the order of `pipeline`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from ..clustering.witnesses import WITNESS_ROUNDS
from ..core.documents import CHANGED, COUNTED, OK
from ..core.errors import Broken
from ..core.pairs import SHINGLES, VerifiedPairs
from ..core.settings import Settings
from .arrow import KINDS, ddl, mapped
from .checkpoints import Checkpoints, Frame
from .shuffle import TARGET_BYTES
from .stages import bands, boilerplate, components, containment, exact_duplicates, followers, noise, verify
from .stages import verdict as decisions
from .stages.exact_duplicates import CHOSEN, FACTS, SPELLING
from .stages.verify import FIGURES, Library, verified

TEXT_OF_COMPONENT = 16 << 20  # bytes; a smaller component that asks for pairs is sent its texts


@dataclass(frozen=True)
class TaskSizes:
    """What goes to one task; the result does not depend on it."""

    heavy: int = bands.HEAVY
    in_one_task: int = components.IN_ONE_TASK
    text_of_component: int = TEXT_OF_COMPONENT
    few: int = verify.FEW
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
    by_letters = store.stage("by-letters", lambda: exact_duplicates.same_letters(seen, s.k))
    several = documents.select("doc", "text", "written").join(by_letters.where("weight > 1"), "doc")
    written = store.stage("spellings", lambda: exact_duplicates.spellings(several, s))
    letters = store.stage("letters", lambda: exact_duplicates.same_values(by_letters, written))
    own = letters.where("same = doc").select("doc")
    kept = ["doc", "n_letters", "n_bones", "values", "skeletons", "anchor_hash", "anchor_place"]
    firsts = store.stage("firsts", lambda: documents.select(*kept).join(own, "doc"))
    alike = store.stage("alike", lambda: bands.alike_pairs(firsts, amounts.docs, s, limits.heavy, size))
    banded = alike
    groups = components.components(store, "groups", alike.where("close"), limits.in_one_task)
    group = f.coalesce("label", "doc").alias("group")
    anchored = firsts.select("doc", "n_letters", "anchor_hash", "anchor_place").join(groups, "doc", "left")
    anchored = anchored.select("doc", "n_letters", "anchor_hash", "anchor_place", group)
    if s.boilerplate == "on":
        frames = boilerplate.boilerplate(store, anchored, amounts.anchors, size)
    else:
        frames = store.spark.createDataFrame([], ddl(boilerplate.FLAGGED))
    flags = frames.select("doc", "flagged")
    flagged = anchored.join(flags, "doc", "left")
    if not frames.isEmpty():
        framed = firsts.select("doc", "anchor_hash").join(flags, "doc")
        gone = store.stage("apart", lambda: boilerplate.apart(alike, framed, s))
        alike = alike.join(gone, ["left", "right"], "left_anti")
    anchored = store.stage(
        "parts", lambda: containment.part_pairs(flagged, amounts.docs, amounts.anchors, size)
    )
    parts = anchored.where("part")
    library = Library(documents.select("doc", "text"), frames.select("doc", "start", "end"))
    if s.noise == "on":
        known = banded.select("left", "right").union(parts.select("left", "right"))
        noisy = store.stage("noisy", lambda: noise.noisy_pairs(firsts, known, library, s))
        found = [alike, noisy, anchored.where("noisy_part")]
    else:
        found = [alike]
    compared = store.stage("compared", lambda: _compared(found, parts, library, s))
    pairs = compared.where("sure or part").select(*FIGURES)
    facts = _facts(documents, sources, letters, s)
    few = store.stage("chosen", lambda: exact_duplicates.chosen(facts.where("weight > 1"), s))
    spelled = written.drop("same").join(letters.where("weight > 1").select("doc", "same"), "doc")
    spelled = spelled.select(*SPELLING)
    speakers = few.where("place = 0").select("same", f.col("doc").alias("speaker"))
    equal = exact_duplicates.with_kinds(spelled, speakers)
    joined = components.components(store, "components", pairs, limits.in_one_task)
    rows = _rows(facts, few, spelled, pairs, joined, firsts)
    decided = _decided(store, rows, library, s, limits)
    rest = store.stage("rest", lambda: followers.rest(decided, equal, few, s))
    own = store.stage("own", lambda: followers.own_skeletons(rest, library, s, limits.few))
    ruled = store.stage("verdict", lambda: followers.ruled(decided, documents, rest, own, s))
    no = f.lit(False).alias("part"), f.lit(False).alias("candidate")
    served = decided.where(f.col("what") == decisions.SERVED).select(*FIGURES, *no)
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
    candidates = _union(some).distinct()
    part = parts.select("left", "right", f.lit(True).alias("part"))
    return verified(candidates, library, s).join(part, ["left", "right"], "left")


def _union(frames: Iterable[Frame]) -> Frame:
    return reduce(lambda one, other: one.union(other), frames)


def _facts(documents: Frame, sources: Frame, letters: Frame, s: Settings) -> Frame:
    """FACTS of every document that is not set aside."""
    rows = documents.select("doc", "source", *COUNTED, "fields", "repairs")
    return rows.join(letters.where("same is not null"), "doc").join(sources, "source").select(*FACTS)


def _as_input(rows: Frame, what: int) -> Frame:
    from pyspark.sql import functions as f

    there = set(rows.columns)
    named = [
        (f.col(name) if name in there else f.lit(None)).cast(KINDS[kind][1]).alias(name)
        for name, kind in decisions.INPUT.items()
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
    rows = _as_input(signed, decisions.DOCUMENT).union(_as_input(pairs.join(of_pair, "left"), decisions.PAIR))
    return rows.union(_as_input(beside, decisions.WRITTEN))


def _decided(store: Checkpoints, rows: Frame, library: Library, s: Settings, limits: TaskSizes) -> Frame:
    """Rows of INPUT -> rows of OUTPUT of all components; those that ask for pairs are decided again."""
    from pyspark.sql import functions as f

    decide_all = partial(decisions.decide_components, s)
    found, answers, now = [], [], rows
    for turn in range(WITNESS_ROUNDS + 3):
        mine = now.repartition("component").sortWithinPartitions("component")
        done = store.stage(f"decided-{turn}", partial(mapped, mine, decide_all, decisions.OUTPUT))
        found.append(done)
        asked = done.where(f.col("what") == decisions.ASKED).select("component", "left", "right")
        if asked.isEmpty():
            return _union(found)
        waiting = asked.select("component").distinct()
        now = rows.join(waiting, "component", "left_semi")
        mine = now.where(f.col("what") == decisions.DOCUMENT).select("doc", "component")
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
            now = now.unionByName(_as_input(here, decisions.ANSWER))
        wanted = mine.join(
            f.broadcast(small) if small.count() <= limits.few else small, "component", "left_semi"
        )
        now = now.unionByName(_as_input(library.of(wanted, wanted.count() <= limits.few), decisions.TEXT))
    raise Broken(f"some documents were not decided in {WITNESS_ROUNDS + 3} rounds")


def _answers(asked: Frame, library: Library, s: Settings, limits: TaskSizes) -> Frame:
    """Pairs asked for (component, left, right) -> VERIFIED, with their component."""
    from pyspark.sql import functions as f

    sizes = asked.withColumn("n_left", f.lit(0)).withColumn("n_right", f.lit(0))
    found = verified(sizes, library, s, asked.count() <= limits.few)
    return found.join(asked, ["left", "right"])


def _all_pairs(decided: Frame, equal: Frame) -> Frame:
    """FIGURES and relation of the pairs that reach a threshold, and of each document with its speaker."""
    from pyspark.sql import functions as f

    good = decided.where(f.col("what") == decisions.GOOD).select(*FIGURES, f.col("kind").alias("relation"))
    nothing = VerifiedPairs.of_counts(np.zeros((1, 2), np.int32), np.zeros((1, 3, 3), np.int64)).columns()
    columns = {
        **{n: f.lit(x.item() if x.ndim == 1 else bytearray(x.tobytes())) for n, x in nothing.items()},
        **{"left": f.least("doc", "speaker"), "right": f.greatest("doc", "speaker")},
        **{n: f.col("n_bones" if n.startswith("bones") else "n_shingles") for n in SHINGLES},
    }
    named = [column.alias(name) for name, column in columns.items()]
    return good.union(equal.select(*named, f.col("kind").alias("relation")))
