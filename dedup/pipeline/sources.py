"""The paths of a command line -> the sources to read, pipes copied, and how each is read; or texts."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..clustering import policies
from ..core.documents import Document, Source
from ..core.errors import BadInput, BadSetting, BadType
from ..core.settings import Settings
from ..readers.discover import find_sources
from ..readers.frame_rows import is_missing, named
from ..readers.frames import is_table
from ..readers.registry import Options, kind_of, sniff
from ..readers.storage.urls import clean
from ..runs import summary


def list_sources(
    paths: Sequence[bytes], settings: Settings, run_folder: bytes, copies: Path
) -> tuple[list[Source], dict[str, int]]:
    """Return the sources at paths, and how many files were skipped and why; pipes are copied to `copies`.

    Pipes come last, so that a file is kept rather than its copy.  Raises BadInput when no source can be read.
    """
    plain = [p for p in paths if not is_pipe(p)]
    sources, skipped = find_sources(
        plain, kind_of, run_folder, settings.follow_links, reading_options(settings)
    )
    sources += _copy_pipes(paths, copies)
    require_readable(paths, sources)
    return sources, dict(skipped)


def is_pipe(path: bytes) -> bool:
    """Tell whether a path is standard input (-) or a named pipe, such as <(command) makes."""
    try:
        return path == b"-" or stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _copy_pipes(paths: Sequence[bytes], folder: Path) -> list[Source]:
    """Copy standard input and pipes to files, since texts are read again later -> their sources."""
    out = []
    for i, path in enumerate(dict.fromkeys(p for p in paths if is_pipe(p))):
        copy = folder / ("stdin" if path == b"-" else f"pipe-{i}")
        with open(copy, "wb") as f:
            if path == b"-":
                shutil.copyfileobj(sys.stdin.buffer, f)
            else:
                with open(path, "rb") as pipe:
                    shutil.copyfileobj(pipe, f)
        facts = copy.stat()
        with open(copy, "rb") as f:
            kind = sniff(f.read(1 << 20))
        at = os.fsencode(copy.absolute())
        out.append(Source(path, *kind, facts.st_size, facts.st_mtime_ns, at, given=path))
    return out


def require_readable(paths: Sequence[bytes], sources: Sequence[Source]) -> None:
    """Raise BadInput when no source at the paths given can be read."""
    if any(not s.problem for s in sources):
        return
    if sources:
        raise BadInput("; ".join(f"{os.fsdecode(s.path)}: {s.problem}" for s in sources[:5]))
    raise BadInput(f"{', '.join(os.fsdecode(clean(p)) for p in paths)}: no files here to read")


def reading_options(settings: Settings) -> Options:
    """Return how every source is read under these settings."""
    return Options(
        settings.text_field,
        settings.id_field,
        policies.fields_of(policies.parse_rule(settings.prefer)),
        settings.encoding,
        settings.max_document_bytes,
    )


def shown_paths(paths: Sequence[bytes], sources: Sequence[Source]) -> list[str]:
    """Return the paths as the summary lists them: of very many, only those that are not files themselves."""
    shown = [clean(p) for p in paths]
    files = {s.path for s in sources} if len(shown) > summary.LISTED else set()
    return [os.fsdecode(p) for p in shown if p not in files]


# ------------------------------------------------------------------ texts from Python

TEXTS = "an iterable of texts (str, or None where there is none) and of dedup.Document"


def list_texts(texts: Iterable[Any]) -> list[Document]:
    """Return texts from Python as documents.  Raises BadType for whatever else is given."""
    if is_table(texts) or isinstance(texts, Mapping):
        instead = "scan_frame(..., text='...') reads tables and rows"
        raise BadType(f"scan_texts cannot read {named(texts)}; it accepts {TEXTS}; {instead}")
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise BadType(f"scan_texts cannot read {named(texts)}; it accepts {TEXTS}")
    some = texts.to_pylist() if isinstance(texts, (pa.Array, pa.ChunkedArray)) else texts
    return [_document(text, number) for number, text in enumerate(some, 1)]


def _document(given: Any, number: int) -> Document:
    document = given if isinstance(given, Document) else Document(given)
    text = document.text
    if not isinstance(document.id, str):
        raise BadType(f"text {number}: its id is {named(document.id)}, but only a str is accepted")
    if isinstance(text, str):
        return document
    if is_missing(text):
        return replace(document, text=None)
    more = "; scan_frame(rows, text='...') reads rows" if isinstance(text, Mapping) else ""
    raise BadType(f"text {number}, counted from 1, is {named(text)}; scan_texts accepts {TEXTS}{more}")


def check_fields(documents: Sequence[Document], settings: Settings) -> None:
    """Raise BadSetting where a preference asks for a field that no document has."""
    for name in reading_options(settings).kept_fields:
        if documents and not any(name in document.fields for document in documents):
            how = f"give it as Document(text, fields={{{name!r}: ...}}), or scan a table with scan_frame"
            raise BadSetting(f"prefer: no document has the field {name!r}; {how}")
