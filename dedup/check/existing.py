"""A run as `check` sees it: a few columns of numbers, files mapped into memory, and rows that are asked for.

`opening.open_run` reads all tables of a run; of a million documents that takes seconds and gigabytes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..core.documents import Documents, Source
from ..core.errors import BadRun
from ..core.features import Signatures, Spans
from ..core.pairs import VerifiedPairs
from ..core.settings import Settings
from ..core.sorted_arrays import offsets_from_sizes
from ..readers.registry import Options, fetch
from ..readers.storage.addresses import is_address
from ..readers.storage.sources import unchanged
from ..runs import remote
from ..runs.array_store import FILES, ArrayStore
from ..runs.manifest import DECISIONS, TEXTS, manifest_of
from ..runs.opening import open_run, opened_parts
from ..runs.tables import SOURCE_KINDS, documents_of, letters_hashes, pairs_of
from ..runs.texts import SavedTexts
from . import index


@dataclass(frozen=True)
class RunRows:
    """Some documents of a run and their sources, both renumbered from 0."""

    sources: list[Source]
    fields: list[Options]
    documents: Documents
    names: list[bytes]
    places: list[tuple[bytes, int]]  # where each is: the absolute path of its source, its record
    texts: list[bytes] | None  # of a run made in Python, which holds them itself

    def read(self, docs: NDArray[np.int32]) -> list[tuple[bytes, bytes] | None]:
        """Return (bytes or their digest, UTF-8 text) of some documents; None where a text is gone."""
        if self.texts is not None:
            held = (self.texts[d] for d in docs.tolist())
            return [
                (self.documents.written[d] or text, text) for d, text in zip(docs.tolist(), held, strict=True)
            ]
        got = fetch(self.sources, self.fields, self.documents, docs)
        return [
            text and (self.documents.written[d] or text[1], text[1])
            for d, text in zip(docs.tolist(), got, strict=True)
        ]

    def states(self) -> list[str]:
        """Tell of each source whether it is as the scan read it: ok, gone or changed."""
        return ["ok" if self.texts is not None else state_of(source) for source in self.sources]


class Existing:
    """A run folder, or the copy of a run at an address, opened for lookups.

    Raises BadRun when it is missing, of another version or damaged.
    """

    def __init__(self, run: str | os.PathLike[str]) -> None:
        self.name = os.fspath(run)  # as it is shown
        self.folder = folder = remote.whole(self.name) if is_address(run) else Path(run)
        self._tables, manifest = manifest_of(folder)
        try:
            self.settings = Settings.of_run({"settings": manifest["settings"]})
            self.scanned: dict[str, Any] = manifest["scanned"]
            self.n_docs = int(manifest["rows"]["documents"])
            self.home = os.fsencode(self.scanned["folder"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadRun(f"{folder}: is damaged (the manifest lacks {error}); scan again") from None

    # ------------------------------------------------------------------ columns

    def _table(self, name: str, columns: list[str]) -> pa.Table:
        with self._opened(name) as parts:
            return pa.concat_tables([part.read(columns) for part in parts])

    @contextmanager
    def _opened(self, name: str) -> Iterator[list[pq.ParquetFile]]:
        try:
            with opened_parts(self._tables / f"{name}.parquet") as parts:
                yield parts
        except (OSError, pa.ArrowException, KeyError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> BadRun:
        why = (str(error).splitlines() or ["?"])[0]
        return BadRun(f"{self.folder}: is damaged, or was written anew just now ({why}); try again, or scan")

    def _numbers(self, table: str, name: str) -> NDArray[Any]:
        column = self._table(table, [name]).column(name)
        if len(column) != self.n_docs:
            raise self._damaged(ValueError(f"{table} has {len(column)} rows, not {self.n_docs}"))
        return np.array(column.to_numpy())  # NOTE: writable, as compiled code expects its arrays

    @cached_property
    def cluster(self) -> NDArray[np.int32]:
        """Return the smallest document of each cluster, int32[n_docs]."""
        return self._verdict("cluster")

    @cached_property
    def witness(self) -> NDArray[np.int32]:
        """Return the witness of each document, int32[n_docs]; a kept document is its own."""
        return self._verdict("witness")

    def sizes(self, name: str) -> NDArray[np.int64]:
        """Return a column of sizes of all documents, int64[n_docs]."""
        return self._numbers("documents", name)

    def _verdict(self, name: str) -> NDArray[np.int32]:
        if (self.folder / DECISIONS).exists():
            column: NDArray[np.int32] = getattr(open_run(self.folder).verdict, name)
            return column
        return self._numbers("verdict", name)

    # ------------------------------------------------------------------ what is mapped

    @cached_property
    def signatures(self) -> Signatures:
        """Map the signatures and skeletons of all documents."""
        s, shape = self.settings, (self.n_docs, self.settings.num_perm)
        found = []
        for name in ("signatures", "skeletons"):
            try:
                values = np.load(self._tables / f"{name}.npy", mmap_mode="r" if self.n_docs else None)
            except (OSError, ValueError) as error:
                raise self._damaged(error) from None
            if values.shape != shape or values.dtype != FILES[name]:
                raise self._damaged(ValueError(f"{name}.npy is {values.shape}, not {shape}"))
            found.append(np.asarray(values))
        return Signatures(found[0], found[1], s.num_perm, s.seed, s.k)

    def open_index(self) -> index.Index | None:
        """Return the index, if it has been made."""
        return index.opened(self._tables)

    def make_index(self, scratch: Path) -> index.Index:
        """Make the index beside the tables of the run; in `scratch` where they cannot be written to."""
        columns = self._columns()
        where = self._tables
        try:
            with tempfile.TemporaryFile(dir=where):
                pass
        except OSError:
            where = scratch
        try:
            index.write(where, columns, self.settings, scratch)
        except OSError as error:
            raise BadRun(f"{error.filename or where}: cannot be written: {error.strerror or error}") from None
        made = index.opened(where)
        if made is None:
            raise BadRun(f"{self.folder}: was written anew just now; try again")
        return made

    def _columns(self) -> index.Columns:
        names = ["status", "letters_hash", "n_letters", "n_bones", "n_anchors"]
        table = self._table("documents", names)
        frames = self._table("boilerplate", ["doc", "start", "end"])
        number = {name: table.column(name).to_numpy() for name in names if name != "letters_hash"}
        sizes = np.bincount(frames.column("doc").to_numpy(), minlength=self.n_docs)
        spans = Spans(
            frames.column("start").to_numpy(),
            frames.column("end").to_numpy(),
            offsets_from_sizes(sizes),
        )
        try:
            store = ArrayStore(
                self._tables, self.n_docs, self.settings.num_perm, offsets_from_sizes(number["n_anchors"])
            )
        except (OSError, ValueError) as error:
            raise self._damaged(error) from None
        s = self.settings
        return index.Columns(
            number["status"],
            letters_hashes(table),
            number["n_letters"],
            number["n_bones"],
            store.signatures(s.seed, s.k),
            store.anchors,
            spans,
            self.cluster,
        )

    # ------------------------------------------------------------------ rows

    def rows(self, docs: NDArray[np.int32]) -> RunRows:
        """Return documents int32[m] of the run, with their sources."""
        documents = self._table("documents", list(Documents.__dataclass_fields__)).take(docs)
        of_source = documents.column("source").to_numpy()
        which, local = np.unique(of_source, return_inverse=True)
        names = [*SOURCE_KINDS, "text_field", "id_field"]
        rows = self._table("sources", names).take(which).to_pydict()
        paths = [Source(*row) for row in zip(*(rows[c] for c in SOURCE_KINDS), strict=True)]
        # as they were found from where the scan was started
        sources = [replace(s, file=os.path.join(self.home, s.at)) for s in paths]
        fields = [
            Options(text, id_, encoding=self.settings.encoding)
            for text, id_ in zip(rows["text_field"], rows["id_field"], strict=True)
        ]
        record = documents.column("record").to_pylist()
        at = local.tolist()
        where = [
            (os.path.normpath(os.path.join(self.home, paths[i].path)), r)
            for i, r in zip(at, record, strict=True)
        ]
        shown = [paths[i].path + (b":%d" % r if r else b"") for i, r in zip(at, record, strict=True)]
        found = replace(documents_of(documents), source=local.astype(np.int32))
        return RunRows(sources, fields, found, shown, where, self._saved_texts(docs))

    def _saved_texts(self, docs: NDArray[np.int32]) -> list[bytes] | None:
        """Return the texts of documents int32[m] that the run holds itself, or None."""
        path = self._tables / TEXTS
        if not path.exists():
            return None
        texts = SavedTexts(path, self.n_docs, lambda: None)
        return [texts[doc] for doc in docs.tolist()]

    def names(self, docs: NDArray[np.int32]) -> list[bytes]:
        """Return the names of documents int32[m] of the run, as in the lists."""
        table = self._table("documents", ["source", "record"]).take(docs)
        which, local = np.unique(table.column("source").to_numpy(), return_inverse=True)
        paths = self._table("sources", ["path"]).column("path").take(which).to_pylist()
        return [
            paths[i] + (b":%d" % record if record else b"")
            for i, record in zip(local.tolist(), table.column("record").to_pylist(), strict=True)
        ]

    def compared_with(self, docs: NDArray[np.int32]) -> tuple[VerifiedPairs, NDArray[np.bool_]]:
        """Return the pairs that the scan compared with some documents, and bool[n]: found by anchors."""
        with self._opened("compared") as parts:
            found = [parts[0].schema_arrow.empty_table()]
            for part, group in [(p, group) for p in parts for group in range(p.num_row_groups)]:
                sides = part.read_row_group(group, ["left", "right"])
                rows = np.isin(sides.column("left"), docs) | np.isin(sides.column("right"), docs)
                if rows.any():
                    found.append(part.read_row_group(group).filter(pa.array(rows)))
        table = pa.concat_tables(found)
        return pairs_of(table), table.column("by_anchors").to_numpy()


def state_of(source: Source) -> str:
    """Tell whether a source is as the scan read it: ok, gone or changed."""
    if unchanged(source):
        return "ok"
    return "changed" if os.path.exists(source.at) else "gone"
