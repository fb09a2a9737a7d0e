"""Requests before they are sent, and what their answers mean: the same for both clients."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import httpx2

from segue.client import values
from segue.client.from_json import value_of
from segue.client.told import Asked, EventReport, Listened
from segue.errors import NotNowError, RefusedError

__all__ = [
    "Request",
    "answer_of",
    "forget",
    "health",
    "longer",
    "profile",
    "recommend",
    "recommend_for",
    "report",
    "search",
    "similar",
    "track",
    "unreachable",
    "user",
    "users",
    "waits",
]

T = TypeVar("T")
V = TypeVar("V")

_BATCH: Final = 500
_PROBLEM: Final = "urn:segue:problem:"
_AGAIN: Final = frozenset((429, 502, 503, 504))
_FIRST_S: Final = 0.2
_LONGEST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """A request.

    Args:
        read: Makes the answer of decoded JSON.
        fine: Statuses that are answers.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    params: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    fine: tuple[int, ...] = (200,)


# --- what may be asked --------------------------------------------------------------------------


def report(events: Sequence[EventReport]) -> list[Request[tuple[values.EventOutcome, ...]]]:
    """As many as the events need."""
    return [
        Request(
            "POST",
            "/events",
            partial(_outcomes, part),
            json={"events": [one.as_json() for one in part]},
        )
        for at in range(0, len(events), _BATCH)
        for part in [events[at : at + _BATCH]]
    ]


def recommend(user_id: str, asked: Asked) -> Request[values.Recommendations]:
    """For a user."""
    params = {"user_id": user_id, **asked.as_json()}
    return _get("/recommendations", values.Recommendations, params)


def recommend_for(listened: Sequence[Listened], asked: Asked) -> Request[values.Recommendations]:
    """For whoever listened to this."""
    body = {**asked.as_json(), "tracks": [one.as_json() for one in listened]}
    return Request("POST", "/recommend/user/", _reads(values.Recommendations), json=body)


def similar(track_id: str, asked: Asked) -> Request[values.Recommendations]:
    """Like one track."""
    path = f"/recommend/song/{quote(track_id, safe='')}"
    return _get(path, values.Recommendations, asked.as_json())


def profile(user_id: str) -> Request[values.Profile]:
    """Of a user."""
    return _get(f"/users/{quote(user_id, safe='')}/profile", values.Profile)


def search(text: str, limit: int) -> Request[tuple[values.FoundTrack, ...]]:
    """For tracks by name."""
    return Request(
        "GET",
        "/tracks/search",
        lambda told: tuple(value_of(values.FoundTrack, one) for one in told["tracks"]),
        params={"q": text, "limit": limit},
    )


def track(track_id: str) -> Request[values.Track]:
    """By its id."""
    return _get(f"/tracks/{quote(track_id, safe='')}", values.Track)


def users(after: str, limit: int) -> Request[values.UserPage]:
    """A page of them."""
    return _get("/users", values.UserPage, {"after": after, "limit": limit})


def user(user_id: str) -> Request[values.User]:
    """In short."""
    return _get(f"/users/{quote(user_id, safe='')}", values.User)


def forget(user_id: str) -> Request[values.Forgotten]:
    """A user."""
    return Request("DELETE", f"/users/{quote(user_id, safe='')}", _reads(values.Forgotten))


def health() -> Request[values.Health]:
    """Of the service; that it cannot recommend is an answer, too."""
    return Request("GET", "/health/ready", _reads(values.Health), fine=(200, 503))


def _get(path: str, kind: type[V], params: dict[str, Any] | None = None) -> Request[V]:
    return Request("GET", path, _reads(kind), params=params or {})


def _reads(kind: type[V]) -> Callable[[Any], V]:
    return lambda told: value_of(kind, told)


def _outcomes(sent: Sequence[EventReport], told: Any) -> tuple[values.EventOutcome, ...]:
    """What became of events; a stream only says how many it has taken, and looks at them later."""
    if "events" not in told and told["accepted"] == len(sent):
        return tuple(values.EventOutcome(one.event_id, "accepted") for one in sent)
    return tuple(value_of(values.EventOutcome, one) for one in told["events"])


# --- what comes back ----------------------------------------------------------------------------


def answer_of(request: Request[T], response: httpx2.Response) -> T:
    """The answer.

    Raises:
        NotNowError: The same request may do later; `retry_after` of the error says when.
        RefusedError: It was refused, or is no answer of a service of Segue.
    """
    if response.status_code not in request.fine:
        raise _refused(response)
    try:
        return request.read(response.json())
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        raise RefusedError(
            f"what answers at {response.url.copy_with(path='/', query=None)} is no service of "
            f"Segue: {type(error).__name__}",
            cure="Give the address that `segue serve` tells.",
            status=response.status_code,
        ) from error


def unreachable(error: httpx2.TransportError) -> NotNowError:
    """The service was not reached."""
    return NotNowError(
        f"the service cannot be reached: {error or type(error).__name__}",
        cure="Start it with `segue serve`, or give its address.",
    )


def waits(tries: int) -> Iterator[float]:
    """How long to wait before each further try, in seconds: twice as long each time, about."""
    for turn in range(tries - 1):
        yield _FIRST_S * 2**turn * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


def longer(wait_s: float, error: NotNowError) -> float:
    """How long to wait after all: the service knows best."""
    return min(max(wait_s, error.retry_after or 0.0), _LONGEST_S)


def _refused(response: httpx2.Response) -> RefusedError:
    try:
        told = response.json()
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    facts: dict[str, Any] = {
        "cure": str(told.get("cure", "")),
        "status": response.status_code,
        "kind": str(told.get("type", "")).removeprefix(_PROBLEM),
        "fields": {one["field"]: one["reason"] for one in told.get("errors", ())},
        "request_id": response.headers.get("request-id", ""),
    }
    message = str(told.get("detail") or f"the service answered {response.status_code}").rstrip(".")
    if response.status_code in _AGAIN:
        after = response.headers.get("retry-after", "")
        return NotNowError(message, retry_after=float(after) if after.isdigit() else None, **facts)
    return RefusedError(message, **facts)
