"""The compiled twin of normalize, shingle, minhash, passages, verify, content (numba, releases the GIL).

Each function here has a plain definition elsewhere that it equals bit for bit; `tests/test_kernels.py` and
`tests/test_content.py` hold them together.  Arrays are C-contiguous; texts are UTF-8 in one uint8 buffer,
text i being `buffer[starts[i]:starts[i+1]]`.  They run as machine code that was made when dedup was installed
(`ahead`, `shipped`); what of it does not fit is compiled by numba, which keeps it on disk (`jit`, `cache`).
"""

from __future__ import annotations

from collections.abc import Callable

from .anchors import (
    copy_bits,
    different_anchors,
    distinct_groups,
    get_bits,
    in_a_row,
    looked_up,
    numbers_of,
    own_anchors,
    own_runs,
    set_bits,
    shared_hashes,
    shared_own,
    slots_of,
    spans_of,
)
from .cache import compiling
from .content import content_of_pairs
from .damage import ALPHABET, AS_A_WHOLE, MOJIBAKE, once_encoded, signs_of_damage
from .graph import components, witnesses
from .jit import KERNELS, told_of_compiling, without_blas
from .pairs import (
    band_keys,
    bands_met,
    bucket_pairs,
    by_low_bits,
    mark_values,
    matches,
    postings,
    shared_term_pairs,
    tallied,
    tally,
    terms_of_docs,
)
from .sets import figures, marked_sets, overlaps, shingle_sets, skeleton_sets, sort_each
from .shipped import shipped_code
from .sign import sign_texts
from .spaces import spaces_joined
from .text import SEGMENT, joined
from .values import may_have_values, value_digests
from .words import with_frames, words_of

__all__ = [
    "ALPHABET",
    "AS_A_WHOLE",
    "MOJIBAKE",
    "SEGMENT",
    "band_keys",
    "bands_met",
    "bucket_pairs",
    "by_low_bits",
    "by_numba",
    "compiling",
    "components",
    "content_of_pairs",
    "copy_bits",
    "different_anchors",
    "distinct_groups",
    "figures",
    "get_bits",
    "in_a_row",
    "joined",
    "level",
    "looked_up",
    "mark_values",
    "may_have_values",
    "marked_sets",
    "matches",
    "n_kernels",
    "numbers_of",
    "once_encoded",
    "overlaps",
    "own_anchors",
    "own_runs",
    "postings",
    "set_bits",
    "shared_hashes",
    "shared_own",
    "shared_term_pairs",
    "shingle_sets",
    "sign_texts",
    "signs_of_damage",
    "slots_of",
    "skeleton_sets",
    "sort_each",
    "spaces_joined",
    "spans_of",
    "tallied",
    "tally",
    "terms_of_docs",
    "value_digests",
    "warm_up",
    "warm_up_to_decide",
    "without_blas",
    "with_frames",
    "witnesses",
    "words_of",
]


def n_kernels() -> int:
    """How many kernels Python calls."""
    return len(KERNELS)


def by_numba() -> int:
    """How many of them numba must compile, as no machine code fits."""
    return sum(kernel.ready == kernel.by_numba for kernel in KERNELS.values())


def level() -> str:
    """The level of processors whose machine code is used, or "" for none."""
    code = shipped_code()
    return code.level if code is not None and by_numba() < len(KERNELS) else ""


def warm_up_to_decide() -> None:
    """Load or compile the kernels that decide."""
    for kernel in (components, matches, witnesses):
        kernel.load()


_OF_RESCANS = (mark_values, bands_met, slots_of, numbers_of, shared_hashes, looked_up, copy_bits)


def warm_up(on_compile: Callable[[], None], again: bool = False) -> None:
    """Load or compile every kernel, with those of a second scan if it is one.

    `on_compile()` is called first if anything must be compiled.
    """
    with told_of_compiling(on_compile):
        for kernel in KERNELS.values():
            if again or kernel not in _OF_RESCANS:
                kernel.load()
