"""How a command ends: what it returns or raises -> a line on stderr and the exit code.

The code says what was found.  A reader of standard output that has gone is no fault, nor is a standard error
that takes nothing; a standard output that cannot be written is one, and so is whatever else is raised.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

import click

from ..core import errors, standard_streams

TRACEBACK = "DEDUP_TRACEBACK"  # in the environment: errors are shown with where they come from
STOPPED = "interrupted; the last good run is still in place, and the same command goes on from here"


def code_of(command: Callable[[], int | None]) -> int:
    """Run a command -> its exit code; the only place where an error becomes a line and a code."""
    if sys.stdout is None or sys.stdin is None:
        return say("standard input or output is closed; redirect it to /dev/null instead", errors.FAILED)
    with standard_streams.guarded() as output:
        code = _ended(command)
        sys.stdout.flush()
        if output.lost is not None and not isinstance(output.lost, BrokenPipeError):
            failed = say(f"output: cannot be written: {output.lost.strerror}", errors.FAILED)
            code = max(code, failed)  # a signal is told as one
    return code


def _ended(command: Callable[[], int | None]) -> int:
    try:
        for number, code in ((signal.SIGTERM, errors.TERMINATED), (signal.SIGHUP, errors.HUNG_UP)):
            signal.signal(number, lambda *_, code=code: _stop(code))
        return command() or errors.DONE
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        return say(STOPPED, errors.INTERRUPTED)
    except errors.Stopped as stop:
        return say(STOPPED, stop.code)
    except (Exception, SystemExit) as error:  # no library ends the program with a code of its own
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        return say(_told(error), errors.FAILED)


def _stop(code: int) -> NoReturn:
    raise errors.Stopped(code)


def _told(error: BaseException) -> str:
    """An error -> what a person is told of it."""
    if isinstance(error, click.ClickException):
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "dedup"
        return f"{error.format_message().rstrip('.')}; see: {where} --help"
    if isinstance(error, errors.DedupError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"there is not enough memory; {TRACEBACK}=1 shows where"
    if isinstance(error, OSError):
        what = "a connection broke off: " if isinstance(error, ConnectionError) else ""
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else what
        return f"{where}{error.strerror or error or type(error).__name__}"
    at = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}".rstrip(": ")[:300]
    place = f"{os.path.basename(at.filename)}, line {at.lineno}"
    return f"a fault of this program: {what} ({place}); please report it; {TRACEBACK}=1 shows more"


def say(message: str, code: int) -> int:
    """Tell something in one line on stderr -> the code."""
    click.echo(f"dedup: {errors.safe(' '.join(message.split()))}", err=True)
    return code
