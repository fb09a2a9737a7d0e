"""One queue for all requests to a service: one at a time, counted, and none while it is blocked."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, Protocol

from segue.errors import BlockedError, BusyError, StorageError
from segue.own_folder import own_folder
from segue.services.state_file import StateFile
from segue.sqlite import microseconds, moment

if TYPE_CHECKING:
    import sqlite3

__all__ = ["DAY", "Queue", "Reason", "RequestQueue", "Usage"]

_log = logging.getLogger(__name__)

DAY: Final = timedelta(hours=24)
_KEPT: Final = timedelta(days=8)
_WAIT_S: Final = 90.0
_LOOK_S: Final = 0.02

Reason = Literal["quota", "rate", "budget"]

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "quota": (
        "{service} says that the developer account's quota is used up",
        "Requests are counted over 24 hours, for all apps of the account together; Segue asks "
        "again after that time by itself.",
    ),
    "rate": (
        "{service} asks for fewer requests at a time",
        "Run it again after that time; nothing is lost meanwhile.",
    ),
    "budget": (
        "the {budget:,} requests to {service} that Segue may make in 24 hours are used",
        "Wait, or raise {setting}: the service's own quota is not published and is used up "
        "at about 1,100.",
    ),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked in the last 24 hours, and what still may be.

    Args:
        budget: Requests in 24 hours.
        by_purpose: Purpose -> requests.
        blocked_until: Until when the service wants no request; None: it takes them.
        reason: Why.
    """

    budget: int
    by_purpose: Mapping[str, int] = field(default_factory=dict)
    blocked_until: datetime | None = None
    reason: str = ""

    @property
    def used(self) -> int:
        """Requests in the last 24 hours."""
        return sum(self.by_purpose.values())

    @property
    def left(self) -> int:
        """Requests that may still be made."""
        return max(0, self.budget - self.used)


class Queue(Protocol):
    """What a client needs to know of a queue: turns, pace, and a way to say that it is blocked."""

    def due_in(self) -> float:
        """Seconds until the next turn may be taken, by the pace that the service wants."""

    def turn(self, purpose: str) -> AbstractContextManager[None]:
        """Have the service to oneself for one request, which counts from here on."""

    def block(self, until: datetime, reason: Reason) -> BlockedError:
        """No more requests until then; the error to raise."""


class RequestQueue:
    """The queue of one service, for all processes that work in one data home.

    All apps of the home count as those of one developer account, whose quota they share.

    Args:
        state: Where requests are counted.
        service: Its name, such as "Spotify".
        budget: Requests in any 24 hours.
        setting: The setting that says so.
        clock: The time, aware UTC.
        kept_back: Purpose -> requests of the budget that it must leave to others.
        apart_s: Seconds between the starts of two requests.
    """

    def __init__(
        self,
        state: StateFile,
        service: str,
        *,
        budget: int,
        setting: str,
        clock: Callable[[], datetime],
        kept_back: Mapping[str, int] | None = None,
        apart_s: float = 0.0,
    ) -> None:
        self._state = state
        self._service = service
        self._budget = budget
        self._setting = setting
        self._clock = clock
        self._kept_back = dict(kept_back or {})
        self._apart_s = apart_s

    @contextmanager
    def turn(self, purpose: str) -> Iterator[None]:
        """Have the service to oneself for one request, which counts from here on.

        It counts before it is made: one that is lost on the way was a request, too.

        Raises:
            BlockedError: The service blocks, or the budget is used; nothing was asked.
            BusyError: Others have been asking for too long.
        """
        with self._alone():
            self._count(purpose)
            yield

    def due_in(self) -> float:
        """Seconds until the next turn may be taken, by the pace that the service wants."""
        if not self._apart_s or not self._state.exists:
            return 0.0
        now = microseconds(self._clock())
        with self._state.reading() as db:
            (last,) = db.execute(
                "select max(at_us) from requests where service = ? and at_us <= ?",
                (self._service, now),
            ).fetchone()
        return 0.0 if last is None else max(0.0, self._apart_s - (now - last) / 1e6)

    def block(self, until: datetime, reason: Reason) -> BlockedError:
        """Let nobody ask before that moment, in this process or another; the error to raise."""
        with self._state.writing() as db:
            db.execute(
                "insert into blocks values (?, ?, ?) on conflict (service) do update"
                " set until_us = excluded.until_us, reason = excluded.reason"
                " where excluded.until_us > until_us",
                (self._service, microseconds(until), reason),
            )
        _log.info("%s: no requests before %s (%s)", self._service, until, reason)
        return self._error(until, reason)

    def usage(self) -> Usage:
        """What was asked, and what may be."""
        now = self._clock()
        if not self._state.exists:
            return Usage(self._budget)
        with self._state.reading() as db:
            rows = db.execute(
                "select purpose, count(*) from requests where service = ? and at_us > ?"
                " group by purpose order by count(*) desc, purpose",
                (self._service, microseconds(now - DAY)),
            ).fetchall()
            block = self._block(db, now)
        until, reason = block if block is not None else (None, "")
        return Usage(self._budget, dict(rows), until, reason)

    def _count(self, purpose: str) -> None:
        now = self._clock()
        since = microseconds(now - DAY)
        with self._state.writing() as db:
            if (block := self._block(db, now)) is not None:
                raise self._error(*block)
            # Requests of the future are of a clock that was put back since.
            db.execute(
                "delete from requests where service = ? and (at_us < ? or at_us > ?)",
                (self._service, microseconds(now - _KEPT), microseconds(now + DAY)),
            )
            rows = db.execute(
                "select at_us from requests where service = ? and at_us > ? order by at_us",
                (self._service, since),
            ).fetchall()
            allowed = self._budget - self._kept_back.get(purpose, 0)
            if len(rows) >= allowed:
                frees = moment(rows[len(rows) - allowed][0]) if allowed > 0 else now
                raise self._error(frees + DAY, "budget")
            db.execute(
                "insert into requests values (?, ?, ?)",
                (self._service, microseconds(now), purpose),
            )

    def _block(self, db: sqlite3.Connection, now: datetime) -> tuple[datetime, Reason] | None:
        found = db.execute(
            "select until_us, reason from blocks where service = ?", (self._service,)
        ).fetchone()
        if found is None or moment(found[0]) <= now:
            return None
        return moment(found[0]), found[1]

    def _error(self, until: datetime, reason: Reason) -> BlockedError:
        what, cure = (
            text.format(service=self._service, budget=self._budget, setting=self._setting)
            for text in _WORDS[reason]
        )
        return BlockedError(what, service=self._service, until=until, reason=reason, cure=cure)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock between processes and threads; the system frees it when a process ends."""
        path = self._state.path.with_name(f"{self._service.lower()}.lock")
        try:
            own_folder(path.parent)
            handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written: {error.strerror}",
                cure="Name another data home with SEGUE_HOME, or mend its permissions.",
            ) from error
        try:
            self._take(handle)
            yield
        finally:
            os.close(handle)

    def _take(self, handle: int) -> None:
        ends = time.monotonic() + _WAIT_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > ends:
                    raise BusyError(
                        f"other processes have been asking {self._service} for {_WAIT_S:.0f} s",
                        cure="Try again later; one request is made at a time.",
                    ) from error
                time.sleep(_LOOK_S)
            else:
                return
