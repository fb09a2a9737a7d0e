"""Who listens: what is published of each user and what the log tells since, kept at hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import UnreachableError
from segue.events.base import EventLog, Recorded
from segue.flows.listener import Person, Records, person_of
from segue.flows.online.kept import Kept
from segue.flows.online.live import Counting, Live, Reading, in_order
from segue.flows.online.reach import Reach
from segue.flows.online.records import NOTHING, records_of
from segue.flows.online.said_beside import SaidBeside, with_words
from segue.flows.online.shelf import Opened
from segue.flows.prepared import Prepared, prepared
from segue.music import columns as c
from segue.music.forgotten import FORGOTTEN, mark_of
from segue.music.query import HISTORY
from segue.playlists.listener import Listener

__all__ = ["FORGOTTEN", "People", "Somebody", "forget_events", "mark_of"]

_MOST: Final = 12 << 20
_OF_ANYBODY: Final = 10_000
_OF_TASTE: Final = 120_000
_OF_A_PLAY: Final = 250
_LOOK_EVERY_S: Final = 1.0
_READERS: Final = 32
_MOST_GONE: Final = 100_000


def forget_events(log: EventLog, user_id: str, now: datetime) -> int:
    """Forget a user's events, and leave the mark by which nobody uses what is published of them.

    Every service on this log follows within a second.

    Args:
        now: Aware.

    Returns:
        How many events there were.
    """
    at = now.astimezone(UTC)
    mark = max(int(at.timestamp() * 1e6), log.cursor(FORGOTTEN) + 1)
    log.advance(FORGOTTEN, mark, state={mark_of(user_id): at.isoformat().encode()})
    return log.forget(user_id)


@dataclass
class Somebody:
    """What is known of a user, at a moment of the log.

    Args:
        published: Rows of the snapshot.
        live: What the log tells.
        beyond: Plays of events that are not published.
        records: All together.
        source: Name of what the published rows and track ids come from.
        mark: When they were forgotten; empty: never.
        said: How many words of theirs came beside the service.
    """

    user_id: str
    published: Records
    live: Live
    beyond: pa.Table
    records: Records
    source: str
    mark: str = ""
    said: int = 0

    @property
    def version(self) -> str:
        """Changes with every event and word of the user, and with what is published."""
        said = f"+{self.said}" if self.said else ""
        return f"{self.source}@{self.live.position}{self.mark}{said}"

    @property
    def is_new(self) -> bool:
        """Whether nothing at all is known of them."""
        return not self.live.position and not any(part.num_rows for part in _parts(self.records))

    @cached_property
    def last_played_at(self) -> datetime | None:
        """When they last played something, as far as that is known; None: nothing."""
        plays = self.records.plays
        last: datetime | None = plays[c.PLAYED_AT][-1].as_py() if plays.num_rows else None
        return last

    @property
    def size(self) -> int:
        """Bytes, about."""
        parts = _parts(self.records)
        return _OF_ANYBODY + 2 * sum(int(part.nbytes) for part in parts if part.num_rows)


class People:
    """The users who asked lately.

    Each call looks for new events of the user: that is one look-up in an index of the log. What
    is published of a user is read once, and again when something newer is published.

    While the log is out of reach, users are as they were last known; whoever is not in memory, as
    they are published, unless they were forgotten.

    Args:
        log: Where events are.
        counting: What counts as a play.
        beside: What is said beside the service.
        most_bytes: That may be remembered of users; as much again of what is made of them.
    """

    def __init__(
        self,
        log: EventLog,
        counting: Counting,
        beside: SaidBeside,
        *,
        most_bytes: int = _MOST,
    ) -> None:
        self._log = log
        self._beside = beside
        self._counting = counting
        self._known: Kept[str, Somebody] = Kept(most_bytes)
        self._prepared: Kept[str, tuple[str, Prepared]] = Kept(most_bytes)
        self._reading = tuple(threading.Lock() for _ in range(_READERS))
        self._marks: int | None = None
        self._looked = -_LOOK_EVERY_S
        self._gone: frozenset[str] | None = None
        self._reach = Reach()

    def get(self, user_id: str, opened: Opened) -> Somebody:
        """What is known of a user now.

        Raises:
            UnreachableError: The log is out of reach, and nothing may be said without it.
        """
        try:
            return self._now(user_id, opened)
        except UnreachableError:
            known = self._last_known(user_id, opened)
            if known is None:
                raise
            return known

    def _now(self, user_id: str, opened: Opened) -> Somebody:
        known = self._remembered(user_id, opened) or self._read_once(user_id, opened)
        new = self._reach(lambda: self._log.of_user(user_id, after=known.live.position))
        if new:
            known = self._after(known, new, opened)
            self._known.put(user_id, known, known.size)
        return known

    def _last_known(self, user_id: str, opened: Opened) -> Somebody | None:
        """A user without a look into the log; None: they may have been forgotten."""
        known = self._known.get(user_id)
        if known is not None and known.source == opened.name:
            return known
        if self._gone is None or mark_of(user_id) in self._gone:
            return None
        return self._published(user_id, opened, mark="")

    def at_hand(self, user_id: str, opened: Opened) -> Somebody | None:
        """What is known of a user, if it is as new as the log; None: it must be read.

        A log that is far away is not asked: whoever calls this does not want to wait.
        """
        if not self._log.near:
            return None
        known = self._remembered(user_id, opened)
        if known is None or self._log.of_user(user_id, after=known.live.position, limit=1):
            return None
        return known

    def is_as_at(self, user_id: str, position: int, said: int) -> bool:
        """Whether no more is known of a user than that, and they were never forgotten.

        Args:
            position: Of their last event.
            said: How many words of theirs came beside the service.
        """
        if len(self._beside.of(user_id)) != said:
            return False
        try:
            if self._reach(lambda: self._log.of_user(user_id, after=position, limit=1)):
                return False
            nobody_forgotten = not self._look_for_marks()
            return nobody_forgotten or self._mark_of(user_id) is None
        except UnreachableError:
            return False  # `get` knows what may be said all the same

    def person(self, somebody: Somebody, moment: datetime, opened: Opened) -> Person:
        """The listener at a moment; summed up once, as long as nothing new is known of them."""
        if somebody.is_new:
            return Person(None, moment, HISTORY.empty_table(), Listener())
        user_id = somebody.user_id
        version, kept = self._prepared.get(user_id) or ("", None)
        if kept is None or version != somebody.version or kept.person.now > moment:
            person = person_of(
                somebody.records,
                opened.snapshot,
                opened.bundle.catalogue,
                user_id=user_id,
                now=moment,
            )
            kept = prepared(opened.bundle, person)
            size = _OF_TASTE + _OF_A_PLAY * int(person.history.num_rows)
            self._prepared.put(user_id, (somebody.version, kept), size)
        return kept.at(moment)

    def drop(self, user_id: str) -> None:
        """Let go of what is remembered of a user."""
        self._looked = -_LOOK_EVERY_S  # they may have been forgotten this moment
        self._known.drop(lambda known: known == user_id)
        self._prepared.drop(lambda known: known == user_id)

    def _remembered(self, user_id: str, opened: Opened) -> Somebody | None:
        """Who was read before, unless somebody was forgotten since, by whichever process."""
        self._look_for_marks()
        known = self._known.get(user_id)
        if known is None or known.source != opened.name:
            return None
        return known if known.said == len(self._beside.of(user_id)) else None

    def _look_for_marks(self) -> int:
        """How far the marks of those who were forgotten go, to a second; 0: nobody was."""
        now = time.monotonic()
        if self._marks is None or now - self._looked >= _LOOK_EVERY_S:
            self._looked = now
            self._beside.look()
            marks = self._reach(lambda: self._log.cursor(FORGOTTEN))
            if marks != self._marks:
                if self._marks is not None:
                    self._known.clear()
                    self._prepared.clear()
                self._gone = self._reach(self._all_marks) if marks else frozenset()
            self._marks = marks
        return self._marks

    def _all_marks(self) -> frozenset[str] | None:
        """Of everybody who was forgotten; None: they are too many to be remembered."""
        found: list[str] = []
        while some := self._log.keys(FORGOTTEN, after=found[-1] if found else ""):
            found += some
            if len(found) > _MOST_GONE:
                return None
        return frozenset(found)

    def _mark_of(self, user_id: str) -> bytes | None:
        return self._reach(lambda: self._log.state(FORGOTTEN, mark_of(user_id)))

    def _read_once(self, user_id: str, opened: Opened) -> Somebody:
        """Who was read, if need be: a long history once, however many parts of a page ask."""
        with self._reading[hash(user_id) % _READERS]:
            known = self._remembered(user_id, opened)
            if known is None:
                known = self._read(user_id, opened)
                self._known.put(user_id, known, known.size)
            return known

    def _read(self, user_id: str, opened: Opened) -> Somebody:
        found = self._mark_of(user_id) if self._look_for_marks() else None
        return self._published(user_id, opened, mark="" if found is None else found.decode())

    def _published(self, user_id: str, opened: Opened, *, mark: str) -> Somebody:
        """A user without events."""
        published, words = records_of(opened.rows, user_id), self._beside.of(user_id)
        if words:
            said = with_words(published.feedback, words, opened.tracks.id_of)
            published = replace(published, feedback=said)
        if mark:
            published = _since(published, datetime.fromisoformat(mark))
        return Somebody(
            user_id, published, Live(), NOTHING.plays, published, opened.name, mark, len(words)
        )

    def _after(self, known: Somebody, events: Sequence[Recorded], opened: Opened) -> Somebody:
        """The user after further events."""
        live, told = known.live.after(events)
        reading = Reading(known.user_id, known.published, opened.tracks.id_of, self._counting)
        beyond = in_order(known.beyond, reading.heard(told))
        spoke = len(live.words) > len(known.live.words)
        records = replace(
            known.records,
            plays=in_order(known.published.plays, beyond, reading.under_way(live.player)),
            feedback=reading.said(live.words) if spoke else known.records.feedback,
        )
        return replace(known, live=live, beyond=beyond, records=records)


def _parts(records: Records) -> tuple[pa.Table, ...]:
    return records.plays, records.library, records.entries, records.feedback


def _since(records: Records, moment: datetime) -> Records:
    """Only what came after a moment."""
    return Records(
        plays=_later(records.plays, c.PLAYED_AT, moment),
        library=_later(records.library, c.ADDED_AT, moment),
        entries=_later(records.entries, c.ADDED_AT, moment),
        feedback=_later(records.feedback, c.SAID_AT, moment),
    )


def _later(table: pa.Table, column: str, moment: datetime) -> pa.Table:
    at = pa.scalar(moment.astimezone(UTC), table.schema.field(column).type)
    return table.filter(pc.fill_null(pc.greater(table[column], at), False))
