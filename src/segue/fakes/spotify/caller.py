"""Who asks: the token's app, user and scopes, and what every handler needs to check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from segue.fakes.messages import ApiError, Request
from segue.fakes.spotify.people import App, User
from segue.fakes.spotify.world import World

__all__ = ["Caller", "page_of"]


@dataclass(frozen=True)
class Caller:
    """One request's right to ask.

    Args:
        world: The service's state.
        app: The app whose token it is.
        user: For whom; None: the app asks for itself.
        scopes: What the user granted.
        now: The moment of the request.
    """

    world: World
    app: App
    user: User | None
    scopes: frozenset[str]
    now: datetime

    @property
    def me(self) -> User:
        """The user; routes that need one are only reached with one."""
        if self.user is None:
            raise ApiError(401, "Valid user authentication required")
        return self.user

    @property
    def base(self) -> str:
        """Where the Web API is."""
        return f"{self.world.base_url}/v1"

    def need(self, *scopes: str) -> None:
        """Refuse when one of these scopes was not granted."""
        if not self.scopes.issuperset(scopes):
            raise ApiError(403, "Insufficient client scope")

    def market(self, request: Request) -> str:
        """The market that counts: the user's, else the one asked for."""
        return self.user.country if self.user is not None else request.query.get("market", "")


def page_of(
    request: Request, *, most: int = 50, usual: int = 20, far: int = 100_000
) -> tuple[int, int]:
    """Limit and offset of a request.

    Raises:
        ApiError: 400 when one is no number or out of range.
    """
    limit, offset = (
        _number(request, name, fallback) for name, fallback in (("limit", usual), ("offset", 0))
    )
    if not 1 <= limit <= most:
        raise ApiError(400, "Invalid limit")
    if not 0 <= offset <= far:
        raise ApiError(400, "Invalid offset")
    return limit, offset


def _number(request: Request, name: str, fallback: int) -> int:
    told = request.query.get(name, "")
    try:
        return int(told) if told else fallback
    except ValueError as error:
        raise ApiError(400, f"Invalid {name}") from error
