"""What is fuzzed: a target takes any bytes, and raises only when the program breaks its word."""

from __future__ import annotations

import io
import json
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from encodings.aliases import aliases
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from dedup.core.documents import OK, STATUS
from dedup.core.errors import BadInput, BadRun, BadSetting
from dedup.core.settings import Settings
from dedup.matching import kernels as matching_kernels
from dedup.pipeline import rescan
from dedup.readers import base
from dedup.readers.base import BROKEN
from dedup.readers.formats import archives
from dedup.readers.registry import READERS, Options
from dedup.readers.storage.streams import CODECS, unpacked
from dedup.reports import compare_runs, summary
from dedup.reports.page import figures
from dedup.runs.manifest import manifest_checksum
from dedup.runs.opening import open_run
from dedup.runs.run import Run
from dedup.text import kernels as text_kernels
from dedup.text import minhash, normalize, shingle, skeleton, winnowing
from dedup.text.decode import decode
from dedup.text.repair import repair


def _is_setting(name: str) -> bool:
    try:
        return bool(Settings(encoding=name))
    except BadSetting:
        return False


ENCODINGS = sorted(name for name in set(aliases.values()) if _is_setting(name))
SIZES = (128_000_000, 200, 20)  # --max-document-size
SUFFIXES = (b".zip", *archives.TAR_CODECS)
TABLE = normalize.letter_table()
PERM = minhash.permutations(16, seed=1)


def _encoding(choice: int) -> str:
    """A byte -> none, or one that --encoding takes."""
    return ENCODINGS[(choice - 128) % len(ENCODINGS)] if choice >= 128 else ""


def decoder(data: bytes) -> None:
    """Any bytes are text, empty or binary: valid UTF-8 comes out, and nothing raises."""
    found = decode(data[1:], _encoding(data[0]) if data else "")
    found.utf8.decode("utf-8")
    assert found.status in range(len(STATUS))
    assert found.status == OK or not found.utf8


def repairs(data: bytes) -> None:
    """Any text can be repaired: UTF-8 comes out, the same each time."""
    text = data.decode("utf-8", "replace").encode()
    better, names = repair(text)
    better.decode("utf-8")
    assert (better != text) <= bool(names)
    assert repair(text) == (better, names)


# ------------------------------------------------------------------ readers


@contextmanager
def pieces_of(n: int) -> Iterator[None]:
    """Read streams in pieces of n bytes, so that a short input has many."""
    kept = base.slices.__defaults__, base.SLICE
    base.slices.__defaults__, base.SLICE = (n,), n
    try:
        yield
    finally:
        base.slices.__defaults__, base.SLICE = kept


def reader(name: str) -> Callable[[bytes], None]:
    """The target of a reader: the first two bytes choose encoding and sizes, the rest is a file."""

    def target(data: bytes) -> None:
        if len(data) < 2:
            return
        options = Options(encoding=_encoding(data[0]), max_bytes=SIZES[data[0] % len(SIZES)])
        whole = _read(name, data[2:], options, 1 << 22)
        assert _read(name, data[2:], options, 1 + data[1]) == whole

    target.__doc__ = f"Any bytes as a {name} file: documented errors only, texts found again, counts add up."
    return target


def _read(name: str, data: bytes, options: Options, n: int) -> tuple[list[tuple[Any, ...]], int]:
    """A file -> its records (record with its line in the file, text), and its number of lines."""
    reader = READERS[name]
    found: list[tuple[Any, ...]] = []
    n_lines = 0
    with pieces_of(n):
        try:
            options = reader.prepare(io.BytesIO(data), options)
            for part in reader.chunks(io.BytesIO(data), 0, options):
                records, texts, lines = reader.records(part, options)
                assert len(records) == len(texts)
                assert lines >= len({r.line for r in records if r.line >= 0 and r.status == OK})
                found += [
                    (r._replace(line=r.line + n_lines if r.line >= 0 else -1), t)
                    for r, t in zip(records, texts, strict=True)
                ]
                n_lines += lines
        except (BadInput, *BROKEN):
            pass
    order = [record.line for record, _ in found]
    assert order == sorted(set(order)), "records are not numbered in their order"
    for record, text in found:
        text.decode("utf-8")
        assert record.status == OK or (text == b"" and STATUS[record.status])
        assert record.offset >= 0
        assert record.n_bytes >= 0
        for value in (record.id, record.note, record.fields, record.encoding):
            value.encode("utf-8")
    good = [(record, text) for record, text in found if record.status == OK]
    places = [(record.offset, record.n_bytes) for record, _ in good]
    again = list(reader.reread(io.BytesIO(data), options, places)) if places else []
    assert [None if a is None else a[1] for a in again] == [text for _, text in good]
    return found, n_lines


def packed(data: bytes) -> None:
    """Any bytes as a packed file: documented errors only, and the same bytes after going back."""
    if not data:
        return
    codec = sorted(CODECS)[data[0] % len(CODECS)]

    def read() -> bytes | None:
        try:
            with unpacked(lambda: io.BytesIO(data[1:]), codec, len(data)) as stream:
                first = stream.read(10)
                stream.seek(0)
                whole = stream.read(1 << 20)
                assert whole.startswith(first)
                return whole
        except BROKEN:
            return None

    assert read() == read()


def archive(data: bytes) -> None:
    """Any bytes as an archive: no error leaves the walk, members are found again by their place."""
    if not data:
        return
    name = b"x" + SUFFIXES[data[0] % len(SUFFIXES)]

    def open_archive(codec: str) -> Any:
        return unpacked(lambda: io.BytesIO(data[1:]), codec, len(data))

    found = []
    for member, stream in archives.members(name, open_archive):
        content = None
        if stream is not None:
            try:
                with archives.lent(stream) as opened:
                    content = opened().read(1 << 16)
            except BROKEN:
                content = None
        found.append((member, content))
    places = [member.place for member, _ in found]
    assert places == sorted(set(places)), "two members have one place"
    for member, content in found[:3]:
        if content is not None and len(content) < 1 << 16:
            with archives.open_member(name, open_archive, member.place) as stream:
                assert stream.read() == content


# ------------------------------------------------------------------ letters


def letters(data: bytes) -> None:
    """The compiled pass gives what the plain definitions give; broken UTF-8 stays within its text."""
    if len(data) < 2:
        return
    k, window, sample = 3 + data[0] % 10, 2 + data[1] % 30, 1 + 8 * (data[0] // 10)
    text = data[2:].decode("utf-8", "ignore")
    known = "".join(c for c in text if unicodedata.category(c) != "Cn" or TABLE.value[ord(c)] == 0)
    items = [data[2:], known.encode(), b"neighbour"]
    buffer = np.frombuffer(b"".join(items), np.uint8)
    starts = np.cumsum([0, *map(len, items)]).astype(np.int64)
    signed = text_kernels.sign_texts(buffer, starts, TABLE, k, window, *PERM, sample)
    assert signed.counts[2, 0] == 9
    plain = _by_table(known)
    hashes = shingle.shingle_hashes(plain, k)
    skeleton_shingles = skeleton.skeleton_hashes(known)
    assert signed.counts[1, 0] == len(plain)
    assert signed.counts[1, 3] == len(skeleton_shingles)
    assert tuple(map(int, signed.letters_hash[1])) == shingle.letters_hash(plain)
    assert np.array_equal(signed.signatures[1], minhash.signature(minhash.smallest(hashes, sample), 16, 1))
    assert np.array_equal(signed.skeletons[1], minhash.signature(skeleton_shingles, 16, 1))
    assert signed.anchor_place[signed.anchor_text == 1].tolist() == winnowing.winnow(hashes, window)
    sets, indptr = matching_kernels.shingle_sets(buffer, starts, TABLE, k)
    assert sets[indptr[1] : indptr[2]].tolist() == sorted({int(h) for h in hashes})
    if not set(known) - set(map(chr, range(0x250))):  # where every Python has the table's letters
        assert plain == normalize.letters(known)


def _by_table(text: str) -> str:
    out: list[int] = []
    for char in text:
        v = int(TABLE.value[ord(char)])
        out += [v] if v > 0 else TABLE.pool[TABLE.starts[-v] : TABLE.starts[-v + 1]].tolist() if v else []
    return "".join(map(chr, out))


# ------------------------------------------------------------------ the run folder


def manifest(data: bytes) -> None:
    """Any bytes as run.json over good tables, its checksum put right: a run, or a line that says why not."""
    with suppress(ValueError, RecursionError):
        if isinstance(values := json.loads(data), dict):
            data = json.dumps({**values, "checksum": manifest_checksum(values)}).encode()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "tables-000001").symlink_to(_tables())
        (folder / "run.json").write_bytes(data)
        with suppress(BadRun):
            run = open_run(folder)
            _ = run.clusters, run.keep(), run.signatures, run.anchors
            told(run)


def told(run: Run) -> None:
    """Say what is said of a run from its manifest: where nothing has changed, by `compare`, in the page."""
    settings = Settings(**run.summary["settings"])
    paper = Console(file=io.StringIO(), width=80)
    paper.print(summary.summary_view(rescan.warned(run, settings, 0.0).summary, ""))
    paper.print(compare_runs.comparison_view(compare_runs.compare(run, run), "a", "b"))
    figures.account(run, figures.grouped(run))
    with suppress(BadSetting):
        rescan.check_decidable(run, settings)


_RUN: list[Path] = []


def _tables() -> Path:
    """The tables of a small run, made once."""
    if not _RUN:
        import atexit
        import shutil

        import dedup

        folder = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for i in range(4):
            (folder / f"{i}.txt").write_text(
                "The ferry to the outer islands runs twice a day. " * (1 + i // 2)
            )
        dedup.scan(folder, run=folder / "r")
        (tables,) = (folder / "r").glob("tables-*")
        _RUN.append(tables)
    return _RUN[0]


def good_manifest() -> bytes:
    """The manifest that belongs to the tables."""
    values = json.loads((_tables().parent / "run.json").read_bytes())
    return json.dumps(values).encode()


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{"decode": decoder, "repair": repairs, "packed": packed, "archive": archive},
    **{"letters": letters, "manifest": manifest},
    **{f"reader-{name}": reader(name) for name in READERS},
}
