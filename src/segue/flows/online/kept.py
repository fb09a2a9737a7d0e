"""What was used lately, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Kept"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A dictionary that lets go of what was not used for longest; thread-safe.

    Of what is too large for it the latest one is kept beside all else, so that one listener with
    half a million plays need not be summed up anew at every question.

    Args:
        most_bytes: Of all values together, but for that one.

    >>> kept: Kept[str, str] = Kept(100)
    >>> kept.put("a", "first", 60)
    >>> kept.put("b", "second", 60)
    >>> kept.get("a"), kept.get("b")
    (None, 'second')
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._large: tuple[K, V] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values) + (self._large is not None)

    def get(self, key: K) -> V | None:
        """The value; None where there is none."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                large = self._large
                return large[1] if large is not None and large[0] == key else None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of so many bytes."""
        with self._lock:
            self._take_out(key)
            if size > self.most_bytes:
                self._large = (key, value)
                return
            self._values[key] = (value, size)
            self.bytes += size
            while self.bytes > self.most_bytes:
                self._take_out(next(iter(self._values)))

    def drop(self, wanted: Callable[[K], bool]) -> None:
        """Let go of some keys."""
        with self._lock:
            large = () if self._large is None else (self._large[0],)
            for key in [key for key in (*self._values, *large) if wanted(key)]:
                self._take_out(key)

    def clear(self) -> None:
        """Let go of everything."""
        self.drop(lambda key: True)

    def _take_out(self, key: K) -> None:
        found = self._values.pop(key, None)
        if found is not None:
            self.bytes -= found[1]
        elif self._large is not None and self._large[0] == key:
            self._large = None
