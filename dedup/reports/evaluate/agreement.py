"""Two clusterings of the same documents -> how far they agree.

Everything is counted through the contingency table of the two, never pair by pair: a cell of n documents
has n (n - 1) / 2 pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Contingency:
    """Documents by (true cluster, predicted cluster): true, predicted, cell int64[n] are places in the sizes.

    true_size int64[n_true], predicted_size int64[n_predicted], cell_size int64[n_cells].
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    cell: NDArray[np.int64]
    true_size: NDArray[np.int64]
    predicted_size: NDArray[np.int64]
    cell_size: NDArray[np.int64]
    cell_true: NDArray[np.int64]  # the true cluster of each cell
    cell_predicted: NDArray[np.int64]

    @staticmethod
    def of(true: NDArray[Any], predicted: NDArray[Any]) -> Contingency:
        """Labels of the same n documents in two clusterings -> their contingency table."""
        _, t, t_size = np.unique(true, return_inverse=True, return_counts=True)
        _, p, p_size = np.unique(predicted, return_inverse=True, return_counts=True)
        cells, c, c_size = np.unique(t * len(p_size) + p, return_inverse=True, return_counts=True)
        width = max(1, len(p_size))
        return Contingency(t, p, c, t_size, p_size, c_size, cells // width, cells % width)


def pairs_of(sizes: NDArray[np.int64]) -> int:
    """Sizes of clusters -> how many pairs of documents they hold.

    >>> pairs_of(np.array([1, 2, 4]))
    7
    """
    n = sizes.astype(object) if len(sizes) and int(sizes.max()) > 1 << 31 else sizes
    return int((n * (n - 1) // 2).sum())


def f1(precision: float, recall: float) -> float:
    """Return the harmonic mean of precision and recall; 0 where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def pairwise(table: Contingency) -> dict[str, Any]:
    """Return precision, recall and F1 of the joined pairs; 1 where there are none to get wrong.

    >>> table = Contingency.of(np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6]))
    >>> pairwise(table)["precision"], round(pairwise(table)["recall"], 3)
    (0.5, 0.333)
    """
    correct, true, predicted = map(pairs_of, (table.cell_size, table.true_size, table.predicted_size))
    precision, recall = correct / predicted if predicted else 1.0, correct / true if true else 1.0
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1(precision, recall),
        "true_pairs": true,
        "predicted_pairs": predicted,
        "correct_pairs": correct,
    }


def bcubed(table: Contingency) -> dict[str, float]:
    """Return B-cubed precision, recall and F1 (Bagga and Baldwin 1998): means over documents, not pairs.

    >>> table = Contingency.of(np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6]))
    >>> round(bcubed(table)["precision"], 3), round(bcubed(table)["recall"], 3)
    (0.75, 0.667)
    """
    n = max(1, len(table.true))
    square = table.cell_size.astype(np.float64) ** 2
    precision = float((square / table.predicted_size[table.cell_predicted]).sum() / n)
    recall = float((square / table.true_size[table.cell_true]).sum() / n)
    return {"precision": precision, "recall": recall, "f1": f1(precision, recall)}


def adjusted_rand(table: Contingency) -> float:
    """Return the adjusted Rand index (Hubert and Arabie 1985): 1 where both are the same, 0 as by chance.

    >>> adjusted_rand(Contingency.of(np.array([1, 1, 2, 2]), np.array([7, 7, 8, 8])))
    1.0
    """
    correct, true, predicted = map(pairs_of, (table.cell_size, table.true_size, table.predicted_size))
    total = pairs_of(np.array([len(table.true)]))
    by_chance = true * predicted / total if total else 0.0
    most = (true + predicted) / 2
    return (correct - by_chance) / (most - by_chance) if most != by_chance else 1.0


def pairs_by_value(
    of: NDArray[np.int64], size: NDArray[np.int64], value: NDArray[np.int64], n_values: int
) -> NDArray[np.int64]:
    """Return int64[n_values]: pairs within clusters in which a document of each value takes part.

    of int64[n] is the cluster of each document, size int64[n_clusters] how many it has, value int64[n]
    in 0..n_values - 1.  They are all pairs of a cluster, less those of its other documents.

    >>> of, value = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 1, 1])
    >>> pairs_by_value(of, np.array([3, 2]), value, 2).tolist()
    [2, 4]
    """
    keys, count = np.unique(of * n_values + value, return_counts=True)
    whole = size[keys // n_values]
    rest = whole - count
    out = np.zeros(n_values, np.int64)
    np.add.at(out, keys % n_values, (whole * (whole - 1) - rest * (rest - 1)) // 2)
    return out


def linked(table: Contingency) -> NDArray[np.float64]:
    """float64[n]: the share of a document's true mates that are in its predicted cluster; 0 without."""
    mates = table.true_size[table.true] - 1
    together = table.cell_size[table.cell] - 1.0
    return np.divide(together, mates, out=np.zeros(len(mates)), where=mates > 0)


def originals(table: Contingency, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return int64[n_true]: the predicted cluster that stands for each true one.

    That of its marked document (bool[n]); else the one that holds most of it, if that is more than one
    document; else -1.
    """
    out = np.full(len(table.true_size), -1, np.int64)
    order = np.lexsort((-table.cell_predicted, table.cell_size))  # of equal ones the first is written last
    order = order[table.cell_size[order] > 1]
    out[table.cell_true[order]] = table.cell_predicted[order]
    out[table.true[marked]] = table.predicted[marked]
    return out


def in_mixed(table: Contingency) -> NDArray[np.bool_]:
    """Return bool[n]: documents in a predicted cluster that holds more than one true cluster."""
    return np.bincount(table.cell_predicted, minlength=len(table.predicted_size))[table.predicted] > 1
