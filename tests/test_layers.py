"""Imports run one way: cli -> pipeline, views -> stages -> model -> errors."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dedup"
STAGES = {
    "decode", "normalize", "shingle", "skeleton", "minhash", "passages",
    "repair", "lsh", "rules", "verify", "thresholds", "families", "cluster", "ballot", "canonical",
    "relation",
}  # fmt: skip
LOW = {"model", "errors", "keys"}
MAY_IMPORT = {
    "errors": set(),
    "address": LOW | {"readers"},
    "model": {"keys"},
    "keys": set(),
    "settings": {"errors"},
    "context": {"settings", "memory"},
    "memory": set(),
    "kernels": LOW | {
        "mojibake", "normalize", "scripts", "shingle", "skeleton", "words", "alike", "alignment", "values",
        "sifting", "content",
    },
    **{stage: LOW | {"kernels"} for stage in STAGES},
    "rules": {"lsh", "thresholds"},
    "copies": set(),
    "canonical": LOW | {"copies", "kernels"},
    "words": LOW | {"normalize", "scripts", "shingle"},
    "alike": {"words"},
    "alignment": {"words"},
    "values": LOW | {"normalize", "shingle", "words"},
    "sifting": {"alignment", "alike", "normalize", "scripts", "words"},
    "content": LOW | {"alignment", "alike", "normalize", "sifting", "values", "words"},
    "decode": LOW | {"encodings", "markup", "repair"},
    "encodings": set(),
    "markup": set(),
    "mojibake": {"encodings"},
    "repair": LOW | {"kernels", "markup", "mojibake"},
    "passages": LOW | {"kernels", "buckets", "memory", "rules"},
    "ballot": LOW | {"canonical", "cluster", "thresholds"},
    "scripts": set(),
    "skeleton": {"normalize", "scripts", "shingle"},
    "readers": LOW | {"decode", "encodings", "markup", "repair"},
    "steps": LOW,
    "run": LOW | {"steps"},
    "buckets": {"kernels"},
    "store": {"model"},
    "tables": LOW | {"run"},
    "spool": LOW | {"tables", "store"},
    "folder": LOW | {"run", "tables", "store", "steps", "decisions", "ledger", "address", "mirror", ""},
    "mirror": LOW | {"address", "folder", "run", "store", "tables"},
    "candidates": LOW | STAGES | {"kernels", "memory", "settings", "spool", "steps"},
    "incremental": LOW | STAGES | {
        "candidates", "kernels", "rescan", "run", "settings", "steps",
    },
    "rescan": LOW | {"run", "store", "folder", "settings", "spool", "canonical", "readers", "ledger", ""},
    "compared": {"model", "keys"},
    "equal": LOW | {"kernels", "normalize", "relation", "verify"},
    "ledger": LOW | {"run", "settings", ""},
    "intake": LOW | STAGES | {
        "kernels", "readers", "context", "settings", "spool", "store", "rescan", "verdict", "",
    },
    "verdict": LOW | STAGES | {"kernels", "settings", "equal"},
    "pipeline": LOW | STAGES | {
        "kernels", "readers", "context", "settings", "intake", "verdict", "run", "folder", "ledger",
        "spool", "store", "rescan", "compared", "equal", "candidates", "incremental",
    },
    "views": LOW | {
        "run", "readers", "context", "normalize", "relation", "decode", "ledger",
        "kernels", "lsh", "cluster", "verify", "verdict", "settings", "compared", "candidates",
        "matches", "decisions", "scripts", "streams", "words", "thresholds", "equal", "content", "sifting",
    },
    "cli": LOW | {
        "cli_exit", "rescan", "settings", "pipeline", "views", "run", "folder", "ledger", "kernels",
        "cli_views", "cli_judge", "cli_output", "cli_page", "cli_paths", "cli_check", "cli_engine",
        "cli_pull", "cli_settings", "cli_warm", "",
    },
    "cli_exit": LOW | {"streams"},
    "streams": set(),
    "cli_output": {"address", "errors"},
    "cli_paths": LOW | {"address"},
    "cli_pull": LOW | {"address", "cli_output", "mirror"},
    "cli_settings": {"settings"},
    "cli_page": LOW | {"cli_output", "cli_paths", "views", "run", "folder", ""},
    "index": LOW | STAGES | {"buckets", "kernels", "settings", "store", ""},
    "lookup": LOW | STAGES | {"index", "kernels", "settings"},
    "existing": LOW | {"address", "mirror", "folder", "index", "readers", "settings", "store", "tables"},
    "matches": LOW | {"thresholds"},
    "fresh": LOW | {
        "candidates", "context", "equal", "intake", "normalize", "readers", "rescan", "spool", "store",
        "verdict",
    },
    "check": LOW | STAGES | {
        "kernels", "readers", "context", "settings", "intake", "verdict", "spool", "store", "rescan",
        "candidates", "lookup", "index", "existing", "matches", "equal", "compared", "fresh",
    },
    "decisions": LOW | {
        "ballot", "canonical", "equal", "folder", "ledger", "run", "settings", "thresholds", "verdict",
    },
    "cli_check": LOW | {
        "address", "check", "cli_paths", "cli_views", "decisions", "existing", "folder", "intake", "kernels",
        "matches", "pipeline", "views",
    },
    "cli_engine": LOW | {"cli_paths", "settings", "engines"},
    "engines": LOW | STAGES | {
        "kernels", "readers", "settings", "intake", "verdict", "run", "folder", "ledger", "tables",
        "store", "equal", "candidates", "pipeline", "address", "",
    },
    "spark": LOW | {"address", "settings", "engines"},
    "cli_warm": {"kernels"},
    "cli_views": LOW | {"cli_output", "cli_paths", "settings", "views", "run", "folder", "kernels", ""},
    "cli_judge": LOW | {"cli_output", "cli_paths", "settings", "views", "run", "folder", "kernels", ""},
    "": LOW | {"settings", "pipeline", "run", "folder"},
    "__main__": {"cli"},
}  # fmt: skip
ONLY_IN = {
    "click": {
        "cli",
        "cli_check",
        "cli_engine",
        "cli_exit",
        "cli_output",
        "cli_settings",
        "cli_paths",
        "cli_views",
        "cli_judge",
        "cli_page",
        "cli_pull",
        "cli_warm",
    },
    "rich": {"cli", "cli_check", "cli_engine", "cli_views", "cli_judge", "views"},
    "pyspark": {"engines", "spark"},
    "numba": {"kernels"},
    "llvmlite": {"kernels"},
    "datasketch": {"minhash"},
    "rapidfuzz": {"views", "alike"},
    "matplotlib": {"views"},
    "jinja2": {"views"},
    "fsspec": {"readers"},
    "aiohttp": {"readers"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def unit(path: Path) -> str:
    """A file -> its place in the house: the name of its module, or of its folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imports(path: Path) -> tuple[set[str], set[str]]:
    """A file -> (places of the house, packages from outside) that it imports."""
    own, other = set(), set()
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            other |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            other.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            own |= {name.split(".")[0] if name != "__version__" else "" for name in names}
    return own, other


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    own, other = imports(path)
    place = unit(path)
    assert own - {place} <= MAY_IMPORT[place]
    assert "pickle" not in other
    for package, places in ONLY_IN.items():
        assert package not in other or place in places


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) <= 400
