"""What can go wrong, and the exit code it leads to.

    DedupError                 exit 2: usage or data; the message is one line for a person
      BadSetting               a setting out of range or unknown
      BadInput                 a path that is missing, or holds nothing to read
      BadRun                   a run folder that is missing, foreign, damaged or in use
      OutputExists             a file that would be overwritten
      Broken                   a result that fails its own check: a fault of this program

`cli.main` is the only place where they become a line on stderr and an exit code.
"""

from __future__ import annotations

DONE = 0
DUPLICATES_FOUND = 1
FAILED = 2
INTERRUPTED = 130


class DedupError(Exception):
    """Root of all errors that a user can cause; `str(error)` says what, where and what to do."""


class BadSetting(DedupError):
    """A setting is unknown or out of its range."""


class BadInput(DedupError):
    """Something to be read is missing or cannot be read."""


class BadRun(DedupError):
    """A run folder cannot be opened or written."""


class Broken(DedupError):
    """The program's own check of its output failed; nothing was written.  Please report it."""


class OutputExists(DedupError):
    """An output is in the way and `--force` was not given."""
