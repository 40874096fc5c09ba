"""Where a command may write: files and folders of this machine, each named after what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import click

from ..core.errors import BadSetting, safe
from ..readers.storage.addresses import BEGINS

PACKED = (".gz", ".bz2", ".xz", ".zst")


class NewPath(click.Path):
    """A file, or a folder, that a command writes, as a Path."""

    def __init__(self, folder: bool = False) -> None:
        super().__init__(path_type=Path, file_okay=not folder, dir_okay=folder)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Raises BadSetting for an address, also one with a slash too few."""
        if BEGINS.match(str(value)):
            raise BadSetting(
                f"{safe(str(value))}: is an address, and only paths of this machine are written; "
                "write one and copy it"
            )
        return cast(Path, super().convert(value, param, ctx))


def form_of(output: Path | None, chosen: str | None, forms: Mapping[str, str], default: str) -> str:
    """A file to write, the form that is asked for, forms by suffix -> the form that is written.

    Without a suffix it is the one asked for, or the default; a packing suffix packs what stands before it.
    Raises BadSetting for a suffix that promises something else.

    >>> form_of(Path("drop.csv.gz"), None, {".csv": "csv"}, "txt"), form_of(None, None, {}, "txt")
    ('csv', 'txt')
    """
    if output is None or not output.suffix:
        return chosen or default
    is_packed = output.suffix.lower() in PACKED
    suffix = (Path(output.stem).suffix if is_packed else output.suffix).lower()
    form = forms.get(suffix, "" if suffix else default)
    if is_packed and (form or chosen) == "parquet":
        raise BadSetting(f"{safe(str(output))}: parquet is packed already; end the name in .parquet")
    if not form and not chosen:
        known = ", ".join(forms)
        raise BadSetting(
            f"{safe(str(output))}: nothing is written as {suffix}; the suffixes are {known}, each also with "
            f"{', '.join(PACKED)}; --format writes to any other name"
        )
    if chosen and suffix in forms and form != chosen:
        raise BadSetting(f"{safe(str(output))}: is named as {form}, but --format asks for {chosen}")
    return chosen or form
