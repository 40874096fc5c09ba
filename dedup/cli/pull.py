"""dedup pull."""

from __future__ import annotations

from pathlib import Path

import click

from ..core import errors
from ..readers.storage.addresses import is_address
from .output import LocalPath


@click.command()
@click.argument("address")
@click.argument("folder", type=LocalPath(folder=True, why="a run is copied to this machine"))
def pull(address: str, folder: Path) -> None:
    """Copy the run at ADDRESS (s3://, hdfs:// and others) to FOLDER, a new run folder of this machine.

    Commands that read a run take its address with --run; those that write into it, decide and review, want
    such a copy.

    \b
    dedup pull s3://bucket/run corpus-run
    dedup review --run corpus-run
    """
    if not is_address(address):
        raise errors.BadInput(f"{address}: is no address, such as s3://bucket/run; copy a folder with cp -r")
    from ..runs import remote

    n = remote.pull(address, folder)
    click.echo(f"{n / 1e6:,.1f} MB -> {errors.safe(str(folder))}", err=True)
