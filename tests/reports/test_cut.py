"""Repeated passages are cut out of the kept documents: one copy stays, and each cut has a whole witness."""

import csv
import gzip
import json
import random

import pytest

import dedup
from dedup.pipeline.passages import find_passages
from dedup.reports.passages.cuts import CutOptions, choose_cuts, new_text
from dedup.reports.passages.units import units_of
from dedup.text.normalize import letters

from ..pipeline.test_passages import QUOTE, prose

OWN = [prose(i, 120) for i in range(6)]


def page(own: str, middle: str) -> str:
    return f"{own[: len(own) // 2]}\n\n{middle}\n\n{own[len(own) // 2 :]}"


def cuts_of(folder):
    return list(csv.DictReader((folder / "cuts.csv").read_text().splitlines()))


def test_one_copy_of_a_passage_stays_and_the_others_name_it(run, files):
    texts = {f"in/{i}.txt": page(own, QUOTE if i % 2 else QUOTE.upper()) for i, own in enumerate(OWN)}
    folder = files(texts)
    run("scan", "in", "-q")
    said = run("export", "corpus", "--to", "out", "--cut", "quote", "--cuts", "cuts.csv").stderr
    out = {name: (folder / name.replace("in/", "out/")).read_text() for name in texts}
    having = [name for name, text in out.items() if letters(QUOTE) in letters(text)]
    assert len(having) == 1
    n = len(letters("".join(texts.values())))
    left = len(letters("".join(out.values())))
    assert f"cut {n - left:,} of {n:,} letters" in said
    assert f"{left:,} are left" in said
    rows = cuts_of(folder)
    assert sum(int(row["letters"]) for row in rows) == n - left
    for row in rows:
        before, witness = texts[row["path"]], texts[row["witness"]]
        stretch = before[int(row["start"]) : int(row["end"])]
        kept = witness[int(row["witness_start"]) : int(row["witness_end"])]
        assert letters(stretch) == letters(kept)
        assert kept in out[row["witness"]]
    for i, name in enumerate(texts):
        assert OWN[i][:300] in out[name]


def test_the_corpus_that_was_cut_has_no_passage_left(run, files):
    rng = random.Random(3)
    pool = [prose(100 + i, rng.randint(40, 90)) for i in range(12)]
    texts = {
        f"in/{i}.txt": "\n\n".join([prose(i, 150), *rng.sample(pool, 3), prose(50 + i, 150)])
        for i in range(30)
    }
    folder = files(texts)
    run("scan", "in", "-q")
    assert run("passages", "--json").json["passages"] > 5
    run("export", "corpus", "--to", "out", "--cut", "quote,frame,copy", "--max-cut", "1", "-q", code=None)
    run("export", "corpus", "--to", "out", "--cut", "quote,frame,copy", "--max-cut", "1", "--force")
    run("scan", "out", "--run", "again", "-q")
    report = run("passages", "--run", "again", "--json").json
    assert report["passages"] == 0
    everything = letters("".join(p.read_text() for p in sorted((folder / "out").iterdir())))
    assert all(letters(piece) in everything for piece in pool)


def test_records_keep_their_shards_fields_and_packing(run, files):
    rows = [{"id": i, "meta": {"n": [i]}, "text": page(own, QUOTE), "é": "ü"} for i, own in enumerate(OWN)]
    plain = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[:3]).encode()
    tight = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows[3:5]).encode()
    folder = files(
        {
            "in/a.jsonl.gz": gzip.compress(plain),
            "in/b.jsonl": tight,
            "in/c.json": json.dumps([rows[5], {"text": prose(99, 90)}]).encode(),
        }
    )
    run("scan", "in", "-q")
    run("export", "corpus", "--to", "out", "--cut", "quote")
    a = gzip.decompress((folder / "out/a.jsonl.gz").read_bytes()).decode().splitlines()
    b = (folder / "out/b.jsonl").read_text().splitlines()
    c = json.loads((folder / "out/c.json").read_text())
    found = [*map(json.loads, [*a, *b]), c[0]]
    assert [{**row, "text": ""} for row in found] == [{**row, "text": ""} for row in rows]
    assert sum(letters(QUOTE) in letters(row["text"]) for row in found) == 1
    assert ": " in a[1]
    assert '"é": "ü"' in a[1]
    assert '":"' in b[1]


def test_a_document_that_would_lose_too_much_is_left_whole_and_told(run, files):
    folder = files({"in/a.txt": page(OWN[0], QUOTE * 3 + prose(70, 200)), "in/b.txt": ""})
    (folder / "in/b.txt").write_text(page(prose(71, 60), QUOTE * 3 + prose(70, 200)))
    run("scan", "in", "-q", "--prefer", "longest")
    said = run("export", "corpus", "--to", "out", "--cut", "quote,copy,frame").stderr
    assert "left whole, as they would lose more than --max-cut: 1, such as in/b.txt" in said
    assert (folder / "out/b.txt").read_bytes() == (folder / "in/b.txt").read_bytes()


def test_a_file_keeps_its_encoding_and_what_cannot_be_cut_is_counted(run, files):
    wide = page(OWN[1] + "Ünïcödé", QUOTE).encode("utf-16")
    html = f"<html><body><p>{OWN[2]}</p><p>{QUOTE}</p><p>{OWN[3]}</p></body></html>"
    folder = files({"in/a.txt": page(OWN[0], QUOTE), "in/b.txt": wide, "in/c.html": html})
    run("scan", "in", "-q", "--prefer", "first")
    said = run("export", "corpus", "--to", "out", "--cut", "quote").stderr
    assert "cannot be cut: 1 html" in said
    assert (folder / "out/c.html").read_text() == html
    cut = (folder / "out/b.txt").read_bytes()
    assert cut.startswith(b"\xff\xfe")
    assert letters(cut.decode("utf-16")) == letters(OWN[1] + "Ünïcödé")


def test_what_is_repeated_within_a_document_goes_only_when_asked(files, tmp_path):
    song = "\n\n".join([OWN[0], QUOTE, OWN[1], QUOTE, OWN[2], QUOTE])
    files({"in/a.txt": song})
    run = dedup.scan(tmp_path / "in", run=tmp_path / "run")
    found = find_passages(run)
    assert not choose_cuts(found, CutOptions(("quote", "frame", "copy"))).cuts
    done = choose_cuts(found, CutOptions(("self",)))
    left = new_text(song, done.characters[0])
    assert letters(left) == letters(OWN[0] + QUOTE + OWN[1] + OWN[2])


@pytest.mark.parametrize("unit", ["paragraph", "line", "sentence", "exact"])
def test_cuts_keep_to_units(unit, files, tmp_path):
    middle = " ".join(QUOTE.split())
    texts = [
        f"{OWN[0]} Here: {middle} So it goes, and more of it.\n\n{OWN[1]}",
        f"{OWN[2]} {middle} {OWN[3]}",
    ]
    files({f"in/{i}.txt": text for i, text in enumerate(texts)})
    run = dedup.scan(tmp_path / "in", run=tmp_path / "run", prefer="first")
    done = choose_cuts(find_passages(run), CutOptions(("quote",), unit))
    for doc, spans in done.characters.items():
        edges = {0, *(end for _, end in units_of(texts[doc], unit))}
        assert {edge for span in spans for edge in span} <= edges
        for start, end in spans:
            assert not (start and texts[doc][start - 1].isalnum() and texts[doc][start].isalnum())
            assert not (end < len(texts[doc]) and texts[doc][end - 1].isalnum() and texts[doc][end].isalnum())
    assert bool(done.cuts) == (unit in ("sentence", "exact"))  # no line is repeated to nine tenths


def test_blocks_of_code_and_rows_of_tables_are_not_cut_in_two():
    text = "a.\n\n```\nx = 1.\n\ny\n```\n\n| a. b | c |\n| d | e |\nend. more"
    for unit in ("sentence", "exact", "line", "paragraph"):
        pieces = [text[i:j] for i, j in units_of(text, unit)]
        assert "".join(pieces) == text
        assert "```\nx = 1.\n\ny\n```\n\n" in pieces
        assert "| a. b | c |\n" in pieces


def test_what_is_asked_wrongly_is_refused_in_one_line(run, files):
    files({"in/a.txt": OWN[0]})
    run("scan", "in", "-q")
    for args in (
        ["--cut", "menus"],
        ["--unit", "line"],
        ["--cuts", "x.csv"],
        ["--cut", "quote", "--mark"],
        ["--cut", "quote", "--min-passage", "10"],
    ):
        assert len(run("export", "corpus", "--to", "out", *args, code=2).told) == 1
