"""Files that are zip archives of XML: .docx, .odt and .epub; a file is one document.

Read here rather than by the usual libraries: python-docx passes over text in content controls and
tracked insertions, and of those for .odt none is maintained.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Callable, Collection, Mapping
from urllib.parse import unquote
from xml.etree import ElementTree

from ...core.documents import EMPTY, OK, TOO_LARGE, UNREADABLE
from ...text.decode import Decoded, in_bytes, no_text
from ...text.markup import visible_text
from ...text.repair import repair
from ..base import Options, too_large
from ..storage.streams import FREE_BYTES, MAX_RATIO
from .whole_file import whole_file

NOTES = ("footnotes", "endnotes")
OLE = b"\xd0\xcf\x11\xe0"  # how the older formats begin, and encrypted files


class _Unusable(Exception):
    """Why a file cannot be read, in a few words."""


class _TooLarge(Exception):
    """The parts of a file are longer than max_bytes together."""


class _Parts:
    """The parts of a file by name, unpacked up to a limit."""

    def __init__(self, archive: zipfile.ZipFile, limit: int) -> None:
        self._archive, self._left = archive, limit
        self.names = frozenset(archive.namelist())

    def __getitem__(self, name: str) -> bytes:
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            raise _Unusable(f"there is no {name[:80]} in it") from None
        if info.flag_bits & 1:
            raise _Unusable("it is encrypted")
        if info.file_size > max(FREE_BYTES, MAX_RATIO * info.compress_size):
            raise _Unusable(f"a part unpacks to more than {MAX_RATIO} times its size")
        with self._archive.open(info) as stream:
            data = stream.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise _TooLarge
        return data


def _zipped(text_of: Callable[[_Parts], bytes]) -> Callable[[bytes, Options], Decoded]:
    """What makes text of the parts -> what makes text of the bytes of a file, whatever they are."""

    def decode(data: bytes, options: Options) -> Decoded:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                utf8, repairs = repair(text_of(_Parts(archive, options.max_bytes)))
        except _TooLarge:
            return no_text(TOO_LARGE, too_large(options))
        except _Unusable as error:
            return no_text(UNREADABLE, str(error))
        except zipfile.BadZipFile:
            old = data.startswith(OLE)
            why = "it is encrypted or of an older format" if old else "it is damaged or cut off"
            return no_text(UNREADABLE, why)
        except Exception as error:  # whatever hostile bytes bring about in the parsers
            return no_text(UNREADABLE, f"it is damaged ({type(error).__name__})")
        return Decoded(utf8, "utf-8", OK if utf8.strip() else EMPTY, repairs)

    return decode


class _Plain:
    """A target of the XML parser which keeps the text in some elements, by their names without namespaces."""

    def __init__(
        self,
        within: Collection[str],
        without: Collection[str],
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> None:
        self._within, self._without, self._before, self._after = within, without, before, after
        self._in = self._out = 0
        self.text: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self._in += name in self._within
        self._out += name in self._without
        if not self._out and name in self._before:
            self.text.append(self._before[name])

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        self._in -= name in self._within
        self._out -= name in self._without
        if not self._out and name in self._after:
            self.text.append(self._after[name])

    def data(self, text: str) -> None:
        if self._in and not self._out:
            self.text.append(text)

    def close(self) -> str:
        return "".join(self.text)


def _safe(xml: bytes) -> bytes:
    """XML as it is; entities, which can grow without bound, have no place in these formats."""
    if b"<!ENTITY" in xml or b"<!ENTITY".decode().encode("utf-16-le") in xml:
        raise _Unusable("its XML declares entities")
    return xml


def _plain(xml: bytes, target: _Plain) -> str:
    parser = ElementTree.XMLParser(target=target)
    parser.feed(_safe(xml))
    return str(parser.close())


def docx(parts: _Parts) -> bytes:
    """Return the main part, its tables and boxes in order, then footnotes and endnotes."""
    main = "word/document.xml"
    if "_rels/.rels" in parts.names:
        for relation in ElementTree.fromstring(_safe(parts["_rels/.rels"])):
            if relation.get("Type", "").endswith("/officeDocument"):
                main = posixpath.normpath(relation.get("Target", main)).lstrip("/")
    folder = posixpath.dirname(main)
    notes = [name for note in NOTES if (name := posixpath.join(folder, f"{note}.xml")) in parts.names]
    marks = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
    found = [_plain(parts[n], _Plain({"t"}, {"Fallback", "pPr"}, marks, {"p": "\n"})) for n in (main, *notes)]
    return in_bytes("".join(found))


def odt(parts: _Parts) -> bytes:
    """Return the paragraphs, headings and tables in order, notes where they stand."""
    without = {"tracked-changes", "annotation", "note-citation", "forms", "ruby-text"}
    marks = {"tab": "\t", "line-break": "\n", "s": " ", "note-body": " "}
    return in_bytes(_plain(parts["content.xml"], _Plain({"p", "h"}, without, marks, {"p": "\n", "h": "\n"})))


def epub(parts: _Parts) -> bytes:
    """Return the pages of the spine in order, each as its visible text."""
    container = ElementTree.fromstring(_safe(parts["META-INF/container.xml"]))
    root = next((e.get("full-path", "") for e in container.iter() if e.tag.endswith("rootfile")), "")
    package = ElementTree.fromstring(_safe(parts[root]))
    items = {e.get("id"): e.get("href", "") for e in package.iter() if e.tag.endswith("}item")}
    spine = [e.get("idref") for e in package.iter() if e.tag.endswith("}itemref")]
    pages = [
        posixpath.normpath(posixpath.join(posixpath.dirname(root), unquote(items.get(i, "")))) for i in spine
    ]
    if "META-INF/encryption.xml" in parts.names:
        locked = ElementTree.fromstring(_safe(parts["META-INF/encryption.xml"]))
        if {unquote(e.get("URI", "")) for e in locked.iter() if e.tag.endswith("CipherReference")} & set(
            pages
        ):
            raise _Unusable("it is encrypted")
    return b"\n".join(visible_text(parts[page]) for page in pages)


DOCX, ODT, EPUB = (
    whole_file((suffix,), _zipped(text_of))
    for suffix, text_of in ((".docx", docx), (".odt", odt), (".epub", epub))
)
