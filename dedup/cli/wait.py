"""--wait: a command waits for its turn where another one is writing the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import click

from ..core.errors import Locked

PAUSE = 0.2  # seconds between two tries
Done = TypeVar("Done")

wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait so long while another command writes the run folder; inf: until it is done. [0]",
)


def when_free(action: Callable[[], Done], seconds: float, say: Callable[[str], None]) -> Done:
    """Do what needs the lock of a run folder; where it is held, try again until the seconds are over.

    Raises Locked when they are.
    """
    until = time.monotonic() + seconds
    told = False
    while True:
        try:
            return action()
        except Locked:
            left = until - time.monotonic()
            if left <= 0:
                raise
        if not told:
            say("waiting for the command that is writing this run folder ...")
            told = True
        time.sleep(min(PAUSE, left))
