"""Asks something that may be out of reach for a while, without everybody waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from segue.errors import UnreachableError

__all__ = ["Reach"]

_T = TypeVar("_T")


class Reach:
    """Whether something is within reach, as far as whoever asked last found out.

    While it is not, one caller at a time tries, and all others are told at once: a host that does
    not answer must not hold up everybody who can do without. Thread-safe.

    >>> reach = Reach()
    >>> reach(lambda: 7)
    7
    """

    def __init__(self) -> None:
        self._away: UnreachableError | None = None
        self._trying = threading.Lock()

    def __call__(self, ask: Callable[[], _T]) -> _T:
        """What `ask` returns.

        Raises:
            UnreachableError: It is out of reach, or was so for whoever tried last.
        """
        away = self._away
        if away is None:
            return self._asked(ask)
        if not self._trying.acquire(blocking=False):
            raise UnreachableError(away.message, cure=away.cure)
        try:
            return self._asked(ask)
        finally:
            self._trying.release()

    def _asked(self, ask: Callable[[], _T]) -> _T:
        try:
            found = ask()
        except UnreachableError as error:
            self._away = error
            raise
        self._away = None
        return found
