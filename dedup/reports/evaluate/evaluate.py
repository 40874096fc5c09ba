"""Run + labels -> how good its clusters are: figures, by column, and examples of both kinds of error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runs.run import Run
from ..figures import figures
from . import agreement as agree
from .drops import drops, joins
from .labels import Pairs, Truth

MAX_VALUES = 100  # of a column by which figures are broken down
ORIGINAL = "original"  # a cell that marks the document of which its mates are variants
Report = dict[str, Any]
Examples = list[tuple[int, int]]


def evaluate(run: Run, labels: Pairs | Truth, examples: int = 10) -> Report:
    """A run and its labels -> every figure as plain values, with `examples` of each kind of error."""
    report = (
        _of_truth(run, labels, examples) if isinstance(labels, Truth) else _of_pairs(run, labels, examples)
    )
    labelled = np.zeros(len(run.documents), np.bool_)
    labelled[labels.docs] = True
    report["drops"], report["joins"] = drops(run, labels), joins(run, labels)
    report["rows_left_out"] = labels.unknown
    report["documents_without_label"] = int((run.ok & ~labelled).sum())
    return report


# ------------------------------------------------------------------ pairs


def _of_pairs(run: Run, labels: Pairs, examples: int) -> Report:
    cluster = run.verdict.cluster[labels.docs]
    joined = cluster[:, 0] == cluster[:, 1]
    wrong, missed = np.flatnonzero(joined & ~labels.same), np.flatnonzero(~joined & labels.same)
    columns, left_out = _columns(labels.extra)
    by = {
        name: {v: _counts(labels.same[value == i], joined[value == i]) for i, v in enumerate(values)}
        for name, (values, value) in columns.items()
    }
    return {
        "form": "pairs",
        "pairs": len(labels),
        "documents": len(np.unique(labels.docs)),
        "pairwise": _counts(labels.same, joined),
        "bcubed": None,
        "ari": None,
        "by": by,
        "columns_left_out": left_out,
        "false_joins": _named(run, [tuple(p) for p in labels.docs[wrong[:examples]].tolist()]),
        "missed": _named(run, [tuple(p) for p in labels.docs[missed[:examples]].tolist()]),
        "n_false_joins": len(wrong),
        "n_missed": len(missed),
    }


def _counts(same: NDArray[np.bool_], joined: NDArray[np.bool_]) -> Report:
    correct, true, predicted = int((same & joined).sum()), int(same.sum()), int(joined.sum())
    precision, recall = correct / predicted if predicted else 1.0, correct / true if true else 1.0
    return {
        "precision": precision,
        "recall": recall,
        "f1": agree.f1(precision, recall),
        "true_pairs": true,
        "predicted_pairs": predicted,
        "correct_pairs": correct,
        "labelled_pairs": len(same),
    }


# ------------------------------------------------------------------ a truth table


def _of_truth(run: Run, labels: Truth, examples: int) -> Report:
    table = agree.Contingency.of(labels.cluster, run.verdict.cluster[labels.docs])
    columns, left_out = _columns(labels.extra)
    marked = _marked(labels)
    mixed, has_mates = agree.in_mixed(table), table.true_size[table.true] > 1
    at_original = agree.originals(table, marked)[table.true] == table.predicted
    shares = {"to_anchor": at_original, "to_mates": agree.linked(table), "in_mixed_cluster": mixed}
    variant = has_mates & ~marked
    false_joins, missed = _false_joins(run, labels, table), _missed(run, labels, table)
    return {
        "form": "truth",
        "documents": len(labels),
        "true_clusters": len(table.true_size),
        "predicted_clusters": len(table.predicted_size),
        "pairwise": agree.pairwise(table),
        "bcubed": agree.bcubed(table),
        "ari": agree.adjusted_rand(table),
        "mixed_clusters": len(np.unique(table.predicted[mixed])),
        "split_clusters": int((np.bincount(table.cell_true) > 1).sum()),
        "variants": _means(shares, variant),
        "alone": _means({"wrongly_joined": mixed}, ~has_mates),
        "by": {
            name: _by_value(table, shares, variant, has_mates, *column) for name, column in columns.items()
        },
        "columns_left_out": left_out,
        "false_joins": _named(run, false_joins[:examples]),
        "missed": _named(run, missed[:examples]),
        "n_false_joins": len(false_joins),
        "n_missed": len(missed),
    }


def _marked(labels: Truth) -> NDArray[np.bool_]:
    """Return bool[n]: documents with a cell `original`."""
    marked = np.zeros(len(labels), np.bool_)
    for cells in labels.extra.values():
        marked |= np.array([c.strip().lower() == ORIGINAL for c in cells])
    return marked


def _columns(extra: dict[str, list[str]]) -> tuple[dict[str, tuple[list[str], NDArray[np.int64]]], list[str]]:
    """Extra columns -> (values, value of each row) by column, and the columns of too many values)."""
    out, left_out = {}, []
    for name, cells in extra.items():
        values, value = np.unique(np.array(cells, object).astype(str), return_inverse=True)
        if len(values) > MAX_VALUES:
            left_out.append(name)
        elif len(values) > 1:
            out[name] = ([v or "-" for v in values.tolist()], value.astype(np.int64))
    return out, left_out


def _means(shares: dict[str, NDArray[Any]], which: NDArray[np.bool_]) -> Report:
    n = int(which.sum())
    return {"n": n, **{name: float(x[which].mean()) if n else None for name, x in shares.items()}}


def _by_value(
    table: agree.Contingency,
    shares: dict[str, NDArray[Any]],
    variant: NDArray[np.bool_],
    has_mates: NDArray[np.bool_],
    values: list[str],
    value: NDArray[np.int64],
) -> dict[str, Report]:
    """Return the figures of the documents of each value, and of the pairs in which they take part."""
    found, true, predicted = (
        agree.pairs_by_value(of, size, value, len(values)).tolist()
        for of, size in (
            (table.cell, table.cell_size),
            (table.true, table.true_size),
            (table.predicted, table.predicted_size),
        )
    )
    out = {}
    for i, name in enumerate(values):
        mine = value == i
        out[name] = {
            "documents": int(mine.sum()),
            "true_pairs": true[i],
            "predicted_pairs": predicted[i],
            "correct_pairs": found[i],
            "precision": found[i] / predicted[i] if predicted[i] else None,
            "recall": found[i] / true[i] if true[i] else None,
            "variants": _means(shares, mine & variant),
            "alone": _means({"wrongly_joined": shares["in_mixed_cluster"]}, mine & ~has_mates),
        }
    return out


# ------------------------------------------------------------------ examples


def _false_joins(run: Run, labels: Truth, table: agree.Contingency) -> Examples:
    """Return a pair for each predicted cluster that mixes true ones, the most mixed first.

    The least alike of the verified pairs that join two true clusters; where none does, since a document
    without a label stands between, the first documents of two true clusters.
    """
    place = np.full(len(run.documents), -1, np.int64)
    place[labels.docs] = np.arange(len(labels))
    at = place[run.pairs.docs]
    between = (at >= 0).all(axis=1) & (table.true[at[:, 0]] != table.true[at[:, 1]])
    culprits = np.flatnonzero(between)
    culprits = culprits[np.argsort(run.pairs.jaccard[culprits], kind="stable")]
    first: dict[int, tuple[int, int]] = {}
    for cluster, (a, b) in zip(
        table.predicted[at[culprits, 0]].tolist(), run.pairs.docs[culprits].tolist(), strict=True
    ):
        first.setdefault(cluster, (a, b))
    parts = _parts(table.cell_predicted, table.cell_size)
    doc = _first_docs(run, labels, table)
    return [first.get(c, _ordered(doc[cells[0]], doc[cells[1]])) for c, cells in parts]


def _missed(run: Run, labels: Truth, table: agree.Contingency) -> Examples:
    """Pair the largest part of each true cluster that is split with each of its other parts."""
    doc = _first_docs(run, labels, table)
    return [
        _ordered(doc[cells[0]], doc[other])
        for _, cells in _parts(table.cell_true, table.cell_size)
        for other in cells[1:]
    ]


def _parts(of: NDArray[np.int64], size: NDArray[np.int64]) -> list[tuple[int, list[int]]]:
    """Cells by cluster -> (cluster, its cells, the largest first) of those with several, most cells first."""
    cells: dict[int, list[int]] = {}
    for cell in np.argsort(-size, kind="stable").tolist():
        cells.setdefault(int(of[cell]), []).append(cell)
    several = [(cluster, mine) for cluster, mine in cells.items() if len(mine) > 1]
    return sorted(several, key=lambda item: (-len(item[1]), -int(size[item[1]].sum()), item[0]))


def _first_docs(run: Run, labels: Truth, table: agree.Contingency) -> list[int]:
    """Return a document of each cell: a kept one if there is any."""
    order = np.lexsort((labels.docs, ~run.kept[labels.docs]))[::-1]
    doc = np.zeros(len(table.cell_size), np.int64)
    doc[table.cell[order]] = labels.docs[order]
    return doc.tolist()


def _ordered(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _named(run: Run, pairs: Examples) -> list[Report]:
    """Pairs -> their names, clusters and figures."""
    return [
        {
            "left": run.name(a),
            "right": run.name(b),
            "left_cluster": int(run.cluster_ids[a]) or None,
            "right_cluster": int(run.cluster_ids[b]) or None,
            "figures": found or None,
        }
        for (a, b), found in zip(pairs, figures(run, pairs), strict=True)
    ]
