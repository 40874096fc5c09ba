"""Two runs -> what changed between them: documents, verdicts, clusters, settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..core.errors import safe
from ..core.verdicts import RELATIONS
from ..runs.run import Run
from .evaluate import agreement as agree
from .wording import counted

Report = dict[str, Any]
SHOWN = 5  # of each kind of change; JSON has all


@dataclass(frozen=True)
class Common:
    """Documents that are in both runs: left, right int64[n], their places in each."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    by: str  # how their names were compared


def compare(a: Run, b: Run) -> Report:
    """Two runs -> all that changed from the first to the second, as plain values."""
    common = _common(a, b)
    gone = np.setdiff1d(np.arange(len(a.documents)), common.left)
    new = np.setdiff1d(np.arange(len(b.documents)), common.right)
    table, both = _contingency(a, b, common)
    return {
        "a": _totals(a),
        "b": _totals(b),
        "settings": _settings(a, b),
        "common": len(common.left),
        "names_compared": common.by,
        "new": [{"path": b.name(d), **_verdict(b, d)} for d in new.tolist()],
        "gone": [{"path": a.name(d), **_verdict(a, d)} for d in gone.tolist()],
        **_changes(a, b, common),
        **_clusters(a, b, common, table, both),
        "ari": agree.adjusted_rand(table),
    }


def _totals(run: Run) -> Report:
    return {
        "version": run.summary.get("version"),
        "seen": len(run.documents),
        "kept": int(run.kept.sum()),
        "dropped": int(run.dropped.sum()),
        "set_aside": int((~run.ok).sum()),
        "clusters": int(run.cluster_ids.max(initial=0)),
    }


def _settings(a: Run, b: Run) -> Report:
    """Return the settings that differ: {name: {"a": .., "b": ..}}."""
    x, y = a.summary.get("settings", {}), b.summary.get("settings", {})
    return {
        name: {"a": x.get(name), "b": y.get(name)}
        for name in dict.fromkeys([*x, *y])
        if x.get(name) != y.get(name)
    }


# ------------------------------------------------------------------ the same documents


def _common(a: Run, b: Run) -> Common:
    """Match documents by name; where no names agree, by their paths below the scanned folders."""
    found = Common(*_matched(a, b, lambda run: run.names), by="name")
    roots = _root(a), _root(b)
    if len(found.left) or not all(roots):
        return found
    return Common(*_matched(a, b, _below_root), by="path below the scanned folder")


def _matched(
    a: Run, b: Run, names: Callable[[Run], list[bytes]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    place = {os.path.normpath(name): doc for doc, name in enumerate(names(b))}
    both = [(d, place.get(os.path.normpath(name), -1)) for d, name in enumerate(names(a))]
    left, right = np.array([p for p in both if p[1] >= 0], np.int64).reshape(-1, 2).T
    return left, right


def _root(run: Run) -> bytes:
    """Return the only path that was scanned; b"" where there were several, or texts from Python."""
    scanned = run.summary.get("scanned", {})
    paths = scanned.get("paths", [])
    return os.fsencode(os.path.join(scanned["folder"], paths[0])) if len(paths) == 1 else b""


def _below_root(run: Run) -> list[bytes]:
    root, folder = _root(run), os.fsencode(run.summary["scanned"]["folder"])
    return [os.path.relpath(os.path.join(folder, name), root) for name in run.names]


# ------------------------------------------------------------------ verdicts


def _changes(a: Run, b: Run, common: Common) -> Report:
    """List the common documents whose text or verdict changed."""
    left, right = common.left, common.right
    ok_a, ok_b = a.ok[left], b.ok[right]
    dropped_a, dropped_b = a.dropped[left], b.dropped[right]
    both_dropped = dropped_a & dropped_b
    there = np.full(len(a.documents), -1, np.int64)
    there[left] = right
    witness = there[a.verdict.witness[left]] != b.verdict.witness[right]
    relation = a.verdict.relation[left] != b.verdict.relation[right]
    letters = (a.documents.letters_hash[left] != b.documents.letters_hash[right]).any(axis=1)
    n_bytes = a.documents.n_bytes[left] != b.documents.n_bytes[right]
    kinds = {
        "text_changed": letters | n_bytes,
        "newly_dropped": ok_a & ~dropped_a & dropped_b,
        "newly_kept": dropped_a & ok_b & ~dropped_b,
        "newly_set_aside": ok_a & ~ok_b,
        "no_longer_set_aside": ~ok_a & ok_b,
        "witness_changed": both_dropped & witness,
        "relation_changed": both_dropped & relation,
    }
    return {
        kind: [_change(a, b, int(left[i]), int(right[i])) for i in np.flatnonzero(rows).tolist()]
        for kind, rows in kinds.items()
    }


def _change(a: Run, b: Run, left: int, right: int) -> Report:
    return {"path": b.name(right), "a": _verdict(a, left), "b": _verdict(b, right)}


def _verdict(run: Run, doc: int) -> Report:
    """Return what a run says of a document."""
    if not run.ok[doc]:
        return {"verdict": "set aside"}
    if run.kept[doc]:
        return {"verdict": "kept", "cluster_id": int(run.cluster_ids[doc]) or None}
    v = run.verdict
    return {
        "verdict": "dropped",
        "witness": run.name(int(v.witness[doc])),
        "relation": RELATIONS[v.relation[doc]],
        "jaccard": float(v.jaccard[doc]),
        "containment": float(v.containment[doc]),
        "cluster_id": int(run.cluster_ids[doc]),
    }


# ------------------------------------------------------------------ clusters


def _contingency(a: Run, b: Run, common: Common) -> tuple[agree.Contingency, NDArray[np.int64]]:
    """Return the two clusterings of the common documents that neither run set aside, and their places."""
    both = np.flatnonzero(a.ok[common.left] & b.ok[common.right])
    left, right = common.left[both], common.right[both]
    return agree.Contingency.of(a.verdict.cluster[left], b.verdict.cluster[right]), both


def _clusters(a: Run, b: Run, common: Common, table: agree.Contingency, both: NDArray[np.int64]) -> Report:
    """Return which common documents have other mates, and which clusters were split or merged."""
    whole = table.cell_size[table.cell]
    changed = both[(whole != table.true_size[table.true]) | (whole != table.predicted_size[table.predicted])]
    parts, sources = np.bincount(table.cell_true), np.bincount(table.cell_predicted)
    left, right = common.left[both], common.right[both]
    split = _torn(a, left, table.true, parts)
    merged = _torn(b, right, table.predicted, sources)
    several = int((table.true_size > 1).sum())
    same = (parts[table.cell_true] == 1) & (sources[table.cell_predicted] == 1) & (table.cell_size > 1)
    return {
        "cluster_changed": [
            {
                "path": b.name(int(common.right[i])),
                "a_cluster": int(a.cluster_ids[common.left[i]]) or None,
                "b_cluster": int(b.cluster_ids[common.right[i]]) or None,
            }
            for i in changed.tolist()
        ],
        "clusters": {
            "a": several,
            "b": int((table.predicted_size > 1).sum()),
            "same": int(same.sum()),
            "split": len(split),
            "merged": len(merged),
        },
        "split": split,
        "merged": merged,
    }


def _torn(
    run: Run, docs: NDArray[np.int64], cluster: NDArray[np.int64], parts: NDArray[np.int64]
) -> list[Report]:
    """List the clusters of a run that are several in the other one, those of most parts first."""
    first = np.zeros(len(parts), np.int64)
    first[cluster[::-1]] = docs[::-1]
    several = np.flatnonzero(parts > 1)
    several = several[np.lexsort((first[several], -parts[several]))]
    return [
        {
            "cluster_id": int(run.cluster_ids[first[c]]) or None,
            "canonical": run.name(int(run.verdict.canonical[first[c]])),
            "parts": int(parts[c]),
        }
        for c in several.tolist()
    ]


# ------------------------------------------------------------------ for the eye

TITLES = {
    "new": "new documents",
    "gone": "documents gone",
    "text_changed": "texts changed",
    "newly_dropped": "newly dropped",
    "newly_kept": "newly kept",
    "newly_set_aside": "newly set aside",
    "no_longer_set_aside": "no longer set aside",
    "witness_changed": "dropped for another witness",
    "relation_changed": "dropped by another relation",
    "cluster_changed": "documents with other mates in their cluster",
}


def comparison_view(report: Report, a: str, b: str) -> RenderableType:
    """What changed, and the names of both run folders -> what is printed."""
    parts: list[RenderableType] = [_totals_table(report, a, b), *_settings_lines(report), Text()]
    if report["names_compared"] != "name":
        parts.append(Text(f"documents compared by their {report['names_compared']}", "yellow"))
    if not report["common"]:
        return Group(*parts, Text("no document is in both runs", "red"))
    c = report["clusters"]
    parts.append(
        Text(
            f"{counted(report['common'], 'document')} in both; of {counted(c['a'], 'cluster')} "
            f"{c['same']:,} stayed the same, {c['split']:,} split; {c['merged']:,} in B merged from several"
        )
    )
    parts.append(Text(f"adjusted Rand index of the two {report['ari']:.4f}"))
    if not any(report[kind] for kind in TITLES):
        parts.append(Text("\nno document changed", "green"))
    for kind, title in TITLES.items():
        parts += _listed(title, kind, report[kind])
    for kind, words in (("split", "of A, split in B"), ("merged", "of B, several in A")):
        parts += _torn_lines(report[kind], words)
    return Group(*parts)


def _totals_table(report: Report, a: str, b: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("run", overflow="fold")
    columns = ("seen", "kept", "dropped", "set_aside", "clusters")
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for side, name in (("a", a), ("b", b)):
        table.add_row(f"{side.upper()} {safe(name)}", *(f"{report[side][c]:,}" for c in columns))
    change = [report["b"][c] - report["a"][c] for c in columns]
    table.add_row("change", *(f"{n:+,}" if n else "0" for n in change), style="dim")
    return table


def _settings_lines(report: Report) -> Iterator[Text]:
    rows = dict(report["settings"])
    if report["a"]["version"] != report["b"]["version"]:
        rows["version"] = {"a": report["a"]["version"], "b": report["b"]["version"]}
    if rows:
        yield Text("\nsettings that differ", "bold")
    for name, values in rows.items():
        yield Text(f"  {safe(name)}  {safe(str(values['a']))} -> {safe(str(values['b']))}")


def _listed(title: str, kind: str, rows: list[Report]) -> Iterator[RenderableType]:
    if not rows:
        return
    yield Text.assemble((f"\n{title}", "bold"), (f"  {len(rows):,}", "yellow"))
    for row in rows[:SHOWN]:
        yield Text(f"  {safe(row['path'])}")
        yield from (Text(f"    {line}", "dim") for line in _words(kind, row))
    if len(rows) > SHOWN:
        yield Text(f"  and {len(rows) - SHOWN:,} more; --json has all", "dim")


def _words(kind: str, row: Report) -> list[str]:
    """Return what is to be said of a changed document, line by line."""
    if kind == "cluster_changed":
        return [f"{_cluster(row['a_cluster'])} -> {_cluster(row['b_cluster'])}"]
    if kind == "text_changed":
        return []
    if kind in ("new", "gone"):
        return [_said(row)]
    return [f"was {_said(row['a'])}", f"now {_said(row['b'])}"]


def _said(verdict: Report) -> str:
    if verdict["verdict"] != "dropped":
        return str(verdict["verdict"])
    figures = f"J {verdict['jaccard']:.3f} C {verdict['containment']:.3f}"
    return f"{verdict['relation']} ({figures}) for {safe(verdict['witness'])}"


def _cluster(cluster_id: int | None) -> str:
    return f"#{cluster_id}" if cluster_id else "alone"


def _torn_lines(rows: list[Report], words: str) -> Iterator[RenderableType]:
    if not rows:
        return
    yield Text.assemble((f"\nclusters {words}", "bold"), (f"  {len(rows):,}", "yellow"))
    for row in rows[:SHOWN]:
        name = f"  {_cluster(row['cluster_id'])}  {safe(row['canonical'])}"
        yield Text.assemble(name, (f"  {row['parts']:,} parts", "dim"))
    if len(rows) > SHOWN:
        yield Text(f"  and {len(rows) - SHOWN:,} more; --json has all", "dim")
