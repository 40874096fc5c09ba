"""A name, as the lists print it -> the document: its bytes and its text, read again."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass

import numpy as np

from ..core.documents import BINARY, FAULTS, OK, STATUS, Source
from ..core.errors import BadInput, safe
from ..readers.base import BROKEN, why
from ..readers.discover import find_sources
from ..readers.registry import READERS, WRITTEN_AS_TEXT, Options, fetch, kind_of
from ..readers.storage.sources import exists, open_source, unchanged
from ..readers.storage.urls import clean, is_url
from ..runs.reading import options_of
from ..runs.run import Run
from ..text.decode import transcode

TITLE = 110  # characters of the title of a text
TELLING = 24  # characters of a line that can be a title, if there is one
LOOKED_AT = 4000  # bytes of a text in which its title is looked for


@dataclass(frozen=True)
class DocumentText:
    """A document to be shown: `raw` bytes, `utf8` text, how it was read; `doc` is -1 outside a run."""

    name: str
    doc: int
    raw: bytes
    utf8: bytes
    encoding: str
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    original: bytes | None = None  # the text before repair, where it was repaired


def find(name: str, run: Run | None, text_field: str = "") -> DocumentText:
    """A name of the run, or of a file on disk (`path` or `path:line`) -> its text as it is now.

    Raises BadInput when there is no such document, or it is gone, or is no text.
    """
    given, name = name, os.fsdecode(clean(os.fsencode(name)))
    doc = _doc(name, run) if run else -1
    if run is not None and doc >= 0:
        return _of_run(name, run, doc)
    path, line = _at_url(os.fsencode(given)) if is_url(os.fsencode(given)) else _on_disk(os.fsencode(name))
    if not path:
        raise BadInput(f"{safe(name)}: no such file{_closest(name, run)}")
    source, *_ = find_sources([path], kind_of, b"", True, Options(text_field))[0]
    if source.problem:
        raise BadInput(f"{safe(name)}: {source.problem}{_closest(name, run)}")
    note = ("not in the run; read from disk",) if run else ()
    return _read(name, -1, source, line, Options(text_field), note)


def _doc(name: str, run: Run) -> int:
    """Find the document of a name, written this way or another (./a.txt for a.txt); -1 when there is none."""
    wanted = os.fsencode(name)
    if wanted in run.names:
        return run.names.index(wanted)
    plain = os.path.normpath(wanted)
    return next((doc for doc, other in enumerate(run.names) if os.path.normpath(other) == plain), -1)


def _on_disk(name: bytes) -> tuple[bytes, int]:
    """A name -> (the file, the line or 0); (b"", 0) when there is no such file."""
    if os.path.isfile(name):
        return name, 0
    path, _, line = name.rpartition(b":")
    if line.isdigit() and int(line) and os.path.isfile(path):
        return path, int(line)
    return b"", 0


def _at_url(url: bytes) -> tuple[bytes, int]:
    """A URL, or one with a line after it -> (the URL, the line or 0)."""
    path, _, line = url.rpartition(b":")
    if line.isdigit() and int(line) and path.count(b"/") > 2:  # in http://host:80 it is a port
        return path, int(line)
    return url, 0


def _closest(name: str, run: Run | None) -> str:
    if run is None:
        return ""
    from rapidfuzz import fuzz, process

    names = [os.fsdecode(n) for n in run.names]
    close = [
        found for found, *_ in process.extract(name, names, scorer=fuzz.WRatio, limit=3, score_cutoff=60)
    ]
    if not close:
        return ", and no such document in the run"
    return f", and no such document in the run; the closest names are {', '.join(map(safe, close))}"


def _of_run(name: str, run: Run, doc: int) -> DocumentText:
    d, source = run.documents, run.sources[int(run.documents.source[doc])]
    name = run.name(doc)
    if d.status[doc] == BINARY:
        raise BadInput(f"{safe(name)}: is binary data, not text")
    if run.texts is not None:
        return DocumentText(name, doc, run.texts[doc], run.texts[doc], "utf-8")
    options = options_of(run)[int(d.source[doc])]
    note: tuple[str, ...] = ()
    if not unchanged(source):
        if not exists(source):
            where = os.fsdecode(source.path if is_url(source.at) else source.at)
            raise BadInput(f"{safe(name)}: has gone since the scan; there is no {safe(where)}")
        note = ("changed since the scan; this is the text as it is now",)
    elif d.record[doc] and d.status[doc] == OK:
        (got,) = fetch(run.sources, options_of(run), d, np.array([doc], np.int32))
        if got is not None:
            return DocumentText(name, doc, *got, d.encoding[doc], _names(d.repairs[doc]))
    return _read(name, doc, source, int(d.record[doc]), options, note)


def _read(
    name: str, doc: int, source: Source, line: int, options: Options, notes: tuple[str, ...]
) -> DocumentText:
    """A source, and the line in it (0: all of it is the document) -> its text as it is now."""
    shown = safe(name)
    try:
        if line:
            return _line(name, doc, source, line, options, notes)
        reader = READERS[source.reader]
        if not reader.whole:
            raise BadInput(f"{shown}: holds many documents; name one of them, as {shown}:1")
        with open_source(source) as stream:
            (chunk,) = reader.chunks(stream, 0, options)
        (record,), (utf8,), _ = reader.records(chunk, options)
    except BROKEN as error:
        raise BadInput(f"{shown}: cannot be read: {why(error)}") from None
    if record.status == BINARY:
        raise BadInput(f"{shown}: is binary data, not text")
    if record.status in FAULTS:
        raise BadInput(f"{shown}: {safe(record.note)}")
    raw, repairs = chunk.data or b"", _names(record.repairs)
    original = transcode(raw, options.encoding).utf8 if repairs and source.reader in WRITTEN_AS_TEXT else None
    return DocumentText(name, doc, raw, utf8, record.encoding, repairs, notes, original)


def _line(
    name: str, doc: int, source: Source, line: int, options: Options, notes: tuple[str, ...]
) -> DocumentText:
    reader = READERS[source.reader]
    if reader.whole:
        raise BadInput(
            f"{safe(name)}: {safe(os.fsdecode(source.path))} is one document; it has no record {line}"
        )
    with open_source(source) as stream:
        options = reader.prepare(stream, options)
    with open_source(source) as stream:
        before = 0
        for chunk in reader.chunks(stream, 0, options):
            records, texts, n_lines = reader.records(chunk, options)
            for record, utf8 in zip(records, texts, strict=True):
                if before + record.line + 1 == line and record.line >= 0:
                    if not utf8:
                        raise BadInput(f"{safe(name)}: {safe(record.note) or 'its text is empty'}")
                    return DocumentText(name, doc, utf8, utf8, record.encoding, _names(record.repairs), notes)
            before += n_lines
    raise BadInput(f"{safe(name)}: there is no document on line {line}")


def _names(repairs: str) -> tuple[str, ...]:
    return tuple(repairs.split(",")) if repairs else ()


def first_lines(run: Run, docs: list[int]) -> list[tuple[str, str]]:
    """Documents -> (the first telling line of its text, "" | "gone" | "changed" | why not) of each."""
    if run.texts is not None:
        return [(_first(run.texts[d]), "") for d in docs]
    fields = options_of(run)
    out = []
    for doc in docs:  # one by one: their texts need not fit in memory together
        (got,) = fetch(run.sources, fields, run.documents, np.array([doc], np.int32))
        if got is not None:
            out.append((_first(got[1]), ""))
        elif not exists(run.sources[int(run.documents.source[doc])]):
            out.append(("", "gone"))
        else:
            out.append(("", "changed"))
    return out


def _first(utf8: bytes) -> str:
    return title_of(utf8.lstrip()[:LOOKED_AT].decode("utf-8", "ignore"))


def title_of(text: str) -> str:
    """A text -> its first line that tells something, cut to TITLE.

    >>> title_of("Home\\n\\nAbout\\nA winter without looking into the hives")
    'A winter without looking into the hives'
    """
    lines = [line.strip() for line in text[: 40 * TITLE].split("\n")]
    first = next((line for line in lines if len(line) >= TELLING), next(filter(None, lines), ""))
    return safe(textwrap.shorten(first, TITLE, placeholder=" …") if " " in first[:TITLE] else first[:TITLE])


def status_of(run: Run, doc: int) -> str:
    """A document -> what the run says of it, in a few words."""
    if not run.ok[doc]:
        return f"set aside: {STATUS[run.documents.status[doc]]}"
    cluster = int(run.cluster_ids[doc])
    if not cluster:
        return "kept, in no cluster"
    member = run.member(doc)
    if member.kept:
        is_canonical = int(run.verdict.canonical[doc]) == doc
        return f"kept, {'canonical in' if is_canonical else 'in'} cluster #{cluster}"
    return f"dropped for {member.witness}, cluster #{cluster}"
