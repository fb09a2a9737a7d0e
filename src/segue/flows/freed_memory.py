"""Giving memory back: long imports hand large buffers between threads, and the heap keeps them."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["give_back_freed_memory"]

_M_MMAP_THRESHOLD = -3
_FROM_BYTES = 256 * 1024


def give_back_freed_memory() -> None:
    """Let large buffers go back to the system as soon as they are freed, where glibc rules.

    By default glibc raises the size from which it does so as buffers are freed, until blocks of
    megabytes are cut from heaps of which each thread has its own, and never come back: an
    import of 5 million plays then holds nearly twice the memory that it uses.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _FROM_BYTES)
