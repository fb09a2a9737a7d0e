"""Requests to Spotify's Web API: in turn, counted, with a fresh token, and never while blocked."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from segue.errors import ServiceDownError, ServiceError, SignInError
from segue.services.request_queue import Queue
from segue.services.spotify.accounts import AGAIN, SERVICE
from segue.services.spotify.refusals import refusal
from segue.services.spotify.tokens import Tokens

if TYPE_CHECKING:
    import httpx2

__all__ = ["API_URL", "SpotifyClient", "open_http"]

_log = logging.getLogger(__name__)

API_URL: Final = "https://api.spotify.com/v1"

_TRIES: Final = 3
_NO_CONTENT: Final = 204
_UNAUTHORISED: Final = 401
_TOO_MANY: Final = 429
_REFUSED: Final = 400
_SERVER_FAULT: Final = 500
_RATE_WINDOW_S: Final = 30.0
_QUOTA_S: Final = 24 * 3600.0
_REPEATABLE: Final = ("GET", "PUT", "DELETE")
_WAIT: Final = "Check the network, wait a little and run it again."


def open_http(timeout_s: float = 30.0) -> httpx2.Client:
    """An HTTP client with bounded waits, which follows nobody elsewhere."""
    import httpx2  # takes a quarter of a second to load; a page that only shows things has no use

    limits = httpx2.Timeout(timeout_s, connect=5.0)
    return httpx2.Client(
        timeout=limits, follow_redirects=False, headers={"User-Agent": "segue/0.1"}
    )


class SpotifyClient:
    """Asks for one user. Every request takes a turn in the queue of the developer account.

    - 401: one fresh token, one more try.
    - 429: noted for everybody, then `BlockedError`; nothing waits, nothing is tried again.
    - 5xx and lost connections: up to three tries, only of what may be done twice.

    Args:
        url: The API's base address.
        http: The client to ask with.
        tokens: Of the user.
        queue: Of the developer account.
        clock: The time, aware UTC.
        pause: Waits for so many seconds between two tries, outside of turns.
    """

    def __init__(
        self,
        url: str,
        http: httpx2.Client,
        *,
        tokens: Tokens,
        queue: Queue,
        clock: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._http = http
        self._tokens = tokens
        self._queue = queue
        self._clock = clock
        self._pause = pause
        self._known = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, *, purpose: str, **query: Any) -> Any:
        """What is there, as JSON; None where the answer is “nothing” (204). See `ask`."""
        return self.ask("GET", path, purpose=purpose, query=query)

    def ask(
        self,
        method: str,
        path: str,
        *,
        purpose: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        content_type: str = "",
        repeatable: bool | None = None,
    ) -> Any:
        """One question, and its answer as JSON; None where there is none.

        Args:
            path: Below the base address, with a slash in front.
            purpose: What the request counts for.
            query: What is None is left out.
            body: Sent as JSON.
            content: Sent as it is, with `content_type`.
            repeatable: Whether doing it twice is like doing it once; None: as the method says.

        Raises:
            SignInError: Nobody is signed in, the sign-in has ended, or does not allow this.
            BlockedError: No request may be made now.
            ServiceDownError: Spotify does not answer; `unsure` when it may have done it.
            ServiceError: It refuses.
        """
        if repeatable is None:
            repeatable = method in _REPEATABLE
        request = self._http.build_request(
            method,
            self._url + path,
            params={key: one for key, one in (query or {}).items() if one is not None} or None,
            json=body,
            content=content,
            headers={"Content-Type": content_type} if content_type else {},
        )
        return self._answered(request, path, purpose, repeatable=repeatable)

    def _answered(
        self, request: httpx2.Request, path: str, purpose: str, *, repeatable: bool
    ) -> Any:
        """Make the request until it is answered, as often as may be."""
        import httpx2

        if not self._known:  # a request that cannot be made is none: it does not count
            self._tokens.require()
            self._known = True
        refused, tries = "", 0
        while True:
            tries += 1
            try:
                with self._queue.turn(purpose):
                    token = self._tokens.access(unlike=refused)
                    request.headers["Authorization"] = f"Bearer {token}"
                    response = self._http.send(request)
                if response.status_code == _UNAUTHORISED and not refused:
                    refused = token
                    continue
                return self._read(response, path, repeatable=repeatable)
            except httpx2.TransportError as error:
                fault = _lost(error, repeatable=repeatable)
                again = repeatable or _is_not_sent(error)
            except ServiceDownError as error:
                fault, again = error, repeatable
            if tries >= _TRIES or not again:
                raise fault
            _log.info("Spotify: %s; once more", fault.message)
            self._pause(random.uniform(0.3, 1.0) * 2 ** (tries - 1))  # noqa: S311 - no secret

    def _read(self, response: httpx2.Response, path: str, *, repeatable: bool) -> Any:
        status = response.status_code
        if status == _TOO_MANY:
            raise self._blocked(response)
        if status >= _SERVER_FAULT:
            raise ServiceDownError(
                f"Spotify is out of order ({status})",
                service=SERVICE,
                status=status,
                unsure=not repeatable,
                cure=_WAIT,
            )
        if status == _UNAUTHORISED:
            raise SignInError(
                "Spotify does not accept its own fresh token",
                service=SERVICE,
                status=status,
                cure=AGAIN,
            )
        if status >= _REFUSED:
            raise refusal(status, *_told(response), path)
        if status == _NO_CONTENT or not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise ServiceDownError(
                "Spotify answered with something that is no JSON",
                service=SERVICE,
                status=status,
                unsure=not repeatable,
                cure="Is there a portal or a proxy in the way? Open a page in a browser.",
            ) from error

    def _blocked(self, response: httpx2.Response) -> ServiceError:
        _, reason = _told(response)
        quota = reason == "QUOTA_EXCEEDED"
        usual = _QUOTA_S if quota else _RATE_WINDOW_S
        try:
            seconds = float(response.headers.get("Retry-After") or usual)
        except ValueError:
            seconds = usual
        seconds = min(max(seconds, 1.0), 7 * _QUOTA_S)
        return self._queue.block(
            self._clock() + timedelta(seconds=seconds), "quota" if quota else "rate"
        )


def _told(response: httpx2.Response) -> tuple[str, str]:
    """Message and reason of an error, as far as there are any."""
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return "", ""
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("message") or ""), str(error.get("reason") or "")


def _is_not_sent(error: httpx2.TransportError) -> bool:
    import httpx2

    return isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _lost(error: httpx2.TransportError, *, repeatable: bool) -> ServiceDownError:
    sent = not _is_not_sent(error)
    made = ServiceDownError(
        f"Spotify does not answer ({type(error).__name__})",
        service=SERVICE,
        unsure=sent and not repeatable,
        cure=_WAIT,
    )
    made.__cause__ = error
    return made
