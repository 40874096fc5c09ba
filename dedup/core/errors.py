"""What can go wrong, and the exit code it leads to.

    DedupError                 exit 2: usage or data; the message is one line for a person
      BadSetting               a setting out of range or unknown
      BadInput                 a path that is missing, or holds nothing to read
      BadType                  a value from Python of a type that is not accepted; a TypeError too
      BadRun                   a run folder that is missing, foreign, damaged
        Locked                 another command is writing it
      OutputExists             a file that would be overwritten
      Lost                     a server or process that the work leans on has gone; what is done stays
      Broken                   a result that fails its own check: a fault of this program

`cli_exit.code_of` is the only place where they, and all that nobody has thought of, become a line on stderr
and an exit code.
"""

from __future__ import annotations

DONE = 0
DUPLICATES_FOUND = 1
FAILED = 2
INTERRUPTED, HUNG_UP, TERMINATED = 130, 129, 143  # 128 + the number of the signal


class DedupError(Exception):
    """Root of all errors that a user can cause; `str(error)` says what, where and what to do."""


class BadSetting(DedupError):
    """A setting is unknown or out of its range."""


class BadInput(DedupError):
    """Something to be read is missing or cannot be read."""


class BadType(DedupError, TypeError):
    """A value given from Python has a type that is not accepted."""


class BadRun(DedupError):
    """A run folder cannot be opened or written."""


class Locked(BadRun):
    """Another command is writing the run folder; later it is free."""


class Lost(DedupError):
    """A server or process that the work leans on has gone; the same command goes on from what is done."""


class Broken(DedupError):
    """The program's own check of its output failed; nothing was written.  Please report it."""


class OutputExists(DedupError):
    """An output is in the way and `--force` was not given."""


class Stopped(BaseException):
    """A signal asks the program to end; `code` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def safe(text: str) -> str:
    """Text of a document or a file name -> what may be shown: control and bidi characters made visible.

    >>> safe("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    if text.isprintable():
        return text
    hidden = {*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    shown = "".join(c.encode("unicode_escape").decode() if ord(c) in hidden else c for c in text)
    return shown.encode("utf-8", "backslashreplace").decode()
