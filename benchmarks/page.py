"""The page of a large run: its size, how long it takes to write, and how soon it opens.

    python benchmarks/page.py --docs 1000000          a run made of synthetic arrays and texts
    python benchmarks/page.py --run .dedup            a run that is there, with its texts

Opening is timed in a headless Chromium (playwright) where there is one: until the list of clusters is
shown; and the first search, which looks at every name.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from dedup.core.documents import Documents, Source
from dedup.core.features import Spans
from dedup.core.pairs import VerifiedPairs
from dedup.core.settings import Settings
from dedup.core.verdicts import CONTAINED, KEPT, NEAR, Verdict
from dedup.reports.page import PageLimits, page
from dedup.runs.opening import open_run
from dedup.runs.run import Run


def pool(rng: np.random.Generator) -> list[list[bytes]]:
    """500 texts of 600 words, each with 7 variants in which one word of twenty is another."""
    words = np.array(["".join(w) for w in rng.choice(list("aeioubcdfglmnprst"), (5000, 6))])
    out = []
    for _ in range(500):
        text = rng.choice(words, 600)
        variants = [
            np.where(rng.random(600) < 0.05 * (v > 0), rng.choice(words, 600), text) for v in range(8)
        ]
        out.append([" ".join(v).encode() for v in variants])
    return out


def synthetic(n: int, largest: int = 9, seed: int = 1) -> Run:
    """n files of 100 folders; six of ten stand in clusters of 2 to `largest` documents."""
    rng = np.random.default_rng(seed)
    sources = [
        Source(b"corpus/part-%02d/%08x-article.txt" % (i % 100, i * 2654435761 % 2**32), "text", "", 4000, 0)
        for i in range(n)
    ]
    zero = np.zeros(n, np.int64)
    documents = Documents(
        source=np.arange(n, dtype=np.int32),
        n_bytes=rng.integers(500, 20_000, n),
        n_letters=rng.integers(400, 16_000, n),
        letters_hash=np.zeros((n, 2), np.uint64),
        status=np.zeros(n, np.int8),
        encoding=["utf-8"] * n,
        written=[b""] * n,
        **dict.fromkeys(("record", "offset", "n_upper", "n_marks", "n_bones"), zero),
        **dict.fromkeys(("id", "note", "fields", "repairs"), [""] * n),
    )
    order = rng.permutation(n)[: int(n * 0.6)]
    sizes = rng.integers(2, largest + 1, len(order))
    ends = np.cumsum(sizes)
    label = np.searchsorted(ends, np.arange(len(order)), "right")
    witness = np.arange(n, dtype=np.int32)
    first = np.full(label.max() + 1, n, np.int64)
    np.minimum.at(first, label, order)
    witness[order] = first[label]
    dropped = witness != np.arange(n)
    jaccard = np.where(dropped, rng.uniform(0.5, 1, n), 1.0)
    contained = dropped & (rng.random(n) < 0.4)
    containment = np.where(dropped, np.maximum(jaccard, rng.uniform(0.8, 1, n)), 1.0)
    relation = np.where(contained, CONTAINED, np.where(dropped, NEAR, KEPT)).astype(np.int8)
    size = np.where(dropped, rng.integers(400, 16_000, n), 0)
    shared = np.full(n, np.nan)
    verdict = Verdict(
        *(witness, witness, witness, relation, jaccard, containment, jaccard, containment),
        *(shared, size, 2 * size, ["fullest"] * n),
    )
    at = np.flatnonzero(dropped)
    docs = np.stack([witness[at], at], axis=1).astype(np.int32)
    union = size[at]
    overlap = (jaccard[at] * union).astype(np.int64)
    three = np.stack([overlap, union, overlap], axis=1)
    pairs = VerifiedPairs(docs, overlap, union, overlap, np.zeros_like(three), three, np.ones(len(at)))
    summary = {"version": "0", "settings": Settings().deciding(), "skipped": {}}
    bodies = pool(rng)
    texts = [bodies[w % 500][i % 7 + 1 if i != w else 0] for i, w in enumerate(witness.tolist())]
    return Run(
        *(sources, [("", "")] * n, documents, pairs, relation[at], verdict, Spans.none(n), summary),
        texts=texts,
    )


def opened(path: Path, times: int = 5) -> tuple[float, float]:
    """A page -> seconds until its list of clusters is shown, and until a search has ended; medians."""
    from docs.pictures import browser

    seconds, searches = [], []
    with browser() as chromium:
        for _ in range(times):
            tab = chromium.new_page()
            start = time.perf_counter()
            tab.goto(path.as_uri())
            tab.wait_for_selector("#list tbody tr")
            seconds.append(time.perf_counter() - start)
            start = time.perf_counter()
            tab.fill("#q", "no such document")
            tab.wait_for_selector("#list", state="hidden")
            searches.append(time.perf_counter() - start)
            tab.close()
    return statistics.median(seconds), statistics.median(searches)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--docs", type=int, default=1_000_000)
    arguments.add_argument("--largest", type=int, default=9, help="documents of the largest cluster")
    arguments.add_argument("--run", type=Path)
    arguments.add_argument("-o", "--output", type=Path)
    given = arguments.parse_args()
    run = open_run(given.run) if given.run else synthetic(given.docs, given.largest)
    start = time.process_time()
    made = page(run, PageLimits())
    seconds = time.process_time() - start
    path = given.output or Path(tempfile.gettempdir()) / f"dedup-page-{os.getpid()}.html"
    path.write_bytes(made.html)
    print(
        f"{len(run.documents):,} documents: {made.clusters:,} of {run.cluster_ids.max():,} clusters, ", end=""
    )
    print(
        f"{made.pairs:,} pairs side by side; {len(made.html) / 1e6:.1f} MB, written in {seconds:.1f} s of CPU"
    )
    try:
        print("opened in {:.2f} s, searched in {:.2f} s".format(*opened(path.resolve())))
    except ImportError as error:
        print(f"not opened: {error}")
    if not given.output:
        path.unlink()


if __name__ == "__main__":
    main()
