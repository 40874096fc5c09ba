"""What stands in names and texts stays text: on a terminal, in a page, in a spreadsheet."""

import csv
import html.parser
import io
import json
import os
import pty
import re
import sys

import pytest

from ..conftest import OTHER, POST

EVIL = "\x1b[31m\x1b]0;title\x07\x9b2J\u202e\u2066\x08\x7f"
TAGS = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"--></td></html>&lt;"
NAMES = [f"in/{EVIL}.txt", f"in/{EVIL}b.txt", "in/<b onload=1>'\"&.txt", "in/=1+1.txt", "in/\udcff\x9b.txt"]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def evil(run):
    """A run over names and texts full of what a terminal, a browser or a spreadsheet would obey."""
    os.mkdir("in")
    for i, name in enumerate(NAMES):
        with open(os.fsencode(name), "w") as f:
            f.write(f"{EVIL} {TAGS} {POST[i:]} {EVIL}{i}\n{TAGS}")
    rows = [
        {"id": EVIL + TAGS, "text": f"{EVIL}{TAGS} {OTHER}"},
        {"id": "=2", "text": OTHER + TAGS},
        {"text": 5},
    ]
    with open(f"in/{EVIL}.jsonl", "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    with open(f"in/{EVIL}.gz", "w") as f:
        f.write("no gzip")
    os.symlink("nowhere", f"in/{EVIL}link")
    return run


COMMANDS = [
    ("scan", "in"), ("scan", "in", "--json"), ("show",), ("show", "1"), ("show", "--json"),
    ("show", "1", "--json"), ("explain", NAMES[0], NAMES[1]), ("explain", NAMES[0], NAMES[4]),
    ("explain", NAMES[0], f"in/{EVIL}.jsonl:1"), ("explain", NAMES[0], "in/nowhere" + EVIL),
    ("explain", "--format", "json", NAMES[0], NAMES[1]), ("explain", NAMES[0], f"in/{EVIL}.jsonl:9"),
    ("explain", NAMES[0], NAMES[1], "-o", f"page{EVIL}"), ("show", EVIL), ("show", "--relation", EVIL),
    ("scan", EVIL), ("scan", "in", "--prefer", EVIL), ("scan", "in", "--encoding", "x" + EVIL),
    ("scan", "in", "--text-field", EVIL), ("scan", "in", "--run", "r" + EVIL),
    ("export", "corpus", "--to", "out" + EVIL), ("export", "keep", "-o", f"list{EVIL}"), ("export", EVIL),
    ("export", "keep", "--run", EVIL), ("export", "sources", "--format", "jsonl"),
]  # fmt: skip


def test_no_command_lets_a_control_through_to_the_terminal(evil):
    evil("scan", "in", code=2)
    for command in COMMANDS:
        outcome = evil(*command, code=None)
        assert outcome.stdout + outcome.stderr, command
        assert not CONTROL.search(outcome.stdout), command
        assert not CONTROL.search(outcome.stderr), command


def on_a_terminal(*args):
    """What a terminal gets from a command."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"
        os.execv(sys.executable, [sys.executable, "-m", "dedup", *args])
    out = b""
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not data:
            break
        out += data
    os.close(terminal)
    os.waitpid(child, 0)
    return out.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("export", "keep"),
        ("export", "drop", "--format", "csv"),
        ("export", "pairs"),
        ("show",),
        ("show", "1"),
    ],
)
def test_lists_on_a_terminal_show_names_and_do_not_obey_them(evil, monkeypatch, command):
    evil("scan", "in", code=2)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    shown = on_a_terminal(*command)
    assert "\\x1b[31m" in shown
    assert not CONTROL.search(shown), CONTROL.search(shown)
    raw = evil(*command).stdout
    assert ("\x1b[31m" in raw) == (command[0] == "export")  # into a file or a pipe go the names as they are


class Page(html.parser.HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("right", [NAMES[1], NAMES[2], NAMES[4], f"in/{EVIL}.jsonl:1"])
def test_the_page_of_two_hostile_documents_has_the_tags_of_one_of_two_harmless_ones(evil, right):
    for name in ("plain.txt", "plain2.txt"):
        with open(name, "w") as f:
            f.write(f"{POST} {name} {OTHER}\n{name}")
    evil("scan", "in", code=2)
    evil("explain", NAMES[0], right, "-o", "evil.html")
    evil("explain", "plain.txt", "plain2.txt", "-o", "plain.html")
    pages = []
    for name in ("evil.html", "plain.html"):
        page = Page()
        with open(name) as f:
            text = f.read()
        page.feed(text)
        pages.append(page)
        assert not CONTROL.search(text)
        assert "default-src 'none'" in text
    assert not pages[0].tags & {"script", "img", "iframe", "object", "link", "base", "form"}
    assert not {a for a in pages[0].attributes if a.startswith("on") or a in ("src", "href", "srcdoc")}
    assert pages[0].tags - pages[1].tags <= {
        "p",
        "b",
        "table",
        "tr",
        "td",
        "th",
        "ul",
        "li",
        "del",
        "ins",
        "span",
    }


def test_no_cell_of_a_csv_is_a_formula(run):
    os.mkdir("in")
    for i, start in enumerate(["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "plain"]):
        for end in ("", "~"):
            with open(f"{start}{end}", "w") as f:
                f.write(f"{POST[i * 40 :]}" if i % 2 else f"{OTHER[i * 30 :]}")
        with open(f"{start}.jsonl", "w") as f:
            f.write(json.dumps({"id": start, "text": f"{start} {POST[::-1][i * 30 :]}"}) + "\n{\n")
    names = sorted(os.listdir("."))
    run("scan", "--", *[n for n in names if n != "in"], code=2)
    for what in ("keep", "drop", "clusters", "pairs", "set-aside", "sources"):
        data = run("export", what, "--format", "csv").stdout
        rows = list(csv.reader(io.StringIO(data, newline="")))
        assert len(rows) > 2, what
        cells = [cell for row in rows for cell in row]
        bad = [
            c
            for c in cells
            if c.startswith(("=", "+", "@", "\t", "\r")) or (c.startswith("-") and not _number(c))
        ]
        assert bad == [], what


def _number(cell):
    try:
        return bool(float(cell)) or True
    except ValueError:
        return False
