"""The paths of a scan: on the command line, in a list, and where a command should stand."""

from __future__ import annotations

import codecs
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ..core import errors
from ..readers.storage.addresses import BEGINS, is_address, local_folder, plain
from .output import AnyPath

if TYPE_CHECKING:
    from ..readers.storage.url_files import UrlFile

RUN_FOLDER = ".dedup"
AnyRun = Path | str  # a folder of this machine, or an address
ELSEWHERE = {
    **dict.fromkeys(("--threshold", "--jaccard", "--similarity", "--similarity-threshold"), "--min-jaccard"),
    **dict.fromkeys(("--ngram", "--ngrams", "--ngram-size", "--shingle-size"), "--k"),
    **dict.fromkeys(("--column", "--text-column", "--text-key"), "--text-field"),
    **dict.fromkeys(("--jobs", "--workers", "--num-workers", "--num-proc"), "--threads"),
    "--output": "--run",
}  # what other programs call an option -> ours
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def all_paths(paths: tuple[str, ...], files_from: str | None, nul: bool) -> list[str | bytes]:
    """The paths given, and those in the list that --files-from names."""
    if files_from is None:
        if nul:
            raise click.UsageError("-0 is about the list of --files-from, which is not given")
        if not paths:
            raise click.UsageError("nothing to scan: give PATHS, or a list of them with --files-from")
        return list(paths)
    if files_from == "-" and "-" in paths:
        raise click.UsageError("standard input cannot be both the list of --files-from and a text")
    try:
        data = sys.stdin.buffer.read() if files_from == "-" else _list_at(files_from).read_bytes()
    except OSError as error:
        raise errors.BadInput(f"{files_from}: cannot be read: {(error.strerror or '').lower()}") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if nul:
        found = [name for name in data.split(b"\0") if name]
    else:
        found = [name for line in data.split(b"\n") if (name := line.removesuffix(b"\r")).strip()]
        if b"\0" in data:
            raise errors.BadInput(
                f"{files_from}: its names end with NUL bytes, not with lines; give -0 as well"
            )
    if not found:
        raise errors.BadInput(f"{files_from}: names no files")
    # NOTE: in a list - is a file of that name, not standard input, which may be the list itself
    return [*paths, *(b"./-" if name == b"-" else name for name in found)]


def _list_at(files_from: str) -> Path | UrlFile:
    return AnyPath(reads=True).convert(files_from, None, None)


class RunFolderPath(click.Path):
    """A run folder on the command line: a Path, or an address as a str."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> AnyRun:
        """Raises BadRun for an address where no run can be."""
        if is_address(value):
            return plain(value)
        if BEGINS.match(str(value)):
            raise errors.BadRun(f"{errors.safe(str(value))}: is no address: two slashes follow the colon")
        return cast(Path, super().convert(value, param, ctx))


def folder_to_write(run: AnyRun) -> Path:
    """The run folder that a scan on this machine writes.  Raises BadRun for an address and for a file."""
    folder = local_folder(run)
    if folder.exists() and not folder.is_dir():
        raise errors.BadRun(f"{folder}: is a file, not a run folder; name another one with --run")
    return folder


def default_run() -> str:
    """Return the run folder where none is given: `run` of ./pyproject.toml, [tool.dedup], or .dedup."""
    from ..core.settings import read_config

    found: str = read_config(None).get("run", RUN_FOLDER)
    return found


def run_flag(run: AnyRun) -> str:
    """The option that names a run folder in a command that is shown; nothing for the default."""
    return "" if str(run) == default_run() else f" --run {errors.safe(shlex.quote(str(run)))}"


class Commands(click.Group):
    """Commands: with none of them the help is shown, and a path in the place of one is told what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        """Raises NoSuchOption, which names ours where it is what other programs call one."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            name, ours = error.option_name, ELSEWHERE.get(error.option_name.replace("_", "-"))
            known = error.ctx.command.params if error.ctx else []
            if not any(ours in param.opts for param in known):
                raise
            told = f"No such option {name!r}. Did you mean {ours!r}?"
            raise click.NoSuchOption(name, told, ctx=error.ctx) from None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Raises UsageError; without arguments it ends with the help on stderr, as a usage error."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(errors.FAILED)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command named first; raises UsageError."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            if ctx.parent is None and (os.path.exists(args[0]) or "://" in args[0]):
                scan = f"dedup scan {shlex.join(args)}"
                raise click.UsageError(f"{args[0]!r} is no command; to read it: {scan}", ctx) from None
            raise
