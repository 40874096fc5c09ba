"""Where numba keeps what it compiles, and the line that is told when it does."""

from __future__ import annotations

import importlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_lost = False  # whether no folder was found: all is compiled anew at each start


def cached(njit: Callable[..., Any], function: Any, options: dict[str, Any]) -> Any:
    """Return a function as numba has it, whose code is kept on disk where that can be.

    numba takes NUMBA_CACHE_DIR, the folder of the function, or one of the user.  Where none of these can be
    written, it is a folder for this user alone among the temporary ones.
    """
    global _lost
    try:
        return njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # numba: "cannot cache function ...: no locator available"
        folder = own_folder()
    if folder is not None:
        config: Any = importlib.import_module("numba.core.config")
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            return njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:
            pass
        finally:
            config.CACHE_DIR = before
    _lost = True
    return njit(nogil=True, **options)(function)


def own_folder() -> Path | None:
    """A folder of this user among the temporary ones, which nobody else can write; None where there is none.

    What is in it is run, so one that somebody else has made is not taken.
    """
    if not hasattr(os, "getuid"):
        return None
    folder = Path(tempfile.gettempdir(), f"dedup-kernels-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if own and stat.S_IMODE(found.st_mode) == 0o700 else None


def compiling() -> str:
    """Return what a command tells when numba begins to compile."""
    if _lost:
        return (
            "compiling the kernels (about a minute) at each start, as no folder for them can be written; "
            "NUMBA_CACHE_DIR=FOLDER names one"
        )
    return "compiling the kernels, only this once (about a minute) ..."
