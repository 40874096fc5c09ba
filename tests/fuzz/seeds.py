"""What fuzzing starts from: small inputs of every kind, made here, and those that once broke a target."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa

from dedup.readers.registry import kind_of

from .targets import SUFFIXES, good_manifest

FOUND = Path(__file__).with_name("found")  # TARGET/NAME: the bytes that broke it once
TEXT = "Ca n't stop -- it’s déjà vu, naïve Straße; 漢字《かんじ》と仮名。 Кошки, Αθήνα, हिन्दी, العربية. "
PAGE = "<!doctype html><html><head><title>t</title><script>x()</script></head><body><p>One &amp; two</p>"
ROWS = [{"id": 7, "text": TEXT}, {"text": "", "id": None}, {"id": "x", "text": "a\ud800b\n\u2028"}, {"no": 1}]


def texts() -> list[bytes]:
    """Texts in many encodings, and damaged in the ways that are repaired."""
    damaged = TEXT.encode().decode("cp1252", "replace").encode()
    escaped = json.dumps(TEXT * 3).encode() + rb"\n\n\n\/"
    wide = [TEXT.encode(e) for e in ("utf-8-sig", "utf-16", "utf-32", "utf-16-be", "gb18030")]
    return [
        *(b"", TEXT.encode(), "crème brûlée, garçon".encode("cp1252"), b"a\0b", b"%PDF-1.4", *wide),
        *(
            PAGE.encode(),
            PAGE.encode() + b"<div>" * 40,
            damaged,
            escaped,
            b"-LRB- a -RRB- &amp;amp; &#x110000;",
        ),
        *(
            "Привет, мир".encode("koi8-r"),
            "日本語の文".encode("shift_jis"),
            b"\xff\xfe",
            "\ufeff\r\n\x85".encode(),
        ),
    ]


def rows() -> list[bytes]:
    """JSON Lines, good and bad."""
    lines = [json.dumps(row) for row in ROWS] + ["", "{", "[1]", "5", '{"text": NaN}', '{"text": 1e999}']
    odd = '{"text": ' + "[" * 50 + "]" * 50 + "}"
    return [
        *(
            "\n".join(lines).encode(),
            "\r\n".join(lines[:2]).encode() + b"\n",
            "\n".join(lines[:2]).encode("utf-16"),
        ),
        *(odd.encode(), b'\xef\xbb\xbf{"text": "bom"}', b'{"text": "caf\xe9"}\n{"text": "\xff"}'),
        json.dumps({"text": "x" * 300}).encode() + b'\n{"text": "after"}',
    ]


def packed_files() -> list[bytes]:
    """A text packed in each way, the first byte being that of the codec, in the order of their names."""
    data = TEXT.encode() * 3
    zst = pa.compress(data, "zstd", asbytes=True)
    whole = [bz2.compress(data), gzip.compress(data, mtime=0), lzma.compress(data), zst]
    return [bytes([i]) + w for i, w in enumerate(whole)] + [bytes([i]) + w[:-9] for i, w in enumerate(whole)]


def archive_files() -> list[bytes]:
    """Archives of a few members, some with names that lead out."""
    names = ["a.txt", "../../up.txt", "/etc/abs.txt", "d/b.jsonl", "a.txt", "c.txt.gz"]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as z:
        for name in dict.fromkeys(names):
            z.writestr(zipfile.ZipInfo(name), TEXT)
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as t:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(TEXT.encode())
            t.addfile(info, io.BytesIO(TEXT.encode()))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        t.addfile(link)
    kinds = {
        b".zip": zipped.getvalue(),
        b".tar": tarred.getvalue(),
        b".tar.gz": gzip.compress(tarred.getvalue(), mtime=0),
    }
    out = [bytes([SUFFIXES.index(suffix)]) + data for suffix, data in kinds.items()]
    return out + [data[: len(data) // 2] for data in out]


def files_of(reader: str) -> list[bytes]:
    """Files of a reader's formats, each of a few short documents."""
    from ..readers.test_formats import FORMATS, contents

    mine = [form for form in FORMATS if kind_of(form.name.encode()) == (reader, "")]
    texts = [TEXT[:60], "x " * 150, f"A: {TEXT[40:]}"]
    return [data for form in mine for data in contents(form, ["a", "b", "c"], texts).values()]


def seeds(target: str) -> dict[str, bytes]:
    """A target -> its seeds by name."""
    if target == "packed":
        made = packed_files()
    elif target == "archive":
        made = archive_files()
    elif target == "manifest":
        made = [good_manifest(), b"{", b"[]"]
    elif target == "repair":
        made = texts()
    elif target == "decode":
        made = [b"\0" + text for text in texts()]
    else:
        made = [b"\0\x05" + data for data in (*files_of(target.removeprefix("reader-")), *rows(), *texts())]
    kept = {path.name: path.read_bytes() for path in sorted((FOUND / target).glob("*"))}
    return {**{f"seed-{i:02}": data for i, data in enumerate(made)}, **kept}
