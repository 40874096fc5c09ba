"""`dedup move`: dropped files go to a quarantine folder and come back, byte for byte; nothing is lost."""

import errno
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import dedup
from dedup.cli import commands
from dedup.core.errors import BadInput, Locked
from dedup.reports.move import move_dropped
from dedup.runs import quarantine
from dedup.runs.quarantine import JOURNAL, journal, undo

from ..conftest import OTHER, POST


@pytest.fixture
def place(files, monkeypatch):
    """Two documents, each with copies in other folders, scanned; the test works there."""
    made = files(
        {
            "in/a/post.txt": POST,
            "in/b/c/post copy.txt": POST.upper(),
            "in/b/latin.txt": OTHER.replace("a", "\u00e4").encode("latin-1"),
            "in/other.txt": OTHER.replace("a", "\u00e4"),
        }
    )
    os.utime(made / "in/b/c/post copy.txt", ns=(10**18, 10**18 + 123))
    os.chmod(made / "in/b/c/post copy.txt", 0o640)
    monkeypatch.chdir(made)
    dedup.scan("in", run="r")
    return made


def tree(folder: str = "in") -> dict[str, tuple[bytes, int, int]]:
    files = [p for p in Path(folder).rglob("*") if p.is_file() and p.name != JOURNAL]
    return {
        p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_mode)
        for p in files
    }


def moved(**how: bool):
    return move_dropped(dedup.open_run("r"), Path("q"), **how)


def dropped() -> set[str]:
    return {m.path for m in dedup.open_run("r").drop()}


def no_links(*_: object, **__: object) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_files_are_moved_and_moved_back_byte_for_byte(place, monkeypatch, elsewhere):
    if elsewhere:
        monkeypatch.setattr(quarantine.os, "link", no_links)
    before, gone = tree(), dropped()
    assert len(gone) == 2
    result = moved()
    assert [os.path.relpath(entry.path) for entry, _ in result.moved] == sorted(gone)
    assert result.left == []
    assert set(tree()) == {name for name in before if f"in/{name}" not in gone}
    assert tree("q") == {f"in/{name}": facts for name, facts in before.items() if f"in/{name}" in gone}
    assert undo(Path("q"), False)[1] == []
    assert tree() == before
    assert not Path("q").exists()


def test_a_dry_run_changes_nothing(place):
    before = tree()
    assert len(moved(dry=True).moved) == 2
    assert tree() == before
    assert not Path("q").exists()
    moved()
    after = tree()
    assert len(undo(Path("q"), True)[0]) == 2
    assert tree() == after


class Killed(BaseException):
    pass


@pytest.mark.parametrize("call", ["os.link", "os.unlink", "_copy", "flush"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_was_killed_in_the_middle_is_undone(place, monkeypatch, call, when):
    if call == "_copy":
        monkeypatch.setattr(quarantine.os, "link", no_links)
    before = tree()
    owner, name = (quarantine.os, call[3:]) if call.startswith("os.") else (quarantine, call)
    real, n = getattr(owner, name), 0

    def killing(*args: object, **how: object) -> None:
        nonlocal n
        n += 1
        if when == "after" or n < 2:
            real(*args, **how)
        if n == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killing)
        with pytest.raises(Killed):
            moved()
    assert undo(Path("q"), False)[1] == []
    assert tree() == before


def test_a_half_written_copy_is_undone(place):
    before = tree()
    path = os.path.abspath("in/b/c/post copy.txt")
    with journal(Path("q"), new=True) as opened:
        full = os.path.abspath("q/in/b/c/post copy.txt")
        opened.add(quarantine.Moved(path, full, os.path.getsize(path), quarantine.digest_of(path)))
    os.makedirs("q/in/b/c")
    Path("q/in/b/c/post copy.txt").write_text("half")
    with open(f"q/{JOURNAL}", "a") as f:
        f.write('{"path": "torn')
    assert undo(Path("q"), False)[1] == []
    assert tree() == before
    assert not Path("q").exists()


def test_a_changed_file_is_left_and_told(place):
    path = Path("in/b/c/post copy.txt")
    assert str(path) in dropped()
    facts = path.stat()
    path.write_text(POST.upper().replace("THE", "EHT"))  # of the same size and time
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    result = moved()
    assert [(where, why[:11]) for where, why in result.left] == [(str(path), "has changed")]
    assert path.exists()
    assert len(result.moved) == 1


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_file_whose_witness_is_no_longer_there_is_left(place, how):
    witness = {m.path: m.witness for m in dedup.open_run("r").drop()}["in/b/c/post copy.txt"]
    Path(witness).unlink()
    if how == "changed":
        Path(witness).write_text("other")
    before = tree()
    result = moved()
    assert [where for where, _ in result.left] == ["in/b/c/post copy.txt"]
    assert f"kept witness {witness}" in result.left[0][1]
    assert tree()["b/c/post copy.txt"] == before["b/c/post copy.txt"]


def test_nothing_is_written_over(place):
    os.makedirs("q/in/b/c")
    Path("q/in/b/c/post copy.txt").write_text("mine")
    result = moved()
    assert [where for where, why in result.left if "is there already" in why] == ["in/b/c/post copy.txt"]
    assert Path("q/in/b/c/post copy.txt").read_text() == "mine"
    (entry, _) = result.moved[0]
    Path(entry.path).write_text("new")
    assert [(where, why) for where, why in undo(Path("q"), False)[1]] == [
        (entry.to, "another file is in its old place")
    ]
    assert Path(entry.path).read_text() == "new"
    Path(entry.path).unlink()
    assert undo(Path("q"), False)[1] == []
    assert Path("q/in/b/c/post copy.txt").read_text() == "mine"


def test_a_file_in_a_folder_that_is_read_only_stays_and_is_told(place, monkeypatch):
    before, real = tree(), os.unlink

    def refused(path: str, *args: object, **how: object) -> None:
        if str(path).endswith("in/b/c/post copy.txt") and "/q/" not in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        real(path, *args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(quarantine.os, "unlink", refused)
        result = moved()
    assert result.left == [("in/b/c/post copy.txt", "permission denied")]
    assert not os.path.exists("q/in/b/c/post copy.txt")
    assert undo(Path("q"), False)[1] == []
    assert tree() == before


def test_links_are_handled_with_care(files, monkeypatch):
    made = files({"in/b.txt": POST, "in/d.txt": OTHER})
    monkeypatch.chdir(made)
    os.link("in/b.txt", "in/a.txt")
    os.symlink("d.txt", "in/c.txt")
    dedup.scan("in", run="r", follow_links=True)
    before = {p: Path(p).read_bytes() for p in dropped()}
    result = moved()
    hard = [entry for entry, _ in result.moved]
    assert len(hard) == 1
    assert os.path.exists("in/a.txt") != os.path.exists("in/b.txt")
    assert os.path.exists("in/c.txt")
    assert os.path.exists("in/d.txt")
    assert undo(Path("q"), False)[1] == []
    assert {p: Path(p).read_bytes() for p in before} == before
    assert os.stat("in/a.txt").st_ino == os.stat("in/b.txt").st_ino


def test_records_inside_files_are_refused_with_the_command_that_serves(files, monkeypatch):
    line = json.dumps({"text": POST})
    made = files({"in/rows.jsonl": f"{line}\n{line}\n"})
    monkeypatch.chdir(made)
    dedup.scan("in", run="r")
    with pytest.raises(BadInput, match="dedup export corpus --to"):
        moved()
    Path("in/x.txt").write_text(POST)
    Path("in/y.txt").write_text(POST)
    dedup.scan("in", run="r")
    result = moved()
    assert result.inside >= 1
    assert len(result.moved) >= 1


def test_the_quarantine_is_apart_from_the_input_and_of_one_command_at_a_time(place):
    with pytest.raises(BadInput, match="lies in the input"):
        move_dropped(dedup.open_run("r"), Path("in/q"))
    with journal(Path("q"), new=True), pytest.raises(Locked):
        moved()
    with pytest.raises(BadInput, match="nothing was moved"):
        undo(Path("in"), False)


def test_several_moves_to_one_folder_are_undone_together(place):
    before = tree()
    moved()
    Path("in/b/again.txt").write_text(POST)
    dedup.scan("in", run="r")
    before["b/again.txt"] = tree()["b/again.txt"]
    moved()
    assert len(undo(Path("q"), False)[0]) == 3
    assert tree() == before


def test_a_quarantine_folder_that_was_itself_moved_is_undone(place):
    before = tree()
    moved()
    os.rename("q", "elsewhere")
    assert len(undo(Path("elsewhere"), False)[0]) == 2
    assert tree() == before


def test_the_command_lists_moves_and_undoes(place):
    def run(*args: str) -> tuple[int, str]:
        result = CliRunner().invoke(commands, ["move", *args], standalone_mode=False)
        assert result.exception is None, result.exception
        return result.return_value, result.output

    code, shown = run("dropped", "--to", "q", "--dry-run", "--run", "r")
    assert code == 0
    assert "dedup move dropped --to q --run r" in shown
    assert len([line for line in shown.splitlines() if line.count("\t") == 2]) == 2
    code, shown = run("dropped", "--to", "q", "--run", "r", "--json")
    assert len(json.loads(shown[: shown.rindex("}") + 1])["moved"]) == 2
    assert run("--undo", "q") == (0, "2 are back in their places, 0 left\n")
