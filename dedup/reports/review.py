"""The clusters of a run, one after the other, and what a person says of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.text import Text

from ..core.errors import BadInput, DedupError, safe
from ..core.verdicts import LETTERS, RELATIONS
from ..runs import review, review_log
from ..runs.run import Run
from .clusters import no_cluster
from .documents import find, first_lines
from .explain.explain import explain
from .explain.terminal import print_explanation
from .wording import counted, decided, lost

ORDERS = ("largest", "nearest")
PER_PAGE = 12
NARROW = 100  # columns of a terminal in which figures stand below the name
HELP = "a accept  c canonical  s split off  e compare  k skip  u undo  q quit"
ENTER, BACKSPACE, ESCAPE = ("\r", "\n"), ("\x7f", "\b"), "\x1b"
Keys = Callable[[], str]


@dataclass(frozen=True)
class Result:
    """What a review came to."""

    accepted: int
    changed: int
    left: int  # clusters that were not decided


def order_of(run: Run, order: str, relation: str | None = None, cluster: int | None = None) -> list[int]:
    """A run -> ids of the clusters to review: `largest` first, or `nearest` to a threshold first.

    With `relation` those that have it; with `cluster` that one.  Raises BadInput when there is no such.
    """
    members = review.clusters_of(run)
    if cluster is not None:
        if not 1 <= cluster <= len(members):
            raise BadInput(no_cluster(run, cluster))
        return [cluster]
    ids = list(range(1, len(members) + 1))
    if relation is not None:
        kind = RELATIONS.index(relation)
        ids = [i for i in ids if (run.verdict.relation[members[i - 1]] == kind).any()]
    if order == "nearest":
        far = margins(run)
        return sorted(ids, key=lambda i: (float(far[members[i - 1]].min()), i))
    return sorted(ids, key=lambda i: (-len(members[i - 1]), i))


def margins(run: Run) -> NDArray[np.float64]:
    """float64[n_docs]: by how much the figure of a dropped document exceeds its line, else infinite."""
    v = run.verdict
    mine = run.dropped & (v.figure > LETTERS)
    return np.where(mine, np.maximum(0.0, v.value - v.line), np.inf)


@dataclass
class Session:
    """One review of a run; `scanned` is the run without decisions."""

    scanned: Run
    log: review_log.Log
    keys: Keys
    console: Console
    layer: review.Layer = field(init=False)
    run: Run = field(init=False)  # as decided so far

    def __post_init__(self) -> None:
        self.layer = review.Layer(self.scanned)
        self._decide()

    def _decide(self) -> None:
        found = review.resolved(self.scanned, self.log.standing)
        self.run = replace(self.scanned, verdict=self.layer.verdict(found))

    def review(
        self,
        order: str = "largest",
        relation: str | None = None,
        cluster: int | None = None,
        again: bool = False,
    ) -> Result:
        """Show cluster after cluster and do what the keys say, until all are seen or `q`.

        Clusters that were accepted, or changed, before are left out unless `again` or one is named.
        """
        start = self.run
        ids = order_of(start, order, relation, cluster)
        members = review.clusters_of(start)
        if not (again or cluster is not None):
            known = self._decided()
            ids = [i for i in ids if not self._settled(members[i - 1], known)]
        undone: list[tuple[int, review_log.Override]] = []
        at, quit_ = 0, False
        while at < len(ids) and not quit_:
            docs = members[ids[at] - 1].tolist()
            done = self._one(ids[at], docs, f"{at + 1:,} of {len(ids):,}", at, undone)
            quit_, at = done < 0, at if done < 0 else done
        accepted = sum(made.kind == review_log.ACCEPT for _, made in undone)
        touched = {place for place, _ in undone}
        return Result(accepted, len(undone) - accepted, len(ids) - len(touched))

    def _decided(self) -> tuple[set[str], set[str]]:
        """Return the digests of accepted clusters, and the names of documents that were made canonical."""
        standing = self.log.standing
        return (
            {made.members for made in standing if made.kind == review_log.ACCEPT},
            {made.doc.name for made in standing if made.doc and made.kind == review_log.CANONICAL},
        )

    def _settled(self, docs: NDArray[np.int32], known: tuple[set[str], set[str]]) -> bool:
        accepted, chosen = known
        canonical = review.ref(self.run, int(self.run.verdict.canonical[docs[0]])).name
        return canonical in chosen or review.members_digest(self.run, docs.tolist()) in accepted

    # ------------------------------------------------------------------ one cluster

    def _one(
        self, id_: int, docs: list[int], place: str, at: int, made: list[tuple[int, review_log.Override]]
    ) -> int:
        """Show a cluster until it is left -> the place of the next one, -1 to quit."""
        page, note = 0, ""
        while True:
            shown = self._rows(docs)
            pages = -(-len(shown) // PER_PAGE)
            self.console.clear()
            self.console.print(self._view(id_, shown, place, page % pages))
            if note:
                self.console.print(Text(note, "yellow"))
            key, note = self.keys(), ""
            if key in ("a", *ENTER):
                mine = [d for d in docs if d not in self._alone(docs)]
                if mine:
                    ref = review.ref(self.run, int(self.run.verdict.canonical[mine[0]]))
                    digest = review.members_digest(self.run, mine)
                    made.append((at, self.log.add(review_log.ACCEPT, ref, digest)))
                return at + 1
            if key == "k":
                return at + 1
            if key == "q":
                return -1
            if key in ("n", "p"):
                page += 1 if key == "n" else -1
            elif key == "u":
                if not made:
                    note = "nothing to undo in this review"
                    continue
                where, last = made.pop()
                self.log.undo(last)
                self._decide()
                if where != at:
                    return where
                note = f"undone: {last.kind} {safe(last.doc.name) if last.doc else ''}"
            elif key in ("c", "s", "e"):
                word = {"c": "make canonical", "s": "split off", "e": "compare"}[key]
                number = self._number(word, len(shown))
                if number:
                    note = self._act(key, shown[number - 1], docs, made, at)
            elif key:
                note = HELP

    def _alone(self, docs: list[int]) -> set[int]:
        """Return those that were split off."""
        labels = self.run.verdict.cluster[docs]
        _, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        return {d for d, size in zip(docs, sizes[inverse].tolist(), strict=True) if size == 1}

    def _rows(self, docs: list[int]) -> list[int]:
        """Return the documents of a cluster: canonical, kept, dropped, split off."""
        v, alone = self.run.verdict, self._alone(docs)
        return sorted(docs, key=lambda d: (d in alone, v.canonical[d] != d, v.witness[d] != d, d))

    def _act(
        self, key: str, doc: int, docs: list[int], made: list[tuple[int, review_log.Override]], at: int
    ) -> str:
        """Change the canonical document, split one off, or compare one -> what to tell."""
        if key == "e":
            self._compare(doc)
            return ""
        alone = doc in self._alone(docs)
        if key == "c" and not alone and self.run.verdict.canonical[doc] == doc:
            return f"{safe(self.run.name(doc))} is canonical already"
        if key == "s" and alone:
            return f"{safe(self.run.name(doc))} is split off already"
        kind = review_log.CANONICAL if key == "c" else review_log.SPLIT
        made.append((at, self.log.add(kind, review.ref(self.run, doc))))
        self._decide()
        return f"{'canonical' if key == 'c' else 'split off'}: {safe(self.run.name(doc))}"

    def _number(self, word: str, most: int) -> int:
        """Ask for the number of a document -> 1..most; 0 when there is none."""
        digits = ""
        self.console.print(Text(f"{word}: number, then enter: ", "bold"), end="")
        while True:
            key = self.keys()
            if key in ENTER:
                break
            if key.startswith(ESCAPE) or key == "q":
                digits = ""
                break
            if key in BACKSPACE:
                digits = digits[:-1]
                self.console.print("\b \b", end="", markup=False, highlight=False)
            elif key.isascii() and key.isdigit() and len(digits) < 7:
                digits += key
                self.console.print(key, end="", highlight=False)
        self.console.print()
        number = int(digits or 0)
        return number if number <= most else 0

    def _compare(self, doc: int) -> None:
        """Show a document beside its witness; the canonical one beside the first of the others."""
        v = self.run.verdict
        other = int(v.witness[doc])
        if other == doc:
            other = int(v.canonical[doc])
        if other == doc:
            mates = np.flatnonzero(self.scanned.verdict.cluster == self.scanned.verdict.cluster[doc])
            other = int(mates[mates != doc][0])
        try:
            texts = [find(self.run.name(d), self.run, self.layer.settings.text_field) for d in (doc, other)]
            print_explanation(explain(texts[0], texts[1], self.layer.settings, self.run), self.console)
        except DedupError as error:
            self.console.print(Text(str(error), "red"))
        self.console.print(Text("\nany key goes back", "dim"))
        self.keys()

    # ------------------------------------------------------------------ for the eye

    def _view(self, id_: int, shown: list[int], place: str, page: int) -> RenderableType:
        v, run = self.run.verdict, self.run
        number, alone = {doc: i for i, doc in enumerate(shown, 1)}, self._alone(shown)
        kept = sum(v.witness[d] == d for d in shown)
        head = Text.assemble(
            (f"cluster #{id_}", "bold"),
            (f"  {place}  {counted(len(shown), 'document')}, {kept:,} kept", "dim"),
        )
        some = shown[page * PER_PAGE : (page + 1) * PER_PAGE]
        parts: list[RenderableType] = [head, Text()]
        for doc, (line, problem) in zip(some, first_lines(run, some), strict=True):
            parts.append(self._member(doc, number, doc in alone))
            if problem:
                parts.append(Text(f"      ({problem})", "red"))
            else:
                parts.append(Text("      " + safe(line), "dim", no_wrap=True, overflow="ellipsis"))
        pages = -(-len(shown) // PER_PAGE)
        if pages > 1:
            parts.append(Text(f"\npage {page + 1} of {pages}; n next, p previous", "dim"))
        return Group(*parts, Text(f"\n{HELP}", "bold"))

    def _member(self, doc: int, number: dict[int, int], alone: bool) -> Text:
        m, v = self.run.member(doc), self.run.verdict
        text = Text(f"{number[doc]:>4}  ")
        if m.kept:
            role = "split off" if alone else "canonical" if v.canonical[doc] == doc else "kept"
            text.append(f"{role:<11}", "green")
            text.append(safe(m.path), "bold")
            if m.reason and not alone:
                text.append(f"  {m.reason}", "dim")
            return text
        text.append(f"{'dropped':<11}", "yellow")
        text.append(safe(m.path), "bold")
        text.append("\n      " if self.console.width < NARROW else "  ")
        text.append(m.relation, "yellow")
        figures = f"  {decided(m.figure, m.value, m.line)}" if m.figure else ""
        figures += f"  {lost(m.lost)}" if m.lost else ""
        witness = number.get(int(v.witness[doc]), 0)
        text.append(f"{figures}  for {witness}", "dim")
        return text
