"""How much of new documents stands in a run -> rows, JSON and text for the eye."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ..check.passages import PassageCheck, PassageLimits
from ..core.errors import safe
from .passages.places import characters_in
from .wording import counted

COLUMNS = (
    *("path", "id", "letters", "share", "contaminated", "longest", "documents"),
    *("in", "start", "end", "text", "note"),
)
EXCERPT = 160  # characters
NONE = (-1, 0, 0)  # where a document has no stretch


def rows(checked: PassageCheck) -> Iterator[dict[str, Any]]:
    """Yield a row for each new document; `in`, `start` and `end` are where its longest stretch stands."""
    asked = [(s.doc, s.at, s.at + s.end - s.start) if (s := doc.longest) else NONE for doc in checked.found]
    places = characters_in(checked.run, asked, EXCERPT)
    for doc, (start, end, text) in zip(checked.found, places, strict=True):
        s = doc.longest
        yield {
            "path": doc.path,
            "id": doc.id,
            "letters": doc.letters,
            "share": round(doc.share, 6),
            "contaminated": doc.contaminated,
            "longest": s.end - s.start if s else 0,
            "documents": s.documents if s else 0,
            "in": s.path if s else None,
            "start": start if s else None,
            "end": end if s else None,
            "text": " ".join(text.split()) if s else None,
            "note": doc.note,
        }


def as_dict(
    checked: PassageCheck, found: list[dict[str, Any]], against: str, limits: PassageLimits
) -> dict[str, Any]:
    """Return all that was found, with its rows, as plain values: what `--json` prints."""
    return {
        "against": {"run": against, "documents": len(checked.run.documents), "unread": checked.unread},
        "limits": vars(limits),
        "documents": len(checked.found),
        "contaminated": sum(doc.contaminated for doc in checked.found),
        "checked": found,
    }


def view(
    checked: PassageCheck, found: list[dict[str, Any]], against: str, limits: PassageLimits
) -> RenderableType:
    """Return what is printed: each contaminated document with its longest stretch, then the totals."""
    parts: list[RenderableType] = []
    for doc, row in zip(checked.found, found, strict=True):
        if doc.note:
            parts.append(Text(f"{safe(doc.path)}: {safe(doc.note)}", "dim"))
        if doc.contaminated:
            parts.append(
                Text.assemble(
                    (f"{doc.share:.0%}", "bold yellow"),
                    ("  ", ""),
                    (safe(doc.path), "bold"),
                    (f"  {row['longest']:,} letters in a row in ", "dim"),
                    (safe(row["in"]), "green"),
                    (f" characters {row['start']:,}-{row['end']:,}", "dim"),
                )
            )
            parts.append(Text(f"     {safe(row['text'])}", "dim", overflow="ellipsis", no_wrap=True))
    n = sum(doc.contaminated for doc in checked.found)
    parts.append(
        Text.assemble(
            (f"{n:,}", "bold yellow" if n else "bold"),
            (f" of {counted(len(checked.found), 'new document')} contaminated: ", ""),
            (f"{limits.min_share:.0%} of the letters or more stand in {safe(against)}", "dim"),
        )
    )
    return Group(*parts)
