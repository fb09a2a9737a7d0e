"""The service as an ASGI application."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from segue.access.keyring import Ring
from segue.access.passwords import Passwords
from segue.doors.http import (
    event_routes,
    own_routes,
    recommendation_routes,
    track_routes,
    user_routes,
)
from segue.doors.http.call import JSON, call_of
from segue.doors.http.cors import Cors
from segue.doors.http.event_desk import EventDesk
from segue.doors.http.front import Beside, Front, Limits, UnderWay
from segue.doors.http.gauges import Gauges
from segue.doors.http.guard import Guard
from segue.doors.http.lean_routes import GuardedRoute, LeanRoute
from segue.doors.http.numbers import Numbers
from segue.doors.http.openapi import describe
from segue.doors.http.problems import ProblemError, field_errors
from segue.doors.http.recommendation_desk import RecommendationDesk
from segue.doors.http.room import Room
from segue.doors.http.straight_events import StraightEvents
from segue.doors.http.watch import Watch
from segue.flows.home_parts import ACCESS, PASSWORDS
from segue.flows.online import Service
from segue.settings.service import Service as ServiceSettings

__all__ = ["API", "Parts", "make_app"]

API: Final = frozenset(
    [
        "events",
        "health",
        "metrics",
        "openapi.json",
        "recommend",
        "recommendations",
        "tracks",
        "users",
        "version",
    ]
)
"""How addresses of the API begin."""

_MAKERS: Final = 4
_OTHERS: Final = 16
_GARBAGE: Final = (10_000, 20, 20)
"""Requests leave hardly any circles: they are looked for less often than Python would."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application is made of.

    Args:
        service: Answers; closed by whoever opened it.
        ring: The keys.
        home: The data home.
        clock: The moment, aware UTC.
        loopback: Whether only this machine can reach it.
        log: Takes lines about requests; None: nothing is logged.
        share: This process's share of every key's rate.
        numbers: Folder where processes that serve side by side leave their numbers for each other.
        beside: What runs while the application does, such as consumers of events.
        page: Answers people, at addresses of its own; None: there is no page.
    """

    service: Service
    ring: Ring
    home: Path
    clock: Callable[[], datetime]
    loopback: bool = True
    log: Callable[[str], Any] | None = None
    share: float = 1.0
    numbers: Path | None = None
    beside: AbstractContextManager[Any] = field(default_factory=nullcontext)
    page: Beside | None = None


def make_app(parts: Parts, settings: ServiceSettings) -> Front:
    """The application.

    Args:
        parts: What it is made of.
        settings: Section `service` of the settings.
    """
    registry, numbers = CollectorRegistry(), Numbers(parts.numbers)
    registry.register(numbers)
    registry.register(Gauges(parts.service, parts.clock))
    watch = Watch(numbers, parts.log)
    pool = ThreadPoolExecutor(_MAKERS, "recommend")
    hurried = ThreadPoolExecutor(1, "hurry")
    desk = EventDesk(
        parts.service.log,
        parts.clock,
        batch=settings.batch,
        counts=numbers.events,
    )
    recommending = RecommendationDesk(
        parts.service,
        pool,
        hurried=hurried,
        room=Room(settings.patience_ms / 1000, settings.wait_ms / 1000),
        waiting=settings.in_flight // 2,
        counts=numbers.answers,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        anyio.to_thread.current_default_thread_limiter().total_tokens = _OTHERS
        with parts.beside:
            watch.start()
            parts.ring.start()
            gc.collect()
            gc.freeze()  # what is open now stays: looking through it again and again takes time
            gc.set_threshold(*_GARBAGE)
            try:
                yield
            finally:
                pool.shutdown()
                hurried.shutdown()
                parts.ring.close()
                watch.close()

    inner = _inner(lifespan)
    router = inner.router
    event_routes.add_to(router, desk, batch=settings.batch)
    recommendation_routes.add_to(router, recommending, parts.service)
    track_routes.add_to(router, parts.service)
    passwords = Passwords(parts.home / ACCESS / PASSWORDS)
    user_routes.add_to(router, parts.service, parts.ring, passwords)
    own_routes.add_to(
        router,
        parts.service,
        home=str(parts.home),
        exposition=lambda: generate_latest(registry),
        description=lambda: describe(inner),
    )

    lean = {
        (method, route.path): route
        for route in router.routes
        if isinstance(route, LeanRoute)
        for method in route.methods or ()
    }
    guard = Guard(parts.ring, rate=settings.rate, loopback=parts.loopback, share=parts.share)
    cors, under_way = Cors(settings.cors_origins), UnderWay()
    limits = Limits(settings.in_flight, settings.body_bytes)
    ready = partial(_ready, parts.service)
    straight = StraightEvents(
        desk,
        guard=guard,
        cors=cors,
        watch=watch,
        limits=limits,
        under_way=under_way,
        ready=ready,
    )
    return Front(
        inner,
        lean,
        guard=guard,
        cors=cors,
        watch=watch,
        limits=limits,
        ready=ready,
        beside=parts.page,
        under_way=under_way,
        straight={(b"POST", b"/events"): straight},
    )


def _ready(service: Service) -> bool:
    return service.ready


def _inner(lifespan: Any) -> FastAPI:
    """FastAPI with our routes, our description and our words."""
    app = FastAPI(
        title="Segue",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        strict_content_type=True,
    )
    app.router.route_class = GuardedRoute
    app.router.redirect_slashes = False
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(RequestValidationError, _wrong_values)
    return app


async def _no_such_route(request: Request, error: Exception) -> Any:
    """What FastAPI refuses by itself: paths, methods and bodies."""
    assert isinstance(error, HTTPException)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if error.status_code == 405:
        headers = ((b"allow", ", ".join(_methods_at(request)).encode()),)
    kind = {404: "no-such-path", 405: "no-such-method", 400: "not-json"}.get(
        error.status_code, "refused"
    )
    raise ProblemError(error.status_code, kind, _WORDS.get(kind, ""), headers=headers) from error


def _methods_at(request: Request) -> list[str]:
    """The methods that the path of a request knows, by whichever routes."""
    routes = [route for route in request.app.routes if isinstance(route, GuardedRoute)]
    path = next(one.path for one in routes if one.path_regex.match(request.url.path))
    return sorted({method for one in routes if one.path == path for method in one.methods or ()})


async def _wrong_values(request: Request, error: Exception) -> Any:
    """Values out of their bounds; a body that is no JSON at all."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        raise ProblemError(400, "not-json", "The body is no JSON.") from error
    if call_of(request).method == "POST" and call_of(request).media_type != JSON:
        raise ProblemError(
            415,
            "media-type",
            "The body is sent as JSON.",
            cure="Send the header “Content-Type: application/json”.",
        ) from error
    raise ProblemError(
        422, "invalid", "A value cannot be used.", errors=field_errors(found)
    ) from error


_WORDS: Final = {
    "no-such-path": "There is nothing at this path; GET /openapi.json tells what there is.",
    "no-such-method": "The path does not know this method; Allow says which it knows.",
    "not-json": "The body cannot be read.",
}
