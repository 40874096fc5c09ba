"""A file or folder at a URL, to be read or written where a command takes a path."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ...core.errors import BadInput, BadSetting, DedupError, safe
from . import filesystems, urls
from .reasons import reason

T = TypeVar("T")


@dataclass(frozen=True)
class UrlFile:
    """A URL that is used as a path is; shown without its credentials."""

    url: urls.Url

    @classmethod
    def of(cls, given: str) -> UrlFile:
        """Return what a URL names.  Raises BadSetting when it cannot be understood."""
        try:
            found = urls.parse(os.fsencode(given))
        except OSError as error:
            shown = os.fsdecode(urls.clean(os.fsencode(given)))
            raise BadSetting(f"{safe(shown)}: {reason(error)}") from None
        return cls(replace(found, path=found.path.rstrip("/")))

    def __str__(self) -> str:
        return self.url.shown

    def __truediv__(self, name: str) -> UrlFile:
        return UrlFile(replace(self.url, path=f"{self.url.path}/{name}"))

    @property
    def name(self) -> str:
        """Return the last part of its path."""
        return posixpath.basename(self.url.path)

    @property
    def suffix(self) -> str:
        """Return the last suffix of its name, as Path does."""
        return PurePosixPath(self.name).suffix

    @property
    def stem(self) -> str:
        """Return its name without the last suffix."""
        return PurePosixPath(self.name).stem

    @property
    def is_web(self) -> bool:
        """Tell whether it is on the web, where nothing can be written."""
        return self.url.scheme in filesystems.WEB

    def exists(self) -> bool:
        """Tell whether there is a file or folder.  Raises DedupError where that cannot be asked."""
        return self._told(lambda host, path: host.facts(path) is not None, "cannot be reached")

    def is_file(self) -> bool:
        """Tell whether there is a file."""

        def ask(host: filesystems.Host, path: str) -> bool:
            found = host.facts(path)
            return found is not None and not found.is_folder

        return self._told(ask, "cannot be reached")

    def is_empty(self) -> bool:
        """Tell whether there is nothing: no file, and nothing in a folder of that name."""

        def ask(host: filesystems.Host, path: str) -> bool:
            found = host.facts(path)
            return found is None or (found.is_folder and not host.below(path, False))

        return self._told(ask, "cannot be reached")

    def read_bytes(self) -> bytes:
        """Return the bytes of the file.  Raises BadInput."""

        def read(host: filesystems.Host, path: str) -> bytes:
            with host.open(path, -1) as stream:
                return stream.read()

        try:
            return self._told(read, "cannot be read")
        except DedupError as error:
            raise BadInput(str(error)) from None

    def put(self, local: Path) -> None:
        """Write a file of this machine there, whole or not at all.  Raises DedupError.

        NOTE: on a thread of its own, as a signal in the middle of it would leave half a file in a store.
        """
        with ThreadPoolExecutor(1) as pool:
            pool.submit(self.put_now, local).result()

    def put_now(self, local: Path) -> None:
        """Write a file of this machine there, on this thread."""
        self._told(lambda host, path: host.write(local, path), "cannot be written")

    def remove(self) -> None:
        """Remove the file."""
        self._told(lambda host, path: host.remove(path), "cannot be removed")

    def _told(self, act: Callable[[filesystems.Host, str], T], what: str) -> T:
        """Do something there; raise DedupError, in one line, for whatever a library raises."""
        try:
            return act(*urls.host_and_path(self.url))
        except Exception as error:  # libraries raise what they like
            raise DedupError(f"{safe(str(self))}: {what}: {reason(error)}") from None


AnyFile = Path | UrlFile
