"""Write a run that is in memory to a run folder."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from ..core.errors import BadRun
from .array_store import Writer
from .folder import RunFolder, writing
from .opening import as_decided
from .run import Run

ROWS = 4096  # documents at a time


def save(run: Run, folder: str | os.PathLike[str]) -> Run:
    """Write a run to a run folder, with all that its commands need -> the run as it is there.

    Raises BadRun when the folder cannot be written, or is the one that the run was opened from.
    """
    if run.tables is not None and run.tables.parent.resolve() == Path(folder).resolve():
        raise BadRun(f"{folder}: is the folder of this run already; name another one")
    with writing(folder) as opened:
        _write_arrays(run, opened)
        return as_decided(opened.commit(run), opened.folder)


def _write_arrays(run: Run, opened: RunFolder) -> None:
    """Write signatures and anchors to where `commit` looks for them."""
    signatures, anchors = run.signatures, run.anchors
    opened.clean(keep=opened.tables)
    opened.unfinished.mkdir()
    with closing(Writer(opened.unfinished, signatures.num_perm)) as store:
        store.cut(0, 0)
        for first in range(0, len(run.documents), ROWS):
            docs = slice(first, min(first + ROWS, len(run.documents)))
            some = slice(int(anchors.start[docs.start]), int(anchors.start[docs.stop]))
            values, skeletons = signatures.values[docs], signatures.skeletons[docs]
            store.add(signatures=values, skeletons=skeletons)
            store.add(anchor_hashes=anchors.hash[some], anchor_positions=anchors.position[some])
            signatures.release_pages()
        store.finish()
