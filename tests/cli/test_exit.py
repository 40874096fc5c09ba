"""Exit codes say what was found: not who listens, and never that an error was a success."""

import errno
import sys

import pytest

from dedup.cli import exit
from dedup.core import errors, standard_streams

from ..conftest import OTHER, POST

PAIR = {"in/a.txt": POST, "in/b.txt": POST.upper(), "in/c.txt": OTHER, "new.txt": POST}


@pytest.fixture
def scanned(run, files):
    folder = files(PAIR)
    run("scan", "in", "-q")
    return folder


FOUND = [
    ("scan in", 0),
    ("scan in --json", 0),
    ("scan in --fail-on-duplicates", 1),
    ("decide --fail-on-duplicates", 1),
    ("check new.txt", 1),
    ("check new.txt --json", 1),
    ("check in/c.txt", 0),
    ("export keep", 0),
    ("explain in/a.txt in/b.txt --format json", 0),
    ("show", 0),
    ("--help", 0),
]


@pytest.mark.parametrize(("command", "code"), FOUND)
def test_a_gone_reader_of_stdout_is_forgiven_and_the_code_says_what_was_found(scanned, warm, command, code):
    done = warm(*command.split(), cwd=scanned, stdout="closed pipe")
    assert (done.code, done.told) == (code, [])


@pytest.mark.parametrize("command", [command for command, _ in FOUND])
def test_a_full_stdout_is_an_error_in_one_line(scanned, warm, command):
    done = warm(*command.split(), cwd=scanned, stdout="full")
    assert (done.code, done.told) == (2, ["dedup: output: cannot be written: No space left on device"])


@pytest.mark.parametrize("stderr", ["full", "closed pipe", "none"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("scan nowhere", 2),
        ("scan in nowhere", 2),
        ("scan --k 0 in", 2),
        ("scna", 2),
        ("scan in --checksum", 0),
        ("scan in --fail-on-duplicates", 1),
        ("check new.txt", 1),
        ("export keep -o keep.txt", 0),
    ],
)
def test_a_standard_error_that_takes_nothing_changes_no_code(scanned, warm, command, code, stderr):
    assert warm(*command.split(), cwd=scanned, stderr=stderr).code == code


def test_what_a_command_does_after_it_has_printed_is_done_without_a_reader_too(scanned, warm):
    done = warm("check", "new.txt", "--add", cwd=scanned, stdout="closed pipe")
    assert (done.code, "1 documents added" in done.err) == (1, True)


def test_a_closed_stdout_is_refused(scanned, warm):
    done = warm("scan", "in", cwd=scanned, stdout="none")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "standard input or output is closed" in done.err


# ------------------------------------------------------------------ what a command raises


def ended(error, capfd):
    """An error that a command raises -> (exit code, lines on stderr)."""

    def command():
        raise error

    code = exit.code_of(command)
    return code, capfd.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "a connection broke off: Broken pipe"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Refused"), "a connection broke off: Refused"),
        (PermissionError(errno.EACCES, "Permission denied", "x/y"), "x/y: Permission denied"),
        (OSError(errno.ENOSPC, "No space left", b"x\xff"), "x\\udcff: No space left"),
        (errors.BadInput("x: is empty"), "x: is empty"),
        (MemoryError(), "there is not enough memory; DEDUP_TRACEBACK=1 shows where"),
        (KeyError("x"), "a fault of this program: KeyError: 'x' (test_exit.py, line "),
        (EOFError(), "a fault of this program: EOFError (test_exit.py, line "),
        (SystemExit(0), "a fault of this program: SystemExit: 0 (test_exit.py, line "),
        (SystemExit(1), "a fault of this program: SystemExit: 1 (test_exit.py, line "),
        (ValueError("one\ntwo\x1b[31m"), "a fault of this program: ValueError: one two\\x1b[31m ("),
    ],
)
def test_whatever_is_raised_is_one_line_and_code_2(capfd, error, told):
    code, (line,) = ended(error, capfd)
    assert code == 2
    assert line.startswith(f"dedup: {told}")


def test_where_an_error_comes_from_is_shown_when_asked(capfd, monkeypatch):
    monkeypatch.setenv("DEDUP_TRACEBACK", "1")
    code, lines = ended(KeyError("x"), capfd)
    assert (code, lines[0], lines[-2]) == (2, "Traceback (most recent call last):", "KeyError: 'x'")
    assert lines[-1].startswith("dedup: a fault of this program: ")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (errors.Stopped(143), 143)])
def test_a_signal_keeps_its_code(capfd, error, code):
    assert ended(error, capfd) == (code, [f"dedup: {exit.STOPPED}"])


def test_a_broken_connection_ends_a_scan_with_2_and_leaves_what_was_read(run, files, monkeypatch):
    from dedup.pipeline import scan

    def broken(*args, **kwargs):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    folder = files(PAIR)
    monkeypatch.setattr(scan, "find_duplicates", broken)
    assert run("scan", "in", "-q", code=2).stderr == "dedup: a connection broke off: Broken pipe\n"
    assert not (folder / ".dedup/run.json").exists()
    assert (folder / ".dedup/unfinished").exists()


# ------------------------------------------------------------------ the guards


def test_nothing_is_made_for_a_list_that_nobody_reads(monkeypatch, scanned):
    from dedup import open_run
    from dedup.reports.lists import export

    made = []

    def rows(run):
        for i in range(1_000_000):
            made.append(i)
            yield {"path": "x" * 1000}

    monkeypatch.setitem(export.EXPORTERS, "keep", (rows, ("path",)))
    run = open_run(scanned / ".dedup")
    with standard_streams.guarded() as out:
        out.lost = BrokenPipeError()
        export.export(run, "keep")
    assert len(made) == 1


def test_what_the_encoding_of_stdout_lacks_is_written_as_an_escape(capfdbinary, monkeypatch):
    with open(1, "w", encoding="ascii", closefd=False) as ascii:
        monkeypatch.setattr(sys, "stdout", ascii)
        with standard_streams.guarded():
            print("caf\xe9 \u2501")  # noqa: T201
        monkeypatch.undo()
    assert capfdbinary.readouterr().out == b"caf\\xe9 \\u2501\n"
