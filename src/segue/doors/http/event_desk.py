"""Takes reported events: one or a batch, each answered for itself, durable before the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Protocol

import msgspec

from segue.access.api_key import ApiKey
from segue.doors.http.call import JSON, Call, Reply
from segue.doors.http.plain_events import one_event, told_plainly
from segue.doors.http.problems import ProblemError
from segue.events.admission import LIMITS, Refusal, admitted, refused
from segue.events.base import EventLog, Outcome
from segue.music.event import Event

__all__ = ["EventDesk", "EventOutcome", "EventOutcomes", "Teller"]

_log = logging.getLogger(__name__)
_ENCODE: Final = msgspec.json.Encoder().encode
_ONE_ACCEPTED: Final = (
    b'{"accepted":1,"duplicate":0,"rejected":0,"events":[{"event_id":%b,"outcome":"accepted"}]}'
)
_NOT_YOURS: Final = (
    "not_yours",
    "user_id",
    "The key is of one user, and the event is of another.",
)


class EventOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event.

    Args:
        event_id: As it was given; None: it had none that can be repeated.
        outcome: accepted: it is on the disk. duplicate: it was there before. rejected: see reason.
        code: Why it was rejected, for programs.
        field: Which field is at fault; empty: the event as a whole.
        reason: Why it was rejected, in a sentence.
    """

    event_id: str | None
    outcome: Literal["accepted", "duplicate", "rejected"]
    code: str | None = None
    field: str | None = None
    reason: str | None = None


class EventOutcomes(msgspec.Struct, frozen=True):
    """What became of all that were sent, in their order."""

    accepted: int
    duplicate: int
    rejected: int
    events: list[EventOutcome]


class Teller(Protocol):
    """Is told what became of events that were handed over."""

    def told(self, outcomes: Sequence[Outcome], /) -> None:
        """Of each, in their order."""

    def failed(self, error: BaseException, /) -> None:
        """None of them was written."""


@dataclass(frozen=True, slots=True)
class _Awaited:
    """Tells whoever waits for it."""

    answer: asyncio.Future[Sequence[Outcome]]

    def told(self, outcomes: Sequence[Outcome], /) -> None:
        if not self.answer.done():
            self.answer.set_result(outcomes)

    def failed(self, error: BaseException, /) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


_Waiting = tuple[int, Teller]
"""How many events, and who is told."""


class EventDesk:
    """Events of requests, on their way to the log.

    What arrives in the same turn of the event loop goes to the log together, so that many single
    events cost little more than a batch.

    Args:
        log: Where they go.
        clock: The moment, aware UTC.
        batch: Most events in a request.
        counts: Outcome -> how many events had it; added to.
    """

    def __init__(
        self,
        log: EventLog,
        clock: Callable[[], datetime],
        *,
        batch: int,
        counts: dict[str, int],
    ) -> None:
        self._log = log
        self._clock = clock
        self._batch = batch
        self._counts = counts
        self._events: list[Event] = []
        self._waiting: list[_Waiting] = []
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder().decode

    async def reply(self, call: Call) -> Reply:
        """The outcome of every event of a request.

        Raises:
            ProblemError: The body is no JSON, or holds too many events.
            OverloadedError: Too many events wait to be written.
            StorageError: Nothing can be written.
        """
        assert call.key is not None, "the guard has not been asked"
        if call.media_type != JSON:
            raise ProblemError(
                415,
                "media-type",
                "Events are sent as JSON.",
                cure="Send the header “Content-Type: application/json”.",
            )
        now = self._clock()
        plain = told_plainly(call.body)
        told = self._events_in(call.body) if plain is None else plain
        if len(told) > self._batch:
            raise ProblemError(
                422,
                "too-many",
                f"There are {len(told):,} events in the batch; {self._batch} is the most.",
                cure="Send them in several batches.",
            )
        found = [_looked_at(one, call.key, now) for one in told]
        events = [one for one in found if isinstance(one, Event)]
        outcomes = iter(await self._written(events) if events else ())
        return self._answer(
            [
                EventOutcome(one.event_id, next(outcomes)) if isinstance(one, Event) else one
                for one in found
            ]
        )

    def _answer(self, told: list[EventOutcome]) -> Reply:
        numbers = {"accepted": 0, "duplicate": 0, "rejected": 0}
        for one in told:
            numbers[one.outcome] += 1
        for outcome, number in numbers.items():
            self._counts[outcome] += number
        return Reply(_ENCODE(EventOutcomes(**numbers, events=told)))

    def _events_in(self, body: bytes) -> Sequence[object]:
        """What a body tells of: a list, the list of an object, or one event."""
        try:
            told = self._decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise ProblemError(400, "not-json", f"The body is no JSON: {error}.") from error
        if isinstance(told, dict):
            told = told.get("events", [told])
        if not isinstance(told, list):
            raise ProblemError(
                422,
                "invalid",
                "The body is neither an event nor a list of events.",
                cure="Send {…}, [{…}, …] or {“events”: [{…}, …]}.",
            )
        return told

    def one(self, body: bytes, key: ApiKey) -> Event | None:
        """The one event of a body, if it is fine in every way; None: see `reply`."""
        told = one_event(body)
        if told is None:
            return None
        found = _looked_at(told, key, self._clock())
        return found if isinstance(found, Event) else None

    def take(self, events: Sequence[Event], teller: Teller) -> None:
        """Hand events over, with all that come in this turn of the loop."""
        if not self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._hand_over, loop)
        self._events += events
        self._waiting.append((len(events), teller))

    def answer_to_one(self, event: Event, outcome: Outcome) -> Reply:
        """The answer to an event that was handed over by itself."""
        if outcome == "accepted":
            self._counts[outcome] += 1
            return Reply(_ONE_ACCEPTED % _ENCODE(event.event_id))
        return self._answer([EventOutcome(event.event_id, outcome)])

    async def _written(self, events: Sequence[Event]) -> Sequence[Outcome]:
        answer: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
        self.take(events, _Awaited(answer))
        return await answer

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the log what has gathered."""
        events, self._events = self._events, []
        waiting, self._waiting = self._waiting, []
        try:
            written = self._log.append(events, self._clock())
        except Exception as error:  # it belongs to those who wait
            _fail(waiting, error)
            return

        def done(written: Future[tuple[Outcome, ...]]) -> None:
            loop.call_soon_threadsafe(_settle, waiting, written)

        written.add_done_callback(done)


def _settle(waiting: Sequence[_Waiting], written: Future[tuple[Outcome, ...]]) -> None:
    """Tell everybody what became of their events."""
    error = written.exception()
    if error is not None:
        _fail(waiting, error)
        return
    outcomes, at = written.result(), 0
    for size, teller in waiting:
        try:
            teller.told(outcomes[at : at + size])
        except Exception:  # the others are to be told, whatever it is
            _log.exception("an answer could not be given")
        at += size


def _fail(waiting: Sequence[_Waiting], error: BaseException) -> None:
    for _, teller in waiting:
        teller.failed(error)


def _looked_at(told: object, key: ApiKey, now: datetime) -> Event | EventOutcome:
    """The event, or why it is not taken."""
    if isinstance(told, Event):
        event = told if key.source is None else replace(told, source=key.source)
        found = refused(event, now) or event
    else:
        if key.source is not None and isinstance(told, dict):
            told["source"] = key.source
        found = admitted(told, now)
    if isinstance(found, Refusal):
        return _rejected(_name_of(told), found.code, found.field, found.reason)
    if not key.sees(found.user_id):
        return _rejected(found.event_id, *_NOT_YOURS)
    return found


def _rejected(event_id: str | None, code: str, field: str, reason: str) -> EventOutcome:
    return EventOutcome(event_id, "rejected", code, field, reason)


def _name_of(told: object) -> str | None:
    """The id of an event that is not taken, if it can be repeated."""
    match told:
        case Event():
            event_id: object = told.event_id
        case dict():
            event_id = told.get("event_id")
        case _:
            return None
    if not isinstance(event_id, str) or len(event_id) > LIMITS.id_length:
        return None
    return event_id if event_id.isprintable() else None
