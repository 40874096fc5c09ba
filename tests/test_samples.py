"""The whole output on samples/, held to a golden file.

After a change that is meant, write it anew: python -m tests.test_samples
"""

import re
import tempfile
from pathlib import Path

from .conftest import ROOT
from .faults.warm import Warm

GOLDEN = Path(__file__).with_name("samples.golden.txt")


def output(warm: Warm, folder: Path) -> str:
    """What the README's first commands and every list print for samples/."""
    run = ["--run", folder / "run"]
    commands = [
        ["scan", "samples/"],
        *(["export", w, "--format", "csv"] for w in ("keep", "drop", "clusters", "pairs", "set-aside")),
    ]
    parts = []
    for command in commands:
        done = warm(*command, *run, cwd=ROOT, environment={"COLUMNS": "100"})
        assert done.code == 0, done.err
        parts.append(f"$ dedup {' '.join(command)}\n{done.out}")
    text = "\n".join(parts).replace(f" --run {folder / 'run'}", "")
    return re.sub(r"; [\d.]+ s, .*/s", "; (time)", text)


def test_the_output_on_samples_is_the_golden_file(warm, tmp_path):
    assert output(warm, tmp_path) == GOLDEN.read_text()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        server = Warm()
        GOLDEN.write_text(output(server, Path(folder)))
        server.close()
