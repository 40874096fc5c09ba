"""URLs -> sources and their bytes.

A URL may hold credentials: `user:password@`, or values in its query such as a signature.  They stay in
the memory of this process: names, lists, messages and the run folder have the URL without them.  For a
source, `path` is the URL as it is shown, and `at` that by which it is opened again.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar
from urllib.parse import quote, unquote

from ...core.documents import Source
from ..base import Damaged
from . import filesystems
from .filesystems import BY_ARROW, WEB, File, Host
from .reasons import reason

T = TypeVar("T")
CONNECTIONS = 16
HIDDEN = "..."  # instead of a credential
MARKERS = re.compile(r"_\$folder\$$|(^|/)(_SUCCESS|_(started|committed)_\d+|_temporary)$")

_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]+://")
_OPTIONS = re.compile(r"\?(\w+=[^&/]*(?:&\w+=[^&/]*)*)$")  # of a store; any other ? is a pattern
_SECRET = re.compile(
    r"key(?!word)|token|secret|signature|pass|pwd|cred|session|jwt|auth(?!or)|x-amz-|x-goog-"
    r"|(^|[-_.])(sig|code|sid|pw)($|[-_.])",
    re.IGNORECASE,
)
_users: dict[str, str] = {}  # scheme://host -> user:password
_queries: dict[str, str] = {}  # a URL as it is shown -> its query with the credentials


@dataclass(frozen=True)
class Url:
    """The parts of a URL, its credentials taken out; `path` is as it is there, not quoted."""

    scheme: str
    host: str
    path: str
    query: str = ""
    twin: str = ""  # "#2" of a second URL that differs from the first only in its credentials

    @property
    def place(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def at(self) -> str:
        """Return the URL by which the program opens it."""
        path = quote(self.path) if self.scheme in BY_ARROW else self.path
        return f"{self.place}{path}{'?' * bool(self.query)}{self.query}{self.twin}"

    @property
    def shown(self) -> str:
        return self.place + self.path if self.scheme in BY_ARROW else self.at

    @property
    def secret_key(self) -> str:
        """Return what its query is remembered by; that of a store is one for all its files."""
        return self.at if self.scheme in WEB else f"{self.place}?{self.query}"


def is_url(path: bytes) -> bool:
    """Tell whether a path given is a URL rather than a file of this machine.

    >>> is_url(b"s3://bucket/x"), is_url(b"x/s3://y"), is_url(b"c:/x")
    (True, False, False)
    """
    return _URL.match(path) is not None


def file_name(path: bytes) -> bytes:
    """A path or URL -> the part of it by whose suffix its format is known.

    >>> file_name(b"https://host/a.jsonl.gz?page=2#2"), file_name(b"a?b#c")
    (b'https://host/a.jsonl.gz', b'a?b#c')
    """
    if not is_url(path):
        return path
    web = path.lower().startswith((b"http://", b"https://"))
    return re.split(rb"[?#]" if web else rb"\?(?=\w+=[^/]*$)", path, maxsplit=1)[0]


def local_path(url: bytes) -> bytes:
    """Return the path in a file:// URL; any other as it is.

    >>> local_path(b"file:///a%20b/c"), local_path(b"s3://b/c")
    (b'/a b/c', b's3://b/c')
    """
    found = re.match(rb"(?:file|local)://(?:localhost)?(/.*)", url, re.DOTALL | re.IGNORECASE)
    return os.fsencode(unquote(os.fsdecode(found[1]))) if found else url


def parse(url: bytes) -> Url:
    """A URL as it was given -> its parts; its credentials are remembered.  Raises Damaged."""
    scheme, rest = url.decode("utf-8", "surrogateescape").split("://", 1)
    scheme = scheme.lower()
    if scheme in WEB:
        rest, _, query = rest.partition("#")[0].partition("?")
    else:
        options = _OPTIONS.search(rest)
        rest, query = (rest[: options.start()], options[1]) if options else (rest, "")
    host, slash, path = rest.partition("/")
    user, _, host = host.rpartition("@")
    port = host.rpartition("]")[2].partition(":")[2]
    if port and not port.isdigit():  # the end of the host is inside a password that has a slash in it
        raise Damaged("what stands before its host must be percent-encoded, a / as %2F")
    if not host and scheme in ("s3", "gs", "gcs", *WEB):
        raise Damaged("names no bucket or host")
    if user and (":" in user or scheme in ("s3", *WEB)):
        _users[f"{scheme}://{host}"] = user
    elif user:
        host = f"{user}@{host}"
    found = Url(scheme, host, slash + path, _without_secrets(query))
    return _remembered(found, query) if found.query != query else found


def _without_secrets(query: str) -> str:
    """`a=b&sig=xyz` -> `a=b&sig=...`."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(f"{k}={HIDDEN}" if _SECRET.search(k) and v else k + eq + v for k, eq, v in pairs)


def _remembered(url: Url, query: str) -> Url:
    """Return the URL, numbered when another one that looks the same has other credentials."""
    n = 1
    while _queries.setdefault(url.secret_key, query) != query and url.scheme in WEB:
        n += 1
        url = replace(url, twin=f"#{n}")
    _queries[url.secret_key] = query
    return url


def clean(url: bytes) -> bytes:
    """A URL as it was given -> as it is shown, without credentials.  Other paths stay as they are.

    >>> clean(b"https://me:pw@host/a.txt?id=7&token=xyz"), clean(b"a/b.txt")
    (b'https://host/a.txt?id=7&token=...', b'a/b.txt')
    >>> clean(b"s3://key:secret@bucket/x/*.gz?region=eu-west-1")
    b's3://bucket/x/*.gz'
    """
    if not is_url(url) or local_path(url) != url:
        return url
    try:
        return _bytes(parse(url).shown)
    except Damaged:
        return url.split(b"://", 1)[0] + b"://" + HIDDEN.encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _of_at(at: bytes) -> Url:
    """`at` of a source -> the URL.  Raises Damaged when it had credentials that are not known here."""
    scheme, rest = at.decode("utf-8", "surrogateescape").split("://", 1)
    rest, mark, twin = rest.partition("#") if scheme in WEB else (rest, "", "")
    rest, _, query = rest.partition("?")
    host, slash, path = rest.partition("/")
    url = Url(scheme, host, slash + (unquote(path) if scheme in BY_ARROW else path), query, mark + twin)
    if f"={HIDDEN}" in query and url.secret_key not in _queries:
        raise Damaged("its URL had credentials, which are not kept; name it by the whole URL")
    return url


Secrets = tuple[dict[str, str], dict[str, str]]


def secrets() -> Secrets:
    """Return the credentials that URLs have brought, to be given to `remember` of another process."""
    return dict(_users), dict(_queries)


def remember(known: Secrets) -> None:
    """Take over what another process knows, so that it need not be written down."""
    for mine, theirs in zip((_users, _queries), known, strict=True):
        mine.update(theirs)


def can_seek(at: bytes) -> bool:
    """Tell whether a stretch in the middle of a file is read without what stands before it."""
    return not is_url(at) or at.split(b"://", 1)[0].decode().lower() in BY_ARROW


def host_and_path(url: Url) -> tuple[Host, str]:
    """A URL -> its host, and the path to ask for there."""
    user = _users.get(url.place, "")
    base = f"{url.scheme}://{user}{'@' * bool(user)}{url.host}"
    query = _queries.get(url.secret_key, url.query)
    if url.scheme in WEB:
        return filesystems.host_of(url.scheme, base), url.path + "?" * bool(query) + query
    return filesystems.host_of(
        url.scheme, f"{base}?{filesystems.with_defaults(url.scheme, query)}".rstrip("?")
    ), url.path


# ------------------------------------------------------------------ what is there


def found(given: bytes, skip: Callable[[bytes], str]) -> Iterator[Source | str]:
    """A URL or a pattern -> sources (reader and codec still open), or why something was passed over.

    skip(name of a folder) -> why it is not entered, "" when it is.  One that cannot be read is a source
    with a problem.
    """
    shown = clean(given)
    try:
        url = parse(given)
        host, path = host_and_path(url)
        for top, files in _listings(host, url, path):
            yield from _sources(url, shown, top, files, skip)
    except Exception as error:  # libraries raise what they like
        yield Source(shown, "text", "", 0, 0, given=shown, problem=reason(error))


def _listings(host: Host, url: Url, path: str) -> Iterator[tuple[str, list[File]]]:
    """Return (a folder or file that was meant, the files below it)."""
    is_web = url.scheme in WEB
    top = None if is_web and _has_magic(url.path, is_web) else host.facts(path)
    if is_web and top is not None:
        top = top._replace(path=url.path)  # the query is not part of its name
    if top is None and not _has_magic(url.path, is_web):
        raise Damaged("there is nothing at this address")
    if top is not None:
        tops = [top]
    elif not (tops := list(_matching(host, url.path, is_web))):
        raise Damaged("nothing matches")
    if is_web and top is None:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            tops = [f for f in pool.map(host.facts, [t.path for t in tops if not t.is_folder]) if f]
    for file in tops:
        yield file.path, host.below(file.path, True) if file.is_folder else [file]


def _has_magic(path: str, is_web: bool) -> bool:
    return re.search(r"[*[]" if is_web else r"[*?[]", path) is not None


def _matching(host: Host, pattern: str, is_web: bool) -> Iterator[File]:
    """Files and folders that match a pattern: as in a shell, ** stands for folders at any depth."""
    parts = pattern.strip("/").split("/")
    n = next(i for i, part in enumerate(parts) if _has_magic(part, is_web))
    start = "".join("/" + part for part in parts[:n])
    if "**" in parts:
        match = re.compile(_translated("/" + "/".join(parts)))
        # what is in a folder that matches is found by that folder
        for file in host.below(start, True):
            if match.fullmatch(file.path) and not (file.is_folder and parts[-1] == "**"):
                yield file
        return
    level = [File(start, True, 0, 0)]
    for i, part in enumerate(parts[n:], n):
        fits = re.compile(fnmatch.translate(part.replace("?", "[?]") if is_web else part))
        inside = [f for folder in level if folder.is_folder for f in host.below(folder.path, False)]
        level = [f for f in inside if _fits(fits, posixpath.basename(f.path), part)]
        if i == len(parts) - 1:
            yield from level


def _fits(pattern: re.Pattern[str], name: str, part: str) -> bool:
    return pattern.match(name) is not None and (part.startswith(".") or not name.startswith("."))


def _translated(pattern: str) -> str:
    """A pattern with ** -> a regular expression; hidden names are met by no wildcard."""
    out = ""
    for part in pattern.strip("/").split("/"):
        if part == "**":
            out += r"(?:/(?!\.)[^/]+)*"
        else:
            inner = fnmatch.translate(part).removeprefix("(?s:").rpartition(")")[0].replace(".*", "[^/]*")
            out += "/" + ("" if part.startswith(".") else r"(?!\.)") + inner
    return out


def _sources(
    url: Url, given: bytes, top: str, files: list[File], skip: Callable[[bytes], str]
) -> Iterator[Source | str]:
    """The files below `top` -> sources; a folder that is skipped is counted once."""
    names = {file.path for file in files}
    passed: dict[str, str] = {}
    for file in sorted(files):
        if file.is_folder or (file.path.endswith("/") and not file.size):
            continue
        if not file.size and MARKERS.search(file.path):
            yield "marker of size 0"
            continue
        reason = _skipped(file.path, top, names, passed, skip)
        if reason is None:
            one = replace(url, path=file.path)
            if url.scheme in WEB and file.path != url.path:
                one = replace(one, query="", twin="")  # a query belongs to one URL
            at, shown = _bytes(one.at), _bytes(one.shown)
            facts = (max(0, file.size), file.mtime_ns, b"" if at == shown else at)
            yield Source(shown, "", "", *facts, given=given, version=file.version)
        elif reason:
            yield reason


def _skipped(
    path: str, top: str, names: set[str], passed: dict[str, str], skip: Callable[[bytes], str]
) -> str | None:
    """Return why a file is passed over, by the folders below `top`: "" when told before, None: it is not."""
    folder = top
    for part in path[len(top) :].strip("/").split("/")[:-1]:
        folder = f"{folder.rstrip('/')}/{part}"
        if folder in passed:
            return ""
        reason = skip(_bytes(part))
        if not reason and {f"{folder}/run.json", f"{folder}/lock"} <= names:
            reason = "run folder"
        if reason:
            passed[folder] = reason
            return reason
    return None


# ------------------------------------------------------------------ reading, and reading again


def open_url(source: Source) -> BinaryIO:
    """Return the bytes of a remote source, as they are there, buffered and able to seek.  Raises Damaged."""
    host, path = host_and_path(_of_at(source.at))
    try:
        return host.open(path, source.size or -1)  # NOTE: 0 may also mean that its size is not told
    except Exception as error:
        raise Damaged(reason(error)) from None


def _same(source: Source, now: File | None) -> bool:
    if now is None or now.is_folder or (max(0, now.size), now.mtime_ns) != (source.size, source.mtime_ns):
        return False
    return now.version == source.version or source.version.startswith(filesystems.NOTHING_TOLD)


def unchanged(source: Source) -> bool:
    """Tell whether a remote source has the size and time (or ETag) with which it was listed."""
    try:
        host, path = host_and_path(_of_at(source.at))
        return _same(source, host.facts(path))
    except Exception:  # not to be had is not the same
        return False


def exists(source: Source) -> bool:
    """Tell whether there is still something at the address, as far as it can be asked."""
    try:
        host, path = host_and_path(_of_at(source.at))
        return host.facts(path) is not None
    except Exception:
        return False


def all_unchanged(sources: Iterable[Source]) -> dict[bytes, bool]:
    """Remote sources -> whether each `at` is as it was listed; files of one folder are asked for at once."""
    folders: dict[bytes, dict[bytes, Source]] = {}
    for source in sources:
        web = source.at.startswith((b"http://", b"https://"))
        folders.setdefault(source.at if web else posixpath.dirname(source.at), {})[source.at] = source
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return {at: same for found in pool.map(_of_folder, folders.values()) for at, same in found.items()}


def _of_folder(sources: dict[bytes, Source]) -> dict[bytes, bool]:
    if len(sources) == 1:
        return {at: unchanged(source) for at, source in sources.items()}
    try:
        paths = {at: _of_at(at).path for at in sources}
        host, path = host_and_path(_of_at(next(iter(sources))))
        now = {file.path: file for file in host.below(posixpath.dirname(path), False)}
        return {at: _same(source, now.get(paths[at])) for at, source in sources.items()}
    except Exception:
        return dict.fromkeys(sources, False)


def ahead(calls: Iterable[Callable[[], T]]) -> Iterator[T]:
    """Results of calls that wait for the network, in their order, CONNECTIONS of them under way at a time."""
    pool = ThreadPoolExecutor(CONNECTIONS)
    waiting: deque[Future[T]] = deque()
    try:
        for call in calls:
            waiting.append(pool.submit(call))
            if len(waiting) >= 2 * CONNECTIONS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
