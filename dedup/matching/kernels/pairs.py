"""Signatures, buckets, postings and edges -> pairs and components."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import BASE, I32, I64, U8, U64, inlined, inner, jit
from ...text.kernels.simd import prefetch
from ...text.kernels.utf8 import fmix64

SMALL = 32  # numbers that are sorted one by one
NEXT, LINES = 8, 5  # a list so many terms before it is needed: so much of it, of 16 documents each
AHEAD = 16  # so many steps before something is needed it is asked for


@jit("const uint32[:,:]", "int32[:,:]")
def matches(signatures: NDArray[np.uint32], pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """Signatures uint32[n, num_perm], pairs int32[m, 2] -> int32[m], how many values agree."""
    out = np.zeros(len(pairs), I32)
    for p in range(len(pairs)):
        left, right = signatures[pairs[p, 0]], signatures[pairs[p, 1]]
        same = 0
        for i in range(len(left)):
            same += left[i] == right[i]
        out[p] = same
    return out


@jit("const uint32[:,:]", "int32[:]", "int32[:,:]")
def band_keys(
    signatures: NDArray[np.uint32], docs: NDArray[np.int32], bands: NDArray[np.int32]
) -> NDArray[np.uint64]:
    """Signatures uint32[n_docs, num_perm], documents int32[n], bands int32[m, rows] -> uint64[m, n].

    Two documents have the same key where they have the same values in the columns of a band.
    """
    out = np.empty((len(bands), len(docs)), U64)
    for i in range(len(docs)):
        row = signatures[docs[i]]
        for b in range(len(bands)):
            h = U64(0)
            for c in range(bands.shape[1]):
                h = fmix64(h ^ U64(row[bands[b, c]])) + BASE
            out[b, i] = h
    return out


@inlined
def _bit_of(value, n_bytes):  # type: ignore[no-untyped-def]
    """A value of a signature -> its bit in a table of n_bytes (a power of two)."""
    return I64((U64(value) * BASE) >> U64(29)) & I64(8 * n_bytes - 1)


@jit("uint8[:,:]", "uint32[:,:]")
def mark_values(table: NDArray[np.uint8], signatures: NDArray[np.uint32]) -> None:
    """Signatures uint32[n, num_perm] -> a bit of each value, in the row uint8[2^m] of its column."""
    for i in range(len(signatures)):
        for c in range(signatures.shape[1]):
            at = _bit_of(signatures[i, c], table.shape[1])
            table[c, at >> 3] |= U8(1 << (at & 7))


@jit("uint32[:,:]", "int32[:]", "int32[:,:]", "uint8[:,:]", "uint8[:]", "int64[:]", "uint64[:]")
def bands_met(
    signatures: NDArray[np.uint32],
    docs: NDArray[np.int32],
    bands: NDArray[np.int32],
    table: NDArray[np.uint8],
    likely: NDArray[np.uint8],
    indptr: NDArray[np.int64],
    keys: NDArray[np.uint64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint64]]:
    """Documents int32[n] that have one of the keys of a band there -> (bands, documents, keys).

    The keys are uint64[m], rising for each band, as CSR; as `band_keys` makes them.  The table is of the
    signatures that they were made of, by `mark_values`: a band is looked at where all its values are there.
    `likely` holds all keys, by `tally`.
    """
    width, places, shift = _packing(len(likely), 1)
    n_bands, n_perm, m = len(bands), signatures.shape[1], 0
    words = (n_perm + 63) // 64
    needed, have = np.zeros((n_bands, words), U64), np.zeros(words, U64)
    for b in range(n_bands):
        for c in range(bands.shape[1]):
            needed[b, bands[b, c] >> 6] |= U64(1) << U64(bands[b, c] & 63)
    band, doc, key = np.empty(1024, I32), np.empty(1024, I32), np.empty(1024, U64)
    some, few, hashes = np.empty(n_bands, I32), np.empty(n_bands, I32), np.empty(n_bands, U64)
    for i in range(len(docs)):
        row = signatures[docs[i]]
        if m + n_bands > len(band):
            grown = 2 * len(band) + n_bands
            band, doc, key = longer(band, m, grown), longer(doc, m, grown), longer(key, m, grown)
        for w in range(words):
            found = U64(0)
            for c in range(64 * w, min(64 * w + 64, n_perm)):
                at = _bit_of(row[c], table.shape[1])
                found |= U64(table[c, at >> 3] >> (at & 7) & 1) << U64(c & 63)
            have[w] = found
        # subtle: lists, as no branch could be foreseen, and each step of a list need not wait for the last
        n_some = 0
        for b in range(n_bands):
            missing = U64(indptr[b] == indptr[b + 1])
            for w in range(words):
                missing |= needed[b, w] & ~have[w]
            some[n_some] = b
            n_some += missing == 0
        for j in range(n_some):
            h = U64(0)
            for c in range(bands.shape[1]):
                h = fmix64(h ^ U64(row[bands[some[j], c]])) + BASE
            hashes[j] = h
        n_few = 0
        for j in range(n_some):
            byte, low = _place(hashes[j], width, places, shift)
            few[n_few] = j
            n_few += (likely[byte] >> low) & 1
        for j in few[:n_few]:
            b, h = some[j], hashes[j]
            at = indptr[b] + np.searchsorted(keys[indptr[b] : indptr[b + 1]], h)
            if at < indptr[b + 1] and keys[at] == h:
                band[m], doc[m], key[m] = b, docs[i], h
                m += 1
    return band[:m].copy(), doc[:m].copy(), key[:m].copy()


@inner
def longer(values, n, size):  # type: ignore[no-untyped-def]
    """The first n of some values, with room for `size`."""
    out = np.empty(size, values.dtype)
    out[:n] = values[:n]
    return out


@jit("uint64[:]", "int32[:]", "int64")
def bucket_pairs(keys: NDArray[np.uint64], docs: NDArray[np.int32], full: int) -> NDArray[np.int32]:
    """Keys uint64[n], equal ones together, their docs int32[n] -> pairs int32[m, 2]; puts docs in order.

    A bucket of at most `full` documents gives all its pairs; a larger one gives each document with the
    bucket's first and with its neighbour, so that the work stays linear.
    """
    n, m = len(keys), 0
    out = np.empty((1024, 2), I32)
    start = 0
    while start < n:
        end = start + 1
        while end < n and keys[end] == keys[start]:
            end += 1
        size = end - start
        _sort(docs, start, end)
        need = size * (size - 1) // 2 if size <= full else 2 * size
        if m + need > len(out):
            grown = np.empty((2 * len(out) + need, 2), I32)
            grown[:m] = out[:m]
            out = grown
        for j in range(start + 1, end):
            first = start if size <= full else j - 1
            for i in range(first, j):
                out[m, 0], out[m, 1] = docs[i], docs[j]
                m += 1
            if size > full and j - 1 > start:
                out[m, 0], out[m, 1] = docs[start], docs[j]
                m += 1
        start = end
    return out[:m].copy()


@inner
def _sort(values, start, end):  # type: ignore[no-untyped-def]
    """Put values[start:end] in order; mostly they are few."""
    if end - start > SMALL:
        values[start:end].sort()
        return
    for j in range(start + 1, end):
        value, i = values[j], j
        while i > start and values[i - 1] > value:
            values[i] = values[i - 1]
            i -= 1
        values[i] = value


@jit("uint64[:]", "int64")
def by_low_bits(hashes: NDArray[np.uint64], n: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Hashes uint64[m] -> (their places, by hash mod n, a power of two; int64[n + 1], where each begins)."""
    starts, order = np.zeros(n + 1, I64), np.empty(len(hashes), I32)
    for h in hashes:
        starts[I64(h & U64(n - 1)) + 1] += 1
    for b in range(n):
        starts[b + 1] += starts[b]
    at = starts.copy()
    for i in range(len(hashes)):
        bucket = I64(hashes[i] & U64(n - 1))
        order[at[bucket]] = i
        at[bucket] += 1
    return order, starts


@jit("uint8[:]", "uint64[:]", "int64")
def count_hashes(counts: NDArray[np.uint8], hashes: NDArray[np.uint64], most: int) -> None:
    """Count hashes uint64[n] in counts uint8[2^bits], by a few of their bits, each place up to `most` of 15.

    A byte has as many places as fit: 8 to count to one, 4 to count to three, 2 to count on.
    """
    width, places, shift = _packing(len(counts), most)
    for i in range(len(hashes)):
        prefetch(counts, _place(hashes[min(i + AHEAD, len(hashes) - 1)], width, places, shift)[0])
        byte, low = _place(hashes[i], width, places, shift)
        if (counts[byte] >> low) & ((1 << width) - 1) < most:
            counts[byte] += U8(1 << low)


@inner
def _packing(n_bytes: int, most: int) -> tuple[int, int, np.uint64]:
    """-> bits of a place, places in a byte, and how many bits of a hash are not the number of its place."""
    width = 1 if most <= 1 else 2 if most <= 3 else 4
    bits = 3 - (width >> 1)
    while (1 << bits) < n_bytes * (8 // width):
        bits += 1
    return width, 8 // width, U64(64 - bits)


@inlined
def _place(h, width, places, shift):  # type: ignore[no-untyped-def]
    """Where a hash is counted -> (byte, the first of its bits there)."""
    at = (h * BASE) >> shift
    return I64(at >> U64(3 - (width >> 1))), (at & U64(places - 1)) * U64(width)


@jit("uint8[:]", "uint64[:]", "int64")
def are_frequent(counts: NDArray[np.uint8], hashes: NDArray[np.uint64], least: int) -> NDArray[np.bool_]:
    """bool[n]: false where a hash was surely counted fewer than `least` times, by tally with the same limit.

    Others may share its place.
    """
    width, places, shift = _packing(len(counts), least)
    out = np.empty(len(hashes), np.bool_)
    for i in range(len(hashes)):
        prefetch(counts, _place(hashes[min(i + AHEAD, len(hashes) - 1)], width, places, shift)[0])
        byte, low = _place(hashes[i], width, places, shift)
        out[i] = (counts[byte] >> low) & ((1 << width) - 1) >= least
    return out


@inner
def groups_of(docs, start, end, group, most, seen):  # type: ignore[no-untyped-def]
    """In how many groups docs[start:end] are, counted to `most` + 1, for which `seen` has room.

    Documents of group -1 do not count.
    """
    found = 0
    for i in range(start, end):
        prefetch(group, docs[min(i + AHEAD, len(docs) - 1)])
        g, j = group[docs[i]], 0
        while j < found and seen[j] != g:
            j += 1
        if j == found and g >= 0:
            seen[found] = g
            found += 1
            if found > most:
                break
    return found


@jit("uint64[:]", "int32[:]", "bool[:]", "int32[:]", "int64", "int64")
def postings(
    hashes: NDArray[np.uint64],
    docs: NDArray[np.int32],
    sure: NDArray[np.bool_],
    group: NDArray[np.int32],
    most: int,
    few: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_], NDArray[np.int64]]:
    """Hashes uint64[n], equal ones together, with docs int32[n] -> postings of those in 2 to `most` groups.

    (sizes int64[n_terms], docs int32[nnz] sorted by group and then document in each, bool[nnz]: among the
    first `few` of its group there, int64[n_terms]: a row of each).  A hash with no `sure` row has none.
    """
    n = len(hashes)
    sizes, out, first, rows = np.empty(n, I64), np.empty(n, I32), np.empty(n, np.bool_), np.empty(n, I64)
    n_terms, used, start, keys = 0, 0, 0, np.empty(1024, I64)
    seen = np.empty(most + 1, I32)
    while start < n:
        end = start + 1
        while end < n and hashes[end] == hashes[start]:
            end += 1
        many = end - start > most and groups_of(docs, start, end, group, most, seen) > most
        if end - start > 1 and not many and np.any(sure[start:end]):
            if end - start > len(keys):
                keys = np.empty(2 * (end - start), I64)
            for i in range(start, end):
                prefetch(group, docs[min(i + AHEAD, n - 1)])
                keys[i - start] = I64(group[docs[i]]) << 32 | I64(docs[i])
            _sort(keys, 0, end - start)
            groups, found, last, last_key, at = 0, 0, I64(-1), I64(-1), used
            for key in keys[: end - start]:
                if key == last_key:
                    continue
                last_key = key
                if key >> 32 != last:
                    last, found = key >> 32, 0
                    groups += 1
                out[at], first[at] = I32(key & 0xFFFFFFFF), found < few
                found += 1
                at += 1
            if groups > 1:
                sizes[n_terms], rows[n_terms] = at - used, start
                n_terms += 1
                used = at
        start = end
    return sizes[:n_terms].copy(), out[:used].copy(), first[:used].copy(), rows[:n_terms].copy()


@jit("int64[:]", "int32[:]", "int64")
def terms_of_docs(
    sizes: NDArray[np.int64], docs: NDArray[np.int32], n_docs: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Postings (sizes int64[n_terms], docs int32[nnz]) -> the terms of each document: (indptr, terms)."""
    indptr = np.zeros(n_docs + 1, I64)
    for d in docs:
        indptr[d + 1] += 1
    for d in range(n_docs):
        indptr[d + 1] += indptr[d]
    terms, at, i = np.empty(len(docs), I32), indptr.copy(), 0
    for t in range(len(sizes)):
        for _ in range(sizes[t]):
            d = docs[i]
            terms[at[d]] = t
            at[d] += 1
            i += 1
    return indptr, terms


@jit("int64[:]", "int32[:]", "int64[:]", "int32[:]", "int32[:]", "int32[:]", "int64", "int64", "int64")
def shared_term_pairs(
    postings: NDArray[np.int64],
    docs: NDArray[np.int32],
    doc_indptr: NDArray[np.int64],
    terms: NDArray[np.int32],
    group: NDArray[np.int32],
    enough: NDArray[np.int32],
    most: int,
    start: int,
    end: int,
) -> NDArray[np.int32]:
    """Documents by term and terms by document, both CSR -> pairs that share enough terms, and how many.

    Enough is what one of the two asks for, int32[n_docs].  No pairs within a group; of each other group,
    each document gets the `most` that share the most with it.  int32[m, 3], of the documents
    start..end - 1.
    """
    n_docs, m = len(doc_indptr) - 1, 0
    out = np.empty((1024, 3), I32)
    count, taken = np.zeros(n_docs, I32), np.zeros(n_docs, I32)
    touched, order = np.empty(n_docs + 1, I32), np.empty(n_docs, I64)
    last = len(terms) - 1
    for d in range(start, end):
        n_touched = n_good = 0
        for i in range(doc_indptr[d], doc_indptr[d + 1]):
            # subtle: the terms of a document stand far apart, so each would be waited for; ask for later ones
            prefetch(postings, terms[min(i + 2 * AHEAD, last)])
            later = postings[terms[min(i + NEXT, last)]]
            for line in range(LINES):
                prefetch(docs, later + 16 * line)
            for j in range(postings[terms[i]], postings[terms[i] + 1]):
                other = docs[j]
                touched[n_touched] = other  # subtle: without a branch, which could not be foreseen
                n_touched += count[other] == 0
                count[other] += 1
        for i in range(n_touched):
            other = touched[i]
            if count[other] >= min(enough[d], enough[other]) and group[other] != group[d]:
                order[n_good] = ((I64(1) << 31) - count[other]) << 31 | other
                n_good += 1
            count[other] = 0
        best = np.sort(order[:n_good])  # most shared terms first, then the smaller document
        if m + n_good > len(out):
            grown = np.empty((2 * len(out) + n_good, 3), I32)
            grown[:m] = out[:m]
            out = grown
        for key in best:
            other = I32(key & 0x7FFFFFFF)
            taken[group[other]] += 1
            if taken[group[other]] <= most:
                out[m, 0], out[m, 1], out[m, 2] = d, other, (I64(1) << 31) - (key >> 31)
                m += 1
        for key in best:
            taken[group[I32(key & 0x7FFFFFFF)]] = 0
    return out[:m].copy()
