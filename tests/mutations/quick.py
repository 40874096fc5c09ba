"""A plugin for pytest in a copy: the same examples each time, none made smaller, no other program tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, settings

settings.register_profile(
    "mutations", derandomize=True, database=None, phases=(Phase.explicit, Phase.generate), deadline=None
)
settings.load_profile("mutations")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test another program than the one in the copy."""
    import dedup

    if Path(dedup.__file__).parents[1] != config.rootpath:
        raise pytest.UsageError(f"{dedup.__file__} is not the program in {config.rootpath}")
