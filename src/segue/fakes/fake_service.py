"""What the fakes of small services share: routes, a limit, faults and a log."""

from __future__ import annotations

import math
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from segue.fakes.clock import Clock
from segue.fakes.faults import Fault, Faults
from segue.fakes.loopback import Loopback
from segue.fakes.messages import Answer, Request
from segue.fakes.open_music import OpenMusic
from segue.fakes.paths import words_in
from segue.fakes.request_log import Asked, RequestLog

__all__ = ["FakeService", "RefusedError", "whole"]

Page = Callable[[Request], Answer]


class RefusedError(Exception):
    """The service says no; each service has a form of its own for it."""

    def __init__(self, status: int, message: str, code: int = 0, *, retry_after: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = {"Retry-After": retry_after} if retry_after else {}


class FakeService(Loopback):
    """A service on loopback that answers out of what it knows of music.

    Args:
        music: What it knows.
        clock: What time it is; limits follow it.
        requests: How many requests it takes within a window; None: its own published limit.
        port: Where it listens; 0: any free port.
    """

    limit: tuple[int, float]
    """How many requests it takes within how many seconds."""

    def __init__(
        self,
        music: OpenMusic | None = None,
        *,
        clock: Clock | None = None,
        requests: int | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.lock = threading.RLock()
        self.music = OpenMusic() if music is None else music
        self.clock = Clock() if clock is None else clock
        self.faults = Faults()
        self.log = RequestLog()
        self.requests = self.limit[0] if requests is None else requests
        self._sent: deque[datetime] = deque()

    @abstractmethod
    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """Method, path template and what answers; the first that fits is taken."""

    @abstractmethod
    def refusal(self, error: RefusedError) -> Answer:
        """How this service says no."""

    @abstractmethod
    def too_many(self, seconds: int) -> RefusedError:
        """What it says to who asks too often, and may again after some seconds."""

    def take(self, request: Request) -> tuple[Answer, Fault]:
        """Answer, with the next fault that is meant for such a request."""
        with self.lock:
            fault = self.faults.next(request.method, request.path) or Fault()
        time.sleep(fault.seconds)
        with self.lock:
            now = self.clock.now()
            given, route = self._answered(request, fault, now)
            told = dict(request.query)
            self.log.append(
                Asked(
                    now,
                    request.method,
                    route,
                    request.path,
                    given.status,
                    client_id=request.headers.get("user-agent", ""),
                    user_id=told.get("user", ""),
                    fault=str(fault),
                    received=len(request.body),
                    sent=len(given.body),
                )
            )
        return given, fault

    def _answered(self, request: Request, fault: Fault, now: datetime) -> tuple[Answer, str]:
        route = self.route_of(request)
        if fault.before:
            return Answer(0), route
        try:
            if fault.status:
                after = "" if fault.retry_after is None else f"{fault.retry_after:g}"
                raise RefusedError(fault.status, "out of order", retry_after=after)
            self.count(request, now)
            return self._page(request), route
        except RefusedError as error:
            return self.refusal(error), route

    def route_of(self, request: Request) -> str:
        """What the log calls the request's kind."""
        fitting = (t for _, t, _ in self.pages() if words_in(t, request.path) is not None)
        return next(fitting, request.path)

    def _page(self, request: Request) -> Answer:
        for method, template, page in self.pages():
            words = words_in(template, request.path)
            if words is not None and method == request.method:
                return page(replace(request, words=words))
        raise RefusedError(404, "Not Found")

    def count(self, request: Request, now: datetime) -> None:
        """Count a request against the limit; most services have a rolling window."""
        del request
        seconds = self.limit[1]
        while self._sent and (now - self._sent[0]).total_seconds() >= seconds:
            self._sent.popleft()
        if len(self._sent) >= self.requests:
            left = seconds - (now - self._sent[0]).total_seconds() if self._sent else seconds
            raise self.too_many(max(1, math.ceil(left)))
        self._sent.append(now)


def whole(request: Request, name: str, usual: int, most: int | None = None) -> int:
    """A whole number from the query, not below 0; more than the most is the most."""
    told: Any = request.query.get(name, "")
    if told and not told.isdecimal():
        raise RefusedError(400, f"'{name}' should be a non-negative integer")
    found = int(told) if told else usual
    return found if most is None else min(found, most)
