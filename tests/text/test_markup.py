"""HTML: pages and fragments become what a reader sees; what is not HTML stays as it is."""

import json

import pytest

import dedup
from dedup.text.decode import decode
from dedup.text.markup import as_page, is_page, visible_text
from dedup.text.repair import repair

from ..conftest import OTHER, POST

BODY = (
    f'<div class="post"><h2>Hives</h2><p>{POST}</p>\n<p>{OTHER} <a href="/x?a=1&amp;b=2">more</a></p></div>'
)


@pytest.mark.parametrize(
    "text",
    [
        "<p>One</p>",
        BODY,
        f"<p>{POST * 9}</p>",  # hardly any tags
        f"<!-- wp:paragraph -->\n<p>{POST}</p>\n<!-- /wp:paragraph -->",
        f"<h1>Title</h1>{POST[:40]}<p>{POST}<p>{OTHER}</p>",
        f"<ul><li>{POST}<li>{OTHER}</ul>",
        f"<b>{POST[:20]}</b><div>{POST}</div>",
        f"<div><svg><path d='M0'/><g><polygon/></g></svg><x-note>{POST}</x-note></div>",
        f"<table><tr><td>{POST}</td><td>{OTHER}</td></tr></table>",
        f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">'
        f"<html><body><p>{POST}</p></body></html>",
    ],
)
def test_a_page_or_a_fragment_is_html(text):
    assert is_page(text.encode())
    assert "<" not in repair(text.encode())[0].decode()


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "<p> begins a paragraph, and nothing has to end it.",
        f"<p>HTML is simple: a paragraph stands between two tags.</p> {POST}",
        f'<p align="center"><img src="logo.png"></p>\n\n# Hives\n\n{POST}\n\n<br>\n\n{OTHER}',
        f"<details>\n<summary>More</summary>\nlater\n</details>\n\n{POST}",
        f"# Title\n\n<p>{POST}</p>",
        f'<?xml version="1.0"?><rss><channel><title>T</title><item><p>{POST}</p></item></channel></rss>',
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><summary>{POST}</summary></feed>',
        f"<article><front><meta/></front><sec><para>{POST}</para><xref/></sec></article>",
        f"<TEI><text><body><p>{POST}</p></body></text></TEI>",
        f"<speaker>{POST}</speaker>",
        f"<john> hello\n<mary> {POST}",
        "<stdio.h> and <p> are not alike",
        "<- an arrow; <3 a heart",
        "template <class T> void f(vector<T> a) {}",
        '<script>document.write("<p>" + x + "</p>")</script>',
    ],
)
def test_what_only_shows_tags_is_left_alone(text):
    assert not is_page(text.encode())
    assert "html" not in repair(text.encode())[1]


@pytest.mark.parametrize(
    "unseen",
    [
        "<p hidden>secret</p>",
        '<div style="display:none">secret</div>',
        '<div style="color: red; DISPLAY : none">secret</div>',
        '<div aria-hidden="true" style="visibility:hidden">secret</div>',
        "<template><p>secret</p></template>",
        "<noscript><img src='a.png' alt='secret'>secret</noscript>",
        "<img src='a.png' alt='secret' title='secret'>",
        "<script>secret</script><style>secret</style>",
        "<svg><title>secret</title></svg>",
        "<!-- secret -->",
    ],
)
def test_what_a_reader_does_not_see_is_no_text_in_a_page_or_a_fragment(unseen):
    fragment = f"<div><p>one</p>{unseen}<p>two</p></div>"
    page = f"<!DOCTYPE html><html><body>{fragment}</body></html>"
    assert visible_text(fragment.encode()) == visible_text(page.encode()) == b"one two"


def test_the_suffix_says_that_it_is_html(files):
    text = f"{POST}<br>{OTHER}"
    assert not is_page(text.encode())
    folder = files({"a.htm": text, "b.txt": text.replace("<br>", " "), "c.html": "2 < 3 and no tag at all"})
    run = dedup.scan(folder, run=folder / "run")
    assert [m.path.rsplit("/", 1)[-1] for m in run.drop()] == ["b.txt"]
    assert dedup.open_run(folder / "run").documents.repairs == ["html", "", ""]


def test_a_file_that_is_called_html_and_has_no_tags_stays_as_it_is():
    text = f"{POST}\n\n  {OTHER}\n"
    assert decode(text.encode(), is_html=True).utf8 == text.encode()
    assert as_page(b"a < b\n > c") == b"a < b\n > c"


def test_a_page_and_its_body_are_one_document_wherever_they_stand(files):
    page = f"<!doctype html><html><head><title>Hives</title></head><body><nav>Home</nav>{BODY}</body></html>"
    rows = "\n".join(json.dumps({"text": t}) for t in (BODY, f"Hives\n\n{POST}\n\n{OTHER} more"))
    run = dedup.scan(files({"page.html": page, "body.html": BODY, "body.txt": BODY, "rows.jsonl": rows}))
    assert [name.rsplit("/", 1)[-1] for name in run.keep()] == ["page.html"]
