"""Mojibake of every kind is undone, once and twice; a real text is never mended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.text.mojibake import WRONG_CODECS, _table, mojibake
from dedup.text.repair import repair, repair_all

from ..examples import examples
from .test_encodings import GERMAN, GREEK, JAPANESE, POLISH, RUSSIAN, TURKISH

ENGLISH = "It’s a “quoted” text – with some marks, a naïve café, and nothing else that’s odd; 5 € each…"
FRENCH = "L’été où l’élève a créé « ça », déjà, à côté du théâtre : un bœuf, des œufs, l’Académie, Noël, Saül"
FINNISH = "Hääyöaie jäi häneltä työläästi näkemättä; pyöräily äänettömästi yöllä, Ääniö söi täällä särkeä"
UKRAINIAN = "Ні, її дід — з Криму; Ві́н їв її борщ. Кі́т і пес: «Р», «Ґ», Її. Ті ж самі Ніна й Гліб, Дід і Міла"
TEXTS = [ENGLISH, FRENCH, FINNISH, UKRAINIAN, GERMAN, GREEK, JAPANESE, POLISH, RUSSIAN, TURKISH]


def read_wrongly(data: bytes, codec: str) -> str:
    """Bytes -> what they are in an encoding of one byte; those that are no character become controls."""
    character = {b: chr(point) for point, b in _table(codec).items()}
    return "".join(chr(b) if b < 0x80 else character[b] for b in data)


@pytest.mark.parametrize("codec", WRONG_CODECS)
@pytest.mark.parametrize("text", [ENGLISH, FRENCH, UKRAINIAN, GREEK, JAPANESE, POLISH, RUSSIAN, TURKISH])
def test_utf8_that_was_read_as_something_else_is_mended(codec, text):
    once = read_wrongly(text.encode(), codec)
    assert mojibake(once.encode()).decode() == text
    then = read_wrongly(once.encode(), "cp1252")
    assert mojibake(then.encode()).decode() == text


@pytest.mark.parametrize("codec", ["cp1252", "cp1251", "cp866", "koi8-r"])
def test_a_text_that_was_read_wrongly_twice_is_mended(codec):
    twice = read_wrongly(read_wrongly(RUSSIAN.encode(), codec).encode(), codec)
    assert mojibake(twice.encode()).decode() == RUSSIAN


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic"])
def test_cyrillic_that_was_read_as_western_is_mended(codec):
    once = read_wrongly(RUSSIAN.encode(codec), "cp1252")
    assert repair(once.encode()) == (RUSSIAN.encode(), ("mojibake",))
    twice = read_wrongly(once.encode(), "cp1252")
    assert mojibake(twice.encode()).decode() == RUSSIAN


@pytest.mark.parametrize(
    "text",
    [
        *TEXTS,
        "┌─┬┐\n│ ││\n└─┴┘",
        "╔═╗├┤",
        "–über – 2010–2020 —été",
        "№1 – №2",
        "Ævi ðæþ",
        "SELKÄ\xa0EDELLÄ\xa0MAAHAN",
    ],
)
def test_a_real_text_is_not_mended(text):
    assert mojibake(text.encode()) == text.encode()


WORDS = st.sampled_from([word for text in TEXTS for word in text.split() if len(word) > 2])


@examples(200)
@given(st.lists(WORDS, min_size=1, max_size=12), st.sampled_from(["cp1251", "cp437", "cp850", "mac-roman"]))
def test_words_that_an_encoding_has_are_never_mended(words, codec):
    text = " ".join(words).encode(codec, "ignore").decode(codec)
    assert mojibake(text.encode()) == text.encode()
    assert repair_all([text.encode()]) == {}


@examples(200)
@given(st.lists(WORDS, min_size=1, max_size=12), st.sampled_from(WRONG_CODECS), st.integers(0, 2))
def test_compiled_code_finds_what_the_plain_definition_mends(words, codec, times):
    text = " ".join(words)
    for _ in range(times):
        text = read_wrongly(text.encode(), codec)
    better, done = repair(text.encode())
    assert repair_all([text.encode()]) == ({0: (better, done)} if done else {})
