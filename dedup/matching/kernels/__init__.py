"""Compiled steps of matching: sets of shingles, bands, postings of anchors."""

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
from .pairs import (
    are_frequent,
    band_keys,
    bands_met,
    bucket_pairs,
    by_low_bits,
    count_hashes,
    mark_values,
    matches,
    postings,
    shared_term_pairs,
    terms_of_docs,
)
from .passages import (
    LETTERS,
    Letters,
    Places,
    passages_of,
    seeds,
    without_extensions,
)
from .shingle_sets import figures, marked_sets, overlaps, shingle_sets, skeleton_sets, sort_each
from .stretches import stretches_in_others
