"""Which files of a package the code of a file can depend on."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path


def reached_from(path: Path, without: Collection[str] = ()) -> set[Path]:
    """Return a file and all files that it imports, directly or not, but those named in `without`.

    Only relative imports count, and not the __init__ of the folders above a file.
    """
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        path = waiting.pop()
        if path not in found and path.stem not in without:
            found.add(path)
            waiting.extend(_imported(path))
    return found


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for name in [folder, *(folder / alias.name for alias in node.names)]:
                if (file := name.with_suffix(".py")).is_file():
                    yield file
