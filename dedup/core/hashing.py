"""The constants and the finalizer of all 64-bit hashes: the plain definition."""

BASE = 0x9E3779B97F4A7C15  # of polynomial hashes modulo 2^64: 2^64 divided by the golden ratio, odd
MASK = (1 << 64) - 1


def fmix64(h: int) -> int:
    """Mix 64 bits into 64 bits, one to one: the finalizer of MurmurHash3 (A. Appleby, public domain).

    >>> fmix64(0), hex(fmix64(1))
    (0, '0xb456bcfc34c2cb2c')
    """
    h = ((h ^ (h >> 33)) * 0xFF51AFD7ED558CCD) & MASK
    h = ((h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53) & MASK
    return h ^ (h >> 33)
