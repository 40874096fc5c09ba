"""Texts whose lines recur, and what is made of them: tables, logs, songs, code, lists."""

from __future__ import annotations

import random

CONSONANTS, VOWELS = "bcdfghjklmnprstvw", "aeiou"
Lines = list[str]


def word(chance: random.Random) -> str:
    return "".join(chance.choice(s) for s in (CONSONANTS, VOWELS) * chance.randint(1, 4))


def lines(chance: random.Random, n: int, words: Lines) -> Lines:
    return [" ".join(chance.choices(words, k=chance.randint(2, 9))) for _ in range(n)]


def table(chance: random.Random, words: Lines) -> Lines:
    heads = chance.sample(words, 4)
    values = [chance.choices(words, k=chance.randint(2, 6)) for _ in heads]
    rows = range(chance.randint(5, 120))
    return [
        " | ".join(f"{head}: {chance.choice(v)}" for head, v in zip(heads, values, strict=True)) for _ in rows
    ]


def log(chance: random.Random, words: Lines) -> Lines:
    kinds, rows = lines(chance, chance.randint(2, 8), words), range(chance.randint(10, 300))
    return [
        f"2024-05-{chance.randint(1, 28):02d} {chance.choice(kinds)} {chance.randint(0, 99)}" for _ in rows
    ]


def song(chance: random.Random, words: Lines) -> Lines:
    chorus, out = lines(chance, 4, words), []
    for _ in range(chance.randint(2, 12)):
        out += lines(chance, chance.randint(0, 4), words) + chorus * chance.randint(1, 6)
    return out


def code(chance: random.Random, words: Lines) -> Lines:
    out = []
    for name in chance.choices(words, k=chance.randint(3, 40)):
        out += [f"def get_{name}(self):", "    return self.value", ""]
        out += [f"def set_{name}(self, value):", "    self.value = value", "    return self", ""]
    return out


def listing(chance: random.Random, words: Lines) -> Lines:
    return chance.choices(lines(chance, chance.randint(1, 10), words), k=chance.randint(20, 400))


def variant(chance: random.Random, text: Lines, words: Lines) -> Lines:
    """A piece of it; it amid other text; with lines left out; with words exchanged; in disorder; again and
    again."""
    kind = chance.randrange(6)
    if kind == 0:
        start = chance.randrange(len(text))
        return text[start : chance.randint(start + 1, len(text))]
    if kind == 1:
        before, after = (lines(chance, chance.randint(1, 60), words) for _ in range(2))
        return before + text + after
    if kind == 2:
        return [line for line in text if chance.random() < 0.85]
    if kind == 3:
        return [
            " ".join(w if chance.random() < 0.95 else chance.choice(words) for w in line.split(" "))
            for line in text
        ]
    return chance.sample(text, len(text)) if kind == 4 else text * chance.randint(2, 4)


def repetitive(chance: random.Random, n: int) -> Lines:
    """n texts of these kinds, each with up to three variants."""
    words, out = [word(chance) for _ in range(600)], []
    for _ in range(n):
        text = chance.choice([table, log, song, code, listing])(chance, words)
        out += [text, *(variant(chance, text, words) for _ in range(chance.randint(1, 3)))]
    return ["\n".join(text) for text in out]
