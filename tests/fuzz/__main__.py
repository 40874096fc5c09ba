"""python -m tests.fuzz TARGET --seconds N: run a target under atheris, guided by coverage.

What breaks a target is written to --artifacts as crash-*; put it into tests/fuzz/found/TARGET/ under
a name that says what it is.  Where atheris cannot be had, one line says so and the exit code is 0.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

WATCHED = ["dedup", "zipfile", "tarfile", "gzip", "json", "html"]
ROOT = Path(__file__).parents[2]
KERNELS = [p.relative_to(ROOT).with_suffix("") for p in (ROOT / "dedup").glob("*/kernels/*.py")]
NOT_WATCHED = [
    *("dedup.core.jit", "dedup.core.components", "dedup.pipeline.warm_up"),
    *(".".join(p.parts).removesuffix(".__init__") for p in KERNELS),
]  # numba reads bytecode


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    ask.add_argument("target", help="a target, or all")
    ask.add_argument("--seconds", type=int, default=60, help="for each target")
    ask.add_argument("--artifacts", default=".", help="where inputs are written that break the target")
    ask.add_argument("--corpus", help="folder that keeps what covers new code [a temporary one]")
    args = ask.parse_args()
    try:
        import atheris
    except ImportError:
        print(f"fuzzing {args.target}: skipped, no atheris for Python {sys.version.split()[0]} here")
        return 0
    with atheris.instrument_imports(include=WATCHED, exclude=NOT_WATCHED):
        from .seeds import seeds
        from .targets import TARGETS
    if args.target == "all":
        command = [sys.executable, "-m", "tests.fuzz", "--seconds", str(args.seconds)]
        command += ["--artifacts", args.artifacts]
        return max(subprocess.run([*command, target]).returncode for target in TARGETS)
    if args.target not in TARGETS:
        ask.error(f"there is no target {args.target!r}; they are {', '.join(TARGETS)}")
    corpus = Path(args.corpus or tempfile.mkdtemp(prefix="dedup-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in seeds(args.target).items():
        (corpus / name).write_bytes(data)
    Path(args.artifacts).mkdir(parents=True, exist_ok=True)
    flags = [f"-max_total_time={args.seconds}", "-max_len=4096", "-timeout=30", "-rss_limit_mb=3000"]
    flags += [f"-artifact_prefix={args.artifacts}/{args.target}-", "-print_final_stats=1", "-verbosity=1"]
    print(f"== fuzzing {args.target} for {args.seconds} s", flush=True)
    atheris.Setup([sys.argv[0], *flags, os.fspath(corpus)], TARGETS[args.target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
