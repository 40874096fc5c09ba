"""Load or compile every kernel at once, before the first is needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..clustering.kernels.witnesses import witnesses
from ..content.kernels.own_content import content_of_pairs
from ..content.kernels.signs import may_have_values, value_digests
from ..content.kernels.words import with_frames, words_of
from ..core.components import connected_components
from ..core.features import Spans
from ..core.jit import reporting_compilation
from ..matching.kernels.anchors import (
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
from ..matching.kernels.pairs import (
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
from ..matching.kernels.shingle_sets import figures, overlaps, shingle_sets, skeleton_sets
from ..text.kernels.damage import once_encoded, signs_of_damage
from ..text.kernels.features import sign_texts
from ..text.kernels.whitespace import spaces_joined
from ..text.normalize import letter_table


def warm_up_to_decide() -> None:
    """Load or compile the kernels that decide."""
    pairs = np.zeros((1, 2), np.int32)
    connected_components(2, pairs)
    matches(np.zeros((1, 4), np.uint32), pairs)
    witnesses(np.zeros(1, np.int64), np.zeros(2, np.int64), np.zeros(0, np.int32), np.zeros(1, np.int32))


def warm_up(on_compile: Callable[[], None], again: bool = False) -> None:
    """Load or compile every kernel, with those of a second scan if it is one.

    `on_compile()` is called first if anything must be compiled.
    """
    table = letter_table()
    with reporting_compilation(on_compile):
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
