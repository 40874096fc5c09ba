"""An explanation for the terminal (rich); without colours it says the same."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...core.errors import safe
from ..statements import shown
from ..wording import RELATION_HELP, counted
from .align import SAME, Alignment, Span
from .explain import DIFFERENT, Explanation
from .hunks import MOVED_LEFT, MOVED_RIGHT, Fold, Hunk, hunks, marked, n_words
from .lines import Lines

WIDE = 120  # columns from which the two texts stand side by side
SHOWN = 50  # hunks; the other formats have all
LONGEST = 600  # characters of one difference
LONGEST_MOVED = 160  # of one that is the same elsewhere
OTHERWISE = 8


def explanation_view(found: Explanation, width: int) -> RenderableType:
    """An explanation and the width of the screen -> what is printed."""
    parts: list[RenderableType] = [*_names(found), Text(), _head(found), Text(), _table(found)]
    parts += _place(found)
    parts += _otherwise(found)
    parts += _legend(found.alignment)
    parts += texts_view(found, width, SHOWN, "--format html or json has all")
    return Group(*parts)


def _legend(found: Alignment) -> Iterator[Text]:
    """Return what the marks in the texts mean, where there are any."""
    if any(span.kind != SAME for span in found.spans):
        text = Text.assemble("\n", ("[-only in A-]", "red"), " ", ("{+only in B+}", "green"))
        if found.moves:
            moved = "[~moved~ to lines of B] {~moved~ from lines of A}"
            text.append(" ").append(moved, "cyan")
        yield text


def what_differs(found: Explanation) -> str:
    """An explanation -> its relation in words."""
    if found.relation == DIFFERENT:
        s = found.settings
        if found.figures.mostly_boilerplate:
            line = found.figures.found.line[0]
            return (
                f"two documents, mostly boilerplate: Jaccard {line:g} and aligned letters {s.min_aligned:g} "
                "are not reached"
            )
        own = " without boilerplate" if found.figures.framed else ""
        return (
            f"two documents: Jaccard {s.min_jaccard:g}, containment {s.min_containment:g}{own}, "
            f"skeleton {s.min_skeleton:g} and aligned letters {s.min_aligned:g} are not reached"
        )
    return RELATION_HELP[found.relation].split(";")[0]


def _head(found: Explanation) -> Text:
    style = "bold red" if found.relation == DIFFERENT else "bold yellow"
    text = Text.assemble((found.relation, style), "  ", (what_differs(found), "dim"))
    figures, is_rewritten = found.figures.as_dict(), found.relation == "rewritten"
    text.append(f"\nJaccard {figures['jaccard']:.3f}")
    text.append(
        f"; containment {figures['left_in_right']:.3f} of A in B, {figures['right_in_left']:.3f} of B in A"
    )
    text.append(
        f"\nshingles of {figures['k']} letters: {figures['shared']:,} shared, {found.figures.left:,} in A"
    )
    text.append(f", {found.figures.right:,} in B")
    if figures["larger"]:
        name = "A" if figures["larger"] == "left" else "B"
        text.append(f"\n{name}, the larger, holds {figures['larger_holds_more']:,} more")
    if found.figures.framed:
        text.append(
            f"\nwithout boilerplate: Jaccard {figures['discounted_jaccard']:.3f}, containment "
            f"{figures['discounted_containment']:.3f}; {figures['discounted_shared']:,} shared, "
            f"{figures['discounted_left']:,} in A, {figures['discounted_right']:,} in B"
        )
    if figures["skeleton_shared"]:
        text.append(f"\nskeleton Jaccard {figures['skeleton_jaccard']:.3f}", "" if is_rewritten else "dim")
    if figures["aligned"] is not None:
        agree = f"{figures['aligned']:.3f} of the letters agree"
        text.append(f"\naligned by letters: {agree}, {figures['errors']:,} errors")
    for line in shown(found.says):
        text.append(f"\n{safe(line)}", "bold")
    for letter, side in (("A", found.left), ("B", found.right)):
        for note in side.source.notes:
            text.append(f"\nnote: {letter} {safe(side.name)}: {note}", "yellow")
        if not side.letters:
            text.append(f"\nnote: {letter} has no letters; a scan sets such a document aside", "yellow")
    return text


def _table(found: Explanation) -> Table:
    """Return what normalization found in each."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("bytes", "characters", "lines", "letters", "capitals", "marks"):
        table.add_column(name, justify="right")
    table.add_column("encoding")
    repairs = bool(found.left.source.repairs or found.right.source.repairs)
    if repairs:
        table.add_column("repairs")
    for letter, side in (("A", found.left), ("B", found.right)):
        row = side.as_dict()
        numbers = [
            f"{row[name]:,}" for name in ("bytes", "characters", "lines", "letters", "capitals", "marks")
        ]
        table.add_row(letter, *numbers, row["encoding"], *([", ".join(row["repairs"])] if repairs else []))
    return table


def _names(found: Explanation) -> Iterator[Text]:
    for letter, side, style in (("A", found.left, "bold red"), ("B", found.right, "bold green")):
        name = Text.assemble((f"{letter} ", style), (safe(side.name), "bold"))
        yield name.append(f"  {safe(side.status)}" if side.status else "", "dim")


def _place(found: Explanation) -> Iterator[RenderableType]:
    if place := found.place:
        where = f"{place.first_line:,}-{place.last_line:,} of {safe(place.whole)}"
        yield Text(f"\nthe part, {safe(place.part)}, lies in lines {where}", "bold")


def _otherwise(found: Explanation) -> Iterator[RenderableType]:
    if not found.otherwise:
        return
    yield Text(f"\nsame letters, written otherwise in {counted(found.otherwise.total(), 'place')}", "bold")
    grid = Table.grid(padding=(0, 2))
    for (left, right), n in found.otherwise.most_common(OTHERWISE):
        grid.add_row("", f"{n:,} x", Text(_short(left, 60), "red"), Text(_short(right, 60), "green"))
    yield grid
    if len(found.otherwise) > OTHERWISE:
        yield Text(f"  and {len(found.otherwise) - OTHERWISE:,} more kinds", "dim")


# ------------------------------------------------------------------ the two texts


def texts_view(
    found: Explanation, width: int, most: int, rest_words: str, longest: int = 0
) -> Iterator[RenderableType]:
    """Return both texts with their differences marked, side by side where there is room.

    The first `most` places, and the first `longest` characters of each (0: all).
    """
    if found.alignment.cut_short:
        yield Text("the texts are too long and too different to be aligned throughout: cut short", "yellow")
    wide = width >= WIDE
    a, b = found.left.text, found.right.text
    lines = found.left.lines, found.right.lines
    shown = 0
    rest, cut = 0, False
    elsewhere = places_moved(found)
    for part in hunks(marked(found.alignment), a, b):
        if isinstance(part, Hunk):
            shown += 1
        if shown > most:
            rest += isinstance(part, Hunk)
        elif isinstance(part, Fold):
            words = n_words(a[slice(*part.left)])
            yield Text(f"\n… {counted(words, 'word')} the same …", "dim")
        else:
            yield _where(part, lines)
            if longest and (begun := _begun(part, longest)) != part:
                part, cut = begun, True
            yield (_side_by_side if wide else _inline)(part, a, b, elsewhere)
    if rest:
        yield Text(f"\nand differences in {counted(rest, 'more place')}; {rest_words}", "yellow")
    elif cut:
        yield Text(f"\nand more; {rest_words}", "yellow")


def _begun(hunk: Hunk, longest: int) -> Hunk:
    """Return the first characters of a hunk, so many of each text."""
    (i, j), out = (hunk.spans[0].left[0] + longest, hunk.spans[0].right[0] + longest), []
    for kind, left, right in hunk.spans:
        if left[0] >= i or right[0] >= j:
            break
        out.append(Span(kind, (left[0], min(left[1], i)), (right[0], min(right[1], j))))
    return Hunk(out)


def _where(hunk: Hunk, lines: tuple[Lines, Lines]) -> Text:
    differing = [s for s in hunk.spans if s.kind != SAME] or hunk.spans
    left = lines[0].of(differing[0].left[0], differing[-1].left[1])
    right = lines[1].of(differing[0].right[0], differing[-1].right[1])
    return Text(f"\nA {left}  B {right}", "dim")


Moved = dict[tuple[str, int], str]


def places_moved(found: Explanation) -> Moved:
    """(kind of a moved span, where it begins in its text) -> the lines of the other text where it stands."""
    out: Moved = {}
    for left, right in found.alignment.moves:
        out[MOVED_LEFT, left[0]] = f"B {found.right.lines.of(*right)}"
        out[MOVED_RIGHT, right[0]] = f"A {found.left.lines.of(*left)}"
    return out


def _inline(hunk: Hunk, a: str, b: str, elsewhere: Moved) -> Text:
    """Return both texts in one: [-only in A-] {+only in B+}."""
    text = Text()
    for span in hunk.spans:
        left, right = a[slice(*span.left)], b[slice(*span.right)]
        if span.kind == SAME:
            _append(text, left + right[-1:] if right[-1:].isspace() else left)
        else:
            _append(text, left, "A", elsewhere.get((span.kind, span.left[0]), ""))
            _append(text, right, "B", elsewhere.get((span.kind, span.right[0]), ""))
    return text


def _side_by_side(hunk: Hunk, a: str, b: str, elsewhere: Moved) -> Table:
    left, right = Text(), Text()
    for span in hunk.spans:
        of_a, of_b = ("", "") if span.kind == SAME else ("A", "B")
        _append(left, a[slice(*span.left)], of_a, elsewhere.get((span.kind, span.left[0]), ""))
        _append(right, b[slice(*span.right)], of_b, elsewhere.get((span.kind, span.right[0]), ""))
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=1, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    table.add_row(left, right)
    return table


def _append(text: Text, passage: str, only_in: str = "", elsewhere: str = "") -> None:
    """Append a passage on one line; brackets mark what differs, too, where there are no colours."""
    plain = " ".join(passage.split())
    if plain and not only_in:
        text.append(safe(plain))
    elif plain:
        before, after = ("[", "]") if only_in == "A" else ("{", "}")
        mark = "~" if elsewhere else "-" if only_in == "A" else "+"
        style = "cyan" if elsewhere else "red" if only_in == "A" else "green"
        body = _short(plain, LONGEST_MOVED if elsewhere else LONGEST)
        text.append(f"{before}{mark}{body}{mark}{elsewhere and f' {elsewhere}'}{after}", style)
    if plain and passage[-1].isspace():
        text.append(" ")


def _short(text: str, limit: int) -> str:
    """A long passage -> its beginning and its end."""
    if len(text) <= limit:
        return safe(text)
    head, tail = text[: limit * 2 // 3].rsplit(" ", 1)[0], text[-limit // 4 :].split(" ", 1)[-1]
    return f"{safe(head)} … {counted(n_words(text) - n_words(head) - n_words(tail), 'word')} … {safe(tail)}"


def print_explanation(found: Explanation, console: Console) -> None:
    """Print an explanation on a console."""
    console.print(explanation_view(found, console.width))
