"""Users: who they are, what they are like, and that they are forgotten."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from segue.access.keyring import Ring
from segue.access.passwords import Passwords
from segue.doors.http.as_json import as_json
from segue.doors.http.asked import UserPage
from segue.doors.http.call import Call, call_of
from segue.doors.http.guard import allow_user
from segue.doors.http.lean_routes import needs
from segue.doors.http.shapes import Users, answers
from segue.flows.online import Forgotten, Service, UserCard, UserProfile

__all__ = ["add_to"]

_Calling = Annotated[Call, Depends(call_of)]
_UserId = Annotated[str, Path(min_length=1, max_length=200)]


def add_to(router: APIRouter, service: Service, ring: Ring, passwords: Passwords) -> None:
    """Register the routes."""

    def get_profile(call: _Calling, user_id: _UserId) -> Response:
        """What a user is like: favourites, sound, counts and what was played lately."""
        allow_user(call, user_id)
        return as_json(service.profile(user_id))

    def list_users(page: Annotated[UserPage, Query()]) -> Response:
        """The users, by their ids, a page at a time."""
        found = service.users(after=page.after, limit=page.limit)
        return as_json(Users(found, found[-1].user_id if len(found) == page.limit else None))

    def get_user(call: _Calling, user_id: _UserId) -> Response:
        """A user, in short."""
        allow_user(call, user_id)
        return as_json(service.user(user_id))

    def forget_user(call: _Calling, user_id: _UserId) -> Response:
        """Forget a user: keys and password, events, profile, and that they were here.

        What of them was imported counts no more, and `remains` says how it is removed.
        """
        allow_user(call, user_id)
        ring.forget(user_id)  # first: whoever has a key could go on reporting
        passwords.forget(user_id)
        return as_json(service.forget(user_id))

    about: dict[str, Any] = {"response_model": None, "tags": ["users"]}
    router.add_api_route(
        "/users/{user_id:path}/profile",
        get_profile,
        methods=["GET"],
        operation_id="get_profile",
        summary="A user's profile",
        responses=answers(UserProfile),
        openapi_extra=needs("recommend"),
        **about,
    )
    router.add_api_route(
        "/users",
        list_users,
        methods=["GET"],
        operation_id="list_users",
        summary="All users",
        responses=answers(Users),
        openapi_extra=needs("admin"),
        **about,
    )
    router.add_api_route(
        "/users/{user_id:path}",
        get_user,
        methods=["GET"],
        operation_id="get_user",
        summary="A user",
        responses=answers(UserCard),
        openapi_extra=needs("recommend"),
        **about,
    )
    router.add_api_route(
        "/users/{user_id:path}",
        forget_user,
        methods=["DELETE"],
        operation_id="forget_user",
        summary="Forget a user",
        responses=answers(Forgotten),
        openapi_extra=needs("admin"),
        **about,
    )
