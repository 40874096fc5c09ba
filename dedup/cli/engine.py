"""`dedup scan --engine spark`: its options, and the scan by that engine."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..core import errors

if TYPE_CHECKING:
    from ..core.settings import Settings
    from .paths import AnyRun
    from .progress import Reporter


# the summary, the first documents set aside through a fault (where, what), and how many there are
Found = tuple[dict[str, Any], list[tuple[str, str]], int]


@dataclass(frozen=True)
class Engine:
    """Where to scan."""

    name: str
    master: str
    conf: tuple[str, ...]


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the engine, given to the command as one argument, `engine`."""

    @functools.wraps(command)
    def with_engine(*args: Any, engine: str, master: str, spark_conf: tuple[str, ...], **given: Any) -> Any:
        if engine == "local" and (master or spark_conf):
            raise errors.BadSetting("--master and --spark-conf go with --engine spark")
        return command(*args, engine=Engine(engine, master, spark_conf), **given)

    for option in (
        click.option(
            "--spark-conf", multiple=True, metavar="K=V", help="A setting of Spark; may be given often."
        ),
        click.option("--master", default="", metavar="URL", help="Spark master. [local[*,4]]"),
        click.option(
            "--engine",
            type=click.Choice(["local", "spark"]),
            default="local",
            show_default=True,
            help="Where to scan: on this machine, or on a Spark cluster; the result is the same.",
        ),
    ):
        with_engine = option(with_engine)
    return with_engine


def scan(
    paths: list[str | bytes],
    settings: Settings,
    run_folder: AnyRun,
    engine: Engine,
    reporter: Reporter,
    checksum: bool,
) -> Found:
    """A scan by the engine that was named, and what it has found."""
    if checksum:
        raise errors.BadSetting("--checksum: the Spark engine reads all files again, always; leave it out")
    from ..spark import session

    session.need_pyspark()
    from ..spark import job

    ways = job.SparkOptions(engine.master, session.settings_of(engine.conf), told=reporter.spark_stage)
    done = job.scan(paths, settings, run_folder, ways)
    return done.summary, done.problems, done.n_problems
