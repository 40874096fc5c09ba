"""What each command may load: a library that a command does not need would make each start slower."""

import json
import subprocess
import sys

import pytest

from ..conftest import SAMPLES

BY_PYARROW = {"cloudpickle", "pandas", "pytz", "dateutil", "six", "tzdata", "fsspec"}  # where they are there
TABLES = {"numpy", "pyarrow", "orjson"}
TERMINAL = {"rich"}
KERNELS = {"llvmlite", "rapidfuzz"}
READING = {"chardet", "selectolax"}
PAIR = "samples/clean/syrup.txt samples/clean/winter.txt"
MAY_LOAD = {
    "--help": set(),
    "--version": set(),
    "scan --help": set(),
    "export keep": TABLES,
    "export drop --format csv": TABLES,
    "export clusters --format parquet -o clusters.parquet": TABLES,
    "show": TABLES | TERMINAL,
    "compare .dedup .dedup": TABLES | TERMINAL,
    f"explain {PAIR}": TABLES | TERMINAL | KERNELS,
    "scan samples": TABLES | TERMINAL,
    "scan samples --checksum": TABLES | TERMINAL | KERNELS | READING,
    "decide --min-jaccard 0.6": TABLES | TERMINAL | KERNELS,
    "check samples/clean/winter.txt": TABLES | TERMINAL | KERNELS,
    "report -o page.html": TABLES | KERNELS | READING | {"jinja2", "markupsafe"},
}
LOADED = """
import atexit, json, sys
def show():
    names = {name.partition(".")[0] for name in sys.modules} - {"dedup", "click", "cython_runtime"}
    theirs = {n for n in names - sys.stdlib_module_names if not n.startswith("_") and "__mypyc" not in n}
    print(json.dumps(sorted(theirs)), file=sys.stderr)
atexit.register(show)
sys.argv[0] = "dedup"
from dedup.cli import main
main()
"""


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imports")
    (folder / "samples").symlink_to(SAMPLES)
    command = [sys.executable, "-m", "dedup", "scan", "samples", "-q"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("command", MAY_LOAD)
def test_a_command_loads_only_what_it_may(scanned, command):
    args = [sys.executable, "-c", LOADED, *command.split()]
    done = subprocess.run(args, cwd=scanned, capture_output=True, text=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    if "numba" in loaded and MAY_LOAD[command] >= KERNELS:
        pytest.skip("the machine code does not fit these sources: numba compiles the kernels")
    assert loaded - BY_PYARROW <= MAY_LOAD[command]
