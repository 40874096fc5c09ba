"""Run -> its dropped whole-file documents, each checked with its witness, moved to a quarantine folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..core.documents import COUNTED, Source
from ..core.errors import BadInput, safe
from ..readers.registry import fetch
from ..readers.storage.sources import unchanged
from ..readers.storage.urls import is_url
from ..runs.quarantine import JOURNAL, Journal, Moved, digest_of, journal, move_file, place_below
from ..runs.reading import options_of
from ..runs.run import Run
from ..text import kernels, minhash
from ..text.normalize import letter_table


@dataclass
class MoveResult:
    """What was moved, with its kept witness; what was left, and why; records that cannot be moved."""

    moved: list[tuple[Moved, str]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)  # (path, why)
    inside: int = 0  # dropped documents that are records or members


def move_dropped(run: Run, to: Path, dry: bool = False) -> MoveResult:
    """Move the dropped whole-file documents of a run below the folder `to` -> what was moved.

    Before each, its size, time and content are checked, and those of its witness; one that is not as the
    scan read it is left.  With `dry` nothing is moved or written.  Raises BadInput where nothing could be
    moved: all are records inside files, or the folder lies in the input.
    """
    docs = np.flatnonzero(run.dropped).tolist()
    whole = [d for d in docs if _is_whole_file(run, d)]
    out = MoveResult(inside=len(docs) - len(whole))
    if docs and not whole:
        raise BadInput(
            f"the {len(docs):,} dropped documents are records inside files, which cannot be moved alone; "
            "write a corpus without them: dedup export corpus --to FOLDER"
        )
    _check_places(run, to)
    move = _Move(run, to, out)
    if dry:
        for doc in whole:
            move.one(doc, None)
    elif whole:
        with journal(to, new=True) as opened:
            for doc in whole:
                move.one(doc, opened)
            if not opened.entries():
                opened.keep([])
    return out


def _is_whole_file(run: Run, doc: int) -> bool:
    source = run.sources[int(run.documents.source[doc])]
    inside = run.documents.record[doc] or source.member >= 0 or source.file
    return run.texts is None and not inside and not is_url(source.path)


def _check_places(run: Run, to: Path) -> None:
    """Raise BadInput where paths of the run mean other files here, or a later scan would read `to`."""
    scanned = run.summary["scanned"]
    if scanned["folder"] != os.getcwd() and not all(map(os.path.isabs, (s.path for s in run.sources))):
        raise BadInput(f"the paths of this run are those seen from {safe(scanned['folder'])}; run this there")
    real = os.path.realpath(to)
    for path in scanned["paths"]:
        folder = os.path.realpath(path)
        if os.path.isdir(folder) and Path(real).is_relative_to(folder):
            raise BadInput(f"{to}: lies in the input {safe(path)}; choose a folder apart from the input")


class _Move:
    def __init__(self, run: Run, to: Path, out: MoveResult) -> None:
        self.run, self.out = run, out
        self.to = os.path.abspath(to)
        self.base = Path(os.path.realpath("."))
        self.fields = options_of(run)
        settings = run.summary["settings"]
        self.k, self.sample = settings["k"], settings["sample"]
        self.permutations = minhash.permutations(settings["num_perm"], settings["seed"])

    def one(self, doc: int, opened: Journal | None) -> None:
        """Move a document, or with no journal only look whether it could be moved."""
        path = os.fsdecode(self._source(doc).path)
        try:
            why = self._why_not(doc)
            entry = self._entry(path)
            if not why and os.path.lexists(entry.to):
                why = f"{entry.to} is there already"
            if not why and opened is not None:
                opened.add(entry)
                move_file(entry.path, entry.to)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
        if why:
            self.out.left.append((path, why))
        else:
            self.out.moved.append((entry, self.run.name(int(self.run.verdict.witness[doc]))))

    def _entry(self, path: str) -> Moved:
        full = os.path.abspath(path)
        parent = Path(os.path.realpath(os.path.dirname(full)))
        place = place_below(parent / os.path.basename(full), self.base)
        return Moved(full, os.path.join(self.to, place), os.path.getsize(full), digest_of(full))

    def _source(self, doc: int) -> Source:
        return self.run.sources[int(self.run.documents.source[doc])]

    def _why_not(self, doc: int) -> str:
        """Return why a document is not moved, or ""."""
        witness = int(self.run.verdict.witness[doc])
        mine, other = self._source(doc), self._source(witness)
        name = safe(self.run.name(witness))
        if os.path.islink(mine.path):
            return "is a symbolic link"
        if not self._as_scanned(doc):
            return "has changed or gone since the scan; scan again"
        if not self._as_scanned(witness):
            return f"its kept witness {name} has changed or gone since the scan; scan again"
        if not is_url(other.at) and other.member < 0 and _one_file(mine.at, other.at):
            return f"its kept witness {name} is the same file by another name"
        return ""

    def _as_scanned(self, doc: int) -> bool:
        """Tell whether the file of a document has its size and time, and the document its content."""
        d, source = self.run.documents, self._source(doc)
        if not unchanged(source):
            return False
        text = fetch(self.run.sources, self.fields, d, np.array([doc], np.int32))[0]
        if text is None:
            return False
        if d.written[doc] and d.written[doc] not in (text[0], _short_digest(text[0])):
            return False
        signed = kernels.sign_texts(
            *kernels.joined([text[1]]), letter_table(), self.k, 0, *self.permutations, self.sample
        )
        counts = [int(getattr(d, name)[doc]) for name in COUNTED]
        return signed.counts[0].tolist() == counts and (signed.letters_hash[0] == d.letters_hash[doc]).all()


def _short_digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


def _one_file(path: bytes, other: bytes) -> bool:
    """Tell whether two paths lead to one name of a file: through a link, or in other capitals.

    Of a file with two names (hard links) one may go.
    """
    if os.path.realpath(path) == os.path.realpath(other):
        return True
    return os.path.samefile(path, other) and os.stat(path).st_nlink < 2


def told(result: MoveResult, to: Path, dry: bool) -> list[str]:
    """Return what is said of a move, a line each."""
    out = [f"{path}: {why}; left where it is" for path, why in result.left]
    if result.inside:
        out.append(
            f"{result.inside:,} dropped documents are records inside files and were left; "
            "write a corpus without them: dedup export corpus --to FOLDER"
        )
    verb = "would be moved" if dry else "moved"
    n = len(result.moved)
    out.append(f"{n:,} {'file' if n == 1 else 'files'} {verb} -> {to}")
    if n and not dry:
        out.append(f"to move all back: dedup move --undo {to} (it reads {JOURNAL} there)")
    return out
