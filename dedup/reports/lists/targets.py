"""Where an exported corpus goes: a folder of this machine, or one at a URL."""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ...core.errors import BadInput, DedupError, OutputExists
from ...readers.storage.filesystems import BY_ARROW
from ...readers.storage.url_files import AnyFile, UrlFile
from ...readers.storage.urls import CONNECTIONS, is_url
from ...runs.run import Run
from .names import PART


class LocalFolder:
    """A folder of this machine."""

    def __init__(self, to: Path) -> None:
        self.to = to

    @contextmanager
    def appearing(self, name: bytes) -> Iterator[Path]:
        """Return a file to be written, which gets its name only when it is complete."""
        target = self.to / os.fsdecode(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(os.fsdecode(PART))
        part.unlink(missing_ok=True)
        try:
            yield part
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)


class UrlFolder:
    """A folder at a URL; files are written here and sent there, some of them at a time."""

    def __init__(self, to: UrlFile, scratch: Path, pool: ThreadPoolExecutor) -> None:
        self.to, self._scratch, self._pool = to, scratch, pool
        self._waiting: deque[tuple[Future[None], Path]] = deque()
        self._sent: list[UrlFile] = []

    @contextmanager
    def appearing(self, name: bytes) -> Iterator[Path]:
        """Return a file to be written, which is sent to its name when it is complete."""
        part = self._scratch / f"{len(self._sent)}"
        yield part
        target = self.to / os.fsdecode(name)
        self._sent.append(target)
        self._waiting.append((self._pool.submit(target.put_now, part), part))
        self.wait(2 * CONNECTIONS)

    def wait(self, n: int = 0) -> None:
        """Wait until at most `n` files are on their way.  Raises DedupError if one did not arrive."""
        while len(self._waiting) > n:
            done, part = self._waiting.popleft()
            done.result()
            part.unlink()

    def undo(self) -> None:
        """Remove what was sent."""
        for done, _ in self._waiting:
            if not done.cancel():
                done.exception()  # it waits
        for target in self._sent:
            with suppress(DedupError):  # it was not there yet
                target.remove()


@contextmanager
def opened(to: AnyFile) -> Iterator[LocalFolder | UrlFolder]:
    """Return a folder to be filled; at a URL it is filled whole or not at all."""
    if isinstance(to, Path):
        to.mkdir(parents=True, exist_ok=True)
        yield LocalFolder(to)
        return
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="dedup-"))
        # NOTE: not all of fsspec can be used by several threads, and a hub takes one commit at a time
        several = to.url.scheme in BY_ARROW
        pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS if several else 1))
        folder = UrlFolder(to, Path(scratch), pool)
        try:
            yield folder
            folder.wait()
        except BaseException:
            folder.undo()
            raise


def check_target(run: Run, to: AnyFile, force: bool) -> None:
    """Raise BadInput where a target holds or lies among the sources, OutputExists where it is in use."""
    if isinstance(to, UrlFile):
        _check_url(run, to, force)
        return
    real = os.path.realpath(os.fsencode(to))
    for source in run.sources:
        if is_url(source.at):
            continue
        path = os.path.realpath(source.at)
        if path == real or path.startswith(real + b"/"):
            raise BadInput(
                f"{to}: holds the source {os.fsdecode(source.path)}; choose a folder apart from the input"
            )
    scanned = run.summary.get("scanned", {"folder": "/", "paths": []})
    for path in (p for p in scanned["paths"] if not is_url(os.fsencode(p))):
        folder = os.path.realpath(os.fsencode(os.path.join(scanned["folder"], path)))
        if os.path.isdir(folder) and (real + b"/").startswith(folder + b"/"):
            raise BadInput(f"{to}: lies in the input {path}; choose a folder apart from the input")
    if to.exists() and not to.is_dir():
        raise OutputExists(f"{to}: is a file; choose a folder")
    if to.is_dir() and any(to.iterdir()) and not force:
        raise OutputExists(f"{to}: is not empty; give --force to write into it")


def check_seen_from(run: Run) -> None:
    """Raise BadInput where the paths of a run are relative to another folder than this one."""
    folder = run.summary.get("scanned", {"folder": "/"})["folder"]
    if not any(is_url(s.at) or os.path.lexists(s.at) for s in run.sources) and folder != os.getcwd():
        raise BadInput(f"the paths of this run are those seen from {folder}; run this there")


def _check_url(run: Run, to: UrlFile, force: bool) -> None:
    here = f"{to}/"
    for source in run.sources:
        if os.fsdecode(source.path).startswith(here):
            raise BadInput(
                f"{to}: holds the source {os.fsdecode(source.path)}; choose a folder apart from the input"
            )
    for path in run.summary.get("scanned", {"paths": []})["paths"]:
        if is_url(os.fsencode(path)) and here.startswith(path.rstrip("/") + "/"):
            raise BadInput(f"{to}: lies in the input {path}; choose a folder apart from the input")
    if to.is_file():
        raise OutputExists(f"{to}: is a file; choose a folder")
    if not force and not to.is_empty():
        raise OutputExists(f"{to}: is not empty; give --force to write into it")
