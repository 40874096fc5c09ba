"""The flags of the settings, made from their fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import click

from ..core.settings import DECIDED, Settings

_METAVAR: dict[type, str] = {float: "NUMBER", int: "N", str: "TEXT"}


def setting_options(
    command: Callable[..., Any], names: tuple[str, ...] = (), default: str = ""
) -> Callable[..., Any]:
    """A flag for every field of Settings, or some; None where not given, so that a config file can speak."""
    for knob in reversed(dataclasses.fields(Settings)):
        if names and knob.name not in names:
            continue
        flag, kind = "--" + knob.name.replace("_", "-"), type(knob.default)
        text = knob.metadata["help"]
        if kind is bool:
            option = click.option(f"{flag}/--no-{flag[2:]}", knob.name, default=None, help=text)
        else:
            if knob.default != "" and "[" not in text:
                text += f" [default: {default or knob.default}]"
            option = click.option(flag, knob.name, type=kind, default=None, help=text, metavar=_METAVAR[kind])
        command = option(command)
    return command


def decide_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags of what a decision may change."""
    return setting_options(command, DECIDED, "as it was")
