"""Passages planted in documents that otherwise differ: which are found, where, and how fast.

    python benchmarks/passages.py [--docs 100000] [--passages 20000] [--min-passage 200] [--seed 1]

The documents are those of make_corpus.py, without duplicates, but a page frame stands in one of eight.  Each
planted passage is 50 to 5,000 characters of other such text, copied into 2 documents or more: half of them
into 2, a few into 1,000, one into a tenth of all.  One copy in ten has a word in its middle changed.  Casing
and line ends of copies vary.

Printed are: of the unchanged copies of passages that are long enough, how many no row covers, and how many
are covered by rows that begin or end elsewhere and have other copies, too; of all rows, how many differ from
the copy that stays; and the seconds of the scan and of the search, with the peak of memory.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import dedup
from dedup.pipeline.passages import RunPassages, find_passages
from dedup.runs.reading import blocks_of, read_texts
from dedup.text.kernels import joined, letters_of_texts
from dedup.text.normalize import letter_table

HERE = Path(__file__).parent
Copy = tuple[int, int, int, int]  # passage, document, first letter, the one after its last


def texts_of(folder: Path, docs: int, seed: int) -> list[str]:
    """Make documents without duplicates."""
    command = [
        sys.executable,
        HERE / "make_corpus.py",
        folder,
        f"--docs={docs}",
        "--dups=0",
        f"--seed={seed}",
    ]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    lines = (folder / "part-00000.jsonl").read_text().splitlines()
    return [json.loads(line)["text"] for line in lines]


def n_letters(texts: list[str]) -> list[int]:
    """Count the letters of texts."""
    found = letters_of_texts(*joined([text.encode() for text in texts]), letter_table())[1]
    return np.diff(found).tolist()


def dressed(text: str, rng: random.Random) -> str:
    """Write a text otherwise, with the same letters."""
    return rng.choice(
        [str, str.upper, str.lower, lambda t: t.replace(" ", "\n", 40), lambda t: t.replace(",", " ,")]
    )(text)


def copies_of(number: int, n_docs: int, rng: random.Random) -> int:
    """Return into how many documents a passage goes."""
    if number == 0:
        return max(2, n_docs // 10)
    if number % 2000 == 1:
        return max(2, n_docs // 100)
    return 2 if rng.random() < 0.5 else rng.randint(3, 12)


def planted(docs: list[str], others: list[str], n: int, seed: int) -> tuple[list[str], list[Copy]]:
    """Put passages between the paragraphs of documents -> the documents, the unchanged copies."""
    rng = random.Random(seed)
    pool, at = " ".join(others), 0
    inserts: list[list[tuple[int, str, bool]]] = [[] for _ in docs]
    for number in range(n):
        copies = copies_of(number, len(docs), rng)
        size = int(50 * 100 ** rng.random()) if copies < 100 else rng.randint(300, 800)
        text, at = pool[at : at + size].strip(), at + size
        for doc in rng.sample(range(len(docs)), copies):
            changed = rng.random() < 0.1
            mine = text[: size // 2] + f" {rng.randrange(10**9)} " + text[size // 2 :] if changed else text
            inserts[doc].append((number, dressed(mine, rng), changed))
    out, truth = [], []
    for doc, text in enumerate(docs):
        parts = text.split("\n\n")
        pieces: list[tuple[int, str, bool]] = []
        for number, piece, changed in inserts[doc]:
            pieces.insert(rng.randint(0, len(pieces)), (number, piece, changed))
        gaps = sorted(rng.randint(0, len(parts)) for _ in pieces)
        whole: list[str] = []
        marks: list[tuple[int, int]] = []  # which part, which passage
        for i in range(len(parts) + 1):
            for place, (number, piece, changed) in zip(gaps, pieces, strict=True):
                if place == i:
                    if not changed:
                        marks.append((len(whole), number))
                    whole.append(piece)
            whole += parts[i : i + 1]
        ends = np.cumsum([0, *n_letters(whole)]).tolist()
        truth += [(number, doc, ends[i], ends[i + 1]) for i, number in marks]
        out.append("\n\n".join(whole))
    return out, truth


def missed(found: RunPassages, truth: list[Copy]) -> tuple[int, int]:
    """Count the copies, in pairs of a passage, that no passage covers; and those that one covers not exactly.

    It is not exact where it goes beyond the planted stretch, though its copies are not only planted ones.
    """
    p = found.passages
    rows: dict[int, list[tuple[int, int, int]]] = {}
    for row, doc in enumerate(p.doc.tolist()):
        rows.setdefault(doc, []).append((int(p.start[row]), int(p.end[row]), row))
    copies = p.copies.tolist()
    numbers = p.passage.tolist()
    n_copies: dict[int, int] = {}
    for number, *_ in truth:
        n_copies[number] = n_copies.get(number, 0) + 1
    lacking = inexact = 0
    for number, doc, start, end in truth:
        if end - start < found.least or n_copies[number] < 2:
            continue
        over = [(s, e, row) for s, e, row in rows.get(doc, []) if s <= start and end <= e]
        lacking += not over
        exact = any((s, e) == (start, end) or copies[numbers[row]] <= n_copies[number] for s, e, row in over)
        inexact += bool(over) and not exact
    return lacking, inexact


def false_rows(found: RunPassages) -> int:
    """Count the copies whose letters are not those of the copy that stays."""
    p, run = found.passages, found.run
    stays = np.repeat(found.stays, p.copies)
    docs = np.unique(p.doc)
    hashes = np.zeros(len(p.doc), np.int64)
    order = np.argsort(p.doc, kind="stable")
    for block in blocks_of(run.documents.n_bytes, docs):
        texts = [got[1] if got else b"" for got in read_texts(run, block)]
        letters, indptr = letters_of_texts(*joined(texts), letter_table())
        first, last = np.searchsorted(p.doc[order], [block[0], block[-1] + 1])
        for row in order[first:last].tolist():
            base = int(indptr[np.searchsorted(block, p.doc[row])])
            hashes[row] = hash(letters[base + int(p.start[row]) : base + int(p.end[row])].tobytes())
    return int((hashes != hashes[stays]).sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--docs", type=int, default=100_000)
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--min-passage", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        docs = texts_of(folder / "docs", given.docs, given.seed)
        others = texts_of(folder / "others", max(1000, given.docs // 4), given.seed + 1)
        texts, truth = planted(docs, others, given.passages, given.seed)
        corpus = folder / "corpus.jsonl"
        corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        size = corpus.stat().st_size
        del docs, others, texts
        began = time.perf_counter()
        run = dedup.scan(corpus, run=folder / "run")
        scanned = time.perf_counter()
        found = find_passages(run, given.min_passage, every=True)
        ended = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        long = [t for t in truth if t[3] - t[2] >= given.min_passage]
        lacking, inexact = missed(found, truth)
        print(f"{given.docs:,} documents, {size / 1e6:,.0f} MB, {given.passages:,} passages planted")
        print(
            f"unchanged copies of {given.min_passage} letters or more: {len(long):,}; not found {lacking}; ",
            end="",
        )
        print(f"not exact {inexact}")
        print(f"{len(found.passages):,} passages, {len(found.passages.doc):,} copies; ", end="")
        print(f"false {false_rows(found)}")
        took = ended - scanned
        rate = size / 1e6 / took
        print(f"scan {scanned - began:.1f} s; passages {took:.1f} s, {rate:.0f} MB/s; peak {peak:,.0f} MB")


if __name__ == "__main__":
    main()
