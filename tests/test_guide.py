"""Every console block of docs/guide.md is run, and prints what the guide shows.

After a wanted change of output, write it anew: python -m tests.test_guide
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from dedup.reports.progress import WORDS

from .conftest import ROOT, SAMPLES
from .faults.warm import Warm

GUIDE = ROOT / "docs" / "guide.md"
BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.M | re.S)
PROGRESS = re.compile(f"^(?:{'|'.join(WORDS.values())}): .*\n", re.M)
TIMES = re.compile(r"\d+\.\d+ s(, .*/s)?")


def transcript(block: str, warm: Warm, folder: Path) -> str:
    """Run the commands of a block, the lines that begin with `$ `, and return them with their outputs."""
    shown, code = [], 0
    for command in re.findall(r"^\$ (.*)", block, re.M):
        if command.startswith("dedup "):
            done = warm(*command.split()[1:], cwd=folder, environment={"COLUMNS": "100"})
            # at a terminal progress is a bar, which goes
            code, out = done.code, PROGRESS.sub("", done.err) + done.out
        else:
            shell = ["bash", "-c", f"(exit {code}); {command}"]
            out = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=True).stdout
        assert code in (0, 1), out
        shown += [f"$ {command}", *(line.rstrip() for line in out.splitlines())]
    return "\n".join(shown) + "\n"


def rewrite(guide: str, warm: Warm, folder: Path) -> str:
    """Return the guide with the outputs that its commands print in a folder."""
    shutil.copytree(SAMPLES, folder / "samples")
    return BLOCK.sub(lambda block: transcript(block[1], warm, folder), guide)


def test_the_commands_of_the_guide_print_what_it_shows(warm, tmp_path):
    guide = GUIDE.read_text()
    assert guide.count("\n$ dedup ") >= 10
    assert TIMES.sub("(time)", rewrite(guide, warm, tmp_path)) == TIMES.sub("(time)", guide)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        server = Warm()
        GUIDE.write_text(rewrite(GUIDE.read_text(), server, Path(name)))
        server.close()
