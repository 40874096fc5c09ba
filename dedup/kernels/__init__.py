"""The compiled twin of normalize, shingle, minhash, passages, verify, content (numba, releases the GIL).

Each function here has a plain definition elsewhere that it equals bit for bit; `tests/test_kernels.py` and
`tests/test_content.py` hold them together.  Arrays are C-contiguous; texts are UTF-8 in one uint8 buffer,
text i being `buffer[starts[i]:starts[i+1]]`.  Compiled code is cached on disk where a folder can be written.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba.core import event

from ..core.features import Spans
from ..core.jit import CompileListener, without_blas
from ..text.normalize import letter_table
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
from .content import content_of_pairs
from .damage import ALPHABET, AS_A_WHOLE, MOJIBAKE, once_encoded, signs_of_damage
from .graph import components, witnesses
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
    "components",
    "content_of_pairs",
    "copy_bits",
    "different_anchors",
    "distinct_groups",
    "figures",
    "get_bits",
    "in_a_row",
    "joined",
    "looked_up",
    "mark_values",
    "may_have_values",
    "marked_sets",
    "matches",
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


def warm_up_to_decide() -> None:
    """Load or compile the kernels that decide."""
    pairs = np.zeros((1, 2), np.int32)
    components(2, pairs)
    matches(np.zeros((1, 4), np.uint32), pairs)
    witnesses(np.zeros(1, np.int64), np.zeros(2, np.int64), np.zeros(0, np.int32), np.zeros(1, np.int32))


def warm_up(on_compile: Callable[[], None], again: bool = False) -> None:
    """Load or compile every kernel, with those of a second scan if it is one.

    `on_compile()` is called first if anything must be compiled.
    """
    table = letter_table()
    with event.install_listener("numba:compile", CompileListener(on_compile)):
        buffer, starts = np.frombuffer(b"warm up", np.uint8), np.array([0, 7], np.int64)
        signs_of_damage(buffer, starts)
        once_encoded(buffer, np.zeros(1 << 16, np.int16), True, np.empty(14, np.uint8), np.empty(7, np.uint8))
        one = np.ones(4, np.uint32)
        sign_texts(buffer, starts, table, 3, 2, one, one, 1)
        hashes, indptr = shingle_sets(buffer, starts, table, 3)
        skeleton_sets(buffer, starts, table)
        spaces_joined(buffer, starts)
        pairs = np.zeros((1, 2), np.int32)
        overlaps(hashes, indptr, pairs)
        place = np.array([0, 1], np.int64)
        words = with_frames(words_of(buffer, starts, table), Spans(place[:1], place[1:], place), 3)
        content_of_pairs(words, pairs)
        value_digests(words)
        may_have_values(buffer, starts)
        band_keys(np.zeros((1, 4), np.uint32), np.zeros(1, np.int32), pairs)
        bucket_pairs(np.zeros(1, np.uint64), np.zeros(1, np.int32), 2)
        distinct_groups(indptr, np.zeros(len(hashes), np.int32), np.zeros(1, np.int32), 2)
        figures(hashes, indptr, pairs)
        in_a_row(hashes, np.zeros(len(hashes), np.int32), 2)
        counts = np.zeros(8, np.uint8)
        tally(counts, hashes, 2)
        tallied(counts, hashes, 2)
        by_low_bits(hashes, 2)
        set_bits(counts, np.zeros(1, np.int64), 3)
        get_bits(counts, 0, 3)
        own_anchors(hashes, indptr[:1], np.zeros(0, np.bool_), np.zeros(0, np.bool_))
        different_anchors(hashes, indptr[:1], np.zeros(0, np.bool_))
        spans_of(indptr[:1], np.zeros(0, np.bool_), pairs[:0, 0].copy())
        own_runs(indptr[:1], np.zeros(0, np.bool_), pairs[:0, 0].copy())
        shared_own(hashes.astype(np.uint32), indptr, pairs)
        docs, group = np.zeros(len(hashes), np.int32), np.zeros(1, np.int32)
        sizes, some, _, _ = postings(hashes, docs, docs == 0, group, 2, 2)
        doc_indptr, terms = terms_of_docs(sizes, some, 1)
        shared_term_pairs(sizes, some, doc_indptr, terms, group, pairs[0], 4, 0, 1)
        warm_up_to_decide()
        if again:
            docs, bits, slots = pairs[0], np.zeros(32, np.uint8), np.zeros(32, np.int32)
            mark_values(bits.reshape(4, 8), np.zeros((1, 4), np.uint32))
            bands_met(np.zeros((1, 4), np.uint32), docs, pairs, bits.reshape(4, 8), bits, indptr, hashes)
            slots_of(hashes[:0], slots)
            numbers_of(slots, hashes, hashes)
            shared_hashes(hashes, indptr, pairs)
            looked_up(hashes, indptr[:1], docs[:0] > 0, bits, 0, 1, bits, slots, hashes, indptr)
            copy_bits(bits, 0, bits, 0, 3)
