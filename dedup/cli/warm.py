"""dedup warm."""

from __future__ import annotations

import time

import click


@click.command()
def warm() -> None:
    """Make the kernels ready, and say whether that took compiling.

    An installed dedup has them as machine code, and there is nothing to do.  Where that does not fit the
    processor or the sources, numba compiles them, which takes a minute; this does it now, for all commands.

    \b
    dedup warm
    """
    from ..core.compiled.cache import compiling
    from ..core.jit import without_blas
    from ..pipeline.warm_up import machine_code_level, n_compiled_by_numba, n_kernels, warm_up

    without_blas()
    messages: list[str] = []

    def on_compile() -> None:
        messages.append(compiling())
        click.echo(messages[0], err=True)

    began = time.monotonic()
    warm_up(on_compile, again=True, passages=True)
    seconds = time.monotonic() - began
    n_numba, level = n_compiled_by_numba(), machine_code_level()
    if messages:
        click.echo(f"{n_numba} kernels compiled in {seconds:.0f} s")
    elif n_numba:
        click.echo(f"{n_numba} kernels taken from the cache of numba; nothing to compile")
    if level:
        click.echo(f"{n_kernels() - n_numba} kernels are machine code for {level}; nothing to compile")
