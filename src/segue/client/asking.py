"""The clients: one that waits, and one for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx2

from segue.client import requests, values
from segue.client.told import Asked, EventReport, Listened
from segue.errors import NotNowError

__all__ = ["AsyncSegueClient", "SegueClient"]

T = TypeVar("T")

_TIMEOUT_S: Final = 30.0
_TRIES: Final = 5
_PAGE: Final = 500
_ANYTHING: Final = Asked()


class SegueClient:
    """Asks a service, and waits for its answers.

    What may pass (too many requests, the service begins again) is tried again, as long as the
    service says or twice as long each time. Events have ids, so that none counts twice.

    Args:
        url: As `segue serve` tells it.
        token: Of `segue keys create`, or a key of API Gateway; None: the service has no keys.
        timeout: Seconds for one try.
        tries: So often a request is made at most.

    Raises:
        RefusedError: From every method: the service refused.
        NotNowError: It has too much to do, or is not reached, at the last try.

    >>> with SegueClient("http://127.0.0.1:8000") as segue:  # doctest: +SKIP
    ...     segue.recommend("ann").tracks[0].title
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = _TIMEOUT_S,
        tries: int = _TRIES,
    ) -> None:
        self._http = httpx2.Client(base_url=url, headers=_headers(token), timeout=timeout)
        self._tries = tries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def report(self, *events: EventReport) -> tuple[values.EventOutcome, ...]:
        """Report events; what became of each, in their order."""
        parts = [self._ask(request) for request in requests.report(events)]
        return tuple(outcome for part in parts for outcome in part)

    def recommend(self, user_id: str, asked: Asked = _ANYTHING) -> values.Recommendations:
        """What to play next, for a user."""
        return self._ask(requests.recommend(user_id, asked))

    def recommend_for(
        self, listened: Sequence[Listened], asked: Asked = _ANYTHING
    ) -> values.Recommendations:
        """What to play for whoever listened to this; nothing is stored."""
        return self._ask(requests.recommend_for(listened, asked))

    def similar(self, track_id: str, asked: Asked = _ANYTHING) -> values.Recommendations:
        """Tracks like one."""
        return self._ask(requests.similar(track_id, asked))

    def profile(self, user_id: str) -> values.Profile:
        """What a user is like."""
        return self._ask(requests.profile(user_id))

    def search(self, text: str, limit: int = 20) -> tuple[values.FoundTrack, ...]:
        """Tracks by title and artist, best first."""
        return self._ask(requests.search(text, limit))

    def track(self, track_id: str) -> values.Track:
        """All that is known of a track."""
        return self._ask(requests.track(track_id))

    def users(self) -> Iterator[values.User]:
        """All users, by their ids."""
        after: str | None = ""
        while after is not None:
            page = self._ask(requests.users(after, _PAGE))
            yield from page.users
            after = page.after

    def user(self, user_id: str) -> values.User:
        """A user, in short."""
        return self._ask(requests.user(user_id))

    def forget(self, user_id: str) -> values.Forgotten:
        """Forget a user."""
        return self._ask(requests.forget(user_id))

    def health(self) -> values.Health:
        """Whether the service can recommend, and what with."""
        return self._ask(requests.health())

    def _ask(self, request: requests.Request[T]) -> T:
        for wait_s in requests.waits(self._tries):
            try:
                return self._once(request)
            except NotNowError as error:
                time.sleep(requests.longer(wait_s, error))
        return self._once(request)

    def _once(self, request: requests.Request[T]) -> T:
        try:
            response = self._http.request(**_sent(request))
        except httpx2.TransportError as error:
            raise requests.unreachable(error) from error
        return requests.answer_of(request, response)


class AsyncSegueClient:
    """The same for asyncio; see `SegueClient`.

    >>> async with AsyncSegueClient("http://127.0.0.1:8000") as segue:  # doctest: +SKIP
    ...     (await segue.recommend("ann")).tracks[0].title
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = _TIMEOUT_S,
        tries: int = _TRIES,
    ) -> None:
        self._http = httpx2.AsyncClient(base_url=url, headers=_headers(token), timeout=timeout)
        self._tries = tries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def report(self, *events: EventReport) -> tuple[values.EventOutcome, ...]:
        """Report events; what became of each, in their order."""
        parts = [await self._ask(request) for request in requests.report(events)]
        return tuple(outcome for part in parts for outcome in part)

    async def recommend(self, user_id: str, asked: Asked = _ANYTHING) -> values.Recommendations:
        """What to play next, for a user."""
        return await self._ask(requests.recommend(user_id, asked))

    async def recommend_for(
        self, listened: Sequence[Listened], asked: Asked = _ANYTHING
    ) -> values.Recommendations:
        """What to play for whoever listened to this; nothing is stored."""
        return await self._ask(requests.recommend_for(listened, asked))

    async def similar(self, track_id: str, asked: Asked = _ANYTHING) -> values.Recommendations:
        """Tracks like one."""
        return await self._ask(requests.similar(track_id, asked))

    async def profile(self, user_id: str) -> values.Profile:
        """What a user is like."""
        return await self._ask(requests.profile(user_id))

    async def search(self, text: str, limit: int = 20) -> tuple[values.FoundTrack, ...]:
        """Tracks by title and artist, best first."""
        return await self._ask(requests.search(text, limit))

    async def track(self, track_id: str) -> values.Track:
        """All that is known of a track."""
        return await self._ask(requests.track(track_id))

    async def users(self) -> AsyncIterator[values.User]:
        """All users, by their ids."""
        after: str | None = ""
        while after is not None:
            page = await self._ask(requests.users(after, _PAGE))
            for one in page.users:
                yield one
            after = page.after

    async def user(self, user_id: str) -> values.User:
        """A user, in short."""
        return await self._ask(requests.user(user_id))

    async def forget(self, user_id: str) -> values.Forgotten:
        """Forget a user."""
        return await self._ask(requests.forget(user_id))

    async def health(self) -> values.Health:
        """Whether the service can recommend, and what with."""
        return await self._ask(requests.health())

    async def _ask(self, request: requests.Request[T]) -> T:
        for wait_s in requests.waits(self._tries):
            try:
                return await self._once(request)
            except NotNowError as error:
                await asyncio.sleep(requests.longer(wait_s, error))
        return await self._once(request)

    async def _once(self, request: requests.Request[T]) -> T:
        try:
            response = await self._http.request(**_sent(request))
        except httpx2.TransportError as error:
            raise requests.unreachable(error) from error
        return requests.answer_of(request, response)


def _headers(token: str | None) -> dict[str, str]:
    """By either of which a service knows who asks: its own is a bearer's, API Gateway's a key."""
    return {} if token is None else {"authorization": f"Bearer {token}", "x-api-key": token}


def _sent(request: requests.Request[Any]) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.path,
        "params": request.params,
        "json": request.json,
    }
