"""Requests to a small service that speaks JSON: in turn, counted, and never while blocked."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import httpx2

from segue.errors import BlockedError, ServiceDownError, ServiceError, SignInError
from segue.services.request_queue import Queue

__all__ = ["JsonService"]

_log = logging.getLogger(__name__)

_TRIES: Final = 3
_REFUSED: Final = 400
_UNAUTHORISED: Final = 401
_NO_CONTENT: Final = 204
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_UNAVAILABLE: Final = 503
_NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_WAITS: Final = ("retry-after", "x-ratelimit-reset-in")
_LONGEST: Final = 200
_LEAST_S: Final = 0.05
_WAIT: Final = "Check the network and the address, wait a little and run it again."

_LEFT: Final = "x-ratelimit-remaining"

Pairs = Sequence[tuple[str, str]]


class JsonService:
    """Asks one service; every request takes a turn in its queue.

    429, or 503 that says how long, is noted for everybody, then `BlockedError`; 5xx and lost
    connections are tried three times, only of what may be done twice. Nothing waits within a turn.

    Args:
        name: Of the service, for people.
        url: Base address.
        http: The client to ask with.
        queue: Of the service.
        clock: The time, aware UTC.
        headers: Sent with every request; may hold a token.
        sign_in: What to do when the service does not know who asks.
        pause: Waits for so many seconds between two tries, outside of turns.
        query: Goes with every request; may hold a key.
        explain: The error in an answer, by its status and JSON; None: there is none, or it is said
            the usual way.
        patience_s: So long a request waits, outside of turns, for the service to take requests
            again; 0: `BlockedError` at once.
    """

    def __init__(
        self,
        name: str,
        url: str,
        http: httpx2.Client,
        *,
        queue: Queue,
        clock: Callable[[], datetime],
        headers: Mapping[str, str] | None = None,
        sign_in: str = "",
        pause: Callable[[float], None] = time.sleep,
        query: Mapping[str, str] | None = None,
        explain: Callable[[int, Any], ServiceError | None] = lambda status, told: None,
        patience_s: float = 0.0,
    ) -> None:
        self.name = name
        self.requests = 0
        self._query = dict(query or {})
        self._explain = explain
        self._patience_s = patience_s
        self._rest_until: datetime | None = None
        self._url = url.rstrip("/")
        self._http = http
        self._queue = queue
        self._clock = clock
        self._headers = dict(headers or {})
        self._sign_in = sign_in
        self._pause = pause

    def ask(
        self,
        method: str,
        path: str,
        *,
        purpose: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Pairs | None = None,
        repeatable: bool | None = None,
    ) -> Any:
        """One question, and its answer as JSON.

        Args:
            path: Below the base address, with a slash in front.
            purpose: What the request counts for.
            body: Sent as JSON.
            form: Sent as a form, names and values.
            repeatable: Whether doing it twice is like doing it once; None: if it only reads.

        Raises:
            BlockedError: No request may be made now.
            SignInError: The service does not know who asks.
            ServiceDownError: It does not answer; `unsure` when it may have done it.
            ServiceError: It refuses.
        """
        again = method == "GET" if repeatable is None else repeatable
        request = self._http.build_request(
            method,
            self._url + path,
            params={**self._query, **(query or {})} or None,
            json=body,
            data=_form(form),
            headers=self._headers,
        )
        waited = 0.0
        while True:
            try:
                return self._tried(request, path, purpose, again=again)
            except BlockedError as error:
                wait = max(_LEAST_S, (error.until - self._clock()).total_seconds())
                waited += wait
                if error.reason != "rate" or waited > self._patience_s:
                    raise
                _log.info("%s wants no requests for %.1f s; waiting", self.name, wait)
                self._pause(wait)

    def _tried(self, request: httpx2.Request, path: str, purpose: str, *, again: bool) -> Any:
        for tries in range(1, _TRIES + 1):
            self._keep_pace()
            try:
                with self._queue.turn(purpose):
                    self.requests += 1
                    response = self._http.send(request)
                return self._read(response, path, repeatable=again)
            except httpx2.TransportError as error:
                fault = self._lost(error, repeatable=again)
                if tries == _TRIES or not (again or isinstance(error, _NOT_SENT)):
                    raise fault from error
            except ServiceDownError as error:
                fault = error
                if tries == _TRIES or not again:
                    raise
            _log.info("%s: %s; once more", self.name, fault.message)
            self._pause(random.uniform(0.3, 1.0) * 2 ** (tries - 1))  # noqa: S311 - no secret
        raise AssertionError("unreachable")

    def _keep_pace(self) -> None:
        """Wait until the service is ready for another request, outside of turns."""
        now = self._clock()
        if self._rest_until is not None and self._patience_s:
            rest = (self._rest_until - now).total_seconds()
            if 0 < rest <= self._patience_s:
                self._pause(rest)
        self._rest_until = None
        for _ in range(_TRIES):  # another process may have been quicker
            if (wait := self._queue.due_in()) <= 0:
                break
            self._pause(wait)

    def refuse(self, message: str, status: int, cure: str = "") -> ServiceError:
        """The error for a refusal, of which a status within the answer tells, too."""
        kind = SignInError if status == _UNAUTHORISED else ServiceError
        return kind(
            f"{self.name} refuses ({message})",
            service=self.name,
            status=status,
            cure=cure or (self._sign_in if status == _UNAUTHORISED else ""),
        )

    def _read(self, response: httpx2.Response, path: str, *, repeatable: bool) -> Any:
        status = response.status_code
        waits = status == _UNAVAILABLE and "retry-after" in response.headers
        if status == _TOO_MANY or waits:
            raise self._queue.block(self._clock() + _wait(response), "rate")
        if response.headers.get(_LEFT) == "0":
            self._rest_until = self._clock() + _wait(response)
        if status == _NO_CONTENT:
            return None
        if status >= _SERVER_FAULT:
            raise self._down(f"is out of order ({status})", status, unsure=not repeatable)
        try:
            told = response.json()
        except ValueError as error:
            if status < _REFUSED:
                raise self._down(
                    "answered with something that is no JSON", status, unsure=not repeatable
                ) from error
            told = None
        if (refusal := self._explain(status, told)) is not None:
            if refusal.status == _TOO_MANY:
                raise self._queue.block(self._clock() + _wait(response), "rate")
            raise refusal
        if status >= _REFUSED:
            said = told.get("error") if isinstance(told, dict) else None
            raise self.refuse(f"{path}: {status} {said or ''}".strip()[:_LONGEST], status)
        return told

    def _down(self, what: str, status: int = 0, *, unsure: bool) -> ServiceDownError:
        return ServiceDownError(
            f"{self.name} {what}", service=self.name, status=status, unsure=unsure, cure=_WAIT
        )

    def _lost(self, error: httpx2.TransportError, *, repeatable: bool) -> ServiceDownError:
        sent = not isinstance(error, _NOT_SENT)
        return self._down(
            f"does not answer ({type(error).__name__})", unsure=sent and not repeatable
        )


def _form(pairs: Pairs | None) -> dict[str, list[str]] | None:
    if pairs is None:
        return None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _wait(response: httpx2.Response) -> timedelta:
    for name in _WAITS:
        try:
            return timedelta(seconds=min(max(float(response.headers[name]), 1.0), 86_400.0))
        except (KeyError, ValueError):
            continue
    return timedelta(seconds=30)
