"""Load or compile the kernels before they are needed, and tell how they are there."""

from __future__ import annotations

from collections.abc import Callable

from ..clustering.kernels import witnesses
from ..content import kernels as content_kernels  # noqa: F401 (each import adds to KERNELS)
from ..core import components
from ..core.compiled.shipped import shipped_code
from ..core.jit import KERNELS, reporting_compilation
from ..matching.kernels import (
    bands_met,
    copy_bits,
    looked_up,
    mark_values,
    matches,
    numbers_of,
    passages_of,
    seeds,
    shared_hashes,
    slots_of,
    stretches_in_others,
    without_extensions,
)
from ..text import kernels as text_kernels

_OF_RESCANS = (mark_values, bands_met, slots_of, numbers_of, shared_hashes, looked_up, copy_bits)
_OF_PASSAGES = (
    *(seeds, passages_of, without_extensions, stretches_in_others),
    *(text_kernels.characters_of_letters, text_kernels.letters.all_letters),
)
_TO_DECIDE = (components.union_find, matches, witnesses)


def warm_up(on_compile: Callable[[], None], again: bool = False, passages: bool = False) -> None:
    """Load or compile the kernels of a scan, those of a second scan if it is one, and those of passages.

    `on_compile()` is called first if anything must be compiled.
    """
    with reporting_compilation(on_compile):
        for kernel in KERNELS.values():
            if (again or kernel not in _OF_RESCANS) and (passages or kernel not in _OF_PASSAGES):
                kernel.load()


def warm_up_to_decide() -> None:
    """Load or compile the kernels that decide."""
    for kernel in _TO_DECIDE:
        kernel.load()


def n_kernels() -> int:
    """Return how many kernels Python calls."""
    return len(KERNELS)


def n_compiled_by_numba() -> int:
    """Return how many of them numba must compile, as no machine code fits."""
    return sum(kernel.ready == kernel.by_numba for kernel in KERNELS.values())


def machine_code_level() -> str:
    """Return the level of processors whose machine code is used, or "" for none."""
    code = shipped_code()
    return code.level if code is not None and n_compiled_by_numba() < len(KERNELS) else ""
