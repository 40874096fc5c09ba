"""What was cut out of documents -> a row for each cut, with its witness; and what is said of all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ...pipeline.passages import KINDS
from ..wording import counted
from .cuts import Cuts
from .places import characters_in

COLUMNS = (
    *("path", "record", "start", "end", "letters", "passage", "kind"),
    *("witness", "witness_start", "witness_end"),
)


def rows_of(done: Cuts) -> Iterator[dict[str, Any]]:
    """List the cuts by document and place, in characters of the texts before anything was cut.

    What stands in a unit that goes, but in no passage, has no witness.
    """
    run, cuts = done.found.run, sorted(done.cuts, key=lambda cut: (cut.doc, cut.start))
    mine = characters_in(run, [(cut.doc, cut.start, cut.end) for cut in cuts])
    theirs = characters_in(run, [(cut.witness, cut.at, cut.at + cut.end - cut.start) for cut in cuts])
    for cut, (start, end, _), (first, last, _) in zip(cuts, mine, theirs, strict=True):
        known = cut.witness >= 0
        yield {
            "path": os.fsdecode(run.sources[int(run.documents.source[cut.doc])].path),
            "record": int(run.documents.record[cut.doc]),
            "start": start,
            "end": end,
            "letters": cut.end - cut.start,
            "passage": cut.passage + 1 if known else None,
            "kind": KINDS[done.found.kind[cut.passage]] if known else None,
            "witness": run.name(cut.witness) if known else None,
            "witness_start": first if known else None,
            "witness_end": last if known else None,
        }


def said(done: Cuts) -> Iterator[str]:
    """Say how much was cut, and what was left whole."""
    share = done.cut_letters / max(1, done.letters)
    yield (
        f"cut {done.cut_letters:,} of {done.letters:,} letters ({share:.1%}) from "
        f"{counted(len(done.characters), 'document')}; {done.letters - done.cut_letters:,} are left"
    )
    if done.left_whole:
        name = done.found.run.name(done.left_whole[0])
        yield f"left whole, as they would lose more than --max-cut: {len(done.left_whole):,}, such as {name}"
    if done.uncut:
        listed = ", ".join(f"{n:,} {reader}" for reader, n in sorted(done.uncut.items()))
        yield f"left whole, as their format or text cannot be cut: {listed}"
    if done.found.unread.size:
        yield f"left out of the search, as they have changed: {done.found.unread.size:,}"
