"""Which pages there are: each file of pages adds its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from re import Pattern
from typing import Literal

from starlette.routing import compile_path

from segue.doors.web.ask import Answer, Ask, House

__all__ = ["Body", "Handler", "Nav", "Pages", "Preparing", "Route", "Streaming"]

Handler = Callable[[Ask], Answer]
Body = Callable[[], Awaitable[bytes | None]]
"""The next piece of what is sent; None: that was all."""
Streaming = Callable[[Ask, Body, int], Awaitable[Answer]]
"""Takes what is sent piece by piece; the number is its size in bytes, -1: unknown."""
Preparing = Callable[[House, str], None]
"""Works out ahead what a page will show to a user."""
Group = Literal["listen", "look", "house"]


@dataclass(frozen=True, slots=True)
class Nav:
    """A page's place in the navigation.

    Args:
        icon: Name of a drawing of `segue.doors.web.icons`.
        group: listen: what to play. look: what was played. house: how things are set up.
        place: Among the others of the group, in ascending order.
        short: Whether it has a place in the bar of phones.
    """

    title: str
    icon: str
    group: Group
    place: int
    short: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """What answers at an address.

    Args:
        name: The address as it was registered, for the log.
        handle: Answers, in a thread of its own.
        stream: Answers instead, and is given what is sent piece by piece.
        slow: Blocks of its page that may take seconds; others do not wait behind them.
    """

    name: str
    pattern: Pattern[str]
    handle: Handler | None = None
    stream: Streaming | None = None
    slow: frozenset[str] = frozenset()


class Pages:
    """All pages and their navigation.

    >>> pages = Pages()
    >>> pages.get("/history", lambda ask: View("history.html"), nav=Nav("History", "clock", ...))
    ... # doctest: +SKIP
    """

    def __init__(self) -> None:
        self.nav: dict[str, Nav] = {}
        self.ahead: list[Preparing] = []
        self._routes: dict[str, list[Route]] = {"GET": [], "POST": []}
        self._roots: set[str] = set()

    def get(
        self,
        path: str,
        handle: Handler,
        *,
        nav: Nav | None = None,
        slow: Collection[str] = (),
    ) -> None:
        """Show something at an address, such as /history or /playlists/{name}.

        Args:
            nav: Its place in the navigation; None: it has none.
            slow: Names of its blocks that may take seconds to work out. Who has left the page by
                then is not waited for, but what they asked for is still made: so that takes turns
                with its like, and no other page waits for it.
        """
        self._add("GET", path, handle=handle, slow=slow)
        if nav is not None:
            self.nav[path] = nav

    def post(self, path: str, handle: Handler) -> None:
        """Do something. That the form comes from our own page has been checked by then."""
        self._add("POST", path, handle=handle)

    def take(self, path: str, stream: Streaming) -> None:
        """Take something large, piece by piece."""
        self._add("POST", path, stream=stream)

    def prepare(self, work_out: Preparing) -> None:
        """Have something worked out before anybody asks, for those who are expected."""
        self.ahead.append(work_out)

    def owns(self, path: str) -> bool:
        """Whether an address is one of the page's, rather than of the API."""
        return path.split("/", 2)[1] in self._roots if path.startswith("/") else False

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """What answers, and what stands for the names of its route; None: nothing does."""
        for route in self._routes.get("GET" if method == "HEAD" else method, ()):
            if (found := route.pattern.match(path)) is not None:
                return route, found.groupdict()
        return None

    def own(self, *roots: str) -> None:
        """Have all addresses that begin so."""
        self._roots.update(roots)

    def _add(
        self,
        method: str,
        path: str,
        *,
        handle: Handler | None = None,
        stream: Streaming | None = None,
        slow: Collection[str] = (),
    ) -> None:
        pattern, name, _ = compile_path(path)
        self._routes[method].append(Route(name, pattern, handle, stream, frozenset(slow)))
        self._roots.add(path.split("/", 2)[1])
