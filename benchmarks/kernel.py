"""The compiled pass alone: MB/s of UTF-8 on one core, by language, beside sha256 of the same bytes.

By processor time, so that other work on the machine disturbs little.  The ratio is the median of rounds.

python benchmarks/kernel.py [--pool DIR] [--megabytes 40] [--rounds 5] [--sample 512]
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from dedup.core.settings import Settings
from dedup.pipeline import warm_up
from dedup.pipeline.ingest import WINDOW
from dedup.readers.base import CHUNK_BYTES
from dedup.text import kernels as text_kernels
from dedup.text import minhash
from dedup.text.normalize import letter_table

POOL = Path(__file__).parents[2] / "shared" / "data" / "variants" / "docs"
SCRIPTS = {"English": (0x20, 0x7F), "Russian": (0x400, 0x500), "Chinese": (0x4E00, 0xA000)}


def texts_in(pool: Path, low: int, high: int) -> list[bytes]:
    """The UTF-8 files of the pool that are mostly written in code points low..high."""
    out = []
    for path in sorted(pool.glob("*.txt")):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if text and sum(low <= ord(c) < high for c in text) > 0.6 * len(text):
            out.append(text.encode())
    return out


def main() -> None:
    """Print a Markdown table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pool", type=Path, default=POOL)
    p.add_argument("--megabytes", type=int, default=40)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--sample", type=int, default=Settings().sample)
    a = p.parse_args()
    s = Settings()
    n_blocks = 1 + a.megabytes * 1_000_000 // CHUNK_BYTES  # as large as a scan takes them
    permutations = minhash.permutations(s.num_perm, s.seed)
    warm_up.warm_up(lambda: None)
    print(
        "| text | documents | the pass MB/s | sha256sum MB/s | hashlib sha256 MB/s | pass / sha256sum |\n"
        "|---|---|---|---|---|---|"
    )
    for name, (low, high) in SCRIPTS.items():
        some = texts_in(a.pool, low, high)
        texts = some * (1 + a.megabytes * 1_000_000 // sum(map(len, some)))
        buffer, _ = text_kernels.joined(texts)
        blocks = [text_kernels.joined(texts[i::n_blocks]) for i in range(n_blocks)]
        speeds = []
        with tempfile.NamedTemporaryFile() as f:
            f.write(buffer.tobytes())
            f.flush()
            for _ in range(a.rounds):
                t0 = time.thread_time()
                for block in blocks:
                    text_kernels.sign_texts(*block, letter_table(), s.k, WINDOW, *permutations, a.sample)
                t1 = time.thread_time()
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run(["sha256sum", f.name], check=True, capture_output=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                child = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                t2 = time.thread_time()
                hashlib.sha256(buffer).digest()
                t3 = time.thread_time()
                speeds.append([len(buffer) / 1e6 / t for t in (t1 - t0, child, t3 - t2)])
        medians = [statistics.median(column) for column in zip(*speeds, strict=True)]
        ratio = statistics.median(row[0] / row[1] for row in speeds)
        print(f"| {name} | {len(texts):,} | " + " | ".join(f"{m:.0f}" for m in medians) + f" | {ratio:.2f} |")


if __name__ == "__main__":
    main()
