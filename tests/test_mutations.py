"""The table of faults fits the code and the documents; `python -m tests.mutations` tries them."""

import re

import pytest

from .conftest import ROOT
from .mutations.copies import Outdated, changed, copy_of, first_failure, put_in
from .mutations.faults import FAULTS, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_fault_changes_stands_once_and_is_tested(fault):
    text = (ROOT / fault.file).read_text()
    assert changed(text, fault) != text
    compile(changed(text, fault), fault.file, "exec")
    for test in fault.tests:
        assert (ROOT / "tests" / test).is_file()


def test_each_fault_has_a_name_of_its_own_and_a_row_in_the_document():
    text = (ROOT / "docs" / "reliability.md").read_text()
    rows = re.findall(r"^\| ([\w-]+) \| `([\w/.]+)` \| (.*?) \| `[\w/]+\.py::test_\w+` \|", text, re.M)
    assert rows == [(fault.name, fault.file.removeprefix("dedup/"), fault.why) for fault in FAULTS]
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("text", ["x = 1\n", "x = 2\nx = 2\n"])
def test_a_fault_that_does_not_fit_the_code_is_refused(text):
    with pytest.raises(Outdated, match="say in tests/mutations/faults.py"):
        changed(text, Fault("a", "a.py", "x = 2", "x = 3", "", ()))


def project(folder):
    """A small project in a folder, with one test that bites and one that does not."""
    for name in ("dedup/text/kernels", "tests/mutations", "samples", "docs"):
        (folder / name).mkdir(parents=True)
    for name in ("README.md", "CHANGELOG.md", "tests/__init__.py", "tests/mutations/__init__.py"):
        (folder / name).touch()
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (folder / "dedup/__init__.py").write_text("")
    (folder / "dedup/line.py").write_text("def over(x):\n    return x >= 5\n")
    (folder / "dedup/far.py").write_text("X = 1\n")
    (folder / "dedup/text/kernels/k.py").write_text("from ...line import over\n")
    (folder / "dedup/text/kernels/other.py").write_text("import math\n")
    (folder / "dedup/text/kernels/__pycache__").mkdir()
    for name in ("k.f-1.py311.nbi", "k.f-1.py311.1.nbc", "other.f-1.py311.nbi"):
        (folder / "dedup/text/kernels/__pycache__" / name).touch()
    (folder / "tests/mutations/quick.py").write_text("")
    test = "from dedup.line import over\n\n\ndef test_{}():\n    assert over({})\n"
    (folder / "tests/test_bites.py").write_text(test.format("five_is_over_the_line", 5))
    (folder / "tests/test_sleeps.py").write_text(test.format("six_is_over_the_line", 6))
    return folder


@pytest.mark.slow
def test_a_fault_is_caught_by_the_test_that_fails_and_lives_on_where_none_does(tmp_path):
    clean = project(tmp_path / "clean")
    fault = Fault("line", "dedup/line.py", "x >= 5", "x > 5", "", ())
    copy = copy_of(clean, tmp_path / "copy")
    put_in(fault, copy)
    caught = first_failure(copy, ["tests/test_sleeps.py", "tests/test_bites.py"], 60)
    assert caught == ("tests/test_bites.py::test_five_is_over_the_line", "")
    assert first_failure(copy, ["tests/test_sleeps.py"], 60) == ("", "all tests passed")
    assert first_failure(clean, ["tests/test_bites.py"], 60) == ("", "all tests passed")
    caught_by, why = first_failure(copy, ["tests/test_none.py"], 60)
    assert (caught_by, why[:22]) == ("", "the tests do not run: ")


def test_only_kernels_that_take_something_from_a_faulty_file_lose_their_compiled_code(tmp_path):
    clean = project(tmp_path / "clean")
    copy = copy_of(clean, tmp_path / "copy")
    assert put_in(Fault("line", "dedup/line.py", "x >= 5", "x > 5", "", ()), copy)
    assert [p.name for p in (copy / "dedup/text/kernels/__pycache__").iterdir()] == ["other.f-1.py311.nbi"]
    assert (copy / "dedup/text/kernels/k.py").stat().st_mtime_ns == (
        clean / "dedup/text/kernels/k.py"
    ).stat().st_mtime_ns
    assert not put_in(Fault("far", "dedup/far.py", "1", "2", "", ()), copy)
