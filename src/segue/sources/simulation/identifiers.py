"""Identifiers that look like Spotify's: 22 base-62 characters, the same for the same seed."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["base62", "scramble", "uniform_hash"]

_DIGITS: Final = np.frombuffer(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8
)
Words = npt.NDArray[np.uint64]


def scramble(values: Words, seed: int) -> Words:
    """A well mixed 64-bit number for each value, one to one.

    The finaliser of SplitMix64 (Steele, Lea and Flood, 2014, "Fast splittable pseudorandom
    number generators").
    """
    with np.errstate(over="ignore"):
        mixed = values + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def uniform_hash(values: Words) -> npt.NDArray[np.float32]:
    """A fixed number strictly between 0 and 1 for each value."""
    top = (scramble(values, 0) >> np.uint64(41)).astype(np.float32)  # 23 bits: exact in float32
    return (top + np.float32(0.5)) * np.float32(2.0**-23)


def base62(values: Words) -> pa.StringArray:
    """22 characters for each 64-bit value; different values give different strings."""
    halves = (values >> np.uint64(2), scramble(values, 0xA5))  # ids begin with 0 … 7
    text = np.empty((len(values), 22), np.uint8)
    for half, start in zip(halves, (0, 11), strict=True):
        rest = half.copy()
        for place in range(start + 10, start - 1, -1):
            rest, digit = np.divmod(rest, np.uint64(62))
            text[:, place] = _DIGITS[digit]
    offsets = np.arange(0, 22 * len(values) + 1, 22, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.StringArray.from_buffers(len(values), buffers[1], buffers[2])
