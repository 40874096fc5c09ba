"""What a kernel takes and gives, as text: `int64`, `uint8[:]`, `const int32[:,:]`, `Pair(int64, bool)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

_TOKEN = re.compile(r"\s*(const\s|\w+|\[[:, ]*\]|[(),])")
SCALARS: dict[str, Callable[[Any], Any]] = {"int64": int, "uint64": np.uint64, "bool": bool, "float64": float}


class Kind(NamedTuple):
    """A type: a scalar, an array in C order, or a tuple of types under the name of its class."""

    name: str  # of the scalar, of what the array holds, of the class
    n_dims: int = 0
    const: bool = False  # an array that is not written to
    parts: tuple[Kind, ...] = ()

    def __str__(self) -> str:
        if self.parts:
            return f"{self.name}({', '.join(map(str, self.parts))})"
        dims = f"[{','.join(':' * self.n_dims)}]" if self.n_dims else ""
        return ("const " if self.const else "") + self.name + dims


class Declared(Protocol):
    """What is known of a kernel before there is code for it."""

    name: str
    function: Any
    takes: tuple[Kind, ...]

    def by_numba(self, *args: Any) -> Any:
        """Call what numba compiles."""


def parsed(text: str) -> Kind:
    """Read one type."""
    tokens = iter(_TOKEN.findall(text))
    kind, rest = _kind(next(tokens), tokens)
    if rest is not None:
        raise ValueError(f"{rest!r} after the end of {text!r}")
    return kind


def _kind(token: str, tokens: Iterator[str]) -> tuple[Kind, str | None]:
    """Read a type that begins with a token -> (the type, the token after it)."""
    const = token.strip() == "const"
    name = next(tokens) if const else token
    after = next(tokens, None)
    if after is not None and after.startswith("["):
        return Kind(name, after.count(":"), const), next(tokens, None)
    if after != "(":
        return Kind(name), after
    parts: list[Kind] = []
    while after != ")":
        part, after = _kind(next(tokens), tokens)
        parts.append(part)
    return Kind(name, parts=tuple(parts)), next(tokens, None)
