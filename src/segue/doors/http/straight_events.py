"""Single events as nearly all are sent: taken without a task, a route or a future for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from segue.access.api_key import Scope
from segue.doors.http.call import JSON, Answer, Call, Reply
from segue.doors.http.cors import Cors
from segue.doors.http.event_desk import EventDesk
from segue.doors.http.front import Limits, UnderWay, head_of
from segue.doors.http.guard import Guard
from segue.doors.http.problems import problem_of, reply_of
from segue.doors.http.watch import Watch
from segue.events.base import Outcome
from segue.music.event import Event

__all__ = ["StraightEvents"]

_PATH: Final = "/events"
_NEEDS: Final[Scope] = "ingest"

_Headers = Sequence[tuple[bytes, bytes]]


class StraightEvents:
    """`POST /events` with one event by whoever may send it; all else goes the usual way.

    It answers what the usual way would, and counts it alike.

    Args:
        under_way: Counts the requests of the process.
        ready: Whether the service could recommend anything to anybody.
    """

    def __init__(
        self,
        desk: EventDesk,
        *,
        guard: Guard,
        cors: Cors,
        watch: Watch,
        limits: Limits,
        under_way: UnderWay,
        ready: Callable[[], bool],
    ) -> None:
        self._desk = desk
        self._guard = guard
        self._cors = cors
        self._watch = watch
        self._limits = limits
        self._under_way = under_way
        self._ready = ready

    def take(self, headers: _Headers, body: bytes, answer: Answer, /) -> bool:
        """See to it that an event is answered once it is on the disk. See `Straight`."""
        if (
            self._under_way.requests >= self._limits.in_flight
            or len(body) > self._limits.body_bytes
        ):
            return False
        call = Call({"method": "POST", "path": _PATH, "query_string": b"", "headers": headers})
        key = self._guard.known(call)
        if key is None or not key.may(_NEEDS) or call.media_type != JSON:
            return False
        event = self._desk.one(body, key)
        if event is None:
            return False
        left = self._guard.left(key)
        if left is not None and left.wait_s:
            return False
        call.key, call.route = key, _PATH
        more = [] if left is None else [*left.headers]
        if self._cors.origins:
            more += self._cors.headers(call)
        self._under_way.requests += 1
        self._desk.take((event,), _Awaiting(self, call, event, more, answer))
        return True

    def answered(self, call: Call, reply: Reply) -> None:
        """Note that a request is not under way any more."""
        self._under_way.requests -= 1
        self._watch.note(call, reply)

    def accepted(self, event: Event, outcome: Outcome) -> Reply:
        """What became of an event."""
        return self._desk.answer_to_one(event, outcome)

    def failed(self, call: Call, error: BaseException) -> Reply:
        """That nothing was written."""
        if not isinstance(error, Exception):
            error = RuntimeError(repr(error))
        return reply_of(problem_of(error, ready=self._ready), call.request_id)


class _Awaiting:
    """A request whose event is on its way to the log."""

    __slots__ = ("_answer", "_call", "_event", "_more", "_way")

    def __init__(
        self,
        way: StraightEvents,
        call: Call,
        event: Event,
        more: Sequence[tuple[bytes, bytes]],
        answer: Answer,
    ) -> None:
        self._way = way
        self._call = call
        self._event = event
        self._more = more
        self._answer = answer

    def told(self, outcomes: Sequence[Outcome], /) -> None:
        self._send(self._way.accepted(self._event, outcomes[0]))

    def failed(self, error: BaseException, /) -> None:
        self._send(self._way.failed(self._call, error))

    def _send(self, reply: Reply) -> None:
        self._way.answered(self._call, reply)
        head = head_of(self._call, reply, (*reply.headers, *self._more))
        self._answer(reply.status, head, reply.body)
