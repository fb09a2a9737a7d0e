"""Which function answers which request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from segue.fakes.messages import Answer, Request
from segue.fakes.paths import words_in

if TYPE_CHECKING:
    from segue.fakes.spotify.caller import Caller

__all__ = ["Route", "Routes", "find"]

Handler = Callable[["Caller", Request], Answer]


@dataclass(frozen=True)
class Route:
    """A method and a path template, with what it takes to ask.

    Args:
        method: GET, POST, …
        template: The path, with words in braces: /v1/tracks/{id}.
        handler: What answers.
        scopes: What the token must allow, all of it.
        needs_user: Whether an app's own token is not enough.
        upload: Whether the limit for cover images counts too.
    """

    method: str
    template: str
    handler: Handler
    scopes: frozenset[str] = frozenset()
    needs_user: bool = True
    upload: bool = False

    def words(self, path: str) -> dict[str, str] | None:
        """What the words of the template are in a path; None: it is another path."""
        return words_in(self.template, path)


class Routes(list[Route]):
    """A group of routes, filled by a decorator."""

    def on(
        self,
        method: str,
        template: str,
        *scopes: str,
        needs_user: bool = True,
        upload: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register the function below."""

        def keep(handler: Handler) -> Handler:
            told = frozenset(scopes)
            self.append(Route(method, template, handler, told, needs_user, upload))
            return handler

        return keep


def find(routes: Sequence[Route], request: Request) -> tuple[Route | None, Request, bool]:
    """The route of a request, the request with its words, and whether the path is known at all."""
    known = False
    for route, words in _fitting(routes, request.path):
        known = True
        if route.method == request.method:
            return route, replace(request, words=words), True
    return None, request, known


def _fitting(routes: Sequence[Route], path: str) -> Iterator[tuple[Route, dict[str, str]]]:
    for route in routes:
        if (words := route.words(path)) is not None:
            yield route, words
