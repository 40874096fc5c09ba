"""Every input format: its documents, their names and ids, damage, and the way out again."""

import bz2
import csv
import email.policy
import gzip
import importlib.util
import io
import json
import lzma
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from dedup.core.errors import BadInput
from dedup.readers.registry import READERS, Options
from dedup.runs.opening import open_run

from ..conftest import OTHER, POST

TEXTS = [POST, POST.upper(), OTHER]
IDS = ["http://x/one", "http://x/two", "http://x/three"]
STRING = pa.string()


@dataclass(frozen=True)
class Format:
    """A format: make(ids, texts) -> a file of them, with other fields that must not be lost."""

    name: str  # of the file
    make: Callable[[list[str], list[str]], bytes]
    relation: str = "identical"  # of a document to the same text as a plain file
    records: tuple[int, ...] = (1, 2, 3)  # numbers in the names; () where a file is one document
    tells: bool = True  # False where truncation cannot be detected


def delimited(delimiter: str, encoding: str = "utf-8", end: str = "\r\n"):
    def make(ids, texts):
        out = io.StringIO()
        rows = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        rows.writerow(["id", "more", "text"])
        rows.writerows([i, f'"{n}"\n{delimiter}', t] for n, (i, t) in enumerate(zip(ids, texts, strict=True)))
        return out.getvalue().encode(encoding)

    return make


def json_lines(ids, texts):
    return "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in zip(ids, texts, strict=True)).encode()


def arrow_table(ids, texts, kind=STRING):
    table = pa.table({"id": ids, "n": [1.5] * len(ids), "text": pa.array(texts, pa.string()).cast(kind)})
    return table.replace_schema_metadata({"made": "by a test"})


def parquet(kind=STRING, **how):
    def make(ids, texts):
        out = io.BytesIO()
        pq.write_table(arrow_table(ids, texts, kind), out, row_group_size=2, write_page_checksum=True, **how)
        return out.getvalue()

    return make


def arrow(new, kind=STRING):
    def make(ids, texts):
        out, table = io.BytesIO(), arrow_table(ids, texts, kind)
        with new(out, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
        return out.getvalue()

    return make


def feather(ids, texts):
    out = io.BytesIO()
    pyarrow.feather.write_feather(arrow_table(ids, texts), out)
    return out.getvalue()


def warc_record(kind: str, uri: str, block: bytes, content_type: str = "application/http") -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nContent-Type: {content_type}\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(block) + block + b"\r\n\r\n"


def http(body: bytes, content_type: str, *headers: str) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {content_type}", *headers])
    return head.encode() + b"\r\n\r\n" + body


def warc(one_by_one=True, wet=False):
    """After a warcinfo record, of each text a request and a page, or its conversion to text."""

    def make(ids, texts):
        records = [warc_record("warcinfo", "x.warc", b"software: a test", "application/warc-fields")]
        for uri, text in zip(ids, texts, strict=True):
            if wet:
                records.append(warc_record("conversion", uri, text.encode(), "text/plain"))
                continue
            records.append(warc_record("request", uri, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
            page = f"<html><head><title></title></head><body><p>{text}</p></body></html>"
            records.append(warc_record("response", uri, http(page.encode(), "text/html; charset=utf-8")))
        return b"".join(gzip.compress(r) for r in records) if one_by_one else b"".join(records)

    return make


def eml(ids, texts):
    """A message with a plain part, a page and an attachment."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["Subject"], mail["Message-ID"] = "the ferry", ids[0]
    mail.set_content(texts[0], cte="quoted-printable")
    mail.add_alternative(f"<html><p>{texts[0]}</p></html>", subtype="html")
    mail.add_attachment("not the body")
    return mail.as_bytes()


def mbox(ids, texts):
    heads = [f"From x@y Thu Jan  1 00:00:00 1970\nMessage-ID: {i}\nSubject: s\n\n" for i in ids]
    return "".join(head + text + "\n\n" for head, text in zip(heads, texts, strict=True)).encode()


def zipped(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return out.getvalue()


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(ids, texts):
    middle = len(texts[0]) // 2
    first, second = (f"<w:r><w:t>{part}</w:t></w:r>" for part in (texts[0][:middle], texts[0][middle:]))
    deleted = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
    body = f"<w:sdt><w:sdtContent><w:p>{first}<w:ins>{second}</w:ins>{deleted}</w:p></w:sdtContent></w:sdt>"
    return zipped(word__document_dot_xml=f"<w:document {W}><w:body>{body}</w:body></w:document>")


def odt(ids, texts):
    names = 'xmlns:o="urn:x:office" xmlns:t="urn:x:text"'
    deleted = "<t:tracked-changes><t:p>gone</t:p></t:tracked-changes>"
    body = f"<o:body>{deleted}<t:p>{texts[0].replace(' ', '<t:s/>', 3)}</t:p></o:body>"
    return zipped(content_dot_xml=f"<o:document {names}>{body}</o:document>")


def epub(ids, texts):
    half = texts[0].index(" ", len(texts[0]) // 2)
    pages = [f"<html><body><p>{part}</p></body></html>" for part in (texts[0][:half], texts[0][half:])]
    items = "".join(f'<item id="p{i}" href="text/page%20{i}.xhtml"/>' for i in (1, 0))
    package = f'<manifest>{items}</manifest><spine><itemref idref="p0"/><itemref idref="p1"/></spine>'
    return zipped(
        **{"META-INF__container_dot_xml": '<c><rootfiles><rootfile full-path="OPS/p.opf"/></rootfiles></c>'},
        OPS__p_dot_opf=f'<package xmlns="http://www.idpf.org/2007/opf">{package}</package>',
        **{f"OPS__text__page {i}_dot_xhtml": page for i, page in enumerate(pages)},
    )


def pdf(ids, texts):
    """A page in Helvetica, a line for every few words."""
    lines = textwrap.wrap(texts[0].replace("(", "").replace(")", ""), 80)
    shown = "BT /F 12 Tf 14 TL 40 800 Td " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        f"<</Length {len(shown)}>>stream\n{shown}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    out, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj{text}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer<</Size 6/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n"
    return f"{out}xref\n0 6\n0000000000 65535 f \n{table}{end}".encode()


def rtf(ids, texts):
    """A text in paragraphs, its letters beyond ASCII in every way that RTF has."""
    escaped = "".join(
        c if c.isascii() else f"\\u{ord(c)}?" if ord(c) < 0x8000 else f"\\u{ord(c) - 0x10000}?"
        for c in texts[0]
    )
    head = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times New Roman;}}{\colortbl;\red255\green0\blue0;}"
    hidden = r"{\*\generator Some Writer;}{\info{\title gone}}{\pict\pngblip 89504e470d0a}"
    return (head + hidden + r"\f0\fs24 " + escaped.replace(". ", ".\\par\n") + "}").encode()


def packed(pack, make):
    return lambda ids, texts: pack(make(ids, texts))


FORMATS = [
    Format("x.jsonl", json_lines),
    Format("x.csv", delimited(",")),
    Format("x.tsv", delimited("\t", end="\n")),
    Format("semicolon.csv", delimited(";", "utf-8-sig")),
    Format("wide.csv", delimited(",", "utf-16")),
    Format("x.csv.bz2", packed(bz2.compress, delimited(","))),
    Format("x.parquet", parquet()),
    Format("large.parquet", parquet(pa.large_string(), compression="zstd")),
    Format("dictionary.parquet", parquet(pa.dictionary(pa.int32(), pa.string()))),
    Format("x.parquet.gz", packed(gzip.compress, parquet())),
    Format("file.arrow", arrow(pa.ipc.new_file)),
    Format("stream.arrow", arrow(pa.ipc.new_stream, pa.string_view())),
    Format("dictionary.ipc", arrow(pa.ipc.new_stream, pa.dictionary(pa.int8(), pa.string()))),
    Format("x.feather", feather),
    Format("x.warc.gz", warc(), records=(3, 5, 7)),
    Format("x.warc", warc(False), records=(3, 5, 7)),
    Format("whole.warc.gz", packed(gzip.compress, warc(False)), records=(3, 5, 7)),
    Format("x.warc.bz2", packed(bz2.compress, warc(False)), records=(3, 5, 7)),
    Format("x.warc.wet.gz", warc(wet=True), records=(2, 3, 4)),
    Format("x.eml", eml, "whitespace", (), tells=False),
    Format("x.eml.gz", packed(gzip.compress, eml), "whitespace", ()),
    Format("x.mbox", mbox, "whitespace", tells=False),
    Format("x.mbx.bz2", packed(bz2.compress, mbox), "whitespace"),
    Format("x.docx", docx, "whitespace", ()),
    Format("x.odt", odt, "whitespace", ()),
    Format("x.epub", epub, "whitespace", ()),
    Format("x.pdf", pdf, "whitespace", ()),
    Format("x.pdf.xz", packed(lzma.compress, pdf), "whitespace", ()),
    Format("x.rtf", rtf, "whitespace", ()),
    Format("x.feather.xz", packed(lzma.compress, feather)),
]
if importlib.util.find_spec("pypdf") is None:
    FORMATS = [f for f in FORMATS if ".pdf" not in f.name]
if importlib.util.find_spec("striprtf") is None:
    FORMATS = [f for f in FORMATS if ".rtf" not in f.name]
every_format = pytest.mark.parametrize("form", FORMATS, ids=lambda f: f.name)


def contents(form: Format, ids=IDS, texts=TEXTS) -> dict[str, bytes]:
    """A format -> the files that hold the documents."""
    if form.records:
        return {f"in/{form.name}": form.make(ids, texts)}
    return {f"in/{i}-{form.name}": form.make([i], [t]) for i, t in zip(["1", "2", "3"], texts, strict=True)}


def names(form: Format) -> list[str]:
    if form.records:
        return [f"in/{form.name}:{n}" for n in form.records]
    return [f"in/{n}-{form.name}" for n in (1, 2, 3)]


def kept_texts(folder: str) -> list[tuple[str, tuple[int, ...]]]:
    """The ids and letters of the kept documents of a run, sorted."""
    run = open_run(Path(folder))
    hashes = run.documents.letters_hash.tolist()
    return sorted((run.documents.id[d], tuple(hashes[d])) for d in run.kept.nonzero()[0].tolist())


@every_format
def test_documents_of_a_format_are_compared_with_plain_files_and_json_lines(run, files, form):
    files({**contents(form), "in/a.txt": POST, "in/row.jsonl": json_lines(["r"], [POST.lower()])})
    summary = run("scan", "in", "--prefer", "path:*.txt,first", "--json").json
    assert summary["documents"] == {"seen": 5, "kept": 2, "dropped": 3, "set_aside": 0}
    one, two, three = names(form)
    rows = run("export", "drop", "--format", "jsonl").jsonl
    assert [(r["path"], r["witness"], r["relation"]) for r in rows] == sorted(
        [(one, "in/a.txt", form.relation), (two, "in/a.txt", "case"), ("in/row.jsonl:1", "in/a.txt", "case")]
    )
    if any(r["id"] for r in rows if r["path"] == one):
        ids = {r["path"]: r["id"] for r in [*rows, *run("export", "keep", "--format", "jsonl").jsonl]}
        assert [ids[one], ids[two], ids[three]] == (IDS if form.records else ["1", "2", "3"])
    assert run("explain", one, two, "--format", "json").json["relation"] == "case"
    shown = run("show", "1").stdout
    assert POST[:20] in shown
    assert "(changed)" not in shown


@every_format
def test_a_corpus_of_a_format_is_read_again_as_it_was(run, files, form):
    files({**contents(form), "in/b/more.txt": "and " + OTHER[::-1]})
    run("scan", "in", "--prefer", "first")
    before = kept_texts(".dedup")
    assert len(before) == 3
    run("export", "corpus", "--to", "out")
    run("scan", "out", "--run", "again")
    assert kept_texts("again") == before
    assert not open_run(Path("again")).dropped.any()


@every_format
@pytest.mark.parametrize(
    "share", [0.5, pytest.param(0.1, marks=pytest.mark.slow), pytest.param(0.9, marks=pytest.mark.slow)]
)
def test_what_is_cut_off_is_told(run, files, form, share):
    whole = contents(form)
    cut = {name: data[: int(share * len(data))] for name, data in whole.items()}
    files({**cut, "in/a.txt": POST})
    outcome = run("scan", "in", "--json", code=None)
    if form.tells:
        assert outcome.code == 2
        assert f"-{form.name}" in outcome.stderr or f"/{form.name}" in outcome.stderr
    run("scan", *cut, code=None)


@every_format
def test_bytes_that_are_damaged_never_stop_a_scan(run, files, form):
    import random

    rng = random.Random(7)
    damaged = {}
    for name, data in contents(form).items():
        for i in range(12):
            copy = bytearray(data)
            for _ in range(1 + i):
                copy[rng.randrange(len(copy))] = rng.randrange(256)
            damaged[name.replace("in/", f"in/{i}/")] = bytes(copy)
    files({**damaged, "in/a.txt": POST})
    outcome = run("scan", "in", "--json", code=None)
    assert outcome.code in (0, 2)
    assert outcome.json["documents"]["kept"] >= 1


# ------------------------------------------------------------------ rows


def read_all(reader: str, data: bytes, options: Options = Options()):  # noqa: B008
    """(line, id, note, text) of every record in some bytes."""
    form = READERS[reader]
    options = form.prepare(io.BytesIO(data), options)
    out, before = [], 0
    for part in form.chunks(io.BytesIO(data), 0, options):
        records, texts, n = form.records(part, options)
        out += [(before + r.line + 1, r.id, r.note, t.decode()) for r, t in zip(records, texts, strict=True)]
        before += n
        places = [(r.offset, r.n_bytes) for r in records if not r.status]
        again = form.reread(io.BytesIO(data), options, places)
        assert [got[1] for got in again] == [t for r, t in zip(records, texts, strict=True) if not r.status]
    return out


def test_rows_are_counted_below_the_header_and_blank_lines_are_none():
    data = b'id,text\r\n1,"hello\r\nworld"\r\n\r\n2,"a ""q"" b"\r\n3,x,y\r\n4\r\n5,n\0l\r\n6,end'
    assert read_all("table", data) == [
        (1, "1", "", "hello\r\nworld"),
        (2, "2", "", 'a "q" b'),
        (3, "", "the number of its cells is 3, of columns 2", ""),
        (4, "", "the number of its cells is 1, of columns 2", ""),
        (5, "", "holds NUL bytes", ""),
        (6, "6", "", "end"),
    ]


def test_a_quote_that_is_never_closed_costs_one_row_and_no_memory():
    filler = b"".join(b"%d,row\n" % i for i in range(100))
    found = read_all("table", b'id,text\nx,"open\n' + filler, Options(max_bytes=200))
    assert "never closed" in found[0][2]
    assert [row[1] for row in found[1:]] == [str(i) for i in range(100)]


def test_a_file_of_quotes_that_are_never_closed_is_given_up():
    found = read_all("table", b"text,id\n" + b'a"b,"c\n' * 5000)
    assert len(found) < 50
    assert "the rest is lost" in found[-1][2]


def test_a_row_that_is_too_long_is_set_aside_and_the_next_is_read():
    found = read_all("table", b"text,id\n" + b"l" * 1000 + b",1\nshort,2\n", Options(max_bytes=64))
    assert [(row[0], row[1]) for row in found] == [(1, ""), (2, "2")]
    assert "--max-document-size" in found[0][2]


def test_a_row_in_a_legacy_encoding_is_read_among_others():
    legacy = "Die Straße war für Fußgänger gesperrt; später, sagte er, würde sie geöffnet."
    data = f"id,text\n1,schön\n2,{legacy.replace(',', ' ')}\n".encode("cp1252")
    data = data.replace(b"sch\xf6n", "schön".encode())
    assert [row[3] for row in read_all("table", data)] == ["schön", legacy.replace(",", " ")]


def test_a_column_that_is_not_there_is_told_with_those_that_are(run, files):
    files({"in/a.txt": POST, "t.csv": "title,prose\nx,y\n"})
    for flags in ([], ["--text-field", "body"]):
        outcome = run("scan", "in", "t.csv", *flags, code=2)
        assert "'title', 'prose'" in outcome.stderr
        assert "--text-field" in outcome.stderr
    run("scan", "t.csv", "--text-field", "prose")


# ------------------------------------------------------------------ columns


def test_a_nested_column_is_reached_by_a_dotted_path_and_null_is_empty():
    rows = [{"t": POST, "n": 1}, {"t": None, "n": 2}, None]
    out = io.BytesIO()
    pq.write_table(pa.table({"doc": rows, "url": ["a", "b", None]}), out)
    found = read_all("columnar", out.getvalue(), Options("doc.t"))
    assert found == [(1, "a", "", POST), (2, "b", "", ""), (3, "", "", "")]


@pytest.mark.parametrize(("flags", "words"), [([], ""), (["--text-field", "n"], "int64, not text")])
def test_a_column_that_is_no_text_is_told_with_all_columns(run, files, flags, words):
    out = io.BytesIO()
    pq.write_table(pa.table({"n": [1], "doc": [{"prose": POST, "verse": POST}]}), out)
    files({"in/a.txt": POST, "t.parquet": out.getvalue()})
    outcome = run("scan", "in", "t.parquet", *flags, code=2)
    assert "'n', 'doc.prose', 'doc.verse'" in outcome.stderr
    assert words in outcome.stderr
    assert "--text-field" in outcome.stderr


def test_row_groups_after_a_damaged_one_are_read():
    out = io.BytesIO()
    texts = [f"{i} {POST}" for i in range(9)]
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pq.write_table(pa.table({"text": texts}), out, row_group_size=3, **options)
    data = out.getvalue().replace(b"4 The ferry", b"4 The lorry")
    found = read_all("columnar", data)
    assert [row[3] for row in found if row[3]] == [*texts[:3], *texts[6:]]
    assert [row[0] for row in found] == [1, 2, 3, 4, 7, 8, 9]
    assert "3 rows" in found[3][2]


def test_a_written_parquet_file_has_all_columns_and_the_schema(run, files):
    files({"in/x.parquet": parquet(compression="zstd")(IDS, TEXTS)})
    run("scan", "in")
    run("export", "corpus", "--to", "out")
    before, after = (pq.ParquetFile(name) for name in ("in/x.parquet", "out/x.parquet"))
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.read().to_pylist() == before.read().take([0, 2]).to_pylist()
    assert after.metadata.row_group(0).column(0).compression == "ZSTD"


def test_an_arrow_file_without_its_footer_gives_the_batches_before():
    data = arrow(pa.ipc.new_file)(IDS, TEXTS)
    found = read_all("columnar", data[: data.rindex(b"quinces")])
    assert [row[1] for row in found][:2] == IDS[:2]
    assert "lost" in found[-1][2]


# ------------------------------------------------------------------ WARC


@pytest.mark.parametrize("one_by_one", [True, False])
def test_records_after_a_damaged_one_are_read(one_by_one):
    form = warc(one_by_one)
    data = bytearray(form(IDS, TEXTS))
    at = (
        len(form(IDS[:1], TEXTS[:1]))
        + (len(form(IDS[:2], TEXTS[:2])) - len(form(IDS[:1], TEXTS[:1]))) * 3 // 4
    )
    data[at : at + 30] = b"" if not one_by_one else bytes(30)
    found = read_all("warc", bytes(data))
    good = [row for row in found if not row[2]]
    assert [row[1] for row in good] == [IDS[0], IDS[2]]
    assert len(found) == 3


def page_record(body: bytes, content_type: str, *headers: str) -> bytes:
    return gzip.compress(warc_record("response", "http://x/", http(body, content_type, *headers)))


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("fünf Äpfel".encode("cp1252"), "text/plain; charset=ISO-8859-1", "fünf Äpfel"),
        ("fünf Äpfel".encode(), "text/plain; charset=ISO-8859-1", "fünf Äpfel"),
        ("большие яблоки".encode("koi8-r"), 'Text/Plain; Charset="KOI8-R"', "большие яблоки"),
        ("五つのりんご".encode("iso-2022-jp"), "text/plain; charset=iso-2022-jp", "五つのりんご"),
        (b'<meta charset="koi8-r"><p>' + "яблоки".encode("koi8-r"), "text/html", "яблоки"),
        (b"plain enough", "text/plain; charset=no-such-thing", "plain enough"),
        (b"<b>a</b> <i>b</i><script>c</script>", "application/xhtml+xml", "a b"),
    ],
)
def test_the_charset_of_a_page_is_that_of_its_header_unless_it_is_utf8(body, kind, text):
    assert [row[3] for row in read_all("warc", page_record(body, kind))] == [text]


def test_a_payload_that_is_packed_is_unpacked_and_one_that_is_no_text_is_set_aside():
    body = gzip.compress(POST.encode())
    (row,) = read_all("warc", page_record(body, "text/plain", "Content-Encoding: gzip"))
    assert row[3] == POST
    (row,) = read_all("warc", page_record(b"GIF8", "image/gif"))
    assert row[2:] == ("image/gif", "")
    (row,) = read_all("warc", page_record(b"???", "text/html", "Content-Encoding: pear"))
    assert "pear" in row[2]


def test_a_record_that_is_too_long_is_set_aside_and_the_next_is_read():
    data = page_record(b"long " * 10_000_000, "text/plain") + page_record(b"short", "text/plain")
    found = read_all("warc", data, Options(max_bytes=100_000))
    assert [row[3] for row in found] == ["", "short"]
    assert "--max-document-size" in found[0][2]


# ------------------------------------------------------------------ mail


def test_messages_begin_at_from_after_a_blank_line_before_a_header_and_quoted_from_is_unquoted():
    data = (
        b"From a Thu Jan  1 00:00:00 1970\r\nMessage-ID: <1>\r\n\r\nHello\r\nFrom the start\r\n\r\n"
        b"From here on it is text.\r\n>From there too.\r\n>>From\r\n\r\n"
        b"From b Thu Jan  1 00:00:00 1970\r\nMessage-ID: <2>\r\n\r\nBye"
    )
    first, second = read_all("mbox", data)
    assert first[:3] == (1, "<1>", "")
    words = "Hello From the start From here on it is text. From there too. >>From"
    assert " ".join(first[3].split()) == words
    assert second == (2, "<2>", "", "Bye")


def test_a_message_that_is_too_long_is_set_aside_and_the_next_is_read():
    data = mbox(IDS, ["short", "long " * 1000, "short too"])
    found = read_all("mbox", data, Options(max_bytes=1000))
    assert [row[3].strip() for row in found] == ["short", "", "short too"]
    assert "--max-document-size" in found[1][2]


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=no-such", b"plain", "plain"),
        (b"Content-Type: text/plain; charset=iso-8859-15", "Fünf Äpfel".encode("cp1252"), "Fünf Äpfel"),
        (b"Content-Type: text/html", b"<div>a</div><div>b</div>", "a b"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: base64", b"cGxhaW4=", "plain"),
        (b"Content-Type: multipart/mixed; boundary=x", b"--x\n\nplain\n", "plain"),
        (b"Content-Type: image/png\nContent-Transfer-Encoding: base64", b"iVBORw0K", ""),
        (b"Content-Type: ;;;=\nContent-Disposition: \xff\xfe; a=\xff\nMessage-ID: \xff", b"odd", "odd"),
    ],
)
def test_the_text_of_a_message_is_its_body_whatever_its_headers_say(head, body, text):
    (row,) = read_all("mbox", b"From a\n" + head + b"\n\n" + body)
    assert row[3] == text


# ------------------------------------------------------------------ documents of word processors


def whole(reader: str, data: bytes, options: Options = Options()):  # noqa: B008
    """(text, note) of a file that is one document."""
    form = READERS[reader]
    (part,) = form.chunks(io.BytesIO(data), 0, options)
    (record,), (text,), _ = form.records(part, options)
    return text.decode(), record.note


def test_tables_and_footnotes_are_text_and_the_second_form_of_a_drawing_is_not():
    cell = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    twice = "<mc:A xmlns:mc='urn:mc'><w:t>c</w:t><mc:Fallback><w:t>c</w:t></mc:Fallback></mc:A>"
    note = f"<w:footnotes {W}><w:footnote><w:p><w:r><w:t>d</w:t></w:r></w:p></w:footnote></w:footnotes>"
    data = zipped(
        word__main_dot_xml=f"<w:document {W}>{cell}<w:p>{twice}</w:p></w:document>",
        word__footnotes_dot_xml=note,
        _rels___dot_rels="<R><r Type='urn:x/officeDocument' Target='/word/main.xml'/></R>",
    )
    assert whole("docx", data) == ("a\tb\nc\nd\n", "")


def test_a_document_that_grows_without_bound_is_refused():
    huge = zipped(word__document_dot_xml=" " * 3_000_000)
    assert "--max-document-size" in whole("docx", huge, Options(max_bytes=1_000_000))[1]
    entities = f"<!DOCTYPE x [<!ENTITY a 'aaa'>]><w:document {W}><w:t>&a;</w:t></w:document>"
    assert "entities" in whole("docx", zipped(word__document_dot_xml=entities))[1]
    assert "entities" in whole("odt", zipped(content_dot_xml=entities))[1]


@pytest.mark.parametrize(
    ("reader", "data", "note"),
    [
        ("docx", b"\xd0\xcf\x11\xe0" + bytes(999), "older format"),
        ("docx", b"plain", "damaged"),
        ("rtf", b"plain", "no RTF"),
        ("rtf", b"{\\rtf1 cut off", "cut off"),
        ("rtf", b"{\\rtf1 start {\\b bold}", "cut off"),
        ("rtf", b"{\\rtf1 {\\pict 00}}", "no text"),
        ("docx", zipped(other="x"), "no word/document.xml"),
        ("odt", zipped(content_dot_xml="<not closed"), "damaged"),
        ("epub", zipped(other="x"), "no META-INF/container.xml"),
    ],
)
def test_a_document_that_cannot_be_read_says_why(reader, data, note):
    assert note in whole(reader, data)[1]


def test_a_pdf_without_the_library_names_the_line_that_installs_it(run, files, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pypdf", None)
    files({"in/a.txt": POST, "in/x.pdf": pdf(IDS, TEXTS)})
    outcome = run("scan", "in", code=2)
    assert "in/x.pdf: needs: pip install 'dedup-corpus[documents]'" in outcome.stderr
    files({f"in/y{i}.pdf": pdf(IDS, TEXTS) for i in range(12)})
    (line,) = [line for line in run("scan", "in", code=2).stderr.splitlines() if "pip install" in line]
    assert "in/x.pdf and 12 more: needs: pip install 'dedup-corpus[documents]'" in line


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8}", "При"),
        (b"{\\rtf1\\ansi\\ansicpg1251 \xcf\xf0\xe8}", "При"),
        (rb"{\rtf1\ansi a\u8212?b\emdash c\par d\tab e{\*\x hidden}}", "a—b—c\nd\te"),
        (rb"{\rtf1\ansi \u-10179?\u-8694?}", "\U0001f60a"),
        (b"{\\rtf1 " + b"{" * 3000 + b"deep" + b"}" * 3001, "deep"),
    ],
)
def test_the_characters_of_rtf_are_read_whatever_their_code(data, text):
    pytest.importorskip("striprtf")
    assert whole("rtf", data)[0].strip() == text


def test_what_warcio_mends_it_does_not_tell(run, files):
    page = http(f"<p>{POST}</p>".encode(), "text/html")
    files({"a.warc": warc_record("response", "http://x/a page", page), "b.txt": OTHER})
    outcome = run("scan", "a.warc", "b.txt")
    assert "Replacing" not in outcome.stderr + outcome.stdout


# ------------------------------------------------------------------ the text column, whatever it is called


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([{"sms": POST}], "sms"),
        ([{"id": "a", "n": 1, "verse": "Ferry"}, {"id": "b", "n": 2, "verse": None}], "verse"),
        ([{"label": "ham", "n": "7", "sms": POST}, {"label": "spam", "n": "8", "sms": POST[:30]}], "sms"),
        ([{"source": POST, "target": POST.upper()}], ""),
        ([{"label": "ham", "n": "7", "mood": "fine"}], ""),
    ],
)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_the_only_text_column_is_read_whatever_it_is_called(kind, rows, field):
    if kind == "jsonl":
        data = "\n".join(map(json.dumps, rows)).encode()
    elif kind == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        data = out.getvalue().encode()
    else:
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), buffer)
        data = buffer.getvalue()
        field = "" if "label" in rows[0] else field  # a schema tells no sentences apart
    reader = READERS[{"csv": "table", "parquet": "columnar"}.get(kind, kind)]
    if field:
        assert reader.prepare(io.BytesIO(data), Options()).text_field == field
    else:
        with pytest.raises(BadInput, match="--text-field"):
            reader.prepare(io.BytesIO(data), Options())
