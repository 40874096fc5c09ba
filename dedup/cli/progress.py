"""The options --progress, --log and --verbose of commands that take long, and what they show."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import __version__
from ..core import errors
from .output import LocalPath

if TYPE_CHECKING:
    from rich.console import Console

    from ..core.parallel import Progress
    from ..core.settings import Settings
    from ..reports.progress import Event, ProgressLog, Stages

AUTO, BAR, LINES, OFF = "auto", "bar", "lines", "off"
SHORT = 1.0  # seconds; kernels that are ready sooner are not worth a line


@dataclass(frozen=True)
class Shown:
    """What a command is asked to say while it runs."""

    how: str
    log: Path | None
    verbose: bool
    quiet: bool


@dataclass(frozen=True)
class Reporter:
    """What a command that runs reports to."""

    shown: Shown
    talk: Console
    log: ProgressLog | None
    stages: Stages  # what gives lines and log
    progress: Progress

    def say(self, text: str) -> None:
        """Say something on standard error, unless quiet."""
        from rich.text import Text

        self.talk.print(Text(text, "dim"), soft_wrap=True)  # a name in it is neither markup nor an emoji

    def spark_stage(self, stage: str, seconds: float, found: bool) -> None:
        """Report a stage of Spark that has ended; `found`: a scan before had done it."""
        from ..reports.progress import SPARK_WORDS, words_of

        if self.shown.how != OFF:
            self.say(f"{words_of(stage, SPARK_WORDS)}: {'done before' if found else f'{seconds:.1f} s'}")
        if self.log is not None:
            self.log.write("stage", stage=stage, seconds=round(seconds, 3), found=found)

    def result(self, summary: dict[str, Any]) -> None:
        """End the last stage; log what became of the documents."""
        self.stages.close()
        if self.log is not None:
            self.log.write("result", **summary["documents"])


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command takes them, and --quiet, as one argument, `shown`."""

    @functools.wraps(command)
    def with_progress(*args: Any, progress: str, log: Path | None, verbose: bool, **given: Any) -> Any:
        return command(*args, shown=Shown(progress, log, verbose, given["quiet"]), **given)

    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Say also which kernels, and the peak of memory."),
        click.option(
            "--log",
            type=LocalPath(why="a log grows on this machine"),
            metavar="FILE",
            help="Append each stage to FILE as JSON Lines: time, stage, seconds, counts.",
        ),
        click.option(
            "--progress",
            type=click.Choice([AUTO, BAR, LINES, OFF]),
            default=AUTO,
            show_default=True,
            help="Progress on stderr; auto: a bar at a terminal, elsewhere a line for each stage.",
        ),
    ):
        with_progress = option(with_progress)
    return with_progress


@contextmanager
def reporting(
    shown: Shown, command: str, heading: str, settings: Settings | None = None
) -> Iterator[Reporter]:
    """Show and log the progress of a command; raise BadInput when the log cannot be written."""
    from rich.console import Console

    from ..reports.progress import WORDS, Stages, line, progress_bars

    talk = Console(stderr=True, quiet=shown.quiet, highlight=False)
    listeners: list[Callable[[Event], None]] = []
    stages = Stages(listeners)
    taking: list[Progress] = [stages]

    def report(*report: Any) -> None:
        for progress in taking:
            progress(*report)

    def say_line(event: Event) -> None:
        if event.stage != "kernels" or event.seconds >= SHORT:
            reporter.say(line(event, WORDS, shown.verbose))

    with ExitStack() as stack:
        log = stack.enter_context(_logged(shown.log, command)) if shown.log else None
        reporter = Reporter(shown, talk, log, stages, report)
        how = shown.how if shown.how != AUTO else BAR if talk.is_terminal else LINES
        if shown.verbose:
            reporter.say(_about(settings))
        if how == BAR and not shown.quiet:
            taking.append(stack.enter_context(progress_bars(talk, heading)))
        if how == LINES and not shown.quiet:
            listeners.append(say_line)
        if log is not None:
            listeners.append(log)
        yield reporter
        stages.close()


@contextmanager
def _logged(path: Path, command: str) -> Iterator[ProgressLog]:
    """Open a log; write how the command began and how it ended."""
    from ..reports.progress import ProgressLog

    try:
        file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (closed below)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise errors.BadInput(f"--log {errors.safe(str(path))}: cannot be written: {why}") from None
    with file:
        log = ProgressLog(file)
        log.write("start", command=command, version=__version__, process=os.getpid())
        try:
            yield log
        except BaseException as error:
            log.write("failed", error=errors.safe(str(error)) or type(error).__name__)
            raise
        log.write("end")


def _about(settings: Settings | None) -> str:
    """Return the versions, the kind of kernels, and the threads that are used."""
    from ..core.compiled.shipped import shipped_code

    code = shipped_code()
    kernels = f"machine code for {code.level}" if code is not None else "compiled by numba"
    threads = f", {settings.n_threads} threads" if settings is not None else ""
    return f"dedup {__version__}, Python {platform.python_version()}, kernels {kernels}{threads}"
