"""Answers GET /recommendations: from what is at hand at once, else from a thread that makes it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import parse_qsl

from segue.doors.http.asked import AskedForUser
from segue.doors.http.call import Call, Reply
from segue.doors.http.guard import allow_user
from segue.doors.http.problems import FieldError, ProblemError
from segue.errors import OverloadedError
from segue.flows.online import Service
from segue.flows.wishes import Wishes

__all__ = ["RecommendationDesk"]

_UNDERSTOOD: Final = 20_000
_LISTS: Final = frozenset(
    name for name, field in AskedForUser.model_fields.items() if "list" in str(field.annotation)
)


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

    async def reply(self, call: Call) -> Reply:
        """The finished answer.

        Raises:
            ProblemError: What is asked cannot be meant, or is of another user.
            OverloadedError: Too many wait already.
            SegueError: As `Service.recommendations` does.
        """
        user_id, wishes = self._understood.get(call.query) or self._understand(call.query)
        allow_user(call, user_id)
        answer = self._service.at_hand(user_id, wishes)
        if answer is not None:
            self._counts["at hand"] += 1
            return Reply(answer.body)
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
        return Reply(answer.body)

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
