"""How far a scan is: bars at a terminal, lines elsewhere, and a log as JSON Lines.

Each is a `Progress`, called with (stage, done, total, documents so far); a stage begins with 0 done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from ..core.parallel import Progress as OnProgress
from .wording import counted, size

EVERY = 30.0  # seconds between two lines about one stage
WORDS = {
    "kernels": "making kernels ready",
    "pass": "reading",
    "relations": "comparing equal letters",
    "candidates": "finding candidates",
    "passages": "finding boilerplate and parts",
    "noise": "finding noisy copies",
    "verification": "comparing texts",
    "clusters": "choosing documents to keep",
    "writing": "writing the run",
}
SPARK_WORDS = {
    **{"pass": "reading", "given": "reading the DataFrame", "by-letters": "finding equal letters"},
    **{"spellings": "comparing equal letters", "letters": "grouping equal letters"},
    **{"firsts": "taking one document of each group", "alike": "finding candidates by signatures"},
    **{"groups": "grouping near-duplicates", "common": "counting passages"},
    **{"differing": "looking for boilerplate", "boilerplate": "marking boilerplate"},
    **{"apart": "leaving out pairs that share boilerplate alone", "parts": "finding parts and wholes"},
    "noisy": "finding noisy copies",
    **{"compared": "comparing texts", "chosen": "choosing representatives", "components": "joining clusters"},
    **{"decided": "choosing documents to keep", "waiting": "listing clusters that need more pairs"},
    **{"small": "listing small clusters", "answers": "comparing more pairs", "rest": "passing verdicts on"},
    **{"own": "comparing skeletons", "verdict": "collecting verdicts", "rows": "counting"},
    **{"found": "naming documents", "named-pairs": "naming pairs"},
}


def words_of(stage: str, words: dict[str, str]) -> str:
    """Return a stage in words; a turn of it by its number.

    >>> words_of("pass", WORDS), words_of("decided-1", SPARK_WORDS)
    ('reading', 'choosing documents to keep, turn 2')
    """
    name, _, turn = stage.rpartition("-")
    if name in words and turn.isdigit():
        return f"{words[name]}, turn {int(turn) + 1}"
    return words.get(stage, stage)


@dataclass(frozen=True)
class Event:
    """A stage that ended, or how far it is."""

    stage: str
    ended: bool
    seconds: float  # since it began
    done: int
    total: int  # 0: unknown
    documents: int

    @property
    def seconds_left(self) -> float | None:
        """Return how long it will take yet, if the rest takes as long as what is done; None if unknown."""
        if not self.done or not self.total:
            return None
        return self.seconds * (self.total - self.done) / self.done


class Stages:
    """Turns calls of a Progress into events: each stage as it ends, and how far a long one is.

    Call `close` after the last stage.
    """

    def __init__(
        self,
        listeners: list[Callable[[Event], None]],
        clock: Callable[[], float] = time.monotonic,
        every: float = EVERY,
    ) -> None:
        self._listeners, self._clock, self._every = listeners, clock, every
        self._stage, self._began, self._last = "", 0.0, 0.0
        self._done = self._total = self._documents = 0

    def __call__(self, stage: str, done: int, total: int, documents: int) -> None:
        """Take one report of progress."""
        now = self._clock()
        if stage != self._stage:
            self.close()
            self._stage, self._began, self._last = stage, now, now
        self._done, self._total = done, total
        self._documents = max(self._documents, documents)
        if now - self._last >= self._every:
            self._last = now
            self._tell(False, now)

    def close(self) -> None:
        """End the stage that runs."""
        if self._stage:
            self._tell(True, self._clock())
        self._stage = ""

    def _tell(self, ended: bool, now: float) -> None:
        counts = (self._done, self._total, self._documents)
        event = Event(self._stage, ended, now - self._began, *counts)
        for listener in self._listeners:
            listener(event)


def line(event: Event, words: dict[str, str], verbose: bool = False) -> str:
    """Return what is said of an event.

    >>> line(Event("pass", False, 30.0, 250, 1000, 1234), WORDS)
    'reading: 25 %, 1,234 documents, 1 min 30 s left'
    >>> line(Event("candidates", False, 45.0, 3, 0, 1234), WORDS)
    'finding candidates: 45 s so far'
    >>> line(Event("pass", True, 2.04, 1000, 1000, 1234), WORDS)
    'reading: 1,234 documents, 2.0 s'
    """
    parts = []
    if not event.ended and event.total:
        parts.append(f"{100 * event.done // event.total} %")
    if event.stage == "pass" and event.documents:
        parts.append(counted(event.documents, "document"))
    left = event.seconds_left
    if event.ended:
        parts.append(_duration(event.seconds))
    elif left is None:
        parts.append(f"{_duration(event.seconds)} so far")
    else:
        parts.append(f"{_duration(left)} left")
    peak = peak_memory() if verbose else None
    if peak is not None:
        parts.append(f"peak {size(peak)}")
    return f"{words_of(event.stage, words)}: {', '.join(parts)}"


def _duration(seconds: float) -> str:
    """Return a time in words.

    >>> _duration(0.4), _duration(75), _duration(7260)
    ('0.4 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def peak_memory() -> int | None:
    """Return the most bytes of memory that this process has had; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class ProgressLog:
    """A file of JSON Lines: an object for each event, written and flushed at once."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, event: str, **values: Any) -> None:
        """Write one line: the time (UTC, ISO 8601), what happened, and its values."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        self._file.write(json.dumps({"time": now, "event": event, **values}, ensure_ascii=False) + "\n")
        self._file.flush()

    def __call__(self, event: Event) -> None:
        """Write an event of a stage."""
        left = event.seconds_left
        self.write(
            "stage" if event.ended else "progress",
            stage=event.stage,
            seconds=round(event.seconds, 3),
            done=event.done,
            total=event.total,
            documents=event.documents,
            **({} if event.ended or left is None else {"seconds_left": round(left, 1)}),
            peak_memory=peak_memory(),
        )


class _Speed(ProgressColumn):
    """Documents/s and bytes/s of a stage that reads."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time or task.elapsed or 0.0
        if not elapsed or not task.completed or not task.fields["reads"]:
            return Text("")
        text = f"{task.fields['docs'] / elapsed:,.0f} documents/s  {size(int(task.completed / elapsed))}/s"
        return Text(text, "cyan")


@contextmanager
def progress_bars(console: Console, heading: str) -> Iterator[OnProgress]:
    """Show a heading, and under it a bar for the stage that runs, gone when done."""
    columns = (TextColumn("{task.description:<29}"), BarColumn(bar_width=20), _Speed(), TimeRemainingColumn())
    console.print(Text(heading, "bold"))
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def move(stage: str, done: int, total: int, docs: int) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    bars.update(task, visible=False)
                tasks[stage] = bars.add_task(
                    words_of(stage, WORDS), total=None, docs=0, reads=stage == "pass"
                )
            bars.update(tasks[stage], completed=done, total=total or None, docs=docs)

        yield move
