"""Check that the documents are true: commands run, names and numbers are those of the program."""

import dataclasses
import re

import pytest

from dedup.cli import commands
from dedup.clustering import policies
from dedup.core.settings import Settings
from dedup.core.verdicts import RELATIONS
from dedup.readers.registry import READERS
from dedup.reports.lists.export import EXPORTERS, FORMATS
from dedup.reports.wording import RELATION_HELP

from .conftest import POST, ROOT

README = (ROOT / "README.md").read_text()
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
DOCUMENTS = ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]


def test_every_command_list_format_policy_relation_and_setting_is_in_the_reference():
    for name in (*commands.commands, *EXPORTERS, *FORMATS, *policies.POLICIES, *RELATIONS[1:]):
        assert f"`{name}`" in REFERENCE, name
    for knob in dataclasses.fields(Settings):
        row = next(
            line for line in REFERENCE.splitlines() if line.startswith(f"| `--{knob.name.replace('_', '-')}`")
        )
        assert f"`{knob.default}`" in row or knob.default in ("", False)
    for reader in READERS.values():
        for suffix in reader.suffixes:
            assert suffix in REFERENCE


def test_every_export_has_a_command_and_every_relation_its_words():
    assert set(EXPORTERS) < set(commands.commands["export"].commands)
    assert set(RELATION_HELP) == set(RELATIONS[1:])


def test_the_contributing_page_names_every_package():
    text = (ROOT / "docs" / "CONTRIBUTING.md").read_text()
    packages = [path.parent.name for path in (ROOT / "dedup").glob("*/__init__.py")]
    assert [name for name in packages if f"\n| `{name}` |" not in text] == []


@pytest.mark.parametrize("path", DOCUMENTS)
def test_files_that_a_document_names_exist(path):
    text = (ROOT / path).read_text()
    for file in re.findall(r"`((?:tests|dedup|docs|benchmarks)/[\w/.]*\w)`", text):
        assert (ROOT / file).exists(), file
    if path.endswith("CONTRIBUTING.md"):
        for file in re.findall(r"`([\w.]+/[\w/.]*\w)`", text):
            assert (ROOT / file).exists() or (ROOT / "dedup" / file).exists(), file


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 110


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_lead_somewhere(path):
    text = (ROOT / path).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert ((ROOT / path).parent / target).exists(), target


def test_the_transcript_in_the_readme_is_what_the_program_prints():
    golden = (ROOT / "tests" / "samples.golden.txt").read_text()
    shown = re.search(r"```console\n\$ dedup scan samples/\n(.*?)```", README, re.S)
    assert shown is not None
    lines = [line.rstrip() for line in golden.splitlines()]
    for line in shown.group(1).splitlines():
        assert re.sub(r"; [\d.]+ s, .*/s", "; (time)", line.rstrip()) in lines, line


def python_of(document: str) -> str:
    """Return the first block of Python in a document."""
    return re.search(r"^```python\n(.*?)^```$", (ROOT / "docs" / document).read_text(), re.M | re.S)[1]


def test_the_python_of_the_reference_runs(files, monkeypatch):
    monkeypatch.chdir(files({"corpus/a.txt": POST, "corpus/b.txt": POST.upper()}))
    names = {}
    exec(python_of("reference.md"), names)
    assert names["run"].keep() == [7]


def test_the_s_curve_in_the_document_is_what_its_code_computes():
    *statements, expression = python_of("quality.md").splitlines()
    exec("\n".join(statements), names := {})
    row = re.search(r"^\| 0.5 \| 288 x 4 \|(.*)\|$", (ROOT / "docs" / "quality.md").read_text(), re.M)
    assert [float(cell) for cell in row[1].split("|")][:6] == eval(expression, names)


def test_the_tables_of_faults_name_files_and_tests_that_exist():
    text = (ROOT / "docs" / "reliability.md").read_text()
    for file in re.findall(r"^\| [\w-]+ \| `([\w/.]+\.py)` \|", text, re.M):
        assert (ROOT / "dedup" / file).exists(), file
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", text)
    assert len(named) > 40
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), test
