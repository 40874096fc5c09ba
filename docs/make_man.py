"""Make the man pages, docs/man, of the help of all commands: `python docs/make_man.py`.

`python docs/make_man.py --check` only tells whether they are what the program says.

NOTE: not by click-man, which loses each line of a help text that begins with a dot, such as ".csv, ...".
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from dedup import __version__
from dedup.cli import commands

MAN = Path(__file__).with_name("man")


def pages() -> dict[str, str]:
    """Return the man page of each command: file name -> text."""
    found = {}
    for names, command in _all(("dedup",), commands):
        found[f"{'-'.join(names)}.1"] = page(names, command)
    return found


def _all(names: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield names, command
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _all((*names, name), inner)


def page(names: tuple[str, ...], command: click.Command) -> str:
    """Return the man page of a command (the language is man(7))."""
    context = click.Context(command, info_name=" ".join(names))
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    first, *rest = paragraphs
    summary, _, more = " ".join(first.split()).partition(". ")
    usage = " ".join(command.collect_usage_pieces(context))
    name = "-".join(names)
    lines = [
        f'.TH "{name.upper()}" 1 "" "dedup {__version__}" "dedup"',
        *(".SH NAME", f"{roff(name)} \\- {roff(summary.rstrip('.:'))}"),
        *(".SH SYNOPSIS", f".B {roff(' '.join(names))}", roff(usage)),
        *(".SH DESCRIPTION", roff(f"{summary}. {more}" if more else summary)),
    ]
    for paragraph in rest:
        lines += [".PP", *_paragraph(paragraph)]
    if options := [p.get_help_record(context) for p in command.params if isinstance(p, click.Option)]:
        lines.append(".SH OPTIONS")
        for record in filter(None, options):
            lines += [".TP", f"\\fB{roff(record[0])}\\fR", roff(" ".join(record[1].split()))]
    if isinstance(command, click.Group):
        others = (f"\\fB{roff(f'{name}-{other}')}\\fR(1)" for other in sorted(command.commands))
        lines += [".SH SEE ALSO", ",\n".join(others)]
    return "\n".join(lines) + "\n"


def _paragraph(text: str) -> list[str]:
    """Return a paragraph of help; after \\b, a form feed there, its lines stay as they are."""
    if text.startswith("\b\n"):
        return [".nf", *(roff(line) for line in text.split("\n")[1:]), ".fi"]
    return [roff(" ".join(text.split()))]


def roff(text: str) -> str:
    """Return a line of text as man(7) has it.

    >>> roff(".csv or -o")
    '\\\\&.csv or \\\\-o'
    """
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check only compare them, and return the exit code."""
    made = pages()
    there = {path.name: path.read_text("utf-8") for path in MAN.glob("*.1")}
    if arguments:
        for name in sorted(made.keys() | there.keys()):
            if made.get(name) != there.get(name):
                sys.stderr.write(
                    f"docs/man/{name}: is not what the program says; run: python docs/make_man.py\n"
                )
        return int(made != there)
    MAN.mkdir(exist_ok=True)
    for name in there.keys() - made.keys():
        (MAN / name).unlink()
    for name, text in made.items():
        (MAN / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
