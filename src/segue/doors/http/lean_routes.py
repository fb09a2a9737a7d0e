"""Routes of the service: guarded all, and the busiest answered without FastAPI's machinery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, cast

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from segue.access.api_key import Scope
from segue.doors.http.call import Call, Reply, call_of
from segue.doors.http.guard import OPEN, allow

__all__ = ["GuardedRoute", "LeanRoute", "needs"]

_NEEDS: Final = "x-segue-needs"


def needs(scope: Scope | None) -> dict[str, Any]:
    """What a route asks of a key, for the documentation and for the guard.

    Args:
        scope: None: any key that is not of one user alone.
    """
    return {_NEEDS: scope or "any", "security": [{"key": []}]}


class GuardedRoute(APIRoute):
    """A route that looks at the key before anything else.

    Attributes:
        scope: What is needed; None: any key that is not of one user alone.
        is_open: Whether no key is needed.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        extra: dict[str, Any] = dict(more.pop("openapi_extra", None) or {})
        self.is_open = path in OPEN
        wanted = None if self.is_open else extra.pop(_NEEDS)
        self.scope = None if wanted in ("any", None) else cast(Scope, wanted)
        super().__init__(path, endpoint, openapi_extra=extra, **more)

    def guard(self, call: Call) -> None:
        """Refuse a key that may not do this.

        Raises:
            ProblemError: It may not.
        """
        call.route = self.path_format
        if not self.is_open:
            allow(call, self.scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own way to answer, behind the guard."""
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            self.guard(call_of(request))
            return await answer(request)

        return guarded


class LeanRoute(GuardedRoute):
    """A route whose endpoint takes the call as it is and answers with finished bytes.

    FastAPI describes it and never runs it: what its parameters are is said by dependencies that
    are there to be read, not to be called.
    """

    async def reply(self, call: Call) -> Reply:
        """The endpoint's answer."""
        self.guard(call)
        answer = cast(Callable[[Call], Awaitable[Reply]], self.endpoint)
        return await answer(call)
