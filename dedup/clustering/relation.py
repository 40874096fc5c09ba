"""How two texts differ: the mildest relation that holds."""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from collections.abc import Sequence

from ..core.verdicts import CASE, ENCODING, IDENTICAL, PUNCTUATION, WHITESPACE
from ..text import kernels


def same_letters(raw_left: bytes, text_left: str, raw_right: bytes, text_right: str) -> int:
    """Two documents with equal letters, as bytes and as text -> how they differ otherwise.

    >>> from dedup.core.verdicts import RELATIONS
    >>> kind = lambda a, b: RELATIONS[same_letters(a.encode(), a, b.encode("utf-16"), b)]
    >>> kind("A cat.", "A cat."), kind("A cat.", "A  cat."), kind("A cat.", "a CAT."), kind("A cat.", "a cat")
    ('encoding', 'whitespace', 'case', 'punctuation')
    """
    if raw_left == raw_right:
        return IDENTICAL
    left, right = _plain(text_left), _plain(text_right)
    if left == right:
        return ENCODING
    left, right = " ".join(left.split()), " ".join(right.split())
    if left == right:
        return WHITESPACE
    if left.casefold() == right.casefold():
        return CASE
    return PUNCTUATION


def digests(raw: bytes, text: str) -> bytes:
    """A document as bytes and as text -> 64 bytes, four digests of 16.

    The first that two documents with equal letters share says how they are related: identical, encoding,
    whitespace, case; where they share none, punctuation.  `same_letters` is the definition.
    """
    plain = _plain(text)
    spaced = " ".join(plain.split())
    return _digested(raw, plain.encode(), spaced.encode(), spaced.casefold().encode())


def digests_of(texts: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Documents, each as bytes and as UTF-8 -> `digests` of each, in a third of the time."""
    plain = [utf8 if _is_plain(utf8) else _plain(utf8.decode()).encode() for _, utf8 in texts]
    buffer, starts = kernels.spaces_joined(*kernels.joined(plain))
    joined, ends = buffer.tobytes(), starts.tolist()
    out = []
    for (raw, _), text, (start, end) in zip(texts, plain, itertools.pairwise(ends), strict=True):
        spaced = joined[start:end]
        folded = spaced.lower() if spaced.isascii() else spaced.decode().casefold().encode()
        out.append(_digested(raw, text, spaced, folded))
    return out


def _is_plain(utf8: bytes) -> bool:
    """Whether `_plain` would change nothing, for certain."""
    return utf8.isascii() and b"\r" not in utf8


def _digested(*views: bytes) -> bytes:
    last, out = None, list[bytes]()
    for view in views:
        out.append(out[-1] if view == last else hashlib.blake2b(view, digest_size=16).digest())
        last = view
    return b"".join(out)


def _plain(text: str) -> str:
    """Text -> without what belongs to its encoding: byte order mark, composition, line ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.lstrip("\ufeff"))
    return text.replace("\r\n", "\n")
