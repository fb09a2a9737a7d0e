"""Answers GET /recommendations: from what is at hand at once, else from a thread that makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from segue.doors.http.arenas import give_back
from segue.doors.http.asked import AskedForUser
from segue.doors.http.call import Call, Reply
from segue.doors.http.guard import allow_user
from segue.doors.http.problems import FieldError, ProblemError
from segue.errors import OverloadedError
from segue.flows.online import Service
from segue.flows.wishes import Wishes

__all__ = ["RecommendationDesk"]

_UNDERSTOOD: Final = 20_000
_STEADY_S: Final = 1.0
_TIDY_EVERY: Final = 100
_MOST_STEADY: Final = 500
_LISTS: Final = frozenset(
    name for name, field in AskedForUser.model_fields.items() if "list" in str(field.annotation)
)


@dataclass(frozen=True, slots=True)
class _Steady:
    """A reply that is the right one for a moment, as long as nothing happens.

    Args:
        until: On the monotonic clock: the moment that answers are for moves on, too.
        standing: Of the service, when the answer was looked up.
    """

    until: float
    standing: Hashable
    user_id: str
    reply: Reply


class RecommendationDesk:
    """Recommendations for users.

    Args:
        service: Makes them.
        pool: Where they are made.
        waiting: So many may wait to be made; more are sent away.
        counts: "at hand" or "made" -> how many; added to.
    """

    def __init__(
        self,
        service: Service,
        pool: ThreadPoolExecutor,
        *,
        waiting: int,
        counts: dict[str, int],
    ) -> None:
        self._service = service
        self._pool = pool
        self._most = waiting
        self._waiting = 0
        self._counts = counts
        self._understood: dict[bytes, tuple[str, Wishes]] = {}
        self._steady: dict[bytes, _Steady] = {}

    async def reply(self, call: Call) -> Reply:
        """The finished answer.

        Raises:
            ProblemError: What is asked cannot be meant, or is of another user.
            OverloadedError: Too many wait already.
            SegueError: As `Service.recommendations` does.
        """
        standing = self._service.standing()  # first: what changes from here on shows next time
        steady = self._steady.get(call.query)
        if steady is not None and steady.standing == standing and call.since < steady.until:
            allow_user(call, steady.user_id)
            self._counts["at hand"] += 1
            return steady.reply
        user_id, wishes = self._understood.get(call.query) or self._understand(call.query)
        allow_user(call, user_id)
        answer = self._service.at_hand(user_id, wishes)
        if answer is not None:
            self._counts["at hand"] += 1
            reply = Reply(answer.body)
            if standing is not None:
                self._keep(call, _Steady(call.since + _STEADY_S, standing, user_id, reply))
            return reply
        if self._waiting >= self._most:
            raise OverloadedError("too many recommendations wait to be made")
        self._waiting += 1
        try:
            answer = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._service.recommendations, user_id, wishes
            )
        finally:
            self._waiting -= 1
        self._counts["made"] += 1
        if self._counts["made"] % _TIDY_EVERY == 0:
            asyncio.get_running_loop().run_in_executor(self._pool, give_back)
        return Reply(answer.body)

    def _keep(self, call: Call, steady: _Steady) -> None:
        if len(self._steady) >= _MOST_STEADY:
            self._steady.clear()
        self._steady[call.query] = steady

    def _understand(self, query: bytes) -> tuple[str, Wishes]:
        asked = AskedForUser.model_validate(_values(query), strict=False)
        understood = asked.user_id, asked.wishes()
        if len(self._understood) >= _UNDERSTOOD:
            self._understood.clear()
        self._understood[query] = understood
        return understood


def _values(query: bytes) -> dict[str, Any]:
    """The parameters of a query: lists of those that may be repeated."""
    values: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise ProblemError(400, "invalid", "The query is not readable text.") from error
    for name, value in pairs:
        if name in _LISTS:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise ProblemError(
                422,
                "invalid",
                "A parameter is there more than once.",
                errors=[FieldError(name[:100], "It is there more than once.")],
            )
        else:
            values[name] = value
    return values
