"""The fake ListenBrainz on a loopback port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from segue.fakes.clock import Clock
from segue.fakes.fake_service import FakeService, Page, RefusedError
from segue.fakes.faults import Fault
from segue.fakes.listenbrainz.facts import Facts
from segue.fakes.listenbrainz.laboratory import Laboratory
from segue.fakes.listenbrainz.listens import Listens
from segue.fakes.listenbrainz.playlists import Playlists
from segue.fakes.listenbrainz.state import Member, SharedPlaylist
from segue.fakes.messages import Answer, Request, as_json
from segue.fakes.open_music import OpenMusic

__all__ = ["FakeListenBrainz"]

_MORE_WITH_TOKEN: Final = 20


class FakeListenBrainz(FakeService):
    """The API below /1 and the laboratory (similar-artists …) beside it, at one address.

    Every answer says in X-RateLimit-… headers how much is left of the window, which is a fixed one.
    """

    limit = (30, 10.0)

    def __init__(
        self,
        music: OpenMusic | None = None,
        *,
        clock: Clock | None = None,
        requests: int | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(music, clock=clock, requests=requests, port=port)
        self.members: dict[str, Member] = {}
        self.playlists: dict[str, SharedPlaylist] = {}
        self._used: Counter[tuple[str, int]] = Counter()
        self._left: dict[str, str] = {}
        self.listens = Listens(self)
        self._pages: tuple[tuple[str, str, Page], ...] = (
            *self.listens.pages(),
            *Playlists(self).pages(),
            *Facts(self).pages(),
            *Laboratory(self).pages(),
        )

    def add_member(self, name: str) -> Member:
        """Somebody new."""
        self.members[name] = Member(name)
        return self.members[name]

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked."""
        return self._pages

    def asker(self, request: Request) -> Member | None:
        """Whose token is shown; None: none is.

        Raises:
            RefusedError: 401, for a token that is nobody's.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        found = [one for one in self.members.values() if one.token == token]
        if scheme.lower() not in ("token", "bearer") or not found:
            raise RefusedError(401, "Invalid authorization token.")
        return found[0]

    def member(self, request: Request) -> Member:
        """Whose token is shown, which has to be somebody's."""
        if (found := self.asker(request)) is None:
            raise RefusedError(401, "You need to provide an Authorization header.")
        return found

    def named(self, request: Request) -> Member:
        """The user in the path."""
        name = request.words["user"]
        if name not in self.members:
            raise RefusedError(404, f"Cannot find user: {name}")
        return self.members[name]

    def take(self, request: Request) -> tuple[Answer, Fault]:
        """As every service, with what is left of the window in the answer."""
        given, fault = super().take(request)
        with self.lock:
            return replace(given, headers={**given.headers, **self._left}), fault

    def refusal(self, error: RefusedError) -> Answer:
        """As JSON; of the limit it speaks plainly."""
        if error.status == 429:
            return Answer(429, error.message.encode(), {"Content-Type": "text/html"})
        told = {"code": error.status, "error": error.message}
        return as_json(told, error.status, error.headers)

    def too_many(self, seconds: int) -> RefusedError:
        """429; the headers say for how long."""
        del seconds
        return RefusedError(
            429,
            "You have exceeded your rate limit. See the X-RateLimit-* response headers for more "
            "information on your current rate limit.\n",
        )

    def count(self, request: Request, now: datetime) -> None:
        """A fixed window of the clock, wider for who shows a token."""
        seconds = int(self.limit[1])
        shown = request.headers.get("authorization", "").partition(" ")[2]
        known = any(shown == member.token for member in self.members.values())
        allowed = self.requests + _MORE_WITH_TOKEN * known
        at = int(now.timestamp())
        ends = at // seconds * seconds + seconds
        key = (shown if known else "", ends)
        self._used[key] += 1
        self._left = {
            "X-RateLimit-Limit": str(allowed),
            "X-RateLimit-Remaining": str(max(0, allowed - self._used[key])),
            "X-RateLimit-Reset": str(ends),
            "X-RateLimit-Reset-In": str(ends - at),
        }
        if self._used[key] > allowed:
            raise self.too_many(ends - at)
