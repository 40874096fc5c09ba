"""Run -> one self-contained HTML page: the account, charts, and a browser of clusters.

The page asks nothing of any server and works from disk.  Scripts, styles and data stand in it; its
Content-Security-Policy names the scripts and styles by their hashes and forbids all else.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ...runs.run import Run
from ..wording import counted
from . import figures, listing
from .compare import compared

SCRIPTS = ("vendor/uPlot.iife.min.js", "data.js", "charts.js", "compare.js", "browse.js")
STYLES = ("vendor/uPlot.min.css", "page.css")
ESCAPED = {
    b"<": b"\\u003c",
    b">": b"\\u003e",
    b"&": b"\\u0026",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}


@dataclass(frozen=True)
class PageLimits:
    """How much goes into the page; what is left out is said in it.  Clusters go in the largest first."""

    clusters: int = 100_000
    listing: int = 18_000_000  # bytes of their names and figures
    texts: int = 10_000_000  # bytes of texts and their differences
    reading: int = 48_000_000  # bytes of documents that are read again for that


@dataclass(frozen=True)
class Page:
    """The page, and what is in it: clusters, and pairs of documents whose texts are compared."""

    html: bytes
    clusters: int
    pairs: int


def page(run: Run, limits: PageLimits | None = None, run_option: str = "") -> Page:
    """Run -> its page; the same run and the same files make the same bytes.

    `run_option` completes the commands that the page names (" --run DIR").
    """
    limits = limits or PageLimits()
    listed = listing.listed(run, limits.clusters, limits.listing)
    texts = compared(run, listed, limits.reading, limits.texts)
    groups = figures.grouped(run)
    account = figures.account(run, groups)
    columns = listing.columns(run, listed, groups)
    missing = len(columns["documents"]["state"]) - columns["documents"]["state"].count(listing.OK)
    left_out = _left_out(listed, account["dropped"] - texts.pairs, account["dropped"], missing)
    data = {
        **figures.charts(run),
        **columns,
        "groups": groups.names,
        "titles": texts.titles,
        "option": run_option,
    }
    html = (
        _environment()
        .get_template("page.html.j2")
        .render(
            account=account,
            left_out=left_out,
            data=as_json(data),
            texts=[(n, as_json(value)) for n, value in texts.clusters.items()],
            scripts=[_part(name) for name in SCRIPTS],
            styles=[_part(name) for name in STYLES],
            policy=_policy(),
            counted=counted,
            run_option=run_option,
        )
    )
    return Page(html.encode(), len(listed.clusters), texts.pairs)


def as_json(value: Any) -> Markup:
    """Plain values -> JSON that may stand in a script element: nothing in it can end that.

    >>> str(as_json({"a": "</script><!--"}))
    '{"a":"\\\\u003c/script\\\\u003e\\\\u003c!--"}'
    """
    out = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    for char, escaped in ESCAPED.items():
        out = out.replace(char, escaped)
    return Markup(out.decode())


def _left_out(listed: listing.Listed, without: int, dropped: int, missing: int) -> list[str]:
    """Return what the page does not hold, a sentence each."""
    out = []
    if rest := listed.all_clusters - len(listed.clusters):
        out.append(
            f"{counted(rest, 'cluster')} of {listed.all_clusters:,}: the page lists the largest "
            f"{len(listed.clusters):,}; dedup show has all."
        )
    if listed.cut_members:
        out.append(
            f"{counted(listed.cut_members, 'document')} of clusters with more than {listing.MEMBERS:,}; "
            "dedup show CLUSTER has all."
        )
    if without:
        out.append(
            f"The texts of {counted(without, 'dropped document')} of {dropped:,}; their figures are here, "
            "and dedup explain A B shows where they differ."
        )
    if missing:
        out.append(
            f"The texts of {counted(missing, 'document')} that had changed or gone since the scan; "
            "all figures are those of the scan."
        )
    return out


@lru_cache(1)
def _environment() -> Environment:
    def load(name: str) -> str:
        return (files(__name__) / name).read_text("utf-8")

    return Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(None)
def _part(name: str) -> Markup:
    """Return a script or a style of this package, as it stands in the page."""
    return Markup((files(__name__) / name).read_text("utf-8").strip())


def _policy() -> str:
    """Return the Content-Security-Policy: these scripts and these styles, and no request to anywhere."""

    def hashes(names: tuple[str, ...]) -> str:
        digests = (hashlib.sha256(_part(name).encode()).digest() for name in names)
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashes(SCRIPTS)}; style-src {hashes(STYLES)}; "
        "base-uri 'none'; form-action 'none'"
    )
