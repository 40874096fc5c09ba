"""The command that makes the kernels ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click


def register(commands: click.Group) -> None:
    """Add the command of this file to the command line."""
    commands.add_command(warm)


@click.command()
def warm() -> None:
    """Make the kernels ready, and say whether that took compiling.

    An installed dedup brings them as machine code, and there is nothing to do.  Where it does not fit the
    processor or the sources, numba compiles them, which takes a minute; this does it now, for all commands.

    \b
    dedup warm
    """
    from . import kernels

    kernels.without_blas()
    told: list[str] = []
    began = time.monotonic()
    kernels.warm_up(_teller(told), again=True)
    seconds = time.monotonic() - began
    n_numba, level = kernels.by_numba(), kernels.level()
    if told:
        click.echo(f"{n_numba} kernels compiled in {seconds:.0f} s")
    elif n_numba:
        click.echo(f"{n_numba} kernels taken from the cache of numba; nothing to compile")
    if level:
        click.echo(
            f"{kernels.n_kernels() - n_numba} kernels are machine code for {level}; nothing to compile"
        )


def _teller(told: list[str]) -> Callable[[], Any]:
    """-> what tells once that numba compiles."""
    from . import kernels

    def on_compile() -> None:
        told.append(kernels.compiling())
        click.echo(told[0], err=True)

    return on_compile
