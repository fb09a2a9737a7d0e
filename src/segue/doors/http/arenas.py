"""How the C library hands out memory to the threads of a service."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

import pyarrow as pa

__all__ = ["give_back", "one_arena"]

_M_ARENA_MAX: Final = -8
"""Of mallopt(3)."""


def one_arena() -> None:
    """Let all threads share one heap, and Arrow with them; before any of them begins.

    glibc gives threads heaps of their own, so that they need not wait for each other. Python's
    threads take turns anyway, and what each heap keeps back for later adds up: with four threads
    that make playlists, some 70 MB a process. Arrow's own pools do the same: 20 MB. Without glibc
    nothing happens but that.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give the system what the C library keeps back for later; about a millisecond.

    An answer is made of many arrays, large and small: what stays of it lies between what does not,
    and a heap shrinks by itself at its end only. Without glibc nothing happens.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
