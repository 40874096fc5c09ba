"""Run -> a new corpus of the chosen documents, in their own formats.  The input is never touched."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...core.errors import BadInput, BadSetting, DedupError
from ...pipeline.passages import find_passages
from ...readers.base import BROKEN, Changes, Damaged, why
from ...readers.formats import archives
from ...readers.formats.added import Added
from ...readers.registry import READERS
from ...readers.storage.sources import open_archive, open_file, open_source, unchanged
from ...readers.storage.streams import packing, unpacked
from ...readers.storage.url_files import AnyFile, UrlFile
from ...readers.storage.urls import is_url
from ...runs.reading import options_of, read_texts
from ...runs.run import Run
from ..passages.cuts import Cuts, choose_cuts, encoded_again, new_text
from .chosen import CorpusOptions, added_columns, by_source, chosen, is_lost, left_out
from .names import target_names
from .targets import LocalFolder, UrlFolder, check_seen_from, check_target, opened

MODES: dict[str, Callable[[bytes, bytes], object]] = {
    "copy": shutil.copy2,
    "hardlink": os.link,
    "symlink": lambda source, target: os.symlink(os.path.abspath(source), target),
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # nothing more can be written
AS_SCANNED = CorpusOptions()


@dataclass
class ExportResult:
    """What an export wrote, what it left out, and what it could not write."""

    documents: int = 0
    files: int = 0
    left_out: dict[str, int] = field(default_factory=dict)  # why set aside -> documents
    skipped: dict[str, int] = field(default_factory=dict)  # why never read -> files and folders
    unmarked: dict[str, int] = field(default_factory=dict)  # path -> records that took no column
    cuts: Cuts | None = None  # what was cut out of the documents
    problems: list[tuple[str, str]] = field(default_factory=list)  # (path, why)


def export_corpus(run: Run, to: AnyFile, asked: CorpusOptions = AS_SCANNED) -> ExportResult:
    """Write the chosen documents below the folder `to` -> what was written.

    A whole-file document keeps its place in the tree; of a source of records the chosen ones are written,
    with all their fields, to a file of the same name, format and packing (always a copy).  A member of an
    archive becomes a file below a folder with the archive's name.  A file that has another size or time
    than when it was scanned is reported and left out.  Raises OutputExists when the folder is not empty
    and that was not forced, BadInput when it holds or lies among the sources.
    """
    if run.texts is not None:
        raise BadInput("this run was made from texts in memory; there are no files to copy")
    if asked.mode != "copy":
        _check_mode(run, to, asked.mode)
    check_target(run, to, asked.force)
    check_seen_from(run)
    added = added_columns(run, asked)
    cuts = _chosen_cuts(run, asked)
    with opened(to) as folder:
        export = _Export(run, folder, asked, added, cuts)
        files, members = export.ready()
        try:
            for index in files:
                export.write(index, lambda s=run.sources[index]: open_source(s))  # type: ignore[misc]
            for archive, wanted in members.items():
                export.write_members(archive, wanted)
        except OSError as error:
            raise DedupError(f"{error.filename or to}: cannot be written: {why(error)}") from None
        if asked.whole and export.out.problems:
            where, what = export.out.problems[0]
            raise BadInput(f"{where}: {what}; nothing was written to {to}")
    return export.out


def _check_mode(run: Run, to: AnyFile, mode: str) -> None:
    if isinstance(to, UrlFile):
        raise BadSetting(f"{to}: nothing can be put there as a {mode}; use --mode copy")
    if any(is_url(s.at) for s in run.sources):
        raise BadInput(
            f"what was read from a URL can only be copied, not put there as a {mode}; use --mode copy"
        )


def _chosen_cuts(run: Run, asked: CorpusOptions) -> Cuts | None:
    """Find passages and choose what is cut; None where nothing is asked for."""
    if asked.cut is None:
        return None
    if asked.mark or asked.collect or asked.keep_per_cluster > 1:
        raise BadSetting("--cut does not go with --mark, --collect and --keep-per-cluster")
    return choose_cuts(find_passages(run, asked.cut.min_passage), asked.cut)


class _Export:
    """The chosen documents on their way to a folder."""

    def __init__(
        self,
        run: Run,
        folder: LocalFolder | UrlFolder,
        asked: CorpusOptions,
        added: list[Added] | None,
        cuts: Cuts | None,
    ) -> None:
        taken = chosen(run, asked)
        self.run, self.folder, self.asked, self.added = run, folder, asked, added
        skipped = run.summary.get("skipped", {})
        self.out = ExportResult(left_out=left_out(run, taken), skipped=skipped, cuts=cuts)
        self._cut = cuts.characters if cuts else {}
        self._taken, self._fine = by_source(run, taken), set(by_source(run, run.ok))
        self._names = target_names(run.sources)
        self._options = options_of(run)

    def problem(self, path: bytes, what: str) -> None:
        """Say that a source could not be written."""
        self.out.problems.append((os.fsdecode(path), what))

    def ready(self) -> tuple[list[int], dict[bytes, dict[int, int]]]:
        """Return the sources to write: files, and members of archives (archive -> place -> source)."""
        files: list[int] = []
        members: dict[bytes, dict[int, int]] = {}
        for index in range(len(self.run.sources)) if self.asked.mark else self._taken:
            source = self.run.sources[index]
            if not unchanged(source):
                self.problem(source.path, "has changed or gone since the scan; scan again")
            elif source.member < 0:
                files.append(index)
            else:
                members.setdefault(source.at, {})[source.member] = index
        return files, members

    def write_members(self, archive: bytes, wanted: dict[int, int]) -> None:
        """Write members of an archive (place -> source), in one walk through it."""
        opener = open_archive(self.run.sources[next(iter(wanted.values()))])
        for member, stream in archives.members(archive, opener):
            index = wanted.pop(member.place, None)
            if index is None:
                continue
            if stream is None:
                self.problem(self.run.sources[index].path, member.problem)
                continue
            try:
                with archives.lent(stream) as opened:
                    self.write(index, opened)
            except BROKEN as error:
                self.problem(self.run.sources[index].path, why(error))
        for index in wanted.values():
            self.problem(self.run.sources[index].path, "it is not in the archive any more")

    def write(self, index: int, opened: Callable[[], BinaryIO]) -> None:
        """Write the chosen documents of a source; opened() -> its bytes, those of a member still packed."""
        source, docs = self.run.sources[index], self._taken.get(index, [])
        packed = opened if source.member >= 0 else None
        try:
            with self.folder.appearing(self._names[index]) as part:
                if source.reader == "text" and docs and docs[0] in self._cut:
                    part.write_bytes(self._cut_file(docs[0], opened))
                elif READERS[source.reader].write is not None and (self.asked.mark or index in self._fine):
                    with unpacked(opened, source.codec, source.size) if packed else opened() as stream:
                        self._write_records(index, docs, stream, part)
                elif packed or is_url(source.at):
                    raw = packed or (lambda: open_file(source))
                    with raw() as stream, open(part, "wb") as f:
                        shutil.copyfileobj(stream, f)
                else:
                    MODES["copy" if source.file else self.asked.mode](source.at, os.fsencode(part))
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise
            self.problem(source.path, why(error))
            return
        self.out.documents += len(docs)
        self.out.files += 1

    def _write_records(self, index: int, docs: list[int], stream: BinaryIO, part: Path) -> None:
        source, d, options = self.run.sources[index], self.run.documents, self._options[index]
        reader = READERS[source.reader]
        whole = [doc for doc in docs if not is_lost(self.run, doc)]
        if len(whole) < len(docs) and not self.asked.mark:
            self.problem(source.path, "what could not be read of it cannot be carried along")
        places = [(int(d.offset[i]), int(d.n_bytes[i])) for i in whole]
        with open(part, "wb") as f, packing(f, source.codec) as out:
            if any(doc in self._cut for doc in whole):
                assert reader.replace is not None
                reader.replace(stream, out, options, places, self._changes(whole))
            elif self.added is None:
                assert reader.write is not None
                reader.write(stream, out, options, places)
            else:
                assert reader.annotate is not None
                every = None if self.asked.mark else places
                n = reader.annotate(stream, out, options, every, self.added[index])
                if n:
                    self.out.unmarked[os.fsdecode(source.path)] = n

    def _changes(self, docs: list[int]) -> Changes:
        """Return what cuts the records of a source, by their offsets."""
        d, cut = self.run.documents, self._cut
        return {int(d.offset[doc]): partial(new_text, characters=cut[doc]) for doc in docs if doc in cut}

    def _cut_file(self, doc: int, opened: Callable[[], BinaryIO]) -> bytes:
        """Return the bytes of a file of text without what is cut, packed as it was."""
        (got,) = read_texts(self.run, np.array([doc], np.int32))
        if got is None:
            raise Damaged("has changed or gone since the scan; scan again")
        text = new_text(got[1].decode(), self._cut[doc]).encode()
        written = encoded_again(got[0], text, self.run.documents.encoding[doc])
        assert written is not None
        held = io.BytesIO()
        with packing(held, self.run.sources[int(self.run.documents.source[doc])].codec) as out:
            out.write(written)
        return held.getvalue()
