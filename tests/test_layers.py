"""Imports run one way: each package imports only those above it in a list."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "dedup"
PACKAGES = [
    *("core", "text", "readers", "content", "matching", "clustering", "runs", "pipeline"),
    *("check", "spark", "reports", "cli"),
]
APART = {("check", "spark"), ("spark", "check")}
ONLY_IN = {
    "click": ["cli"],
    "rich": ["reports", "cli"],
    "pyspark": ["spark"],
    "numba": ["core"],
    "llvmlite": ["kernels", "core/compiled"],
    "datasketch": ["text/minhash.py"],
    "rapidfuzz": ["content", "reports"],
    "matplotlib": ["reports"],
    "jinja2": ["reports"],
    "fsspec": ["readers/storage"],
    "aiohttp": ["readers/storage"],
    "pickle": [],
}
FILES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> list[str]:
    """Return every module that a file imports, by its full name, wherever in the file it does."""
    here = ["dedup", *path.relative_to(ROOT).parent.parts]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            found += [f"{module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_from_packages_above_its_own(path):
    place = path.relative_to(ROOT)
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package == "dedup":
            other = rest.split(".")[0]
            if other in PACKAGES and place.parts[0] in PACKAGES:
                assert PACKAGES.index(other) <= PACKAGES.index(place.parts[0]), name
                assert (place.parts[0], other) not in APART, name
        elif package in ONLY_IN:
            assert any(part in f"{place.as_posix()}/" for part in ONLY_IN[package]), name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) <= 400


def test_no_module_imports_itself_over_others():
    files = {".".join(["dedup", *p.relative_to(ROOT).with_suffix("").parts]): p for p in FILES}
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    graph = {name: _modules(imports(path), modules) - {name} for name, path in modules.items()}
    while leaves := [name for name, others in graph.items() if not others]:
        for name in leaves:
            del graph[name]
        for others in graph.values():
            others.difference_update(leaves)
    assert graph == {}, "these import each other, or import others that do"


def _modules(names: list[str], modules: dict[str, Path]) -> set[str]:
    """Return the modules among names, each a module or something in one."""
    found = {name if name in modules else name.rpartition(".")[0] for name in names}
    return found & modules.keys()


def test_the_name_of_a_class_is_unique():
    named = [
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    assert {name for name in named if named.count(name) > 1} == set()
