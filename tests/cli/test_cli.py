"""The command line: what it prints where, exit codes, and bad input in one clear line."""

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import OTHER, POST, SAMPLES

PAIR = {"in/a.txt": POST, "in/b.txt": POST.upper(), "in/c.txt": OTHER}


def test_scan_then_export_keep_prints_one_path_a_line(run, files):
    files(PAIR)
    summary = run("scan", "in")
    assert "seen 3 = kept 2 + dropped 1 + set aside 0" in summary.stdout
    assert "\x1b" not in summary.stdout
    assert run("export", "keep").lines == ["in/a.txt", "in/c.txt"]


def test_the_summary_names_the_next_command_and_it_works(run, files):
    files(PAIR)
    next_line = next(x for x in run("scan", "in", "--run", "r").lines if x.startswith("next:"))
    words = next_line.split("  ")[0].removeprefix("next: dedup ").split()
    assert run(*words).lines == ["in/a.txt", "in/c.txt"]


def test_json_prints_one_object_and_nothing_else(run, files):
    files(PAIR)
    outcome = run("scan", "in", "--json")
    assert outcome.json["documents"] == {"seen": 3, "kept": 2, "dropped": 1, "set_aside": 0}
    assert outcome.json["relations"] == {"case": 1}
    manifest = json.loads(Path(".dedup/run.json").read_text())
    assert outcome.json.items() <= manifest.items()


def test_quiet_prints_nothing(run, files):
    files(PAIR)
    run("scan", "in", "-q")
    outcome = run("scan", "in", "--quiet")
    assert (outcome.stdout, outcome.stderr) == ("", "")


def test_fail_on_duplicates_exits_with_1_only_when_there_are_any(run, files):
    files(PAIR)
    run("scan", "in", "--fail-on-duplicates", code=1)
    run("scan", "in/a.txt", "in/c.txt", "--fail-on-duplicates", code=0)


def test_standard_input_is_a_source(run, files, monkeypatch):
    import io

    files(PAIR)
    lines = "".join(
        json.dumps({"id": i, "body": t}) + "\n" for i, t in enumerate([POST, POST.lower(), OTHER])
    )
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    run("scan", "-", "in/c.txt")
    rows = run("export", "drop", "--format", "jsonl").jsonl
    assert [(r["path"], r["id"], r["witness"], r["relation"]) for r in rows] == [
        ("-:2", 1, "-:1", "case"),
        ("-:3", 2, "in/c.txt", "identical"),
    ]


def test_json_lines_gzip_and_files_are_compared_with_each_other(run, files):
    rows = "".join(json.dumps({"content": t, "n": i}) + "\n" for i, t in enumerate([OTHER, POST]))
    files(
        {
            "in/a.txt": POST,
            "in/b.jsonl.gz": gzip.compress(rows.encode()),
            "in/c.gz": gzip.compress(OTHER.encode()),
        }
    )
    run("scan", "in")
    assert run("export", "keep").lines == ["in/a.txt", "in/b.jsonl.gz:1"]


def test_hidden_folders_node_modules_links_and_the_run_folder_are_skipped_and_counted(run, files):
    folder = files({**PAIR, "in/.git/x": POST, "in/node_modules/y": POST, "in/.hidden/z": POST})
    (folder / "in/link.txt").symlink_to("a.txt")
    run("scan", "in", "--run", "in/run")
    again = run("scan", "in", "--run", "in/run", "--json").json
    assert again["documents"]["seen"] == 3
    assert again["skipped"] == {
        "hidden folder": 2,
        "node_modules folder": 1,
        "run folder": 1,
        "symbolic link": 1,
    }
    assert run("scan", "in", "--json").json["skipped"]["run folder"] == 1  # of the other scan


def test_links_are_followed_when_asked_and_a_loop_ends(run, files):
    folder = files({"in/d/a.txt": POST, "out/b.txt": OTHER})
    (folder / "in/d/up").symlink_to("..")
    (folder / "in/more").symlink_to(folder / "out")
    assert run("scan", "in", "--follow-links", "--json").json["documents"]["seen"] == 2


# ------------------------------------------------------------------ bad input


def one_line(outcome, *words):
    (line,) = outcome.told
    for word in words:
        assert word in line


def test_a_missing_path_is_told_and_the_rest_is_scanned(run, files):
    files(PAIR)
    one_line(run("scan", "nowhere", code=2), "nowhere", "no such file")
    outcome = run("scan", "in", "nowhere", code=2)
    one_line(outcome, "nowhere", "no such file")
    assert "set aside 1" in outcome.stdout
    assert run("export", "set-aside", "--format", "jsonl").jsonl == [
        {"path": "nowhere", "reason": "unreadable", "note": "no such file or directory"}
    ]


def test_an_empty_folder_has_nothing_to_read(run, files):
    files({"empty/.git/x": POST})
    one_line(run("scan", "empty", code=2), "empty", "no files")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_set_aside(run, files):
    folder = files(PAIR)
    (folder / "in/b.txt").chmod(0)
    one_line(run("scan", "in", code=2), "in/b.txt", "permission denied")


def test_a_broken_line_is_named_by_number_and_the_others_are_read(run, files):
    good = [json.dumps({"text": t}) for t in (POST, OTHER)]
    files(
        {
            "a.jsonl": "\n".join(
                [good[0], '{"text": "cut', "", good[1], '["list"]', '{"texts": 1}', '{"text": 5}']
            )
        }
    )
    outcome = run("scan", "a.jsonl", code=2)
    lines = outcome.told
    assert [line.split(": ")[1] for line in lines] == ["a.jsonl:2", "a.jsonl:5", "a.jsonl:6", "a.jsonl:7"]
    assert "not JSON" in lines[0]
    assert "array" in lines[1]
    assert "'texts'" in lines[2]
    assert "number" in lines[3]
    assert "seen 6 = kept 2 + dropped 0 + set aside 4" in outcome.stdout


def test_a_field_that_cannot_be_guessed_is_told_with_those_that_are_there(run, files):
    files({"a.jsonl": json.dumps({"prose": POST, "verse": POST}), **PAIR})
    one_line(run("scan", "a.jsonl", code=2), "a.jsonl", "'prose', 'verse'", "--text-field")
    one_line(run("scan", "in", "a.jsonl", code=2), "a.jsonl", "--text-field")
    run("scan", "a.jsonl", "--text-field", "prose")
    one_line(
        run("scan", "a.jsonl", "--text-field", "body", code=2),
        "a.jsonl:1",
        "no field 'body'",
        "'prose', 'verse'",
    )


def test_a_nested_field_is_reached_by_a_dotted_path(run, files):
    files(
        {"a.jsonl": "".join(json.dumps({"doc": {"t": t}, "m": {"id": t[:3]}}) + "\n" for t in (POST, OTHER))}
    )
    run("scan", "a.jsonl", "--text-field", "doc.t", "--id-field", "m.id")
    assert [r["id"] for r in run("export", "keep", "--format", "jsonl").jsonl] == ["The", "Sli"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--min-jaccard", "1.5"], ["min_jaccard", "0.05 to 1.0"]),
        (["--k", "0"], ["k: 0", "3 to 64"]),
        (["--num-perm", "4"], ["num_perm", "16 to 1024"]),
        (["--prefer", "prettiest"], ["prettiest", "fullest"]),
        (["--boilerplate", "maybe"], ["boilerplate", "neither on nor off"]),
        (["--relations", "close"], ["close", "rewritten"]),
        (["--prefer", "path"], ["path", "GLOB"]),
        (["--config", "missing.toml"], ["missing.toml", "no such file"]),
    ],
)
def test_a_setting_out_of_range_is_told_with_its_range(run, files, flags, words):
    files(PAIR)
    one_line(run("scan", "in", *flags, code=2), *words)


def test_the_command_line_wins_over_the_config_file(run, files):
    files({**PAIR, "x.toml": 'min-jaccard = 0.9\nprefer = "first"', "pyproject.toml": "[tool.dedup]\nk = 12"})
    assert run("scan", "in", "--json").json["settings"]["k"] == 12
    settings = run("scan", "in", "--config", "x.toml", "--min-jaccard", "0.6", "--json").json["settings"]
    assert (settings["min_jaccard"], settings["prefer"], settings["k"]) == (0.6, "first", 8)
    files({"bad.toml": "colour = 1", "worse.toml": "= ="})
    one_line(run("scan", "in", "--config", "bad.toml", code=2), "bad.toml", "'colour'", "min_jaccard")
    one_line(run("scan", "in", "--config", "worse.toml", code=2), "worse.toml", "not TOML")


def test_export_without_a_run_says_how_to_make_one(run):
    one_line(run("export", "keep", code=2), ".dedup", "dedup scan")


def test_a_run_of_another_version_is_refused(run, files):
    files(PAIR)
    run("scan", "in")
    manifest = json.loads(Path(".dedup/run.json").read_text())
    Path(".dedup/run.json").write_text(json.dumps({**manifest, "format": 99}))
    one_line(run("export", "keep", code=2), "format 99", "scan again")


def test_a_folder_that_is_no_run_folder_is_left_alone(run, files):
    files({**PAIR, "mine/thesis.txt": "do not touch"})
    one_line(run("scan", "in", "--run", "mine", code=2), "mine", "not a run folder")
    assert os.listdir("mine") == ["thesis.txt"]
    one_line(run("scan", "in", "--run", "in/a.txt", code=2), "in/a.txt")


def test_binary_and_empty_files_are_set_aside_without_complaint(run, files):
    files(
        {
            **PAIR,
            "in/empty": "",
            "in/image.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
            "in/nul": b"a\0b" * 99,
        }
    )
    summary = run("scan", "in", "--json").json
    assert summary["set_aside"]["reasons"] == {"binary": 2, "empty": 1}


def test_a_truncated_gzip_is_told(run, files):
    packed = gzip.compress((POST + OTHER).encode() * 50)
    rows = gzip.compress("".join(json.dumps({"text": f"{i} {POST}"}) + "\n" for i in range(2000)).encode())
    files(
        {
            **PAIR,
            "in/cut.txt.gz": packed[:-20],
            "in/cut.jsonl.gz": rows[: len(rows) // 2],
            "in/no.gz": "plain",
        }
    )
    outcome = run("scan", "in", code=2)
    lines = [line for line in outcome.told if "warning" not in line]
    assert [line.split(": ")[1].split(":")[0] for line in lines] == [
        "in/cut.jsonl.gz",
        "in/cut.txt.gz",
        "in/no.gz",
    ]


# ------------------------------------------------------------------ help


def test_a_scan_of_text_files_loads_neither_scipy_nor_datasketch(tmp_path):
    (tmp_path / "a.txt").write_text("Some text that is long enough to be a document.")
    code = (
        "import sys, dedup.cli\n"
        "try: dedup.cli.main()\n"
        "finally: print([m for m in ('scipy.linalg', 'datasketch') if m in sys.modules])"
    )
    scan = [sys.executable, "-c", code, "scan", str(tmp_path), "--run", str(tmp_path / "run"), "-q"]
    assert subprocess.run(scan, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("command", "given", "ours"),
    [
        ("scan", "--threshold=0.8", "--min-jaccard"),
        ("decide", "--threshold", "--min-jaccard"),
        ("scan", "--ngram_size", "--k"),
        ("scan", "--text-column", "--text-field"),
    ],
)
def test_an_option_by_the_name_of_other_programs_is_told_ours(run, command, given, ours):
    told = f"No such option '{given.partition('=')[0]}'. Did you mean '{ours}'?"
    one_line(run(command, given, code=2), told, f"dedup {command} --help")


def test_help_loads_no_numpy_and_names_every_setting(run):
    import dataclasses

    from dedup.core.settings import Settings

    code = (
        "import sys, dedup.cli; print([m for m in ('numpy', 'rich', 'numba', 'pyarrow') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
    text = run("scan", "-h").stdout
    for knob in dataclasses.fields(Settings):
        assert "--" + knob.name.replace("_", "-") in text
    assert run("--version").stdout.startswith("dedup, version ")
    one_line(run("scan", code=2), "nothing to scan: give PATHS", "dedup scan --help")
    one_line(run("scna", code=2), "scna", "dedup --help")


@pytest.mark.slow
def test_a_scan_works_where_no_cache_folder_can_be_written(files, tmp_path):
    folder = files({**PAIR, "home": "a file, so that nothing can be made below it"})
    code = (
        "import numba.core.caching as c\n"
        "def no(*a, **k): raise OSError('read-only')\n"
        "c._CacheLocator.ensure_cache_path = no\n"
        "import dedup; print(dedup.scan('in').summary['documents'])"
    )
    env = {**os.environ, "HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "home")}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True)
    assert done.stdout == "{'seen': 3, 'kept': 2, 'dropped': 1, 'set_aside': 0}\n", done.stderr


def test_samples_are_readable_by_all():
    assert all(p.stat().st_mode & stat.S_IROTH for p in SAMPLES.rglob("*"))


def test_a_file_is_kept_rather_than_its_copy_on_standard_input(run, files, monkeypatch):
    import io

    files(PAIR)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(POST.encode())))
    run("scan", "-", "in/a.txt")
    assert run("export", "keep").lines == ["in/a.txt"]
    assert run("explain", "-", "in/a.txt").stdout


def test_the_first_help_has_a_line_for_every_command_and_every_way_to_exit_with_1(run):
    shown = run("--help").stdout
    examples, _, commands = shown.partition("Commands:")
    for line in commands.splitlines():
        assert not line.strip() or f"  dedup {line.split()[0]} " in examples, line
    assert "1 duplicates found, by check or with --fail-on-duplicates" in " ".join(shown.split())


@pytest.mark.parametrize("command", [(), ("export",)])
def test_without_a_command_the_help_is_shown_as_it_is_with_help(run, command):
    outcome = run(*command, code=2)
    assert outcome.stdout == ""
    assert outcome.stderr == run(*command, "--help").stdout


def test_a_path_in_the_place_of_a_command_is_told_what_to_type(run, files):
    files({"my texts/a.txt": POST})
    one_line(run("my texts", "--json", code=2), "is no command", "dedup scan 'my texts' --json")
    one_line(run("s3://bucket/x", code=2), "dedup scan s3://bucket/x")
    one_line(run("skan", "my texts", code=2), "No such command 'skan'")
    one_line(run("export", "my texts", code=2), "No such command 'my texts'")
