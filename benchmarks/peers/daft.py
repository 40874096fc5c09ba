"""Daft's MinHash recipe (docs/examples/minhash-dedupe.md in its repository), from the texts on.

Its parameters: normalized text, words in fives, 64 hashes of xxhash, 8 bands of 8 (threshold 0.7); buckets
become edges to their smallest document, components come from alternating stars, then from labels handed on
until nothing changes.  Pairs: the documents of one component.  Removed: all but its first document.
"""
# /// script
# dependencies = ["daft==0.7.26"]
# ///

import sys

import daft
from daft import DataFrame, col
from daft.functions import chunk, columns_max, columns_min, minhash, monotonically_increasing_id, normalize

BANDS, ROWS = 8, 8


@daft.func()
def places(bands: list[list[int]]) -> list[int]:
    """The number of each band."""
    return list(range(len(bands)))


def edges_of(docs: DataFrame) -> DataFrame:
    """Documents (node, text) -> edges (u, v) between documents that share a band."""
    plain = normalize(col("text"), remove_punct=True, lowercase=True, nfd_unicode=True, white_space=True)
    hashes = minhash(plain, num_hashes=BANDS * ROWS, ngram_size=5, seed=42, hash_function="xxhash")
    bands = docs.select("node", hashes.alias("hashes")).select(
        "node", chunk(col("hashes"), ROWS).alias("band")
    )
    buckets = (
        bands.with_column("place", places(col("band")))
        .explode("band", "place")
        .groupby("place", "band")
        .agg(col("node").list_agg().alias("v"))
        .with_column("u", col("v").list_min())
    )
    return buckets.explode("v").select("u", "v").where(col("u") != col("v")).distinct().collect()


def both_ways(edges: DataFrame) -> DataFrame:
    """Each edge from either end."""
    return edges.select("u", "v").union_all(edges.select(col("v").alias("u"), col("u").alias("v")))


def large_star(edges: DataFrame) -> DataFrame:
    """Join each document's larger neighbours to its smallest."""
    around = (
        both_ways(edges).groupby("u").agg(col("v").list_agg().alias("all"), col("v").min().alias("least"))
    )
    larger = (
        around.with_column("m", columns_min(col("u"), col("least")))
        .explode("all")
        .where(col("all") > col("u"))
    )
    return (
        larger.select(col("all").alias("u"), col("m").alias("v"))
        .where(col("u") != col("v"))
        .distinct()
        .collect()
    )


def small_star(edges: DataFrame) -> DataFrame:
    """Turn each edge from the larger document to the smaller."""
    low, high = columns_min(col("u"), col("v")), columns_max(col("u"), col("v"))
    return edges.select(high.alias("u"), low.alias("v")).where(col("u") != col("v")).distinct().collect()


def rows_of(table: DataFrame, *names: str) -> set[tuple[int, ...]]:
    """The rows as a set, to see whether anything changed."""
    columns = table.to_pydict()
    return set(zip(*(columns[n] for n in names), strict=True))


def components(edges: DataFrame) -> DataFrame:
    """Edges -> (u, label), the smallest document of its component for every document with an edge."""
    before = rows_of(edges := small_star(edges), "u", "v")
    while True:
        edges = small_star(large_star(edges))
        after = rows_of(edges, "u", "v")
        if after == before:
            break
        before = after
    around = both_ways(edges).collect()
    labels = around.groupby("u").agg(col("v").min().alias("v"))
    labels = labels.select("u", columns_min(col("u"), col("v")).alias("label")).collect()
    before = rows_of(labels, "u", "label")
    while True:
        near = around.join(labels.select(col("u").alias("v"), "label"), on="v")
        near = near.groupby("u").agg(col("label").min().alias("near"))
        least = columns_min(col("label"), col("near"))
        labels = labels.join(near, on="u").select("u", least.alias("label")).collect()
        after = rows_of(labels, "u", "label")
        if after == before:
            return labels
        before = after


def main(corpus: str, out: str) -> None:
    """Write the kept documents, and the table of components."""
    docs = daft.read_json(corpus).with_column("node", monotonically_increasing_id()).collect()
    labels = components(edges_of(docs))
    found = docs.join(labels, left_on="node", right_on="u", how="left")
    kept = found.where(col("label").is_null() | (col("label") == col("node"))).select("id", "text")
    kept.write_parquet(f"{out}/kept")
    found.where(col("label").not_null()).select("id", "node", "label").write_parquet(f"{out}/components")


def result(out: str) -> None:
    """Print id, cluster, kept of the documents that are not alone."""
    rows = daft.read_parquet(f"{out}/components/*.parquet").to_pydict()
    for name, node, label in zip(rows["id"], rows["node"], rows["label"], strict=True):
        print(f"{name},{label},{int(node == label)}")


if __name__ == "__main__":
    mode, corpus, out = sys.argv[1:4]
    if mode == "scan":
        main(corpus, out)
    else:
        result(out)
