"""The table of passages: each copy stands in the original text where the table says."""

import csv
import io
import json

import pyarrow.parquet as pq

from dedup.text.normalize import letters

from ..pipeline.test_passages import QUOTE, prose

DRESSED = QUOTE.upper().replace(" ", " \n")


def test_every_copy_stands_where_its_row_says(run, files):
    page = "<html><head><title>x</title></head><body><p>{}</p>\n<p>{}</p><p>{}</p></body></html>"
    texts = {
        "in/plain.txt": prose(1, 200) + "\n" + QUOTE + prose(2, 100),
        "in/dressed.txt": "Ünïcode ½ ﬁsh — " + prose(3, 200) + DRESSED + prose(4, 100),
        "in/page.html": page.format(prose(5, 150), QUOTE.replace(" ", " &amp; ", 3), prose(6, 150)),
        "in/records.jsonl": "".join(
            json.dumps({"text": t}) + "\n" for t in (prose(7, 100), prose(8, 90) + QUOTE + prose(9, 80))
        ),
    }
    folder = files(texts)
    run("scan", "in", "-q")
    run("passages", "-o", "p.csv", "-q")
    rows = list(csv.DictReader(io.StringIO((folder / "p.csv").read_text())))
    assert {row["path"] for row in rows} == set(texts)
    assert len({row["passage"] for row in rows}) == 1
    assert rows[0]["kind"] == "quote"
    for row in rows:
        text = texts[row["path"]]
        if row["record"] != "0":
            text = json.loads(text.splitlines()[int(row["record"]) - 1])["text"]
        stretch = text[int(row["start"]) : int(row["end"])]
        assert letters(stretch.replace("&amp;", "")) == letters(QUOTE)
        assert text.count("\n", 0, int(row["start"])) + 1 == int(row["first_line"])
        assert text.count("\n", 0, int(row["end"])) + 1 == int(row["last_line"])
    assert [row["stays"] for row in rows].count("true") == 1
    (stays,) = [row for row in rows if row["stays"] == "true"]
    assert {(row["witness_start"], row["witness_end"]) for row in rows} == {(stays["start"], stays["end"])}


def test_the_table_is_the_same_in_every_format(run, files):
    folder = files({f"in/{i}.txt": prose(i, 100) + QUOTE for i in range(3)})
    run("scan", "in", "-q")
    for name in ("p.jsonl", "p.parquet"):
        run("passages", "-o", name, "-q")
    lines = [json.loads(line) for line in (folder / "p.jsonl").read_text().splitlines()]
    assert pq.read_table(folder / "p.parquet").to_pylist() == lines
    assert [row["copies"] for row in lines] == [3, 3, 3]


def test_the_summary_says_how_much_is_repeated(run, files):
    files({f"in/{i}.txt": prose(i, 100) + QUOTE for i in range(3)})
    run("scan", "in", "-q")
    report = run("passages", "--json").json
    assert report["passages"] == 1
    assert report["copies"] == 3
    assert report["repeated"] == 3 * report["most_repeated"][0]["letters"]
    assert report["removable"] == 2 * report["most_repeated"][0]["letters"]
    assert letters(report["most_repeated"][0]["text"]) in letters(QUOTE)
    shown = run("passages").stdout
    assert "1 passage of 200 letters or more in 3 documents" in shown
    assert "3 times in 3 documents" in shown


def test_a_changed_file_is_named_and_the_exit_code_says_so(run, files):
    folder = files({f"in/{i}.txt": prose(i, 100) + QUOTE for i in range(3)})
    run("scan", "in", "-q")
    (folder / "in/2.txt").write_text("now something else")
    found = run("passages", code=2)
    assert found.told == ["dedup: in/2.txt: has changed or gone since the scan; scan again"]


def test_what_cannot_be_written_or_found_is_one_line(run, files):
    files({"in/a.txt": QUOTE, "there.csv": "x"})
    assert "no run" in run("passages", code=2).told[0] or ".dedup" in run("passages", code=2).told[0]
    run("scan", "in", "-q")
    assert run("passages", "-o", "there.csv", code=2).told == [
        "dedup: there.csv: exists already; give --force to replace it"
    ]
    assert "find passages of 32 letters" in run("passages", "--min-passage", "20", code=2).told[0]
    assert len(run("passages", "-o", "p.xyz", code=2).told) == 1
