"""python -m tests.mutations [NAME ...]: put faults into a copy of the program, and see that tests fail.

Exit code 1 where a fault lives on.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .copies import LIMIT, ROOT, Outcome, Outdated, changed, compile_kernels, copy_of, first_failure, tried
from .faults import FAULTS, Fault


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__.splitlines()[0])
    ask.add_argument("names", nargs="*", metavar="NAME", help="faults [all]")
    ask.add_argument("--random", type=int, metavar="N", help="so many of them, drawn by lot")
    ask.add_argument("--seed", default="1", help="of the lot, any text")
    ask.add_argument("--list", action="store_true", help="print the table of faults and do nothing")
    ask.add_argument(
        "--markdown", action="store_true", help="print what came out as docs/reliability.md has it"
    )
    args = ask.parse_args()
    known = {fault.name: fault for fault in FAULTS}
    for name in args.names:
        if name not in known:
            ask.error(f"there is no fault {name!r}; see: python -m tests.mutations --list")
    chosen = [known[name] for name in args.names] or list(FAULTS)
    if args.random is not None:
        chosen = random.Random(args.seed).sample(chosen, min(args.random, len(chosen)))
        print(f"{len(chosen)} of {len(FAULTS)} faults, by the seed {args.seed}")
    if args.list:
        for fault in chosen:
            print(f"{fault.name:<28}{fault.file:<36}{fault.why}")
        return 0
    try:
        for fault in FAULTS:
            changed((ROOT / fault.file).read_text(), fault)
    except Outdated as error:
        print(error)
        return 1
    with tempfile.TemporaryDirectory(prefix="dedup-mutations-") as scratch:
        return _shown(chosen, Path(scratch), args.markdown)


def _shown(chosen: list[Fault], scratch: Path, markdown: bool) -> int:
    """Try faults, print what the tests say -> the exit code."""
    clean = copy_of(ROOT, scratch / "clean")
    print(f"kernels as they are: ready after {compile_kernels(clean):.0f} s", flush=True)
    out = []
    for outcome in _outcomes(chosen, clean, scratch):
        out.append(outcome)
        caught = outcome.caught_by.removeprefix("tests/") or f"LIVES ON: {outcome.why}"
        times = f"{outcome.seconds:5.1f} s" + (f" + {outcome.compiling:.0f} s" if outcome.compiling else "")
        print(f"{outcome.fault.name:<28}{times:<16}{caught}", flush=True)
    if markdown:
        print("\n".join(_rows(out)))
    caught_by = sorted({o.caught_by for o in out if o.caught_by})
    wrong = first_failure(clean, caught_by, 5 * LIMIT) if caught_by else ("", "all tests passed")
    if wrong != ("", "all tests passed"):
        print(f"without any fault, too, there fails: {' '.join(wrong)}")
        return 1
    n = sum(not o.caught_by for o in out)
    print(f"{len(out) - n} of {len(out)} faults are caught; those tests pass without them")
    return 1 if n else 0


def _outcomes(chosen: list[Fault], clean: Path, scratch: Path) -> Iterator[Outcome]:
    for fault in chosen:
        yield tried(fault, clean, scratch)


def _rows(outcomes: list[Outcome]) -> Iterator[str]:
    """The table in docs/reliability.md."""
    yield "| fault | in | what it would do | caught by | seconds |"
    yield "|---|---|---|---|---|"
    for o in outcomes:
        caught = f"`{o.caught_by.removeprefix('tests/')}`" if o.caught_by else "-"
        seconds = f"{o.seconds:.0f}" + (f" + {o.compiling:.0f}" if o.compiling else "")
        where = o.fault.file.removeprefix("dedup/")
        yield f"| {o.fault.name} | `{where}` | {o.fault.why} | {caught} | {seconds} |"


if __name__ == "__main__":
    sys.exit(main())
