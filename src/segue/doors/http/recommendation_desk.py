"""Answers GET /recommendations: from what is at hand at once, else from a thread that makes it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from segue.doors.http.arenas import give_back
from segue.doors.http.asked import AskedForUser
from segue.doors.http.call import Call, Reply
from segue.doors.http.guard import allow_user
from segue.doors.http.problems import FieldError, ProblemError
from segue.doors.http.room import Room
from segue.flows.online import FULL, Answer, Service
from segue.flows.wishes import Wishes

__all__ = ["RecommendationDesk"]

_log = logging.getLogger(__name__)
_UNDERSTOOD: Final = 20_000
_MOST_OWED: Final = 1_000
_PAY_S: Final = 0.1
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

    Whole answers are made as long as nobody has to wait for long. When there is no room for them,
    a quick one is given (see `Service.in_a_hurry`), and the whole one made as soon as there is a
    moment to spare; when not even these can be made in time, the request is refused.

    Args:
        service: Makes them.
        pool: Where whole ones are made.
        hurried: Where quick ones are made, so that they need not queue behind these.
        room: How much there is to do.
        waiting: So many may wait to be made; more are sent away.
        counts: "at hand", "made", "quick" or "before" -> how many; added to.
    """

    def __init__(
        self,
        service: Service,
        pool: ThreadPoolExecutor,
        *,
        hurried: ThreadPoolExecutor,
        room: Room,
        waiting: int,
        counts: dict[str, int],
    ) -> None:
        self._service = service
        self._pool = pool
        self._hurried = hurried
        self._room = room
        self._most = waiting
        self._counts = counts
        self._understood: dict[bytes, tuple[str, Wishes]] = {}
        self._steady: dict[bytes, _Steady] = {}
        self._owed: OrderedDict[tuple[str, Wishes], None] = OrderedDict()
        self._paying = False
        self._untidy = 0

    async def reply(self, call: Call) -> Reply:
        """The finished answer.

        Raises:
            ProblemError: What is asked cannot be meant, or is of another user; or too many wait
                already.
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
        return Reply((await self._made(user_id, wishes)).body)

    async def _made(self, user_id: str, wishes: Wishes) -> Answer:
        """A whole answer if there is room for it, else a quick one, if there is for that."""
        room = self._room
        room.asked(time.monotonic())
        if not room.for_any or room.whole + room.quick >= self._most:
            raise self._too_much()
        make = self._whole if room.for_whole else self._quick
        answer = await make(user_id, wishes)
        self._counts["made" if answer.made == FULL else answer.made] += 1
        if answer.made != FULL:
            self._owe(user_id, wishes)
        self._untidy += 1
        if self._untidy == _TIDY_EVERY:
            self._untidy = 0
            asyncio.get_running_loop().run_in_executor(self._pool, give_back)
        return answer

    async def _whole(self, user_id: str, wishes: Wishes) -> Answer:
        self._room.whole += 1
        try:
            answer, took = await self._run(
                self._pool, self._service.recommendations, user_id, wishes
            )
        finally:
            self._room.whole -= 1
        self._room.took(took, whole=True)
        return answer

    async def _quick(self, user_id: str, wishes: Wishes) -> Answer:
        self._room.quick += 1
        try:
            answer, took = await self._run(self._hurried, self._service.in_a_hurry, user_id, wishes)
        finally:
            self._room.quick -= 1
        self._room.took(took, whole=False)
        return answer

    async def _run(
        self,
        pool: ThreadPoolExecutor,
        make: Callable[[str, Wishes], Answer],
        user_id: str,
        wishes: Wishes,
    ) -> tuple[Answer, float]:
        """An answer and the processor time that it took, unless its turn comes too late."""
        latest = time.monotonic() + self._room.most_s

        def made() -> tuple[Answer, float] | None:
            if time.monotonic() > latest:
                return None
            began = time.thread_time()
            answer = make(user_id, wishes)
            return answer, time.thread_time() - began

        found = await asyncio.get_running_loop().run_in_executor(pool, made)
        if found is None:
            raise self._too_much()
        return found

    def _too_much(self) -> ProblemError:
        return ProblemError(
            503,
            "overloaded",
            "Too many recommendations wait to be made.",
            cure="Try again as Retry-After says.",
            retry_after=self._room.again_s,
        )

    def _owe(self, user_id: str, wishes: Wishes) -> None:
        """Have the whole answer made when there is a moment to spare; the latest comes first."""
        self._owed[user_id, wishes] = None
        self._owed.move_to_end((user_id, wishes))
        if len(self._owed) > _MOST_OWED:
            self._owed.popitem(last=False)
        if not self._paying:
            self._paying = True
            asyncio.get_running_loop().call_later(_PAY_S, self._pay)

    def _pay(self) -> None:
        """Make one of the answers that are owed, if nobody waits; and then the next."""
        loop = asyncio.get_running_loop()
        if not self._owed:
            self._paying = False
        elif not self._room.idle(time.monotonic()):
            loop.call_later(_PAY_S, self._pay)
        else:
            (user_id, wishes), _ = self._owed.popitem()
            try:
                making = loop.run_in_executor(self._pool, self._get_ready, user_id, wishes)
            except RuntimeError:  # the service is about to end
                return
            making.add_done_callback(lambda _: self._pay())

    def _get_ready(self, user_id: str, wishes: Wishes) -> None:
        try:
            self._service.get_ready(user_id, [wishes])
        except Exception as error:  # whoever asks is told
            _log.debug("an answer that was owed could not be made: %s", error)

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
