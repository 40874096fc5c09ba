"""Where a command may write: files and folders, here or at an address, each named after what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ..core.errors import BadSetting, safe
from ..readers.storage.addresses import BEGINS, is_address

if TYPE_CHECKING:
    from ..readers.storage.url_files import UrlFile

PACKED = (".gz", ".bz2", ".xz", ".zst")


class LocalPath(click.Path):
    """A file, or a folder, of this machine, as a Path; file:// is one, any other address is refused."""

    def __init__(self, folder: bool = False, why: str = "it must be on this machine") -> None:
        super().__init__(path_type=Path, file_okay=not folder, dir_okay=folder)
        self.why = why

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Raises BadSetting for an address, also one with a slash too few."""
        if isinstance(value, str) and BEGINS.match(value):
            value = _local(value)
            if is_address(value):
                raise BadSetting(f"{_shown(value)}: is an address, and {self.why}")
        return cast(Path, super().convert(value, param, ctx))


class AnyPath(LocalPath):
    """A file, or a folder, that a command writes, or reads: a Path, or a UrlFile for an address."""

    def __init__(self, folder: bool = False, reads: bool = False) -> None:
        super().__init__(folder)
        self.reads = reads

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Raises BadSetting for an address that nothing can be at, or nothing be written to."""
        found = _local(value) if isinstance(value, str) and BEGINS.match(value) else value
        if not is_address(found):
            return cast(Path, super().convert(found, param, ctx))
        from ..readers.storage.url_files import UrlFile

        url = UrlFile.of(found)
        if url.is_web and not self.reads:
            raise BadSetting(f"{url}: is on the web, where nothing can be written")
        if not url.name and self.file_okay:
            raise BadSetting(f"{url}: names no file")
        return url


def _local(address: str) -> str:
    """Return the path in a file:// address, any other as it is; raise BadSetting for none at all.

    >>> _local("file:///a%20b/c"), _local("s3://b/c")
    ('/a b/c', 's3://b/c')
    """
    import os

    from ..readers.storage.urls import local_path

    if not is_address(address):
        raise BadSetting(f"{_shown(address)}: is no address: two slashes follow the colon")
    found = os.fsdecode(local_path(os.fsencode(address)))
    if found == address and address.lower().startswith(("file:", "local:")):
        raise BadSetting(f"{safe(address)}: a path follows file:// at once, as in file:///data/x")
    return found


def _shown(address: str) -> str:
    import os

    from ..readers.storage.urls import clean

    return safe(os.fsdecode(clean(os.fsencode(address))))


def form_of(output: Path | UrlFile | None, chosen: str | None, forms: Mapping[str, str], default: str) -> str:
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
