"""Machine code made when dedup is installed, and the cache of what numba compiles."""
