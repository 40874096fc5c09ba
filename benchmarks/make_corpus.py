"""Write a made corpus with planted duplicates, and the truth about them.

    python benchmarks/make_corpus.py OUT --docs 100000 [--form jsonl|txt] [--shards 1] [--dups 0.3]
                                     [--extra 1000] [--pool DIR ...] [--seed 1]

The text is made up: words of syllables with the frequencies of Zipf and Mandelbrot, stock phrases, names,
numbers, sentences, paragraphs.  With --pool, sentences are drawn from the .txt files below DIR instead and
15 % of their words replaced.  Length is lognormal (median 2 KB, mean 3 KB, at most some 60 KB).  One document
in eight stands in the frame of its site, menu above and notices below, which many others share: frames are no
duplicates.  A share of --dups are variants of an earlier document, of a kind drawn from VARIANTS; all but
the exact ones are made of its body, without the frame.

OUT gets part-00000.jsonl ... (id, text), or docs/xx/ID.txt; truth.csv (id, cluster, kind), where a cluster is
named by its first document; and with --extra that many further documents in extra.jsonl and extra-truth.csv,
30 % of them variants of what is in the corpus.  A smaller corpus is the start of a larger one.  The same
arguments and NumPy give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import html
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

Text = list[str]  # a document as its sentences, some of which end a paragraph

SEED_OF_POOL = 7  # the same language for every --seed
RECENT = 20_000  # bases that may still get a variant
FIRST = ["", *"b br c ch d dr f fl g gr h j k l m n p pl pr qu r s sh sl st str t th tr v w wh y".split()]
VOWEL = "a e i o u ea ee ai ou oo a e i o e".split()
LAST = ["", "", "", *"b ck d ft g l ld ll m mp n nd ng nt p r rd rk rn rt s ss st t t th x".split()]
SMALL = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an "
    "they which one you were all her she there would their we him been has when who will no more if out so "
    "up said what its about than into them can only other time new some could these two may first then do "
    "any like my now over such our man me even most made after also did many off before must well back "
    "through years much where your way down should because long each just those people too don't it's isn't"
).split()


class Made:
    """A language that nobody speaks."""

    def __init__(self, rng: np.random.Generator, n_words: int = 40_000) -> None:
        self.rng = rng
        seed = np.random.default_rng(SEED_OF_POOL)
        words = dict.fromkeys(SMALL)
        while len(words) < n_words:
            rare = len(words) / n_words
            n = 1 + int(seed.random() < 0.4 + 0.6 * rare) + int(seed.random() < 0.5 * rare)
            parts = (FIRST, VOWEL, LAST) * n
            words["".join(p[int(seed.integers(len(p)))] for p in parts)] = None
        lower = list(words)
        for i in seed.integers(len(SMALL), n_words, n_words // 20):
            lower[i] = lower[i].capitalize()  # names
        for i in seed.integers(len(SMALL), n_words, n_words // 60):
            lower[i] = str(int(10 ** (1 + 3 * seed.random())))
        weight = 1 / (np.arange(n_words) + 2.7) ** 1.15
        self.cdf = np.cumsum(weight / weight.sum())
        phrases = [" ".join(lower[i] for i in self._draw(seed, 2 + j % 4)) for j in range(n_words // 3)]
        rank = 1 / (np.arange(len(phrases)) + 5.0)
        self.phrase_cdf = np.cumsum(rank / rank.sum())
        plain = np.array(lower + phrases, dtype=object)
        self.forms = np.array(list(plain) + [w[:1].upper() + w[1:] for w in plain], dtype=object)
        self.n_words, self.n_plain = n_words, len(plain)
        self.ready: Text = []

    def _draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return np.minimum(np.searchsorted(self.cdf, rng.random(n)), len(self.cdf) - 1)

    def _make(self, n: int) -> Text:
        """n sentences."""
        rng = self.rng
        lengths = np.clip(rng.lognormal(2.65, 0.5, n), 3, 60).astype(int)
        ends = np.cumsum(lengths)
        ids = self._draw(rng, int(ends[-1]))
        stock = rng.random(len(ids)) < 0.12
        chosen = np.searchsorted(self.phrase_cdf, rng.random(int(stock.sum())))
        ids[stock] = self.n_words + np.minimum(chosen, len(self.phrase_cdf) - 1)
        ids[ends - lengths] += self.n_plain
        marks = np.where(rng.random(len(ids)) < 0.06, 1, 0)
        marks[ends - 1] = rng.choice(np.array([2, 2, 2, 2, 2, 2, 2, 2, 3, 4]), n)
        after = np.array([" ", ", ", ".", "?", "!"], dtype=object)[marks]
        tokens = (self.forms[ids] + after).tolist()
        breaks = rng.random(n) < 0.18
        return [
            "".join(tokens[e - k : e]) + ("\n\n" if b else " ")
            for e, k, b in zip(ends.tolist(), lengths.tolist(), breaks.tolist(), strict=True)
        ]

    def sentences(self, n: int) -> Text:
        """The next n sentences."""
        while len(self.ready) < n:
            self.ready += self._make(20_000)
        out = self.ready[-n:]
        del self.ready[-n:]
        return out

    def words(self, n: int) -> list[str]:
        """n words, drawn by frequency."""
        return self.forms[self._draw(self.rng, n)].tolist()


class Drawn:
    """Sentences of the .txt files below some folders, with 15 % of their words replaced."""

    def __init__(self, rng: np.random.Generator, folders: list[Path]) -> None:
        self.rng = rng
        self.pool: list[list[str]] = []
        for path in sorted(p for folder in folders for p in folder.rglob("*.txt")):
            found = re.split(r"(?<=[.!?])\s+", path.read_text("utf-8", "ignore"))
            self.pool += [words for s in found if 4 <= len(words := s.split()) <= 80]
        if len(self.pool) < 100:
            raise SystemExit("the pool holds fewer than 100 sentences")
        self.vocabulary = [w for s in self.pool for w in s]

    def sentences(self, n: int) -> Text:
        """n sentences."""
        out = []
        for i in self.rng.integers(0, len(self.pool), n).tolist():
            words = list(self.pool[i])
            for j in np.flatnonzero(self.rng.random(len(words)) < 0.15).tolist():
                words[j] = self.words(1)[0]
            out.append(" ".join(words) + " ")
        return out

    def words(self, n: int) -> list[str]:
        """n words, drawn by frequency."""
        return [self.vocabulary[i] for i in self.rng.integers(0, len(self.vocabulary), n).tolist()]


def joined(text: Text) -> str:
    """Sentences -> the text."""
    return "".join(text).strip()


def treebank(text: str) -> str:
    """Lower-cased, with spaces around punctuation and before clitics, as a tokenizer leaves it."""
    return " ".join(re.sub(r"(n't|'\w+|[^\w\s'])", r" \1 ", text.lower()).split())


class Maker:
    """Documents, one after the other; what a variant is made of."""

    def __init__(self, rng: np.random.Generator, pool: Made | Drawn) -> None:
        self.rng, self.pool = rng, pool
        self.sites = [self._frame() for _ in range(200)]
        self.recent: list[tuple[int, Text, str]] = []  # number, sentences, as written

    def _frame(self) -> tuple[str, str]:
        """A menu, and notices."""
        menu = [" ".join(self.pool.words(int(n))).title() for n in self.rng.integers(1, 4, 12)]
        return "\n".join(menu) + "\n\n", "\n\n" + joined(self.pool.sentences(3))

    def framed(self, text: str) -> str:
        """In the frame of a site; a few sites have most of the pages."""
        above, below = self.sites[int(len(self.sites) * self.rng.random() ** 3)]
        return above + text + below

    def base(self) -> Text:
        """A new document."""
        return self.pool.sentences(int(np.clip(self.rng.lognormal(2.85, 0.9), 3, 600)))

    def edited(self, text: Text) -> str:
        """5 % of the sentences are others."""
        some = list(text)
        for i in self.rng.integers(0, len(some), max(1, len(some) // 20)).tolist():
            some[i] = self.pool.sentences(1)[0]
        return joined(some)

    def revised(self, text: Text) -> str:
        """2 % of the words are others."""
        words = re.split(r"(\s+)", joined(text))
        for i in self.rng.integers(0, len(words), max(1, len(words) // 100)).tolist():
            if not words[i].isspace():
                words[i] = self.pool.words(1)[0]
        return "".join(words)

    def embedded(self, text: Text) -> str:
        """Inside twice as much other text."""
        return joined(self.pool.sentences(len(text)) + list(text) + self.pool.sentences(len(text)))

    def page(self, text: Text) -> str:
        """As a web page, in the frame of a site."""
        above, below = self.sites[int(len(self.sites) * self.rng.random() ** 3)]
        menu = "".join(
            f"<li><a href='/{i}'>{html.escape(m)}</a></li>" for i, m in enumerate(above.split("\n"))
        )
        body = "".join(f"<p>{html.escape(p.strip())}</p>\n" for p in "".join(text).split("\n\n") if p.strip())
        return (
            f"<!DOCTYPE html>\n<html><head><title>{html.escape(text[0].strip())}</title></head>\n"
            f"<body><nav><ul>{menu}</ul></nav>\n<article>\n{body}</article>\n"
            f"<footer>{html.escape(below.strip())}</footer></body></html>\n"
        )

    def document(self, number: int, dups: float) -> tuple[int, str, str]:
        """-> (the number of its base, the kind, the text)."""
        if self.recent and self.rng.random() < dups:
            base, text, whole = self.recent[int(self.rng.integers(len(self.recent)))]
            kind = list(VARIANTS)[int(self.rng.integers(len(VARIANTS)))]
            return base, kind, whole if kind == "exact" else VARIANTS[kind](self, text)
        text = self.base()
        slot = len(self.recent) if len(self.recent) < RECENT else int(self.rng.integers(RECENT))
        kind, whole = "base", joined(text)
        if self.rng.random() < 0.125:
            kind, whole = "base in a frame", self.framed(whole)
        self.recent[slot : slot + 1] = [(number, text, whole)]
        return number, kind, whole


VARIANTS: dict[str, Callable[[Maker, Text], str]] = {
    "exact": lambda m, t: joined(t),
    "lower": lambda m, t: joined(t).lower(),
    "no punctuation": lambda m, t: re.sub(r"[^\w\s]", "", joined(t)),
    "tokenized": lambda m, t: treebank(joined(t)),
    "wrapped": lambda m, t: textwrap.fill(joined(t), 72),
    "edited": Maker.edited,
    "revised": Maker.revised,
    "truncated": lambda m, t: joined(t[: max(1, int(len(t) * 0.7))]),
    "embedded": Maker.embedded,
    "framed": lambda m, t: m.framed(joined(t)),
    "page": Maker.page,
}


def documents(pool: list[Path], seed: int, dups: float) -> Iterator[tuple[str, str, str, str]]:
    """-> (id, id of the base, kind, text), without end."""
    rng = np.random.default_rng(seed)
    maker = Maker(rng, Drawn(rng, pool) if pool else Made(rng))
    number = 0
    while True:
        base, kind, text = maker.document(number, dups)
        yield f"d{number:09d}", f"d{base:09d}", kind, text
        number += 1


def write(
    out: Path, n: int, source: Iterator[tuple[str, str, str, str]], truth: str, names: list[str]
) -> None:
    """The next n documents -> files of JSON Lines in turn, or with no names a file each; and their truth."""
    with ExitStack() as stack:
        files = [stack.enter_context(open(out / name, "w", encoding="utf-8")) for name in names]
        rows = csv.writer(stack.enter_context(open(out / truth, "w", newline="")))
        rows.writerow(("id", "cluster", "kind"))
        for i in range(n):
            name, base, kind, text = next(source)
            rows.writerow((name, base, kind))
            if files:
                row = json.dumps({"id": name, "text": text}, ensure_ascii=False)
                files[i % len(files)].write(row + "\n")
            else:
                path = out / "docs" / f"{i % 256:02x}" / f"{name}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")


def main() -> None:
    """Write the corpus."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("--docs", type=int, default=100_000)
    p.add_argument("--extra", type=int, default=0)
    p.add_argument("--form", choices=("jsonl", "txt"), default="jsonl")
    p.add_argument("--shards", type=int, default=1)
    p.add_argument("--dups", type=float, default=0.3)
    p.add_argument("--pool", type=Path, action="append", default=[])
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    source = documents(a.pool, a.seed, a.dups)
    parts = [f"part-{i:05d}.jsonl" for i in range(a.shards)] if a.form == "jsonl" else []
    write(a.out, a.docs, source, "truth.csv", parts)
    if a.extra:
        write(a.out, a.extra, source, "extra-truth.csv", ["extra.jsonl"])


if __name__ == "__main__":
    main()
