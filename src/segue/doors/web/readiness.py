"""The page made ready before anybody asks: what it is made of is loaded and worked out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from segue.errors import SegueError

__all__ = ["getting_ready"]

_log = logging.getLogger(__name__)
_LOOK_S: Final = 5.0
_BEGIN_S: Final = 0.05  # the address is told first


class Readied(Protocol):
    """A page that can be made ready."""

    def get_ready(self, users: Sequence[str], wanted: Callable[[], bool]) -> None:
        """Have at hand what these users will see first, for as long as that is wanted."""


@contextmanager
def getting_ready(
    page: Readied,
    expected: Callable[[], Sequence[str]],
    published: Callable[[], str],
    *,
    look_every_s: float = _LOOK_S,
) -> Iterator[None]:
    """While this is open, whoever is expected finds the page ready, also after something new.

    Args:
        page: What is made ready, in a thread of its own.
        expected: Those who may look at it; where that is nobody, nothing is done.
        published: Name of what answers are made of; empty: nothing yet.
    """
    stop = threading.Event()

    def watch() -> None:
        done: str | None = None
        pause = _BEGIN_S
        while not stop.wait(pause):
            pause = look_every_s
            try:
                name = published()
                if name != done and (users := expected()):
                    page.get_ready(users, lambda: not stop.is_set())
                    done = name
            except SegueError as error:  # whoever opens the page is told
                _log.debug("the page is not made ready: %s", error)

    thread = threading.Thread(target=watch, name="page-ready", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
