"""One request from end to end: who asks, whether they may, what answers, and a line in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from segue.fakes.faults import Fault
from segue.fakes.messages import Answer, ApiError, Request, api_error
from segue.fakes.request_log import Asked
from segue.fakes.spotify import (
    accounts_service,
    catalogue_routes,
    library_routes,
    me_routes,
    player_routes,
    playlist_item_routes,
    playlist_routes,
    remote_routes,
    search_routes,
)
from segue.fakes.spotify.caller import Caller
from segue.fakes.spotify.people import App
from segue.fakes.spotify.removed import is_not_here, was_removed
from segue.fakes.spotify.router import Route, find
from segue.fakes.spotify.world import World

__all__ = ["Checks", "answer"]

_ROUTES: Final = (
    *me_routes.ROUTES,
    *player_routes.ROUTES,
    *remote_routes.ROUTES,
    *playlist_routes.ROUTES,
    *playlist_item_routes.ROUTES,
    *library_routes.ROUTES,
    *catalogue_routes.ROUTES,
    *search_routes.ROUTES,
)
_ACCOUNTS: Final[Mapping[str, Callable[[World, Request], Answer]]] = {
    "/authorize": accounts_service.authorize,
    "/api/token": accounts_service.token,
}
_NEW_WORDS: Final = ("POST", "PUT", "DELETE")


class Checks(Protocol):
    """Compares what goes over the line with a description of the API."""

    def faults_of(self, request: Request, given: Answer) -> list[str]:
        """What is not as described; nothing when all is."""
        ...


def answer(
    world: World, request: Request, *, fault: Fault | None = None, checks: Checks | None = None
) -> Answer:
    """Answer a request, and note it; who calls holds the world's lock."""
    route, _, _ = find(_ROUTES, request)
    who = ["", "", route.template if route else request.path]  # app, user: known as far as it got
    spoilt = fault is not None and (fault.before or fault.status > 0)
    given = _by_fault(fault) if fault and spoilt else _given(world, request, who)
    world.log.append(
        Asked(
            at=world.clock.now(),
            method=request.method,
            route=who[2],
            path=request.path,
            status=given.status,
            client_id=who[0],
            user_id=who[1],
            fault=str(fault or ""),
            received=len(request.body),
            sent=len(given.body),
        )
    )
    if checks is not None and request.path.startswith("/v1/") and not spoilt:
        world.violations += checks.faults_of(request, given)
    return given


def _by_fault(fault: Fault) -> Answer:
    if fault.before:
        return Answer(0)
    if fault.status == 429:
        after = "1" if fault.retry_after is None else f"{fault.retry_after:g}"
        wanted = {"Retry-After": after}
        return api_error(ApiError(429, "Too many requests", reason=fault.reason, headers=wanted))
    if fault.status in (500, 502, 504):  # by what stands before the API
        page = f"<html><body><h1>{fault.status} Server Error</h1></body></html>"
        return Answer(fault.status, page.encode(), {"Content-Type": "text/html"})
    return api_error(ApiError(fault.status, "Service unavailable", reason=fault.reason))


def _given(world: World, request: Request, who: list[str]) -> Answer:
    if request.path in _ACCOUNTS:
        return _ACCOUNTS[request.path](world, request)
    try:
        return _from_api(world, request, who)
    except ApiError as error:
        return api_error(error)


def _from_api(world: World, request: Request, who: list[str]) -> Answer:
    if not request.path.startswith("/v1/"):
        raise ApiError(404, "Service not found")
    caller = _caller(world, request)
    who[0], who[1] = caller.app.client_id, caller.user.id if caller.user else ""
    route, request, known = find(_ROUTES, request)
    world.limits.count(caller.app, caller.now, upload=route is not None and route.upload)
    _may_use(world, caller)
    if route is None:
        raise _no_such(request, known)
    _may_ask(caller, route)
    given = route.handler(caller, request)
    world.changes += request.method in _NEW_WORDS
    return given


def _caller(world: World, request: Request) -> Caller:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if not shown:
        raise ApiError(401, "No token provided")
    if scheme.lower() != "bearer":
        raise ApiError(400, "Only valid bearer authentication supported")
    token, now = world.tokens.get(shown), world.clock.now()
    if token is None:
        raise ApiError(401, "Invalid access token")
    if now >= token.expires_at:
        raise ApiError(401, "The access token expired")
    app = world.apps[token.client_id]
    return Caller(world, app, world.users.get(token.user_id), token.scopes, now)


def _may_use(world: World, caller: Caller) -> None:
    """In development mode the owner needs Premium, and only five named users are let in."""
    app = caller.app
    if not app.development:
        return
    owner = world.users.get(app.owner)
    if owner is not None and not owner.premium:
        raise ApiError(403, "Active premium subscription required for the owner of the app.")
    if caller.user is not None and caller.user.id not in _let_in(app):
        raise ApiError(
            403,
            "Check settings on developer.spotify.com/dashboard, the user may not be registered.",
        )


def _let_in(app: App) -> set[str]:
    return {app.owner, *app.allowed[:5]}


def _may_ask(caller: Caller, route: Route) -> None:
    if route.needs_user and caller.user is None:
        raise ApiError(401, "Valid user authentication required")
    caller.need(*route.scopes)


def _no_such(request: Request, known: bool) -> ApiError:
    if was_removed(request.method, request.path):
        return ApiError(403, "Forbidden")
    if is_not_here(request.method, request.path):
        return ApiError(501, "Spotify has this route; its stand-in has not")
    if known:
        return ApiError(405, "Method not allowed")
    return ApiError(404, "Service not found")
