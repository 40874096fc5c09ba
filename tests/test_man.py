"""The man pages are made of the help of each command, and `man` can show them."""

import importlib.util
import shutil
import subprocess

import pytest

from .conftest import ROOT

MAN = ROOT / "docs" / "man"


def test_the_man_pages_are_what_the_program_says():
    spec = importlib.util.spec_from_file_location("make_man", ROOT / "docs" / "make_man.py")
    make_man = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_man)
    there = {path.name: path.read_text("utf-8") for path in MAN.glob("*.1")}
    assert there == make_man.pages(), "run: python docs/make_man.py"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_pages_are_sound_and_keep_the_lines_of_examples():
    for path in MAN.glob("*.1"):
        shown = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", path], capture_output=True, text=True, check=True, timeout=60
        )
        assert shown.stderr == "", path.name
    shown = subprocess.run(
        ["groff", "-man", "-Tascii", MAN / "dedup-show.1"], capture_output=True, text=True, check=True
    )
    assert "dedup show 3\n" in shown.stdout
