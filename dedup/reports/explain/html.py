"""An explanation as one self-contained page: no scripts, no requests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape

from ...core.errors import safe
from ..statements import shown
from ..wording import counted, safe_lines
from .align import SAME
from .explain import EXAMPLES, ExplainedText, Explanation
from .hunks import Fold, Hunk, hunks, marked, n_words
from .terminal import Moved, places_moved, what_differs

SHOWN = 2000  # hunks
SMALL = 2000  # characters: what differs over more than that is folded too

STYLE = """
:root { color-scheme: light dark; --line: #d0d0d0; --dim: #666; --left: #ffdfdc; --right: #d5f5d9;
  --moved: #dbe9fb; }
@media (prefers-color-scheme: dark) {
  :root { --line: #444; --dim: #a0a0a0; --left: #6b2320; --right: #1d5029; --moved: #1f3f66; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 100rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .3rem; }
p { margin: .3rem 0; } .dim, summary { color: var(--dim); } .note { font-weight: bold; }
table { border-collapse: collapse; } th, td { padding: .15rem 1rem .15rem 0; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.5rem; border-top: 1px solid var(--line); }
.pair > div { white-space: pre-wrap; overflow-wrap: anywhere; padding: .5rem 0; min-width: 0; }
.names { position: sticky; top: 0; background: Canvas; border: 0; font-weight: bold; }
del, ins { text-decoration: none; border-radius: .2em; color: inherit; }
del { background: var(--left); } ins { background: var(--right); }
.moved { background: var(--moved); } .moved + small { color: var(--dim); }
details { border-top: 1px solid var(--line); } summary { cursor: pointer; padding: .4rem 0; }
@media (max-width: 45rem) {
  .pair { grid-template-columns: 1fr; } .pair > div + div { border-top: 1px dashed var(--line); }
}
"""


def page(found: Explanation) -> Iterator[str]:
    """An explanation -> its page, in pieces."""
    title = f"{_name(found.left)} and {_name(found.right)}"
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n"
    )
    yield f'<h1>{escape(found.relation)}</h1><p class="dim">{escape(what_differs(found))}</p>\n'
    yield from _figures(found)
    yield from _sides(found)
    yield from _otherwise(found)
    yield from _texts(found)
    yield "</body></html>\n"


def _shown(text: str) -> str:
    """Text of a document -> HTML; its lines stay, other control characters are made visible."""
    return escape(safe_lines(text))


def _name(side: ExplainedText) -> str:
    return escape(safe(os.fsencode(side.name).decode("utf-8", "backslashreplace")))


def _figures(found: Explanation) -> Iterator[str]:
    f = found.figures.as_dict()
    yield f"<p>Jaccard <b>{f['jaccard']:.3f}</b>; containment <b>{f['left_in_right']:.3f}</b> of A in B, "
    yield f"<b>{f['right_in_left']:.3f}</b> of B in A.</p>\n"
    yield f"<p>Shingles of {f['k']} letters: {f['shared']:,} shared, {f['shingles_left']:,} in A, "
    yield f"{f['shingles_right']:,} in B"
    if f["larger"]:
        letter = "A" if f["larger"] == "left" else "B"
        yield f"; {letter}, the larger, holds {f['larger_holds_more']:,} more"
    yield ".</p>\n"
    if found.figures.framed:
        yield f"<p>Without boilerplate: Jaccard {f['discounted_jaccard']:.3f}, containment "
        yield f"{f['discounted_containment']:.3f}; {f['discounted_shared']:,} shared, "
        yield f"{f['discounted_left']:,} in A, {f['discounted_right']:,} in B.</p>\n"
    if f["skeleton_shared"]:
        yield f"<p>Skeleton Jaccard {f['skeleton_jaccard']:.3f}: {f['skeleton_shared']:,} shared, "
        yield f"{f['skeleton_left']:,} in A, {f['skeleton_right']:,} in B.</p>\n"
    for line in shown(found.says):
        yield f"<p><b>{escape(safe(line))}.</b></p>\n"
    if place := found.place:
        yield f"<p>The part, {escape(safe(place.part))}, lies in lines {place.first_line:,}-"
        yield f"{place.last_line:,} of {escape(safe(place.whole))}.</p>\n"
    for side in (found.left, found.right):
        for note in side.source.notes:
            yield f'<p class="note">{_name(side)}: {escape(note)}</p>\n'
        if not side.letters:
            yield f'<p class="note">{_name(side)}: has no letters; a scan sets it aside</p>\n'


def _sides(found: Explanation) -> Iterator[str]:
    numbers = ("bytes", "characters", "lines", "letters", "capitals", "marks")
    yield '<div class="scroll"><table><tr><th></th><th>document</th>'
    yield "".join(f'<th class="n">{n}</th>' for n in numbers)
    yield "<th>encoding</th><th>repairs</th><th>in the run</th></tr>\n"
    for letter, side in (("A", found.left), ("B", found.right)):
        row = side.as_dict()
        yield f"<tr><td>{letter}</td><td>{_name(side)}</td>"
        yield "".join(f'<td class="n">{row[n]:,}</td>' for n in numbers)
        words = (row["encoding"], ", ".join(row["repairs"]) or "none", side.status)
        yield "".join(f"<td>{escape(safe(w))}</td>" for w in words) + "</tr>\n"
    yield "</table></div>\n"


def _otherwise(found: Explanation) -> Iterator[str]:
    if not found.otherwise:
        return
    yield f"<h2>Same letters, written otherwise in {counted(found.otherwise.total(), 'place')}</h2>\n"
    yield '<div class="scroll"><table>'
    for (left, right), n in found.otherwise.most_common(EXAMPLES):
        yield f'<tr><td class="n">{n:,}</td><td><del>{escape(safe(left[:200]))}</del></td>'
        yield f"<td><ins>{escape(safe(right[:200]))}</ins></td></tr>\n"
    yield "</table></div>\n"


def _texts(found: Explanation) -> Iterator[str]:
    a, b = found.left.text, found.right.text
    yield "<h2>The two texts</h2>\n"
    if found.alignment.cut_short:
        yield '<p class="note">Too long and too different to be aligned throughout: cut short.</p>\n'
    yield f'<div class="pair names"><div>A {_name(found.left)}</div><div>B {_name(found.right)}</div></div>\n'
    yield from _legend(found)
    shown = rest = 0
    elsewhere = places_moved(found)
    for part in hunks(marked(found.alignment), a, b):
        shown += isinstance(part, Hunk)
        if shown > SHOWN:
            rest += isinstance(part, Hunk)
        elif isinstance(part, Fold):
            left, right = a[slice(*part.left)], b[slice(*part.right)]
            yield f"<details><summary>… {counted(n_words(left), 'word')} the same …</summary>"
            yield f'<div class="pair"><div>{_shown(left)}</div><div>{_shown(right)}</div></div></details>\n'
        else:
            yield from _hunk(part, a, b, elsewhere)
    if rest:
        yield f'<p class="note">And {counted(rest, "more place")} that differ; --format json has all.</p>\n'


def _legend(found: Explanation) -> Iterator[str]:
    """Return what the colours mean, where there are any."""
    if any(span.kind != SAME for span in found.alignment.spans):
        moved = ', <del class="moved">moved: the same stands elsewhere in the other</del>'
        yield '<p class="dim">Marked: <del>only in A</del>, <ins>only in B</ins>'
        yield f"{moved if found.alignment.moves else ''}.</p>\n"


def _hunk(hunk: Hunk, a: str, b: str, elsewhere: Moved) -> Iterator[str]:
    left = "".join(
        _marked(a[slice(*s.left)], "" if s.kind == SAME else "del", elsewhere.get((s.kind, s.left[0]), ""))
        for s in hunk.spans
    )
    right = "".join(
        _marked(b[slice(*s.right)], "" if s.kind == SAME else "ins", elsewhere.get((s.kind, s.right[0]), ""))
        for s in hunk.spans
    )
    pair = f'<div class="pair"><div>{left}</div><div>{right}</div></div>\n'
    in_a = [a[slice(*s.left)] for s in hunk.spans if s.kind != SAME]
    in_b = [b[slice(*s.right)] for s in hunk.spans if s.kind != SAME]
    if max(map(len, in_a + in_b), default=0) <= SMALL:
        yield pair
        return
    only = f"{counted(sum(map(n_words, in_a)), 'word')} in A, {counted(sum(map(n_words, in_b)), 'word')} in B"
    yield f"<details open><summary>different: {only}</summary>{pair}</details>\n"


def _marked(text: str, tag: str, elsewhere: str = "") -> str:
    if not tag or not text.strip():
        return _shown(text)
    body = text.rstrip()
    after = f" <small>moved: {elsewhere}</small>" if elsewhere else ""
    kind = ' class="moved"' if elsewhere else ""
    return f"<{tag}{kind}>{_shown(body)}</{tag}>{after}{_shown(text[len(body) :])}"
