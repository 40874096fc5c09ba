"""What a scan costs where a corpus is mostly one thing: copies of a page, pages in a frame, one huge text.

    python benchmarks/skew.py [--docs 100000] [--huge 500] [--only frame] [--work DIR] [--out table.md]

    copies     --docs copies of one page, each with another line at its end
    frame      --docs pages of a text each in one and the same frame, twice as long as the text
    huge       one document of --huge MB, the same in lower case, and 1,000 documents, of which it holds 10
    plain      --docs documents that have nothing to do with each other, for comparison

Medians make little sense here; each is run once.  Linux only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import measure
import numpy as np
from make_corpus import Made, joined
from run import machine, program


def copies(pool: Made, docs: int, _: int) -> Iterator[str]:
    """One page with a line more."""
    page = joined(pool.sentences(30))
    for i in range(docs):
        yield f"{page}\n\nSeen {i} times. {' '.join(pool.words(3))}"


def frame(pool: Made, docs: int, _: int) -> Iterator[str]:
    """Pages in one frame."""
    above, below = joined(pool.sentences(15)), joined(pool.sentences(15))
    for _i in range(docs):
        yield f"{above}\n\n{joined(pool.sentences(15))}\n\n{below}"


def plain(pool: Made, docs: int, _: int) -> Iterator[str]:
    """Documents of their own."""
    for _i in range(docs):
        yield joined(pool.sentences(30))


def huge(pool: Made, _: int, megabytes: int) -> Iterator[str]:
    """A document that is a library, and small ones."""
    small = [joined(pool.sentences(30)) for _i in range(1000)]
    text, n = small[:10], 0
    while n < megabytes * 1_000_000:
        text.append(joined(pool.sentences(20_000)))
        n += len(text[-1])
    whole = "\n\n".join(text)
    yield whole
    yield whole.lower()
    yield from small


KINDS = {"plain": plain, "copies": copies, "frame": frame, "huge": huge}


def main() -> None:
    """Print a Markdown table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--docs", type=int, default=100_000)
    p.add_argument("--huge", type=int, default=500, help="megabytes")
    p.add_argument("--only", choices=KINDS, action="append", help="one of them; may be given again")
    p.add_argument("--work", type=Path, default=Path("/tmp/dedup-bench"))
    p.add_argument("--out", type=Path, help="file for the table")
    a = p.parse_args()
    work = a.work.resolve()
    dedup = program("dedup", work)
    if dedup.failure:
        raise SystemExit(f"dedup {dedup.failure}")
    lines = [
        f"{machine()}; dedup {dedup.version}.",
        "",
        "| corpus | documents | MB | wall s | CPU s | peak MB | kept | dropped |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in a.only or KINDS:
        make = KINDS[name]
        folder, run = work / "skew", work / "skew-run"
        for old in (folder, run):
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(parents=True)
        with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as f:
            for i, text in enumerate(make(Made(np.random.default_rng(1)), a.docs, a.huge)):
                f.write(json.dumps({"id": i, "text": text}, ensure_ascii=False) + "\n")
        size = (folder / f"{name}.jsonl").stat().st_size
        line = [*dedup.command[:3], "scan", str(folder), "--run", str(run), "-q"]
        line += ["--max-document-size", f"{2 * a.huge}MB"] if make is huge else []
        usage = measure.run(line, work / "skew.log", dedup.env, work, 86400)
        if usage.failure:
            raise SystemExit(f"{name}: {usage.failure}")
        seen = json.loads((run / "run.json").read_text())["documents"]
        cells = [name, f"{seen['seen']:,}", f"{size / 1e6:,.0f}", f"{usage.wall:.1f}", f"{usage.cpu:.1f}"]
        cells += [f"{usage.peak / 1e6:,.0f}", f"{seen['kept']:,}", f"{seen['dropped']:,}"]
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], file=sys.stderr)
    shutil.rmtree(work / "skew", ignore_errors=True)
    measure.tell("\n".join(lines) + "\n", a.out)


if __name__ == "__main__":
    main()
