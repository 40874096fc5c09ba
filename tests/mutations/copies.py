"""Copies of the project, faults in them, and what the tests say of those.

numba keeps the code of a kernel beside its file, under the time and the size of that file.  A copy keeps
both, so a kernel that is as it was is not compiled again.  What a kernel takes from other files is compiled
into it, so in a copy with a fault the code of every kernel that imports the faulty file, at first or second
hand, is thrown away; it is compiled before the clock of the tests starts, and that time is told apart.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from dedup.core.compiled.sources import reached_from

from .faults import Fault

ROOT = Path(__file__).parents[2]
COPIED = ("dedup", "tests", "samples", "docs", "README.md", "CHANGELOG.md", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns(".hypothesis", "found")
LIMIT = 120  # seconds of test time for each fault
COMPILE = "from dedup.pipeline.warm_up import warm_up; warm_up(lambda: None, again=True, passages=True)"


class Outdated(Exception):
    """A row of the table does not fit the code any more."""


@dataclass(frozen=True)
class Outcome:
    """What the tests said of a fault: the first test that failed, or why there is none."""

    fault: Fault
    caught_by: str  # "tests/test_x.py::test_y", "" where none failed
    why: str  # that none failed
    seconds: float  # of the tests
    compiling: float  # seconds before


def copy_of(source: Path, target: Path) -> Path:
    """A copy of the project, with the compiled kernels; times of files stay."""
    for name in COPIED:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=LEFT_OUT)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    return target


def changed(text: str, fault: Fault) -> str:
    """The text of the file of a fault -> the same with the fault in it; raises Outdated."""
    n = text.count(fault.before)
    if n != 1:
        raise Outdated(
            f"{fault.name}: {fault.before!r} stands {n} times in {fault.file}, not once; "
            "say in tests/mutations/faults.py where the fault is now"
        )
    return text.replace(fault.before, fault.after)


def put_in(fault: Fault, copy: Path) -> bool:
    """Put a fault into a copy -> whether kernels must be compiled anew."""
    path = copy / fault.file
    path.write_text(changed(path.read_text(), fault))
    kernels = [*copy.glob("dedup/*/kernels/*.py"), *copy.glob("dedup/core/components.py")]
    stale = [p for p in kernels if path in reached_from(p)]
    for code in [code for p in stale for code in (p.parent / "__pycache__").glob(f"{p.stem}.*.nb[ic]")]:
        code.unlink()
    return bool(stale)


def compile_kernels(copy: Path) -> float:
    """Compile what is not compiled -> seconds."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", COMPILE], cwd=copy, env=_environment(copy), check=True)
    return time.monotonic() - began


def tried(fault: Fault, clean: Path, scratch: Path) -> Outcome:
    """A fault -> what its tests say of a copy that has it."""
    copy = copy_of(clean, scratch / "copy")
    try:
        compiling = compile_kernels(copy) if put_in(fault, copy) else 0.0
        began = time.monotonic()
        caught_by, why = first_failure(copy, [f"tests/{t}" for t in fault.tests], LIMIT)
        return Outcome(fault, caught_by, why, time.monotonic() - began, compiling)
    except subprocess.CalledProcessError:
        return Outcome(fault, "", "the kernels do not compile with it", 0.0, 0.0)
    finally:
        shutil.rmtree(copy)


def first_failure(copy: Path, tests: list[str], limit: float) -> tuple[str, str]:
    """Run tests in a copy -> (the first that fails, ""), or ("", why there is none)."""
    plugins = ["-p", "no:cacheprovider", "-p", "tests.mutations.quick"]
    command = [sys.executable, "-m", "pytest", "-x", *plugins, *tests]
    try:
        done = subprocess.run(
            command, cwd=copy, env=_environment(copy), capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return "", f"no test failed in {limit:.0f} s"
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+?::\w+)", done.stdout, re.M)
    if done.returncode == 1 and failed:
        return failed[0], ""
    if done.returncode == 0:
        return "", "all tests passed"
    return "", f"the tests do not run: {(done.stderr or done.stdout).strip()[-300:]}"


def _environment(copy: Path) -> dict[str, str]:
    """The program is that of the copy, and so is the code of its kernels."""
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return {**kept, "PYTHONPATH": str(copy)}
