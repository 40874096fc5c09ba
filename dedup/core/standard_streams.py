"""Standard output and standard error while a command runs.

What cannot be written there is noted and not raised: a command goes on to its end, and its exit code says
what it has found, whoever listens.  `cli_exit` looks at the note.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class Output(io.RawIOBase):
    """A stream of the process; `lost` is why it takes nothing any more, and then all goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream, self._fd = stream, stream.fileno()
        self.lost: OSError | None = None

    def write(self, data: Any) -> int:
        if self.lost is None:
            try:
                return os.write(self._fd, data)
            except OSError as error:
                self.lost = error
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextlib.contextmanager
def guarded() -> Iterator[Output]:
    """Put guards in the places of sys.stdout and sys.stderr -> that of sys.stdout.

    A standard error that is closed leads nowhere then, lest the next file that is opened take its number.
    """
    before = sys.stdout, sys.stderr
    if sys.stderr is None:
        sys.stderr = _nowhere(2)
    out = Output(sys.stdout)
    sys.stdout, sys.stderr = _text(out, sys.stdout), _text(Output(sys.stderr), sys.stderr)
    try:
        yield out
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def lost() -> bool:
    """Tell whether standard output takes nothing any more, so that making more of it is in vain."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, Output) and raw.lost is not None


def _nowhere(fd: int) -> TextIO:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != fd:
        os.dup2(nowhere, fd)
        os.close(nowhere)
    return open(fd, "w", closefd=False)


def _text(output: Output, like: TextIO) -> TextIO:
    """A text stream to the output, in the encoding of another one; what that lacks becomes an escape."""
    like.flush()
    errors = "backslashreplace" if like.errors in (None, "strict") else like.errors
    buffered = io.BufferedWriter(output)
    return io.TextIOWrapper(buffered, like.encoding, errors, line_buffering=output.isatty())
