"""Recognize HTML, and extract the text that a reader sees."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

OPENING = re.compile(rb"[\s\x1c-\x1f]*[<\x80-\xff]")  # perhaps after white space beyond ASCII
ANY_TAG = re.compile(rb"<[^<>]*>")
TAG = re.compile(rb"<(/?)([a-zA-Z][^\s/>]{0,30})")
FLAT = frozenset(  # elements that close one another, or are empty
    b"area base br col embed hr img input link meta param source track wbr p li dt dd td th tr option".split()
)
MAX_DEPTH = 10_000  # tags open at once, read in 0.1 s
PAGE = re.compile(rb"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S)
COMMENTS = re.compile(r"\A(?:\s*<!--.*?-->)+", re.S)
FOREIGN = re.compile(r"<(svg|math)\b.*?(?:</\1\s*>|\Z)", re.S | re.I)  # with tags of their own
FIRST_TAG = re.compile(r"\s*<([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])[^<>]*>")
_BLOCKS = (
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header li main nav ol p pre section table tbody td th tr ul"
)
_INLINE = (
    "a abbr acronym audio b bdi bdo big br button caption cite code col colgroup data del dfn em embed "
    "font hr i iframe img input ins kbd label legend link mark meta noscript object option picture q rp "
    "rt ruby s samp script select small source span strike strong style sub summary sup svg textarea "
    "tfoot thead time tt u var video wbr"
)
BLOCKS = frozenset(_BLOCKS.split())
KNOWN = BLOCKS | frozenset(_INLINE.split())
UNSEEN = ("script", "style", "noscript", "template", "svg")
# NOTE: aria-hidden text is on the screen; it is hidden from screen readers only
HIDDEN = "[hidden], [style]"
UNSEEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
LOOKED_AT = 20_000  # bytes of a fragment by which it is recognized
KNOWN_SHARE, IN_BLOCKS = 0.8, 0.8  # of its tags, and of its text, at least


def is_page(data: bytes) -> bool:
    """Tell whether a text is an HTML page, or a fragment of one.

    >>> is_page(b"<!doctype html>Hi"), is_page(b"<p>One</p> <p>Two</p>"), is_page(b"<p> begins a paragraph.")
    (True, True, False)
    """
    if b"<" not in data:
        return False
    if PAGE.match(data, 0, 4096):
        return True
    return OPENING.match(data) is not None and _is_fragment(data[:LOOKED_AT].decode("utf-8", "ignore"))


def _is_fragment(head: str) -> bool:
    """Tell whether a text is HTML without <html> and <body>.

    It begins with a tag of HTML, has hardly any others, closes its blocks, and most of its text is in
    blocks.  So Markdown with a few tags, XML, and code that prints tags are no HTML.
    """
    text = COMMENTS.sub("", head, 1)
    first = FIRST_TAG.match(text)
    if not first or first[1].lower() not in KNOWN - {"script", "style"}:
        return False
    tags = re.findall(r"<(/?)([a-zA-Z][^\s/>]*)", FOREIGN.sub("", text))
    names = Counter((end, name.lower()) for end, name in tags)
    known = sum(n for (_, name), n in names.items() if name in KNOWN or "-" in name)
    ends = sum(n for (end, name), n in names.items() if end and name in BLOCKS)
    if known < KNOWN_SHARE * names.total() or not ends:
        return False
    body = _parsed(text).body
    if body is None:
        return False
    loose = sum(len(" ".join(n.text().split())) for n in body.iter(include_text=True) if _is_loose(n))
    seen = len(" ".join(body.text(separator=" ").split()))
    return loose <= (1 - IN_BLOCKS) * seen


def _is_loose(node: Any) -> bool:
    return node.is_text_node or node.tag not in BLOCKS


def depth(page: bytes) -> int:
    """Return how many tags are open at once in a page, at most; an end tag closes tags of its name only.

    >>> depth(b"<div><div><br></p></div>x</div>")
    2
    """
    is_open: Counter[bytes] = Counter()
    most: Counter[bytes] = Counter()
    for end, name in TAG.findall(page):
        name = name.lower()
        if name in FLAT:
            continue
        is_open[name] = max(0, is_open[name] - 1) if end else is_open[name] + 1
        most[name] = max(most[name], is_open[name])
    return sum(most.values())


def _parsed(text: str) -> Any:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(text)
    tree.strip_tags(list(UNSEEN))
    for node in tree.css(HIDDEN):
        facts = node.attributes
        if "hidden" in facts or UNSEEN_STYLE.search(facts["style"] or ""):
            node.decompose()
    return tree


def visible_text(page: bytes) -> bytes:
    """Return the visible text of an HTML page: no scripts, no styles, nothing hidden, no markup.

    >>> visible_text(b"<html><head><style>p {}</style></head><body><p>One &amp; <b>two</b></p></body></html>")
    b'One & two'
    >>> visible_text(b"<p>One</p><p hidden>two</p><img alt='three'>")
    b'One'
    """
    # NOTE: the time of the parser grows with the square of the depth
    if page.count(b"<") - page.count(b"</") > MAX_DEPTH and depth(page) > MAX_DEPTH:
        return b" ".join(ANY_TAG.sub(b" ", page).split())
    root = _parsed(page.decode("utf-8", "replace")).root
    return " ".join(root.text(separator=" ").split()).encode("utf-8", "replace") if root is not None else b""


def as_page(text: bytes) -> bytes:
    """Return the visible text of what is declared to be HTML; text without markup stays as it is.

    >>> as_page(b"a < b\\nc"), as_page(b"a &lt; b<br>c")
    (b'a < b\\nc', b'a < b c')
    """
    return visible_text(text) if TAG.search(text) or PAGE.match(text, 0, 4096) else text
