"""Make the generated parts of the reference from the program: python docs/make_reference.py [--check]

Writes the text between `<!-- made by docs/make_reference.py: NAME -->` and `<!-- end -->` in
docs/reference.md, and docs/summary.schema.json.  With --check it writes nothing, names the files that differ
and exits with 1.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # the program beside this file, whichever is installed

import dedup
from dedup.cli import commands
from dedup.cli.export import export
from dedup.core.documents import STATUS
from dedup.core.settings import Settings
from dedup.core.verdicts import DECIDING, RELATIONS
from dedup.reports.lists.export import EXPORTERS
from dedup.runs import array_store, tables

REFERENCE, SCHEMA = DOCS / "reference.md", DOCS / "summary.schema.json"
PART = re.compile(r"(<!-- made by docs/make_reference\.py: ([A-Za-z -]+) -->\n).*?(<!-- end -->)", re.S)
SETTINGS = {field.name: field for field in dataclasses.fields(Settings)}

ROW_PER = {
    "sources": "file, member of an archive, URL",
    "documents": "document seen",
    "pairs": "verified pair that reached a threshold",
    "compared": "pair that was verified, whatever its figures",
    "spellings": "document with the same letters as another one",
    "boilerplate": "run of boilerplate shingles",
    "verdict": "document seen",
    "signatures": "document seen",
    "skeletons": "document seen",
    "anchor_hashes": "anchor",
    "anchor_positions": "anchor",
}
MEANING = {
    "anchor_hashes": "hash of the shingle; the n_anchors of each document follow one another",
    "anchor_positions": "its position in its document, in letters",
    "bones_left": "shingles of the left skeleton",
    "bones_overlap": "shingles that both skeletons have; 0 if they were not compared",
    "bones_right": "shingles of the right skeleton",
    "by_anchors": "the pair was proposed by anchors",
    "by_family": "the differences are slots of a family: the two are instances of one form",
    "candidate": "the pair was a candidate, not compared only to select witnesses",
    "canonical": "row of the cluster's canonical document",
    "cluster": "row of the cluster's first document; its own row if it is in no cluster",
    "codec": "how it is packed: gz, bz2, xz, zst or nothing",
    "containment": "containment with its witness: overlap / the smaller set",
    "digests": "128-bit hashes of bytes, text, text without spacing, without capitals; 64 bits of its values",
    "discounted_containment": "containment without boilerplate",
    "damaged": "pairs of a word and its damaged copy that occur once",
    "discounted_jaccard": "Jaccard without boilerplate",
    "doubtful": "letters of words in the place of others, where one may be a damaged copy",
    "doubtful_numbers": "numbers, signs and negations that may differ",
    "doc": "row of the document",
    "encoding": "encoding its text was read in",
    "end": "position after its last shingle",
    "errors": "errors of the alignment by letters; 0 if the two were not aligned so",
    "family": "row of the first instance of its form; -1 for none",
    "figure": "a number of the list below: the figure that decided its relation to the witness",
    "fields": "values that a policy of `--prefer` uses, as a JSON object",
    "file": "the file with its bytes, if not path: such as the archive",
    "given": "the path on the command line by which it was found",
    "grams_left": "different ones of 10,000 four letters in a row of the left one, if aligned by letters",
    "grams_right": "the same of the right document",
    "id": "the record's own id",
    "id_type": "number if that is a number, else nothing",
    "id_field": "field of the id",
    "inserted": "letters of words that only one of the two has and that recur beside the same word",
    "jaccard": "Jaccard with its witness; 1 if it is kept",
    "left": "row of one document",
    "letters_left": "letters of the left document that are not boilerplate",
    "letters_right": "letters of the right document that are not boilerplate",
    "line": "threshold that this figure had to reach",
    "lopsided": "letters of words in the place of a much longer text",
    "lost": "share of its letters, without boilerplate, that its witness lacks",
    "letters_hash": "128-bit hash of its letters",
    "member": "its number among the members of the archive; -1 for none",
    "mtime_ns": "time of its last change",
    "n_anchors": "its anchors",
    "n_bones": "shingles of its skeleton",
    "n_bytes": "its length in bytes",
    "n_letters": "its letters",
    "n_marks": "its punctuation marks",
    "n_shingles": "its distinct shingles",
    "n_upper": "its capitals",
    "noise": "those of the errors that are no content",
    "note": "why it was set aside, as text",
    "numbers": "numbers in the place of others",
    "offset": "position of its first byte in the unpacked source",
    "only_left": "letters that only the left document has",
    "only_right": "letters that only the right document has",
    "overlap": "shingles that both have",
    "own_left": "shingles of the left document that are not boilerplate",
    "own_overlap": "shingles that both have and that are not boilerplate",
    "own_right": "shingles of the right document that are not boilerplate",
    "passages": "letters of passages in the place of others; the smaller count of the two documents",
    "path": "its name",
    "places": "places where the words of the two differ",
    "problem": "why nothing could be read",
    "reader": "the format it was read as",
    "reason": "the policy that chose a canonical document",
    "record": "line, row or record in the source; 0 for a whole file",
    "relation": "a number of the list below",
    "repairs": "what was done to its text before it was compared",
    "repeated": "letters of words that differ in the same way twice or more",
    "replaced": "letters of words in the place of others; the smaller count of the two documents",
    "right": "row of the other document",
    "signatures": "MinHash signature of its shingles",
    "silent_left": "letters of boilerplate of the left document that the right one lacks",
    "silent_right": "letters of boilerplate of the right document that the left one lacks",
    "size": "length of the file in bytes",
    "verdict.size": "distinct shingles of a dropped document; 0 if it is kept",
    "size_left": "distinct shingles of the left document",
    "size_right": "distinct shingles of the right document",
    "skeleton_jaccard": "Jaccard of the skeletons if it is rewritten, else NaN",
    "skeletons": "MinHash signature of its skeleton",
    "slots": "hashes of the first four differing places: words before, after, left, right; 0 if more",
    "source": "row of its source",
    "start": "position of its first shingle, in letters",
    "status": "a number of the list below",
    "text_field": "field of the text",
    "value": "value of this figure; 1 if it is kept",
    "version": "the ETag of a URL whose size or time is not known",
    "witness": "row of the kept document it is dropped for; its own row if it is kept",
    "witness_size": "distinct shingles of the witness",
    "words": "words of the shorter document; 0 if the two were not compared word by word",
    "written": "hash of the file's bytes if they differ from its text",
}

# ------------------------------------------------------------------ tables


def table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    """Return cells as a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in lines)


def split_help(text: str) -> tuple[str, str]:
    """Split a help text with a default in brackets: -> (help, default).

    >>> split_help("File to write. [stdout]"), split_help("[default: by suffix]")
    (('File to write.', 'stdout'), ('', 'by suffix'))
    """
    found = re.fullmatch(r"(.*?)\s*\[(?:default: )?([^]]*)\]", text)
    return (found[1], found[2]) if found else (text, "")


def of_commands() -> str:
    """Return the table of commands, with a line of help each."""
    return table(
        ("command", "what it does"),
        ((f"`{n}`", c.get_short_help_str(500).rstrip(".")) for n, c in commands.commands.items()),
    )


def of_settings() -> str:
    """Return the table of settings: flag, default, range, help."""
    rows = []
    for name, field in SETTINGS.items():
        text, default = split_help(field.metadata["help"])
        low, high = field.metadata["low"], field.metadata["high"]
        if field.default != "":
            default = f"`{'no' if field.default is False else field.default}`"
        between = "" if low is None else f"{low} to {high}"
        rows.append((f"`--{name.replace('_', '-')}`", default, between, text.rstrip(".")))
    return table(("setting", "default", "range", "meaning"), rows)


def of_options(command: click.Command, without: Iterable[str] = ()) -> str:
    """Return the table of a command's options, without the options named."""
    rows = [option_row(p) for p in command.params if isinstance(p, click.Option) and p.name not in without]
    return table(("option", "default", "meaning"), rows)


def option_row(option: click.Option) -> tuple[str, str, str]:
    """Return the flags, the default and the meaning of an option."""
    text, default = split_help(option.help or "")
    info = option.to_info_dict()
    kind = option.type
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    if isinstance(kind, click.Choice):
        text = f"{text.rstrip('.')}: " * bool(text) + ", ".join(f"`{choice}`" for choice in kind.choices)
    elif not option.is_flag:
        metavar = option.metavar or kind.name.upper()
        flags += " " + {"INTEGER": "N", "INTEGER RANGE": "N", "DIRECTORY": "DIR"}.get(metavar, metavar)
    if not default and info["default"] not in (None, False):
        shown = option.show_default if callable(info["default"]) else info["default"]
        default = f"`{shown}`"
    return flags, default, text.rstrip(".")


def of_lists() -> str:
    """Return the table of the lists of `dedup export` and their columns."""
    names = {name: export.commands[name].help or "" for name in EXPORTERS}
    rows = ((f"`{n}`", names[n].rstrip("."), ", ".join(EXPORTERS[n][1])) for n in EXPORTERS)
    return table(("list", "what is in it", "columns"), rows)


def list_options() -> str:
    """Return the table of the options that all lists have."""
    made = {of_options(export.commands[name]) for name in EXPORTERS}
    assert len(made) == 1, "the lists have come to differ in their options"
    return made.pop()


def run_tables() -> dict[str, dict[str, str]]:
    """Return the tables of a run folder, taken from a run of two texts: name -> column -> type."""
    run = dedup.scan_texts(["one text of a few words", "One text of a few words."])
    out = {
        name: {field.name: str(field.type) for field in make(run).schema}
        for name, make in tables.TABLES.items()
    }
    wide = ("signatures", "skeletons")
    for name, dtype in array_store.FILES.items():
        out[name] = {name: dtype.__name__ + " of num_perm" * (name in wide)}
    return out


def of_tables() -> str:
    """Return a table of the columns of every table of a run folder."""
    found = run_tables()
    assert set(found) == set(ROW_PER), "ROW_PER does not name the tables that there are"
    used = {_meant(name, column) for name, columns in found.items() for column in columns}
    assert used == set(MEANING), f"MEANING lacks or has too many: {sorted(used ^ set(MEANING))}"
    parts = []
    for name, columns in found.items():
        file = f"{name}.npy" if name in array_store.FILES else f"{name}.parquet"
        rows = ((f"`{c}`", kind, MEANING[_meant(name, c)]) for c, kind in columns.items())
        parts.append(f"`{file}`, a row per {ROW_PER[name]}:\n\n" + table(("column", "type", "meaning"), rows))
    return "\n".join(parts)


def _meant(name: str, column: str) -> str:
    """Return the key of MEANING for a column of a table."""
    return f"{name}.{column}" if f"{name}.{column}" in MEANING else column


def of_codes() -> str:
    """Return the names of the numbers in `relation`, `status` and `figure`."""
    named = {"relation": RELATIONS, "status": STATUS, "figure": DECIDING}
    return "".join(
        f"- `{column}`: " + ", ".join(f"{i} {name or 'none'}" for i, name in enumerate(names)) + "\n"
        for column, names in named.items()
    )


def parts() -> dict[str, str]:
    """Return the generated parts of the reference, by name."""
    return {
        "commands": of_commands(),
        "settings": of_settings(),
        "lists": of_lists(),
        "tables": of_tables(),
        "codes": of_codes(),
        "options scan": of_options(commands.commands["scan"], SETTINGS),
        "options export LIST": list_options(),
        "options export corpus": of_options(export.commands["corpus"]),
        **{
            f"options {name}": of_options(command)
            for name, command in commands.commands.items()
            if name not in ("scan", "export", "pull", "warm")  # the last two have none
        },
    }


# ------------------------------------------------------------------ the schema of --json

COUNT = {"type": "integer", "minimum": 0}
SECONDS = {"type": "number", "minimum": 0}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
TEXT = {"type": "string"}
JSON_KINDS = {float: "number", int: "integer", str: "string", bool: "boolean"}


def an_object(about: str = "", **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has exactly these keys."""
    head = {"description": about} if about else {}
    closed = {"properties": properties, "required": list(properties), "additionalProperties": False}
    return {**head, "type": "object", **closed}


def a_map(about: str, values: Any, keys: Iterable[str] = ()) -> dict[str, Any]:
    """Return the schema of an object with any of these keys, or with any keys."""
    named = {"propertyNames": {"enum": list(keys)}} if keys else {}
    return {"description": about, "type": "object", **named, "additionalProperties": values}


def a_list(items: Any, about: str = "", most: int | None = None) -> dict[str, Any]:
    """Return the schema of an array."""
    head = {"description": about} if about else {}
    return {**head, "type": "array", "items": items, **({} if most is None else {"maxItems": most})}


def settings_schema() -> dict[str, Any]:
    """Return the schema of the settings on which a result depends, with their ranges."""
    out = {}
    for name, field in SETTINGS.items():
        if field.metadata["decides"]:
            low, high = field.metadata["low"], field.metadata["high"]
            between = {} if low is None else {"minimum": low, "maximum": high}
            about = split_help(field.metadata["help"])[0]
            out[name] = {"description": about, "type": JSON_KINDS[type(field.default)], **between}
    return an_object(**out)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the object that `dedup scan --json` and `dedup decide --json` print."""
    dropping, reasons = RELATIONS[1:], STATUS[1:]
    relation = {"enum": list(RELATIONS)}
    reason = {"enum": list(reasons)}
    member = an_object(
        path=TEXT, relation=relation, jaccard=SHARE, containment=SHARE,
        skeleton_jaccard={**SHARE, "type": ["number", "null"]}, lost=SHARE,
        figure={"enum": list(DECIDING)}, value=SHARE, line=SHARE,
    )  # fmt: skip
    cluster = an_object(
        cluster_id={"type": "integer", "minimum": 1}, size={"type": "integer", "minimum": 2},
        kept=COUNT, lossy={**COUNT, "description": "dropped documents that lose more than 5 %"},
        canonical=TEXT, reason=TEXT, members=a_list(member, "the first, without the canonical one", 5),
    )  # fmt: skip
    source = an_object(
        path=TEXT, seen=COUNT, kept=COUNT, dropped=COUNT, lossy=COUNT, set_aside=COUNT,
        reasons=a_map("documents set aside, by reason", COUNT, reasons), bytes=COUNT,
    )  # fmt: skip
    summary = an_object(
        version=TEXT,
        settings={"$ref": "#/$defs/settings"},
        documents=an_object(
            "seen = kept + dropped + set_aside", seen=COUNT, kept=COUNT, dropped=COUNT, set_aside=COUNT
        ),
        bytes=an_object(seen=COUNT, dropped=COUNT),
        sources={**COUNT, "description": "files, members of archives, URLs"},
        by_source=a_list(source, "a file of many records, or a path given with all files found by it", 1000),
        warnings=a_list(TEXT, "what a person should look at before acting on the lists"),
        skipped=a_map("what was passed over without reading, by reason", COUNT),
        relations=a_map("dropped documents, by the relation to their witness", COUNT, dropping),
        clusters=an_object(
            count=COUNT,
            documents={**COUNT, "description": "documents that are not alone"},
            relations=a_map("clusters in which a document was dropped for each relation", COUNT, dropping),
            largest=a_list(cluster, "", 5),
        ),
        forms=an_object(
            "instances of forms, all kept", documents=COUNT, count=COUNT,
            largest=a_list(an_object(family_id=COUNT, size=COUNT, documents=a_list(TEXT, "", 3)), "", 5),
        ),
        lost=an_object(
            "dropped documents that lose something, and the largest share", documents=COUNT, most=SHARE
        ),
        set_aside=an_object(
            reasons=a_map("documents set aside, by reason", COUNT, reasons),
            documents=a_list(an_object(path=TEXT, reason=reason, note=TEXT), "the first of them", 1000),
        ),
        seconds=a_map("wall seconds of each phase; unchanged: of a scan with nothing new", SECONDS),
        scanned=an_object(
            "the scan, of which `settings` may have been decided anew",
            folder=TEXT, paths=a_list(TEXT), settings={"$ref": "#/$defs/settings"},
        ),
    )  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dedup scan --json",
        **summary,
        "$defs": {"settings": settings_schema()},
    }


# ------------------------------------------------------------------ files


def filled(text: str, made: dict[str, str]) -> str:
    """Return the reference with new generated parts.  Raises ValueError if a part has no place."""
    found = [name for _, name, _ in PART.findall(text)]
    if sorted(found) != sorted(made):
        raise ValueError(
            f"reference.md: parts without, or with two places: {set(found) ^ set(made) or found}"
        )
    return PART.sub(lambda part: f"{part[1]}\n{made[part[2]]}\n{part[3]}", text)


def wanted() -> dict[Path, str]:
    """Return the files as they should be: path -> text."""
    return {
        REFERENCE: filled(REFERENCE.read_text("utf-8"), parts()),
        SCHEMA: json.dumps(schema(), indent=1) + "\n",
    }


def stale() -> list[Path]:
    """Return the paths of the files that are not as they should be."""
    return [p for p, text in wanted().items() if not p.exists() or p.read_text("utf-8") != text]


def main(arguments: list[str]) -> int:
    """Write the files, or with --check only compare them, and return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/make_reference.py [--check]\n")
        return 2
    if arguments:
        old = stale()
        for path in old:
            sys.stderr.write(f"{path}: is not what the program says; run: python docs/make_reference.py\n")
        return int(bool(old))
    for path, text in wanted().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
