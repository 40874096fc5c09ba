"""The HTML page of a run: what is in it, what it leaves out, and that documents cannot act in it."""

import dataclasses
import hashlib
import json
import os
import random
import re
from html.parser import HTMLParser
from importlib.resources import files as resources
from pathlib import Path

import pytest

import dedup
from dedup.core.verdicts import RELATIONS
from dedup.reports.page import PageLimits, as_json, compare, figures, listing, page
from dedup.runs.opening import open_run

from ..cli.test_cli import one_line
from ..conftest import OTHER, POST

HOSTILE = (
    "<script>document.title='owned'</script></script><!-- <img src=x onerror=\"document.title='owned'\"> "
    "javascript:alert(1) {{ 7*7 }} \x1b[31m \u2028 \u202e & ' \" &lt;b&gt; ]]> "
)
ASSETS = resources("dedup.reports.page")


def random_text(seed: int, n: int) -> str:
    """n words that no other seed has in that order."""
    choose = random.Random(seed).choice
    return " ".join("".join(choose("abcdefghijklmnoprstuvw") for _ in range(6)) for _ in range(n))


class Tags(HTMLParser):
    """The tags of a page, and the content of its script elements by id."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, str] = {}
        self.at = ""
        self.feed(html.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.at = dict(attrs).get("id") or "" if tag == "script" else ""

    def handle_endtag(self, tag):
        self.at = ""

    def handle_data(self, data):
        if self.at:
            self.data[self.at] = self.data.get(self.at, "") + data


def data_of(html: bytes):
    return json.loads(Tags(html).data["data"])


@pytest.fixture(scope="module")
def result():
    """Clusters of 4 (case, near, contained), of 2 (rewritten or punctuation) and of 2, and one set aside."""
    near = POST.replace("warm coat and ", "")
    whole = (
        "Ten lines to the harbour master.\n" + POST + "\nAnd the answer, in red ink: " + random_text(1, 80)
    )
    return dedup.scan_texts(
        [POST, OTHER, POST.upper(), near, whole, "Alone.", OTHER.lower(), "", "One two.", "one two"]
    )


@pytest.fixture(scope="module")
def made(result):
    return page(result)


def test_the_account_and_the_charts_have_the_figures_of_the_run(result, made):
    account = figures.account(result, figures.grouped(result))
    assert account["seen"] == account["kept"] + account["dropped"] + account["aside"] == 10
    by_relation = {name: dropped for name, dropped, *_ in account["relations"]}
    assert by_relation == result.summary["relations"]
    assert sum(s["kept"] for s in account["sources"]) == account["kept"]
    data = data_of(made.html)
    for histogram in data["histograms"][:2]:
        assert sum(sum(bins) for bins in histogram["series"].values()) == len(result.pairs)
    assert data["histograms"][0]["line"] == 0.5
    assert sum(n for _, n in data["sizes"]) == len(result.clusters)


def test_every_cluster_document_and_figure_is_in_the_page(result, made):
    data = data_of(made.html)
    d = data["documents"]
    names = [data["folders"][f] + tail for f, tail in zip(d["folder"], d["tail"], strict=True)]
    assert sorted(names) == sorted(result.name(doc) for doc in result.clustered)
    start = 0
    for at, cluster_id in enumerate(data["clusters"]["id"]):
        cluster = result.clusters[cluster_id - 1]
        assert names[start] == cluster.canonical
        assert data["clusters"]["size"][at] == len(cluster.members)
        members = {m.path: m for m in cluster.members}
        for row in range(start, start + data["clusters"]["listed"][at]):
            member = members[names[row]]
            assert RELATIONS[d["relation"][row]] == member.relation
            assert d["jaccard"][row] == round(1000 * member.jaccard)
            assert d["containment"][row] == round(1000 * member.containment)
            assert member.kept == (d["witness"][row] == -1)
            if not member.kept:
                assert names[start + d["witness"][row]] == member.witness
        start += data["clusters"]["listed"][at]
    assert made.pairs == int(result.dropped.sum())
    assert "This page holds every cluster" in made.html.decode()


def test_a_comparison_covers_both_texts_and_says_where_the_part_lies(result, made):
    tags, data = Tags(made.html), data_of(made.html)
    texts = [json.loads(value) for name, value in sorted(tags.data.items()) if name.startswith("texts-")]
    pairs = [(n, int(row), p) for n, t in enumerate(texts) for row, p in t["pairs"].items()]
    assert len(pairs) == made.pairs
    contained = [
        p
        for n, row, p in pairs
        if data["documents"]["relation"][row] == RELATIONS.index("contained") and n == 0
    ]
    assert contained
    assert contained[0]["lines"] == [2, 2, 3]
    for _, _, pair in pairs:
        for side in (0, 1):
            shown = ""
            for part in pair["parts"]:
                spans = part[1] if part[0] else [part[1:4]]
                shown += "".join(s[2] if side and s[2] != 0 else s[1] for s in spans)
            assert len(shown) == pair["length"][side]


def test_words_of_the_same_letters_are_marked_where_they_are_written_otherwise(result, made):
    row = next(doc for doc in range(10) if result.name(doc) == "10")
    assert RELATIONS[result.verdict.relation[row]] in ("case", "punctuation")
    text = next(v for k, v in Tags(made.html).data.items() if k.startswith("texts-") and "One two" in v)
    (pair,) = json.loads(text)["pairs"].values()
    assert [s for s in pair["parts"][0][1] if s[0] == compare.KINDS.index(compare.RESPELLED)]


def test_the_same_run_makes_the_same_bytes(result, made):
    assert page(result).html == made.html


def test_a_hostile_document_is_text_and_nothing_else():
    texts = [
        dedup.Document(HOSTILE + POST, id="</script><script>document.title='owned'</script>"),
        dedup.Document(HOSTILE + POST.upper(), id='"><img src=x onerror=alert(1)>'),
        dedup.Document(HOSTILE, id="javascript:alert(1)//\x1b[31m"),
    ]
    html = page(dedup.scan_texts(texts)).html
    mine, plain = Tags(html), Tags(page(dedup.scan_texts([POST, POST.upper(), "Alone."])).html)
    kinds = {tag for tag, _ in plain.tags}
    assert {tag for tag, _ in mine.tags} <= kinds | {"p", "li"}
    scripts = [a for tag, a in mine.tags if tag == "script"]
    assert len([a for a in scripts if "type" not in a]) == 5
    for _, attributes in mine.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#")
        assert "src" not in attributes
    assert not set(html.decode()) & {"\x1b", "\u2028", "\u202e"}
    assert b"\\u003cscript\\u003e" in html


def test_json_in_the_page_cannot_end_its_element():
    value = {"a": "</script><!--<script>\u2028\u2029&", "<b>": [1.5, None]}
    text = str(as_json(value))
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_the_policy_allows_the_scripts_of_the_page_by_their_hashes_and_no_request(made):
    html = made.html.decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1].replace(
        "&#39;", "'"
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http:" not in policy
    for name in ("src=", "@import", "url(", "<link", "<iframe", "fetch(", "XMLHttpRequest"):
        assert name not in re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.S), name


def test_what_is_left_out_is_stated(result):
    html = page(result, PageLimits(clusters=1, texts=0)).html.decode()
    assert "2 clusters of 3: the page lists the largest 1" in html
    assert "The texts of 5 dropped documents of 5" in html
    assert page(result, PageLimits(clusters=0)).clusters == 0


def test_the_limits_hold_with_many_clusters(result, monkeypatch):
    texts = [random_text(n, 40 + n) + " Also" * copy for n in range(60) for copy in range(2 + n % 4)]
    run = dedup.scan_texts(texts)
    free = page(run)
    small = page(run, PageLimits(texts=20_000))
    assert 0 < small.pairs < free.pairs
    held = sum(len(v) for k, v in Tags(small.html).data.items() if k.startswith("texts-"))
    assert held < 1.1 * 20_000
    listed = listing.listed(run, 100, 2_000)
    assert 0 < len(listed.docs) < len(run.clustered)
    columns = listing.columns(run, listed, figures.grouped(run))
    assert len(as_json(columns)) < 2_000 + 500
    monkeypatch.setattr(listing, "MEMBERS", 3)
    largest = listing.listed(run, 100, 1_000_000)
    assert max(largest.indptr[1:] - largest.indptr[:-1]) == 3
    assert largest.cut_members == sum(max(0, len(c.members) - 3) for c in run.clusters) > 0
    assert "of clusters with more than 3" in page(run).html.decode()


def test_the_warnings_of_the_run_stand_in_the_page(result):
    warned = dataclasses.replace(result, summary={**result.summary, "warnings": ["in/: loses <b>all</b>"]})
    assert '<p class="note">in/: loses &lt;b&gt;all&lt;/b&gt;</p>' in page(warned).html.decode()


def test_documents_that_changed_or_went_keep_their_figures(run, files):
    folder = files({"in/a": POST, "in/b": POST.upper(), "in/c": POST + " Also."})
    run("scan", "in", "-q")
    files({"in/b": OTHER})
    os.unlink(folder / "in/c")
    made = page(open_run(folder / ".dedup"))
    data = data_of(made.html)
    states = dict(zip(data["documents"]["tail"], data["documents"]["state"], strict=True))
    assert states == {"a": listing.OK, "b": listing.CHANGED, "c": listing.GONE}
    assert "The texts of 2 documents that had changed or gone" in made.html.decode()
    assert made.pairs == 0
    assert len(data["clusters"]["id"]) == 1


def test_sources_are_folders_and_files_of_records(run, files):
    line = json.dumps({"text": POST}) + "\n"
    files({"in/x/1": POST, "in/x/y/2": POST, "in/z/3": OTHER, "in/posts.jsonl": line})
    run("scan", "in", "-q")
    groups = figures.grouped(open_run(Path(".dedup")))
    assert groups.names == ["in/posts.jsonl", "in/x/", "in/z/"]
    assert len(groups.of_source) == 4


def test_many_sources_are_shown_as_few(run, files):
    files({f"in/{n:03}/a": f"{POST} {n}" for n in range(40)} | {"in/039/b": POST})
    run("scan", "in", "-q")
    groups = figures.grouped(open_run(Path(".dedup")))
    assert len(groups.names) == figures.GROUPS
    assert groups.names[-1] == "17 other sources"
    assert "in/039/" in groups.names


def test_a_run_without_clusters_has_a_page_too():
    html = page(dedup.scan_texts([POST, OTHER])).html.decode()
    assert "No two documents are the same" in html
    assert "0 of 0" not in html
    assert page(dedup.scan_texts([])).clusters == 0


def test_the_command_writes_the_page_once_and_says_so(run, files):
    files({"in/a": POST, "in/b": POST.upper()})
    one_line(run("report", code=2), "dedup scan")
    run("scan", "in", "-q", "--run", "my run")
    said = run("report", "--run", "my run", "-o", "p.html")
    assert "1 cluster, 1 pair side by side" in said.stderr
    assert said.bytes == b""
    one_line(run("report", "--run", "my run", "-o", "p.html", code=2), "p.html: exists already", "--force")
    run("report", "--run", "my run", "-o", "p.html", "--force")
    assert data_of(Path("p.html").read_bytes())["option"] == " --run 'my run'"


def test_vendored_files_are_those_of_the_table():
    table = (ASSETS / "vendor" / "README.md").read_text()
    rows = re.findall(r"^\| (uPlot\S+) .* ([0-9a-f]{64}) \|$", table, re.M)
    assert len(rows) == 3
    for name, digest in rows:
        assert hashlib.sha256((ASSETS / "vendor" / name).read_bytes()).hexdigest() == digest


def test_every_relation_has_its_colour():
    style = (ASSETS / "page.css").read_text()
    for name in RELATIONS:
        assert f".r-{name} {{ --c: var(--{name}); }}" in style
        assert f"--{name}: light-dark(" in style
