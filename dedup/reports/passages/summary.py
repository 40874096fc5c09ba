"""Passages of a run -> how much of it is repeated, by kind, and the most repeated ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...core.errors import safe
from ...core.sorted_arrays import covered_length, offsets_from_sizes
from ...pipeline.passages import KINDS, RunPassages
from ..wording import counted
from .places import CopyPlaces
from .table import n_documents

SHOWN = 10
EXCERPT = 200  # characters
KIND_HELP = {
    "self": "stands more than once in one document",
    "frame": "boilerplate, such as menus and licences",
    "copy": "in documents of one cluster",
    "quote": "in documents that otherwise differ",
}


def most_repeated(found: RunPassages, n: int = SHOWN) -> NDArray[np.int64]:
    """Return the passages that repeat most letters, int64[m], the first ones first."""
    passages = found.passages
    return np.argsort(-passages.length * (passages.copies - 1), kind="stable")[:n]


def summary(found: RunPassages, places: CopyPlaces) -> dict[str, Any]:
    """Return how much is repeated; `repeated` letters stand in two places or more, `removable` ones are those
    that would go if one copy of each passage stayed.
    """
    passages, run = found.passages, found.run
    every, stays = np.ones(len(passages.doc), np.bool_), np.zeros(len(passages.doc), np.bool_)
    stays[found.stays] = True
    kinds = found.kind[passages.passage]
    repeated = _union(found, every)
    documents = n_documents(found)
    return {
        "min_passage": found.least,
        "documents": len(found.docs),
        "unread": [run.name(doc) for doc in found.unread.tolist()],
        "letters": int(run.documents.n_letters[found.docs].sum()),
        "repeated": repeated,
        "removable": repeated - _union(found, stays),
        "passages": len(passages),
        "copies": len(passages.doc),
        "kinds": {
            kind: {
                "passages": int((found.kind == i).sum()),
                "copies": int((kinds == i).sum()),
                "letters": _union(found, kinds == i),
            }
            for i, kind in enumerate(KINDS)
        },
        "most_repeated": [
            {
                "passage": i + 1,
                "kind": KINDS[found.kind[i]],
                "letters": int(passages.length[i]),
                "documents": int(documents[i]),
                "copies": int(passages.copies[i]),
                "stays": run.name(int(passages.doc[found.stays[i]])),
                "first_line": int(places.first_line[found.stays[i]]),
                "last_line": int(places.last_line[found.stays[i]]),
                "text": " ".join(places.text.get(int(found.stays[i]), "").split()),
            }
            for i in most_repeated(found).tolist()
        ],
    }


def _union(found: RunPassages, rows: NDArray[np.bool_]) -> int:
    """Count the letters that lie in some of the copies."""
    passages = found.passages
    base = offsets_from_sizes(found.run.documents.n_letters)[passages.doc[rows]]
    return covered_length(base + passages.start[rows], base + passages.end[rows])


# ------------------------------------------------------------------ on the screen


def summary_view(report: dict[str, Any], run_flag: str, output: str) -> RenderableType:
    """Show a summary; `output` is the table that was written, or nothing."""
    letters = max(1, report["letters"])
    head = Text.assemble(
        (counted(report["passages"], "passage"), "bold"),
        (f" of {report['min_passage']:,} letters or more in ", "dim"),
        (counted(report["documents"], "document"), "bold"),
        ("\nrepeated ", "dim"),
        (f"{report['repeated'] / letters:.1%}", "bold"),
        (f" of {report['letters']:,} letters; with one copy of each ", "dim"),
        (f"{report['removable'] / letters:.1%}", "bold yellow"),
        (" would go", "dim"),
    )
    if not report["passages"]:
        return head
    return Group(head, Text(""), _kinds(report), Text(""), *_most(report), _next(run_flag, output))


def _kinds(report: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("kind")
    for name in ("passages", "copies", "letters"):
        table.add_column(name, justify="right")
    table.add_column("where", style="dim", overflow="fold")
    for kind, n in report["kinds"].items():
        if n["passages"]:
            table.add_row(
                kind, f"{n['passages']:,}", f"{n['copies']:,}", f"{n['letters']:,}", KIND_HELP[kind]
            )
    return table


def _most(report: dict[str, Any]) -> list[Text]:
    out = [Text("most repeated", "bold")]
    for row in report["most_repeated"]:
        where = f"{counted(row['copies'], 'time')} in {counted(row['documents'], 'document')}"
        lines = f"{row['first_line']:,}-{row['last_line']:,}"
        out.append(
            Text.assemble(
                (f"{row['passage']}", "dim"),
                ("  ", ""),
                (row["kind"], "yellow"),
                (f"  {row['letters']:,} letters, {where}; stays in ", "dim"),
                (safe(row["stays"]), "green"),
                (f" lines {lines}", "dim"),
            )
        )
        out.append(Text(f"     {safe(row['text'])[:EXCERPT]}", overflow="ellipsis", no_wrap=True))
    return out


def _next(run_flag: str, output: str) -> Text:
    if output:
        return Text(f"\nevery copy and its place: {output}", "dim")
    return Text(f"\nevery copy and its place: dedup passages -o passages.csv{run_flag}", "dim")
