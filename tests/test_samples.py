"""The whole output on samples/, held to a golden file.

After a change that is meant, write it anew: python -m tests.test_samples
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT

GOLDEN = Path(__file__).with_name("samples.golden.txt")


def output(tmp_path: Path) -> str:
    """What the README's first commands and every list print for samples/."""
    env = {**os.environ, "COLUMNS": "100"}
    run = ["--run", str(tmp_path / "run")]
    commands = [
        ["scan", "samples/"],
        *(["export", w, "--format", "csv"] for w in ("keep", "drop", "clusters", "pairs", "set-aside")),
    ]
    parts = []
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "dedup", *command, *run],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        parts.append(f"$ dedup {' '.join(command)}\n{done.stdout}")
    text = "\n".join(parts).replace(f" --run {tmp_path / 'run'}", "")
    return re.sub(r"; [\d.]+ s, .*/s", "; (time)", text)


def test_the_output_on_samples_is_the_golden_file(tmp_path):
    assert output(tmp_path) == GOLDEN.read_text()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(output(Path(folder)))
