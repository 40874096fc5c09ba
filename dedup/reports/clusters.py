"""Run -> its clusters, page by page, and one cluster with all its members."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..core.errors import BadInput, safe
from ..core.verdicts import KEPT, RELATIONS
from ..runs.run import Run
from .documents import first_lines
from .wording import counted, decided, lost

Shown = dict[str, Any]


def clusters_page(run: Run, page: int = 1, per_page: int = 20, relation: str | None = None) -> Shown:
    """Run -> a page of its clusters, largest first, as plain values; of those with `relation` in them.

    Raises BadInput when there is no such page.
    """
    ids = run.cluster_ids[run.clustered]
    sizes = np.bincount(ids)
    which = np.unique(ids[_related(run, run.clustered, relation)])
    order = which[np.lexsort((which, -sizes[which]))]
    pages = _n_pages(len(order), page, per_page)
    bounds = np.searchsorted(ids, [order, order + 1])
    rows = []
    for n in range((page - 1) * per_page, min(page * per_page, len(order))):
        docs = run.clustered[bounds[0, n] : bounds[1, n]]
        rows.append(_cluster(run, int(order[n]), docs))
    total = {"clusters": len(order), "documents": int(sizes[order].sum())}
    return {**total, "relation": relation, "page": page, "pages": pages, "rows": rows}


def cluster_page(
    run: Run, cluster_id: int, page: int = 1, per_page: int = 20, relation: str | None = None
) -> Shown:
    """A cluster -> a page of its members as plain values: the canonical one, other kept ones, dropped ones.

    Raises BadInput when there is no such cluster or page.
    """
    docs = run.clustered[run.cluster_ids[run.clustered] == cluster_id]
    if not len(docs):
        raise BadInput(no_cluster(run, cluster_id))
    canonical = int(run.verdict.canonical[docs[0]])
    mine = docs[_related(run, docs, relation)]
    mine = mine[np.lexsort((mine, ~run.kept[mine], mine != canonical))]
    pages = _n_pages(len(mine), page, per_page)
    some = mine[(page - 1) * per_page : page * per_page].tolist()
    rows = []
    for doc, (line, problem) in zip(some, first_lines(run, some), strict=True):
        member = {**vars(run.member(doc)), "id": run.documents.id[doc], "first_line": line}
        rows.append({**member, "canonical": doc == canonical, "text": problem or "ok"})
    return {
        **_cluster(run, cluster_id, docs),
        "relation": relation,
        "page": page,
        "pages": pages,
        "members": rows,
    }


def _related(run: Run, docs: NDArray[np.int32], relation: str | None) -> NDArray[np.bool_]:
    """Return bool[n]: the documents with that relation to their witness; all when None."""
    if relation is None:
        return np.ones(len(docs), np.bool_)
    return run.verdict.relation[docs] == RELATIONS.index(relation)


def _n_pages(n: int, page: int, per_page: int) -> int:
    pages = max(1, -(-n // per_page))
    if page > pages:
        raise BadInput(f"page {page:,}: there {'is 1 page' if pages == 1 else f'are {pages:,} pages'}")
    return pages


def _cluster(run: Run, cluster_id: int, docs: NDArray[np.int32]) -> Shown:
    kinds = Counter(run.verdict.relation[docs].tolist())
    return {
        "cluster_id": cluster_id,
        "size": len(docs),
        "kept": kinds[KEPT],
        "canonical": run.name(int(run.verdict.canonical[docs[0]])),
        "relations": {name: kinds[i] for i, name in enumerate(RELATIONS) if i != KEPT and kinds[i]},
    }


def no_cluster(run: Run, cluster_id: int) -> str:
    """Return what to say of an id that no cluster has."""
    last = int(run.cluster_ids.max(initial=0))
    if not last:
        return f"cluster {cluster_id}: this run has no clusters"
    first = min(max(1, cluster_id - 1), max(1, last - 2))
    nearest = ", ".join(str(i) for i in range(first, min(first + 2, last) + 1))
    return f"cluster {cluster_id}: there is none; the nearest of {last:,} are {nearest}"


# ------------------------------------------------------------------ for the eye


def clusters_view(shown: Shown, options: str = "") -> RenderableType:
    """A page of clusters -> what is printed; `options` completes the next command."""
    title = f"{counted(shown['clusters'], 'cluster')} of {counted(shown['documents'], 'document')}"
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("id", "documents", "kept"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("canonical", overflow="fold")
    table.add_column("relations", overflow="fold")
    for row in shown["rows"]:
        kinds = ", ".join(f"{n:,} {name}" for name, n in row["relations"].items())
        numbers = (f"#{row['cluster_id']}", f"{row['size']:,}", f"{row['kept']:,}")
        table.add_row(*numbers, Text(safe(row["canonical"]), "green"), Text(kinds, "yellow"))
    parts: list[RenderableType] = [Text(title, "bold")]
    if shown["rows"]:
        parts.append(table)
    return Group(*parts, *_next(shown, f"dedup show{options}"))


def cluster_view(shown: Shown, options: str = "") -> RenderableType:
    """A page of one cluster -> what is printed."""
    head = Text.assemble(
        (f"#{shown['cluster_id']}", "dim"),
        "  ",
        (safe(shown["canonical"]), "bold green"),
        (f"  {counted(shown['size'], 'document')}, {shown['kept']:,} kept", "dim"),
    )
    parts: list[RenderableType] = [head]
    for row in shown["members"]:
        parts += _member(row)
    return Group(*parts, *_next(shown, f"dedup show {shown['cluster_id']}{options}"))


def _member(row: Shown) -> list[RenderableType]:
    text = Text("\n")
    if row["kept"]:
        text.append("kept     ", "green")
        text.append(safe(row["path"]), "bold")
        text.append("  canonical" if row["canonical"] else "", "dim")
        text.append(f": {row['reason']}" if row["canonical"] and row["reason"] else "", "dim")
    else:
        text.append("dropped  ", "yellow")
        text.append(safe(row["path"]), "bold")
        text.append(f"\n         {row['relation']}", "yellow")
        for words in (decided(row["figure"], row["value"], row["line"]), lost(row["lost"])):
            text.append(f"  {words}" if words else "", "dim")
        text.append(f"  for {safe(row['witness'])}", "dim")
    if row["text"] != "ok":
        return [text, Text(f"         ({row['text']})", "red")]
    line = Text("         " + safe(row["first_line"]), "dim", no_wrap=True, overflow="ellipsis")
    return [text, line]


def _next(shown: Shown, command: str) -> list[RenderableType]:
    if shown["page"] == shown["pages"]:
        return []
    line = f"\npage {shown['page']:,} of {shown['pages']:,}; next: {command} --page {shown['page'] + 1}"
    return [Text(line, "dim")]


def print_shown(shown: Shown, as_json: bool, console: Console, options: str = "") -> None:
    """Print a page of clusters or of one cluster on a console, or as one JSON object, in ASCII."""
    if as_json:
        console.file.write(json.dumps(shown, indent=1) + "\n")
    else:
        view = cluster_view if "members" in shown else clusters_view
        console.print(view(shown, options))
