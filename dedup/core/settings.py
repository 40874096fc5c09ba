"""Every knob, once: default, range and one line of help.  The command line, the config file, the
Python API and the reference in docs/ are made from these fields."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import BadSetting


def _knob(default: Any, help: str, low: Any = None, high: Any = None, decides: bool = True) -> Any:
    """A field with its help and range; `decides`: whether the result can depend on it."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "decides": decides})


MIN_LINES = ("min_jaccard", "min_containment", "min_skeleton", "min_aligned")  # `dedup decide` can raise them
DECIDED = (*MIN_LINES, "max_lost", "prefer", "relations")  # and change these
MAX_TEXT = 2_000_000_000  # bytes of one text that the kernels count in 32 bits


@dataclass(frozen=True)
class Settings:
    """How to scan.  Raises BadSetting when a value is out of its range."""

    min_jaccard: float = _knob(
        0.5, "Two documents this alike are one (exact Jaccard of their shingles).", 0.05, 1.0
    )
    min_containment: float = _knob(
        0.8, "A document that another holds to this share is part of it (exact containment).", 0.5, 1.0
    )
    min_skeleton: float = _knob(
        0.3, "Two documents whose skeletons are this alike are one, rewritten (exact Jaccard).", 0.1, 1.0
    )
    min_aligned: float = _knob(
        0.55, "Two documents whose letters align to this share are one, full of errors.", 0.4, 1.0
    )
    max_lost: float = _knob(
        0.0, "A document is dropped only for one that lacks at most this share of it (exact).", 0.0, 1.0
    )
    k: int = _knob(8, "Letters in a shingle.", 3, 64)
    num_perm: int = _knob(128, "Values in a signature: more find more exactly, at a cost in time.", 16, 1024)
    sample: int = _knob(
        512, "Shingles that the signature of a longer text is made of: the smallest hashes.", 64, 2**40
    )
    seed: int = _knob(1, "Seed of the signature's permutations.", 0, 2**32 - 1)
    prefer: str = _knob(
        "cleanest-text,fullest,cased,longest,original",
        "Which document of a cluster to keep: policies in order, comma-separated.",
    )
    relations: str = _knob(
        "identical,encoding,whitespace,case,punctuation,near,scanned,contained,rewritten",
        "Relations that drop a document, or changes to the default set: +form, -near.",
    )
    boilerplate: str = _knob(
        "on", "on or off: learn text that stands in many otherwise different documents, and discount it."
    )
    noise: str = _knob(
        "on", "on or off: look for copies with so many errors that few shingles are left, as scans have."
    )
    text_field: str = _knob(
        "", "Field or column of the text, or several with commas; dots reach into objects. [guessed]"
    )
    id_field: str = _knob("", "Field or column that holds the id. [guessed]")
    encoding: str = _knob("", "Encoding of all text that is read, e.g. cp1252. [guessed for each document]")
    max_document_size: str = _knob("128MB", "A longer document is set aside; e.g. 64kB, 1GB.")
    follow_links: bool = _knob(False, "Follow symbolic links.")
    threads: int = _knob(0, "Threads to use; 0 takes all cores.", 0, 1024, decides=False)
    warn_loss: float = _knob(
        0.9, "Warn when a source of 100 documents or more loses a larger share.", 0.0, 1.0, decides=False
    )
    warn_cluster: float = _knob(
        0.2, "Warn when a cluster of 100 documents or more is a larger share.", 0.0, 1.0, decides=False
    )

    def __post_init__(self) -> None:
        for knob in fields(self):
            value, low, high = getattr(self, knob.name), knob.metadata["low"], knob.metadata["high"]
            kind = type(knob.default)
            whole = kind is float and type(value) is int
            if type(value) is not kind and not whole:
                raise BadSetting(f"{knob.name}: {value!r} is not {_KIND[kind]}")
            if low is not None and not low <= value <= high:
                raise BadSetting(f"{knob.name}: {value} is out of range; it goes from {low} to {high}")
            if whole:
                object.__setattr__(self, knob.name, float(value))

        if self.boilerplate not in ("on", "off"):
            raise BadSetting(f"boilerplate: {self.boilerplate!r} is neither on nor off")
        if self.noise not in ("on", "off"):
            raise BadSetting(f"noise: {self.noise!r} is neither on nor off")
        if self.encoding:
            _check_encoding(self.encoding)
        parse_size(self.max_document_size)

    @property
    def max_document_bytes(self) -> int:
        """Return the length in bytes of the longest document that is read."""
        return parse_size(self.max_document_size)

    @property
    def n_threads(self) -> int:
        """Return how many threads to start."""
        if self.threads:
            return self.threads
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @staticmethod
    def of_run(summary: Mapping[str, Any]) -> Settings:
        """Return the settings of a run from its summary; names that are unknown here are left out."""
        known = Settings.__dataclass_fields__
        return Settings(**{name: v for name, v in summary.get("settings", {}).items() if name in known})

    def deciding(self) -> dict[str, Any]:
        """Return the settings on which the result depends, as plain values."""
        return {k.name: getattr(self, k.name) for k in fields(self) if k.metadata["decides"]}

    def as_dict(self) -> dict[str, Any]:
        """Return all settings as plain values."""
        return asdict(self)


def parse_size(text: str) -> int:
    """Parse a number of bytes as people write it; raise BadSetting.

    >>> parse_size("64kB"), parse_size("1.5 GB"), parse_size("1000")
    (64000, 1500000000, 1000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", text.lower())
    n = int(float(found[1]) * 1000 ** " kmgt".index(found[2] or " ")) if found else 0
    if not 1 <= n <= MAX_TEXT:
        raise BadSetting(f"max_document_size: {text!r} is no size from 1 B to 2 GB, such as 64kB or 1GB")
    return n


def _check_encoding(name: str) -> None:
    try:
        "".encode(name)
        "\n".encode(name).decode(name)
    except (LookupError, ValueError):
        raise BadSetting(
            f"encoding: {name!r} is no text encoding that Python knows, such as utf-8 or cp1252"
        ) from None


_KIND: dict[type, str] = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}


def from_mapping(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read settings, and `run`, from a table of a TOML file; raise BadSetting for one that does not exist."""
    known = [*(k.name for k in fields(Settings)), "run"]
    out = {}
    for name, value in values.items():
        plain = name.replace("-", "_")
        if plain not in known:
            raise BadSetting(f"{where}: there is no setting {name!r}; the settings are {', '.join(known)}")
        if plain == "run" and not (isinstance(value, str) and value):
            raise BadSetting(f"{where}: run: {value!r} is no run folder; write it in quotes")
        out[plain] = value
    return out


def read_config(path: Path | None) -> dict[str, Any]:
    """`--config FILE`, or else [tool.dedup] of ./pyproject.toml -> settings by name, and `run`, if named."""
    if path is not None:
        return from_mapping(_toml(path), str(path))
    project = Path("pyproject.toml")
    if not project.is_file():
        return {}
    table = _toml(project).get("tool", {}).get("dedup", {})
    return from_mapping(table, "pyproject.toml [tool.dedup]")


def _toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise BadSetting(f"{path}: not TOML: {error}") from None
