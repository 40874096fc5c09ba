"""A server that runs `dedup` commands in forked children, and does to them what it is asked to.

It loads everything once, starts no thread, and forks for each request, one JSON object a line:

    args        the command line; ["verify", FOLDER] opens a run and prints a digest of all that is in it
    cwd         where it runs
    kill_after  seconds after which it gets SIGKILL
    signal      sent instead
    kill_at     it kills itself at its nth change of the file system (open for writing, rename, remove, mkdir)
    limit       bytes that a file may grow to (RLIMIT_FSIZE: real EFBIG)
    memory      bytes of address space more than it has at the start (RLIMIT_AS)
    user        the user id it runs under
    environment what is added to the environment
    stdin       a file to read standard input from [/dev/null]
    stdout      where it writes instead: "full" (/dev/full), "closed pipe" (nobody reads), or "none" (closed)
    stderr      the same
    timeout     seconds after which it counts as hanging [60]

The answer: code (negative: the signal), out, err, seconds, rss (peak, in bytes), changes (counted so far).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")


def serve() -> None:
    """Answer requests until standard input ends."""
    import importlib
    import pkgutil

    import dedup
    from dedup.matching.update import finder
    from dedup.pipeline import warm_up
    from dedup.text.normalize import han_forms, letter_table

    # all of it now, so that a child that is another user need not read the interpreter's files
    for found in pkgutil.walk_packages(dedup.__path__, "dedup."):
        if found.name != "dedup.__main__":
            importlib.import_module(found.name)
    for name in ("chardet", "datasketch", "rapidfuzz.process", "selectolax.lexbor", "rich.progress", "shlex"):
        importlib.import_module(name)
    for name in ("utf-32-le", "utf-16-le", "utf-16", "cp1252", "latin-1"):
        "".encode(name)
    # whatever was added, so that it is the second scan's own way of finding candidates that is killed
    finder.LEAST_SAME, finder.LEAST_SETTLED, finder.STEPS = 0, 1, 10**9
    warm_up.warm_up(lambda: None, again=True, passages=True)
    letter_table()
    han_forms()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """One request -> its answer."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as note:
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            _child(asked, out.fileno(), err.fileno(), note.fileno())
        watch = os.pidfd_open(child)
        wait = asked.get("kill_after", asked.get("timeout", 60))
        if not select.select([watch], [], [], wait)[0]:
            os.kill(child, asked.get("signal", signal.SIGKILL))
            if not select.select([watch], [], [], asked.get("timeout", 60))[0]:
                os.kill(child, signal.SIGKILL)
        os.close(watch)
        _, status, usage = os.wait4(child, 0)
        texts = []
        for file in (out, err, note):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
    return {
        "code": os.waitstatus_to_exitcode(status),
        "out": texts[0],
        "err": texts[1],
        "changes": len(texts[2]),
        "seconds": time.monotonic() - start,
        "rss": usage.ru_maxrss * 1024,
    }


def _child(asked: dict[str, Any], out: int, err: int, note: int) -> None:
    code = 99
    try:
        os.chdir(asked["cwd"])
        os.environ.update(asked.get("environment", {}))
        for fd, place in ((os.open(asked.get("stdin", os.devnull), os.O_RDONLY), 0), (out, 1), (err, 2)):
            os.dup2(fd, place)
        sys.stdin = os.fdopen(0)
        sys.stdout, sys.stderr = (os.fdopen(fd, "w", errors="surrogateescape") for fd in (1, 2))
        _write_to("stdout", asked.get("stdout", ""))
        _write_to("stderr", asked.get("stderr", ""))
        if "limit" in asked:
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["limit"], resource.RLIM_INFINITY))
        if "memory" in asked:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + asked["memory"], resource.RLIM_INFINITY))
        if "user" in asked:
            os.setgroups([])
            os.setgid(asked["user"])
            os.setuid(asked["user"])
        _watch(asked.get("kill_at", 0), note)
        code = _command(asked["args"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # what leaves main() is what a user would see
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, AttributeError):  # where it cannot be written, or is None
                stream.flush()
        os._exit(code)


def _write_to(name: str, where: str) -> None:
    """Standard output or error goes there instead."""
    fd = {"stdout": 1, "stderr": 2}[name]
    if where == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), fd)
    elif where == "closed pipe":
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, fd)
    elif where == "none":
        os.close(fd)
        setattr(sys, name, None)  # as the interpreter has it then


def _watch(kill_at: int, note: int) -> None:
    """Count the changes of the file system; die at the one asked for."""
    n = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal n
        writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in CHANGES:
            n += 1
            os.pwrite(note, b".", n - 1)
            if n == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _command(args: list[str]) -> int:
    if args[0] == "verify":
        print(json.dumps(digest(Path(args[1]))))
        return 0
    from dedup import cli

    sys.argv = ["dedup", *args]
    cli.main()
    return 0


def digest(folder: Path) -> dict[str, Any]:
    """A run, opened with its signatures and anchors -> a digest of all its tables, and its figures."""
    from dedup import open_run
    from dedup.core.errors import BadRun

    try:
        run = open_run(folder)
        n = len(run.documents)
        assert len(run.signatures.values) == len(run.signatures.skeletons) == n
        assert len(run.anchors.hash) == len(run.anchors.doc) == len(run.anchors.position)
        seen, kept, dropped, aside = (
            run.summary["documents"][k] for k in ("seen", "kept", "dropped", "set_aside")
        )
        assert seen == n == kept + dropped + aside
        (tables,) = {p.parent for p in folder.glob("tables-*/verdict.parquet") if _named(folder) in str(p)}
    except BadRun as error:
        return {"refused": str(error)}
    found = hashlib.sha256()
    for path in sorted(tables.iterdir()):
        found.update(path.name.encode() + path.read_bytes())
    return {"tables": found.hexdigest(), "documents": n, "kept": run.keep()}


def _named(folder: Path) -> str:
    return json.loads((folder / "run.json").read_bytes())["tables"]


# ------------------------------------------------------------------ the other side


class Warm:
    """The server, seen from a test: warm(*args, cwd=..., kill_after=...) -> Answer."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.warm"]
        root = Path(__file__).parents[2]
        env = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, cwd=root, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *args: object, **asked: Any) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {**asked, "args": [str(a) for a in args], "cwd": str(asked.get("cwd", "."))}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return Answer(answer)

    def close(self) -> None:
        """End the server."""
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait(30)
        self.process.stdout.close()  # type: ignore[union-attr]


class Answer:
    """What became of a command."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.code: int = found["code"]
        self.out: str = found["out"]
        self.err: str = found["err"]
        self.told = [line for line in self.err.splitlines() if line.startswith("dedup: ")]
        self.seconds: float = found["seconds"]
        self.rss: int = found["rss"]
        self.changes: int = found["changes"]
        assert "Traceback" not in self.err, self.err

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def json(self) -> Any:
        return json.loads(self.out)


if __name__ == "__main__":
    serve()
