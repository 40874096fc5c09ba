"""What a run shows of itself in Python: a few lines of text, and HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.errors import safe
from ..core.verdicts import RELATIONS
from .documents_table import Decided

CLUSTERS, MEMBERS, WIDTH = 5, 4, 80  # shown: clusters, documents of each, letters of a name or text


class ShownRun(Decided, Protocol):
    """What is shown: a `Run`."""

    @property
    def summary(self) -> dict[str, Any]: ...
    @property
    def texts(self) -> Sequence[bytes] | None: ...
    @property
    def clustered(self) -> NDArray[np.int32]: ...
    def name(self, doc: int) -> str: ...


def as_text(run: ShownRun) -> str:
    """Return the account of a run, what was dropped and set aside and why, and the largest clusters."""
    if "documents" not in run.summary:
        return f"<dedup.Run of {len(run.documents):,} documents>"
    lines = [f"<dedup.Run: {_account(run)}", *_facts(run)]
    for cluster, size, docs in _largest(run):
        lines.append(f"#{cluster}, {size:,} documents: {_short(_label(run, docs[0]))}")
    return "\n  ".join(lines) + ">"


def as_html(run: ShownRun) -> str:
    """Return the same as HTML, with the first documents of each cluster and the beginnings of their texts."""
    if "documents" not in run.summary:
        return f"<p>{escape(as_text(run))}</p>"
    head = "".join(f"<br>{escape(fact)}" for fact in _facts(run))
    rows = "".join(_html_rows(run))
    table = f"<table><thead>{_row('th', 'cluster', 'document', 'relation', '')}</thead>{rows}</table>"
    return f"<p><b>{escape(_account(run))}</b>{head}</p>{table if rows else ''}"


def _account(run: ShownRun) -> str:
    d = run.summary["documents"]
    parts = f"kept {d['kept']:,} + dropped {d['dropped']:,} + set aside {d['set_aside']:,}"
    return f"seen {d['seen']:,} = {parts}"


def _facts(run: ShownRun) -> Iterator[str]:
    """Yield what was dropped, what was set aside, and the clusters, a line each."""
    reasons = {"dropped": run.summary["relations"], "set aside": run.summary["set_aside"]["reasons"]}
    for what, counts in reasons.items():
        if counts:
            yield f"{what}: " + ", ".join(f"{n:,} {reason}" for reason, n in counts.items())
    clusters = run.summary["clusters"]
    if clusters["count"]:
        yield f"clusters: {clusters['count']:,}, of {clusters['documents']:,} documents; the largest:"


def _largest(run: ShownRun) -> Iterator[tuple[int, int, list[int]]]:
    """Yield (id, size, first documents) of the largest clusters; the canonical document comes first."""
    ids = run.cluster_ids[run.clustered]  # rising
    for cluster in run.summary["clusters"]["largest"][:CLUSTERS]:
        first, last = np.searchsorted(ids, [cluster["cluster_id"], cluster["cluster_id"] + 1]).tolist()
        docs = run.clustered[first:last].tolist()
        best = int(run.verdict.canonical[docs[0]])
        yield cluster["cluster_id"], len(docs), [best, *(d for d in docs if d != best)][:MEMBERS]


def _html_rows(run: ShownRun) -> Iterator[str]:
    for cluster, size, docs in _largest(run):
        for i, doc in enumerate(docs):
            relation = "kept" if run.kept[doc] else RELATIONS[run.verdict.relation[doc]]
            number = f"#{cluster}, {size:,} documents" if i == 0 else ""
            yield _row("td", number, _short(_label(run, doc)), relation, _beginning(run, doc))
        if size > len(docs):
            yield _row("td", "", f"and {size - len(docs):,} more", "", "")


def _row(cell: str, *values: str) -> str:
    cells = (f'<{cell} style="text-align:left">{escape(value)}</{cell}>' for value in values)
    return f"<tr>{''.join(cells)}</tr>"


def _label(run: ShownRun, doc: int) -> str:
    """Return the id of a row of a table from Python, or the name of any other document."""
    return run.name(doc) if run.ids is None else str(run.ids[doc].as_py())


def _beginning(run: ShownRun, doc: int) -> str:
    """Return how a text begins, if the run holds it."""
    if run.texts is None:
        return ""
    return _short(run.texts[doc][: 20 * WIDTH].decode("utf-8", "ignore"))


def _short(text: str) -> str:
    """Return a text in one line of WIDTH letters, fit to be shown."""
    line = " ".join(text.split())
    return safe(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")
