"""The shape of a summary that is read again from run.json."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import Any

from ..core.documents import STATUS
from ..core.errors import BadSetting
from ..core.settings import Settings
from ..core.verdicts import DECIDING, RELATIONS


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _path(value: Any) -> bool:
    try:
        return _text(value) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return False


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1e15  # which no NaN is


def _counts(names: Collection[str] | None = None) -> Callable[[Any], bool]:
    """Return whether a value is an object of counts, by any names or by some of these."""
    return lambda value: (
        isinstance(value, dict)
        and all(map(_count, value.values()))
        and (names is None or value.keys() <= set(names))
    )


def _member(value: Any) -> bool:
    figures = dict.fromkeys(("jaccard", "containment", "lost", "value", "line"), _number)
    names = {"relation": lambda name: name in RELATIONS, "figure": lambda name: name in DECIDING}
    if not _fits(value, {"path": _text, **names, **figures}):
        return False
    skeleton = value.get("skeleton_jaccard")
    return _number(skeleton) or (skeleton is None and value["relation"] != "rewritten")


def _settings(value: Any) -> bool:
    try:
        return isinstance(value, dict) and value.keys() == Settings(**value).deciding().keys()
    except (TypeError, BadSetting):
        return False


def _seconds(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_number, value.values()))


SHAPE: dict[str, Any] = {
    "version": _text,
    "settings": _settings,
    "documents": dict.fromkeys(("seen", "kept", "dropped", "set_aside"), _count),
    "bytes": dict.fromkeys(("seen", "dropped"), _count),
    "sources": _count,
    "by_source": [
        {
            "path": _text,
            **dict.fromkeys(("seen", "kept", "dropped", "lossy", "set_aside", "bytes"), _count),
            "reasons": _counts(STATUS),
        }
    ],
    "warnings": [_text],
    "skipped": _counts(),
    "relations": _counts(RELATIONS[1:]),
    "clusters": {
        "count": _count,
        "documents": _count,
        "relations": _counts(RELATIONS),
        "largest": [
            {
                **dict.fromkeys(("cluster_id", "size", "kept", "lossy"), _count),
                **{"canonical": _text, "reason": _text, "members": [_member]},
            }
        ],
    },
    "forms": {
        "documents": _count,
        "count": _count,
        "largest": [{"family_id": _count, "size": _count, "documents": [_text]}],
    },
    "lost": {"documents": _count, "most": _number},
    "set_aside": {
        "reasons": _counts(STATUS),
        "documents": [{"path": _text, "reason": _text, "note": _text}],
    },
    "seconds": _seconds,
    "scanned": {"folder": _path, "paths": [_path], "settings": _settings},
}  # name -> a test of its value; an object with these names, and a list of such values, are written as such


def check_shape(summary: dict[str, Any]) -> None:
    """Raise ValueError unless a summary from a file has what `summary` gives, in values of the same kinds."""
    for name, shape in SHAPE.items():
        if name not in summary or not _fits(summary[name], shape):
            raise ValueError(f"{name} is not as a scan writes it")


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(k in value and _fits(value[k], s) for k, s in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    return bool(shape(value))
