"""Borderline pairs, one at a time, to a person: same or different.  Answers go to a labels file at once."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from ...core.errors import BadInput, safe
from ...core.pairs import pair_keys
from ...core.settings import Settings
from ...runs.run import Run
from ..evaluate.labels import Names
from ..figures import row_figures
from ..wording import counted
from .borderline import Borderline
from .terminal import pair_view
from .threshold import Answers, advice, advice_view

HEADER = ("a", "b", "label")
KEYS = {"s": "same", "d": "different", "k": "skip", "u": "undo", "q": "quit"}
PLACES, CHARACTERS = 4, 600  # where a pair differs: how many places, and how much of each
AGAIN = 0.02  # Jaccard by which a pair is put off for each answer about the same cluster
Ask = Callable[[], str]


class LabelsFile:
    """A CSV file of a, b, label that grows by one line for each answer; continued where it is there.

    Raises BadInput when the file holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_bytes().decode("utf-8-sig", "surrogateescape") if path.exists() else ""
            rows = list(csv.reader(io.StringIO(text, newline="")))
            if rows and tuple(c.strip().lower() for c in rows[0]) != HEADER:
                columns = safe(",".join(rows[0]))
                raise BadInput(
                    f"{path}: has the columns {columns}, not a,b,label; name another with --labels"
                )
            for number, row in enumerate(rows[1:], 2):
                if row and (len(row) != 3 or row[2] not in ("same", "different")):
                    raise BadInput(f"{path}: row {number}: is not a,b,same or a,b,different")
            self.rows = [(row[0], row[1], row[2] == "same") for row in rows[1:] if row]
            self.start = "" if text.endswith("\n") else "\n" if rows else ",".join(HEADER) + "\n"
            self._append("")  # so that a file that cannot be written is told before any question
        except csv.Error as error:
            raise BadInput(f"{path}: is no CSV: {error}") from None
        except OSError as error:
            raise BadInput(f"{path}: cannot be used: {(error.strerror or str(error)).lower()}") from None

    def add(self, a: str, b: str, same: bool) -> int:
        """Write one answer to disk -> where it begins, for `cut`."""
        if self.start:
            self._append(self.start)
            self.start = ""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow((a, b, "same" if same else "different"))
        return self._append(line.getvalue())

    def cut(self, place: int) -> None:
        """Take back all answers from a place on."""
        os.truncate(self.path, place)

    def _append(self, line: str) -> int:
        with open(self.path, "ab") as f:
            place = f.tell()
            f.write(line.encode("utf-8", "surrogateescape"))
            f.flush()
            os.fsync(f.fileno())
        return place


@dataclass(frozen=True)
class Turn:
    """One pair that was shown: its row, the answer (None: skipped), where it stands in the file."""

    row: int
    same: bool | None
    place: int


class Interview:
    """The pairs near `min_jaccard`, the answers so far, and which pair to ask about next."""

    def __init__(self, run: Run, near_line: Borderline, file: LabelsFile) -> None:
        self.run, self.file = run, file
        self.line = Settings.of_run(run.summary).min_jaccard
        self.near_line = near_line.where(near_line.line == self.line)
        self.turns: list[Turn] = []
        self.before = self._before()
        self.cluster = run.verdict.cluster[self.near_line.pairs.docs]

    def _before(self) -> dict[int, bool]:
        """Return the answers of the file about these pairs, by row."""
        names = Names(self.run)
        found = [(names.find(a), names.find(b), same) for a, b, same in self.file.rows]
        known = {int(key): row for row, key in enumerate(pair_keys(self.near_line.pairs.docs).tolist())}
        keys = pair_keys(np.array([(a, b) for a, b, _ in found], np.int64).reshape(-1, 2)).tolist()
        return {
            known[key]: same
            for key, (a, b, same) in zip(keys, found, strict=True)
            if min(a, b) >= 0 and key in known
        }

    @property
    def answers(self) -> Answers:
        """Return all answers about these pairs, of the file and of now: their Jaccard and what was said."""
        rows = {**self.before, **{t.row: t.same for t in self.turns if t.same is not None}}
        return Answers(
            self.near_line.jaccard[np.array(list(rows), np.int64)], np.array(list(rows.values()), np.bool_)
        )

    def next(self) -> int | None:
        """Return the row to ask about: the nearest to the line as the answers so far would have it.

        A cluster that was asked about is put off a little; None when all were shown.
        """
        done = {*self.before, *(t.row for t in self.turns)}
        rest = [row for row in range(len(self.near_line)) if row not in done]
        if not rest:
            return None
        line = advice(self.answers, self.line).line
        asked = Counter(c for row in done for c in set(self.cluster[row].tolist()))
        often = [max(asked[c] for c in self.cluster[row].tolist()) for row in rest]
        far = np.abs(self.near_line.jaccard[rest] - line) + AGAIN * np.array(often)
        return rest[int(np.argmin(far))]

    def answer(self, row: int, same: bool | None) -> None:
        """Note an answer, or None for a skipped pair; an answer is on disk before this returns."""
        place = -1
        if same is not None:
            a, b = (self.run.name(int(d)) for d in self.near_line.pairs.docs[row])
            place = self.file.add(a, b, same)
        self.turns.append(Turn(row, same, place))

    def undo(self) -> int | None:
        """Take back the last turn -> its row; None when there is none."""
        if not self.turns:
            return None
        turn = self.turns.pop()
        if turn.same is not None:
            self.file.cut(turn.place)
        return turn.row


def interview(
    run: Run, near_line: Borderline, file: LabelsFile, console: Console, ask: Ask
) -> dict[str, Any]:
    """Show pairs and take answers until the person quits or no pair is left -> the advice, as plain values.

    `ask()` waits for one key; "" is the end of the input.
    """
    talk = Interview(run, near_line, file)
    if talk.before:
        console.print(
            f"{counted(len(talk.before), 'answer')} of {safe(str(file.path))} about these pairs", style="dim"
        )
    row = talk.next()
    while row is not None:
        _show(talk, row, console)
        key = _key(ask, console)
        if key == "q":
            break
        if key == "u":
            back = talk.undo()
            if back is None:
                console.print("nothing to undo", style="yellow")
            row = row if back is None else back
            continue
        talk.answer(row, {"s": True, "d": False}.get(key))
        row = talk.next()
    if row is None:
        console.print("\nno pair near the line is left", style="bold")
    found = advice(talk.answers, talk.line)
    console.print(advice_view(found, talk.answers, str(file.path)))
    return found.as_dict()


def _show(talk: Interview, row: int, console: Console) -> None:
    docs, pairs = talk.near_line.pairs.docs[row].tolist(), talk.near_line.pairs
    figure, joined = talk.near_line.jaccard[row], talk.near_line.joined[row]
    console.rule(style="dim")
    console.print(
        Text.assemble(
            (f"pair {len(talk.turns) + 1}", "bold"),
            (f"  Jaccard {figure:.3f}, line {talk.line:g}: {'joined' if joined else 'not joined'}", "yellow"),
        )
    )
    names = {"left": talk.run.name(docs[0]), "right": talk.run.name(docs[1])}
    shown = {**names, "figures": row_figures(pairs, row)}
    for part in pair_view(shown, talk.run, console.width, PLACES, CHARACTERS):
        console.print(part)
    console.print()


def _key(ask: Ask, console: Console) -> str:
    """Read one of the keys; ask again for any other."""
    while True:
        prompt = Text("one document?  ")
        for key, word in KEYS.items():
            prompt.append(key, "bold").append(f" {word}  ", "dim")
        console.print(prompt, end="")
        console.file.flush()
        key = (ask() or "q").lower()
        console.print(KEYS.get(key, "?"))
        if key in KEYS:
            return key
