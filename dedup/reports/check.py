"""What `check` has found -> text for the eye, JSON, annotations for a code review on GitHub."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ..check.result import ALLOWED, DUPLICATE, IN_RUN, NEW, SET_ASIDE, STATES, Checked, Match
from ..core.errors import safe
from .wording import counted, lost

SHOWN = 3  # matches of one document


def as_dict(found: Sequence[Checked], against: str, n_docs: int, unused: Sequence[str]) -> dict[str, Any]:
    """Return all that was found as plain values, what `--json` prints."""
    return {
        "against": {"run": against, "documents": n_docs},
        "documents": {
            "seen": len(found),
            **{name.replace(" ", "_"): n for name, n in _totals(found).items()},
        },
        "duplicates": sum(doc.status == DUPLICATE for doc in found),
        "unused_allowed": list(unused),
        "checked": [asdict(doc) for doc in found],
    }


def _totals(found: Sequence[Checked]) -> dict[str, int]:
    counts = Counter(doc.status for doc in found)
    return {name: counts[name] for name in STATES}


def jsonl(found: Sequence[Checked]) -> Iterator[str]:
    """Return an object a line, in ASCII, one for each new document."""
    for doc in found:
        yield json.dumps(asdict(doc))


# ------------------------------------------------------------------ for the eye


def view(found: Sequence[Checked], against: str, n_docs: int) -> RenderableType:
    """Return what is printed: each duplicate with its closest matches, then the totals."""
    parts: list[RenderableType] = []
    for doc in found:
        if doc.status == SET_ASIDE:
            parts.append(_head("set aside", "red", doc, doc.note))
        elif doc.status == NEW and doc.matches:
            parts += [_head("new", "green", doc, "other content in the same form as"), _match(doc.matches[0])]
        elif doc.status in (DUPLICATE, ALLOWED):
            parts.append(_head(doc.status, "yellow" if doc.status == DUPLICATE else "dim", doc))
            parts += [_match(m) for m in doc.matches[:SHOWN]]
            if len(doc.matches) > SHOWN:
                parts.append(Text(f"           and {counted(len(doc.matches) - SHOWN, 'more')}", "dim"))
    totals = _totals(found)
    told = [n for n in (NEW, DUPLICATE, ALLOWED, IN_RUN, SET_ASIDE) if totals[n] or n in (NEW, DUPLICATE)]
    account = " + ".join(f"{name} {totals[name]:,}" for name in told)
    against = f"against {counted(n_docs, 'document')} in {safe(against)}"
    return Group(*parts, Text(f"checked {len(found):,} = {account}, {against}", "bold"))


def _head(word: str, style: str, doc: Checked, note: str = "") -> Text:
    tail = f"  {safe(note)}" if note else ""
    return Text.assemble((f"{word:<11}", style), (safe(doc.path), "bold"), (tail, "dim"))


def _match(m: Match) -> Text:
    text = Text(" " * 11)
    text.append(relation_of(m), "yellow")
    text.append(f"  {figures_of(m)}  ", "dim")
    text.append(safe(m.path), "green" if m.in_run else "cyan")
    notes = [
        *([] if m.in_run else ["new as well"]),
        *(["accepted"] if m.allowed else []),
        *([f"{m.text} since the scan, figures are estimates"] if m.estimated else []),
        *([f"its text is {m.text}"] if m.text != "ok" and not m.estimated else []),
        *([f"dropped there for {safe(m.witness)}"] if m.witness and not m.kept else []),
    ]
    for note in notes:
        text.append(f"\n{' ' * 13}{note}", "dim")
    return text


def relation_of(m: Match) -> str:
    """A match -> its relation, with the side that a contained one is on.

    `contained` when the new document is part of the other one, `holds` when it holds it.
    """
    return "holds" if m.side == "whole" else m.relation


def figures_of(m: Match) -> str:
    """A match -> its figures; estimates have a tilde."""
    about = "~" if m.estimated else ""
    out = f"J {about}{m.jaccard:.3f}  C {about}{m.containment:.3f}"
    out += "" if m.skeleton_jaccard is None else f"  S {about}{m.skeleton_jaccard:.3f}"
    out += "" if m.aligned is None else f"  A {m.aligned:.3f}"
    return f"{out}  {lost(m.lost)}" if m.lost else out


# ------------------------------------------------------------------ GitHub


def github(found: Sequence[Checked], unused: Sequence[str]) -> Iterator[str]:
    """Yield workflow commands: an error for each duplicate or fault, a warning for an accepted pair not met.

    The form is that of GitHub's documentation, "Workflow commands for GitHub Actions".
    """
    for doc in found:
        if doc.status == DUPLICATE:
            m = doc.matches[0]
            message = f"{relation_of(m)} {figures_of(m)}: {safe(m.path)}"
            if len(doc.matches) > 1:
                message += f" and {len(doc.matches) - 1:,} more"
            yield _command("error", doc, "duplicate", message)
        elif doc.fault:
            yield _command("error", doc, "set aside", safe(doc.note))
    for entry in unused:
        yield f"::warning title=unused entry::{_data(safe(entry))}"


def _command(kind: str, doc: Checked, title: str, message: str) -> str:
    line = f",line={doc.record}" if doc.record else ""
    return f"::{kind} file={_property(safe(doc.file))}{line},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """Return a message as a workflow command has it.

    >>> _data("100%\\n")
    '100%25%0A'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
