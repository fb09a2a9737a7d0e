"""The page for people, opened when somebody asks for it: its parts take a while to load."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from segue.doors.http.call import Call, Reply

__all__ = ["LatePage", "Opened"]


class Opened(Protocol):
    """A page that is open."""

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Of every answer."""

    def owns(self, path: str) -> bool:
        """Whether an address is one of the page's."""

    def reply(self, call: Call, scope: Mapping[str, Any], receive: Any, /) -> Awaitable[Reply]:
        """The whole answer."""

    def get_ready(self, users: Sequence[str], wanted: Callable[[], bool], /) -> None:
        """Have at hand what these users will see first."""

    def close(self) -> None:
        """Finish what is under way."""


class LatePage:
    """A page that is opened when somebody first asks for it.

    That takes a third of a second, once, and 25 MB: a service that only programs ask does without.

    Args:
        make: Opens it.
        others: First parts of addresses that are certainly none of its, such as “events”.
    """

    def __init__(self, make: Callable[[], Opened], *, others: Collection[str]) -> None:
        self._make = make
        self._others = frozenset(others)
        self._page: Opened | None = None
        self._opening = threading.Lock()

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Of every answer."""
        return self._open().headers

    def owns(self, path: str) -> bool:
        """Whether an address is one of the page's, rather than of the API."""
        page = self._page
        if page is None:
            if path[1:].partition("/")[0] in self._others:
                return False
            page = self._open()
        return page.owns(path)

    async def reply(self, call: Call, scope: Mapping[str, Any], receive: Any) -> Reply:
        """The whole answer; never raises."""
        return await self._open().reply(call, scope, receive)

    def close(self) -> None:
        """Finish what is under way."""
        with self._opening:
            if self._page is not None:
                self._page.close()

    def get_ready(self, users: Sequence[str], wanted: Callable[[], bool]) -> None:
        """Open it before anybody asks, with what these users will see first."""
        self._open().get_ready(users, wanted)

    def _open(self) -> Opened:
        with self._opening:
            if self._page is None:
                self._page = self._make()
            return self._page
