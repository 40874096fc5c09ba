"""How much of new documents stands in a run -> rows, JSON and text for the eye."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from ..check.passages import Overlap, PassageCheck, PassageLimits
from ..core.errors import safe
from ..runs.reading import read_texts
from ..runs.run import Run
from .passages.places import GONE, characters
from .wording import counted

COLUMNS = (
    *("path", "id", "letters", "share", "contaminated", "longest", "documents"),
    *("in", "start", "end", "text", "note"),
)
EXCERPT = 160  # characters


def rows(checked: PassageCheck) -> Iterator[dict[str, Any]]:
    """Yield a row for each new document; `in`, `start` and `end` are where its longest stretch stands."""
    for doc in checked.found:
        s = doc.longest
        start, end, text = _place(checked.run, doc) if s else (None, None, None)
        yield {
            "path": doc.path,
            "id": doc.id,
            "letters": doc.letters,
            "share": round(doc.share, 6),
            "contaminated": doc.contaminated,
            "longest": s.end - s.start if s else 0,
            "documents": s.documents if s else 0,
            "in": s.path if s else None,
            "start": start,
            "end": end,
            "text": text,
            "note": doc.note,
        }


def _place(run: Run, doc: Overlap) -> tuple[int, int, str]:
    """Return the characters at which the longest stretch stands in the run, and the first of them."""
    s = doc.longest
    assert s is not None
    (got,) = read_texts(run, np.array([s.doc], np.int32))
    if got is None:
        return GONE, GONE, ""
    at = np.array([s.at], np.int64)
    start, end, *_ = characters(got[1], at, at + (s.end - s.start))[:, 0].tolist()
    text = got[1].decode("utf-8", "replace")[start : min(end, start + EXCERPT)]
    return start, end, " ".join(text.split())


def as_dict(checked: PassageCheck, against: str, limits: PassageLimits) -> dict[str, Any]:
    """Return all that was found as plain values, what `--json` prints."""
    return {
        "against": {"run": against, "documents": len(checked.run.documents), "unread": checked.unread},
        "limits": vars(limits),
        "documents": len(checked.found),
        "contaminated": sum(doc.contaminated for doc in checked.found),
        "checked": list(rows(checked)),
    }


def view(checked: PassageCheck, against: str, limits: PassageLimits) -> RenderableType:
    """Return what is printed: each contaminated document with its longest stretch, then the totals."""
    parts: list[RenderableType] = []
    for doc, row in zip(checked.found, rows(checked), strict=True):
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
