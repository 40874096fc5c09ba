"""Damage texts as scanners and typists do: a known share of the letters is read wrong.

    python -m tests.noise IN OUT --rate 0.1 [--kind scan|speech] [--seed 1] [--bursts 0.5]

A scan confuses letters that look alike (a table for Latin, Cyrillic, Greek and Han), loses, doubles and adds
letters, splits and joins words, breaks them by hyphens at the ends of lines, and now and then reads lines in
another order.  Speech has no capitals and no punctuation, its numbers are words, and it confuses words that
sound alike.  The confusions follow what is known of OCR engines in general: see "Evaluating OCR errors" in
Nguyen et al., Deep Statistical Analysis of OCR Errors (JCDL 2019).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

LOOK_ALIKES = {
    "latin": (
        *("rn m", "m rn", "l 1", "l I", "I l", "1 l", "e c", "c e", "o 0", "0 o", "u n", "n u", "h b", "b h"),
        *(
            "s f",
            "f t",
            "t f",
            "i l",
            "l i",
            "cl d",
            "d cl",
            "a o",
            "o a",
            "ri n",
            "n ri",
            "v y",
            "y v",
            "g q",
        ),
        *(
            "S 5",
            "5 S",
            "B 8",
            "8 B",
            "Z 2",
            "2 Z",
            "G C",
            "E F",
            "O Q",
            "w vv",
            "vv w",
            "ii u",
            "fi h",
            "ti d",
        ),
        *(
            "a n",
            "r t",
            "k lc",
            "p n",
            "x z",
            "j i",
            "in m",
            "li h",
            "e o",
            "A R",
            "D O",
            "T I",
            "H II",
            "3 8",
        ),
    ),
    "cyrillic": (
        *("и н", "н и", "п л", "л п", "н п", "ш щ", "щ ш", "в б", "б в", "о с", "с о", "е с", "ц п", "м и"),
        *("т г", "г т", "к н", "ы м", "а о", "у ч", "з э", "э з", "ь в", "я л", "ж м", "х к", "р о", "ю о"),
    ),
    "greek": (
        *("α ο", "ο α", "ν υ", "υ ν", "σ ο", "ε c", "η n", "ι ί", "ρ ο", "τ γ", "γ τ", "κ x", "χ κ", "μ υ"),
        *("π n", "λ ι", "ω ο", "θ 0", "δ ο", "β δ", "φ ο", "ξ ε", "ζ ξ", "ς s"),
    ),
    "han": (
        *("未 末", "末 未", "日 目", "目 日", "人 入", "入 人", "土 士", "士 土", "己 已", "大 太", "太 大"),
        *("千 干", "王 玉", "天 夫", "木 本", "本 木", "田 由", "由 田", "问 间", "间 问", "的 约", "是 足"),
        *("不 木", "在 左", "有 育", "我 找", "他 她", "这 过", "中 申", "国 园", "们 仃", "时 对", "来 米"),
    ),
}
SOUND_ALIKES = (
    *("their there", "there their", "to two", "two to", "for four", "your you're", "its it's", "no know"),
    *("by buy", "here hear", "right write", "would wood", "whole hole", "new knew", "one won", "sea see"),
    *("through threw", "then than", "weather whether", "which witch", "and an", "of off", "are our"),
)
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def script(char: str) -> str:
    """Return the table of a letter: latin, cyrillic, greek or han.

    >>> [script(c) for c in "aжλ語"]
    ['latin', 'cyrillic', 'greek', 'han']
    """
    name = unicodedata.name(char, "")
    for start, table in (("CYRILLIC", "cyrillic"), ("GREEK", "greek"), ("CJK", "han"), ("HIRAGANA", "han")):
        if name.startswith(start):
            return table
    return "latin"


def scan(text: str, rate: float, seed: int = 1, bursts: float = 0.5) -> str:
    """Return a text as a poor scan gives it: `rate` of its letters wrong, lost or added, on average.

    `bursts` is how unevenly words are damaged: each has a rate of its own, drawn from a gamma distribution
    whose standard deviation is so many times its mean; 0 damages all alike.
    """
    rng = random.Random(f"{seed} {rate} {len(text)} {text[:200]}")
    tables = {name: _table(pairs) for name, pairs in LOOK_ALIKES.items()}
    pool = [c for c in text if c.isalpha()] or ["a"]
    out: list[str] = []
    for piece in re.findall(r"\w+|\W+", text):
        if not piece[0].isalnum():
            out.append(_gap(piece, rate, rng))
            continue
        own = rate * rng.gammavariate(bursts**-2, bursts**2) if bursts and rate else rate
        out.append(_damaged(piece, min(own, 0.9), tables, pool, rng))
    return _moved_lines("".join(out), rate, rng)


def _table(pairs: tuple[str, ...]) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for pair in pairs:
        seen, read = pair.split()
        table.setdefault(seen, []).append(read)
    return table


def _damaged(
    word: str, rate: float, tables: dict[str, dict[str, list[str]]], pool: list[str], rng: random.Random
) -> str:
    """Return a word of which each letter is misread with a probability of `rate`."""
    out, i = [], 0
    while i < len(word):
        char, pair = word[i], word[i : i + 2]
        if rng.random() >= rate:
            out.append(char)
            i += 1
            continue
        table, chance = tables[script(char)], rng.random()
        if chance < 0.7 and pair in table and rng.random() < 0.5:
            out.append(rng.choice(table[pair]))
            i += 2
        elif chance < 0.7 and char in table:
            out.append(rng.choice(table[char]))
            i += 1
        elif chance < 0.8:
            i += 1  # lost
        elif chance < 0.85:
            out.append(char * 2)
            i += 1
        elif chance < 0.9:
            out.append(char + rng.choice(pool))
            i += 1
        else:
            out.append(rng.choice(pool))
            i += 1
    return "".join(out)


def _gap(gap: str, rate: float, rng: random.Random) -> str:
    """Return what stands between two words: now and then lost, or a broken line."""
    if rng.random() >= rate / 2:
        return gap
    if gap != " ":
        return rng.choice([gap, " ", gap.strip() or " "])
    return rng.choice(["", "", "-\n", "\n", " . ", " ' "])


def _moved_lines(text: str, rate: float, rng: random.Random) -> str:
    """Return a text some lines of which stand after the next one."""
    lines = text.splitlines(keepends=True)
    i = 0
    while i + 1 < len(lines):
        if rng.random() < rate / 20:
            lines[i], lines[i + 1] = lines[i + 1], lines[i]
            i += 1
        i += 1
    return "".join(lines)


def speech(text: str, rate: float, seed: int = 1, bursts: float = 0.0) -> str:
    """Return a text as one writes down what one hears: no capitals and marks, numbers in words.

    `rate` of the words are another that sounds alike, where there is one, else a letter of them is lost.

    >>> speech("Chapter 42: The Hive.", 0)
    'chapter four two the hive'
    """
    rng = random.Random(f"{seed} {rate} {len(text)} {text[:200]}")
    table = _table(SOUND_ALIKES)
    out = []
    for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d", text.lower()):
        if word.isdigit() and word.isascii():
            word = DIGITS[int(word)]
        elif rng.random() < rate:
            at = rng.randrange(len(word))
            word = rng.choice(table[word]) if word in table else word[:at] + word[at + 1 :]
        if word:
            out.append(word)
    return " ".join(out)


KINDS: dict[str, Callable[..., str]] = {"scan": scan, "speech": speech}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--kind", choices=sorted(KINDS), default="scan")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bursts", type=float, default=0.5)
    args = parser.parse_args(argv)
    args.target.mkdir(parents=True, exist_ok=True)
    for file in sorted(p for p in args.source.iterdir() if p.is_file()):
        text = file.read_text("utf-8", errors="replace")
        damaged = KINDS[args.kind](text, args.rate, args.seed, args.bursts)
        (args.target / file.name).write_text(damaged, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
