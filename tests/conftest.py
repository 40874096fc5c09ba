"""What the tests share: a folder to make files in, a way to run the command line, the brute force."""

from __future__ import annotations

import json
import os
import signal
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import settings

from dedup import cli
from dedup.text.normalize import letters
from dedup.text.skeleton import skeleton_hashes

from . import examples
from .faults.warm import Warm

for name, most in (("quick", 20), ("thorough", 100)):
    settings.register_profile(name, deadline=None, max_examples=most)  # compiling is no slow example

# NOTE: a shell starts what it puts into the background deaf to SIGINT, and children inherit that
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
VARIANTS = ROOT.parent / "shared" / "data" / "variants"

needs_variants = pytest.mark.skipif(
    not VARIANTS.is_dir(), reason="the labelled set is not beside this checkout (../shared/data/variants)"
)


def asks_for_slow(config) -> bool:
    """Tell whether slow tests are asked for: `-m slow`, or `-m "slow and not heavy"`."""
    return config.option.markexpr.split(" and ")[0] == "slow"


def pytest_configure(config):
    if config.pluginmanager.hasplugin("tests.mutations.quick"):  # it has a profile of its own
        examples.thorough = True
        return
    examples.thorough = asks_for_slow(config)
    settings.load_profile("thorough" if examples.thorough else "quick")


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(config, items):
    """With -m slow, every property test is run, with all its examples."""
    for item in items:
        if asks_for_slow(config) and getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("slow")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at its options
def pytest_cmdline_main(config):
    """A run of all tests takes a process for each core, up to four; one of a few files takes none.

    -n 0 is none for all tests too; so are options that need the terminal.
    """
    o, cores = config.option, min(4, os.cpu_count() or 1)
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    alone = o.usepdb or o.capture == "no" or o.collectonly or hasattr(config, "workerinput")
    if everything and not alone and cores > 1 and getattr(o, "numprocesses", 0) is None:
        o.numprocesses, o.dist = cores, "worksteal"


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk():
    """fsync does nothing in this process: it is against a loss of power, which no test brings about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


class Outcome:
    """What a command wrote, and its exit code."""

    def __init__(self, code: int, stdout: bytes, stderr: str) -> None:
        self.code, self.bytes, self.stderr = code, stdout, stderr

    @property
    def stdout(self) -> str:
        return self.bytes.decode("utf-8", "surrogateescape")

    @property
    def told(self) -> list[str]:
        """The lines on stderr that say what is wrong; those of progress are left out."""
        return [line for line in self.stderr.splitlines() if line.startswith("dedup: ")]

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def jsonl(self):
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def run(capfdbinary, monkeypatch, tmp_path):
    """run("scan", "x") runs the command line in the test folder and expects exit code 0 unless told."""
    monkeypatch.chdir(tmp_path)

    def call(*args, code: int | None = 0) -> Outcome:
        capfdbinary.readouterr()
        monkeypatch.setattr("sys.argv", ["dedup", *map(str, args)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capfdbinary.readouterr()
        outcome = Outcome(int(stop.value.code or 0), out, err.decode("utf-8", "surrogateescape"))
        assert "Traceback" not in outcome.stderr
        if code is not None:
            assert outcome.code == code, outcome.stderr
        return outcome

    return call


@pytest.fixture(scope="session")
def warm():
    """warm("scan", "in", cwd=folder, kill_after=0.1) runs a command in a forked child; see faults/warm.py."""
    server = Warm()
    yield server
    server.close()


@pytest.fixture
def files(tmp_path):
    """files({"a.txt": "..."}) writes files (text or bytes) below the test's folder."""

    def make(contents: dict[str, str | bytes]) -> Path:
        for name, content in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return make


@lru_cache(1024)
def shingle_set(text: str, k: int = 8) -> set[str]:
    """The definition, in the plainest words."""
    plain = letters(text)
    return {plain[i : i + k] for i in range(max(1, len(plain) - k + 1))} if plain else set()


def brute_force(left: str, right: str, k: int = 8) -> tuple[float, float]:
    """Two texts -> (Jaccard, containment: overlap / the smaller set) of their shingles."""
    a, b = shingle_set(left, k), shingle_set(right, k)
    return len(a & b) / len(a | b), len(a & b) / min(len(a), len(b))


def brute_force_skeleton(left: str, right: str) -> float:
    """Two texts -> Jaccard of their skeletons."""
    a, b = (set(skeleton_hashes(text).tolist()) for text in (left, right))
    return len(a & b) / max(1, len(a | b))


# so that what is alike by its shingles is one document, and all but one of a cluster go
ALIKE_ALONE = {"relations": "+form", "max_lost": 1.0}
ALIKE_OPTIONS = ("--relations", "+form", "--max-lost", "1")
POST = (
    "The ferry to the outer islands runs twice a day until the end of September. After that you need luck, "
    "a warm coat and the harbour master's telephone number, and she doesn't answer before nine. We'd packed "
    "for three days and stayed for eleven, because the wind wouldn't turn, and nobody who lives there "
    "thought that was worth remarking on."
)
OTHER = (
    "Slice the quinces thinly and don't peel them, since most of the scent sits in the skin. Cover them with "
    "water, simmer until they're soft, and let the pulp drip through a cloth overnight; squeezing it makes "
    "the jelly cloudy. In the morning weigh the juice and add three quarters of its weight in sugar."
)
