"""Who listens: what is published of each user and what the log tells since, kept at hand."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.events.base import EventLog
from segue.flows.listener import Person, Records, person_of
from segue.flows.online.live import Counting, Live, with_live
from segue.flows.online.records import records_of
from segue.flows.online.shelf import Opened
from segue.music import columns as c
from segue.music.query import HISTORY
from segue.playlists.listener import Listener

__all__ = ["FORGOTTEN", "People", "Somebody", "mark_of"]

FORGOTTEN: Final = "forgotten"
"""Under this name the log keeps who was forgotten while the service ran, and when."""


def mark_of(user_id: str) -> str:
    """What the mark of somebody forgotten is kept under: not the id itself."""
    return hashlib.sha256(f"forgotten\x1f{user_id}".encode()).hexdigest()


@dataclass(frozen=True)
class Somebody:
    """What is known of a user, at a moment of the log.

    Args:
        published: Rows of the snapshot.
        live: What the log tells.
        records: Both together.
        source: Name of what the published rows and track ids come from.
    """

    user_id: str
    published: Records
    live: Live
    records: Records
    source: str

    @property
    def version(self) -> str:
        """Changes with every event of the user, and with what is published."""
        return f"{self.source}@{self.live.position}"

    @property
    def is_new(self) -> bool:
        """Whether nothing at all is known of them."""
        return not self.live.position and all(
            not part.num_rows
            for part in (
                self.records.plays,
                self.records.library,
                self.records.entries,
                self.records.feedback,
            )
        )

    @cached_property
    def last_played_at(self) -> datetime | None:
        """When they last played something, as far as that is known; None: nothing."""
        plays = self.records.plays
        last: datetime | None = plays[c.PLAYED_AT][-1].as_py() if plays.num_rows else None
        return last

    def as_of(self, moment: datetime, opened: Opened) -> Person:
        """The listener at a moment."""
        if self.is_new:
            return Person(None, moment, HISTORY.empty_table(), Listener())
        return person_of(
            self.records,
            opened.snapshot,
            opened.bundle.catalogue,
            user_id=self.user_id,
            now=moment,
        )


class People:
    """The users who asked lately.

    Each call looks for new events of the user: that is one look-up in an index of the log. What
    is published of a user is read once, and again when something newer is published.

    Args:
        log: Where events are.
        counting: What counts as a play.
        most: So many users are remembered.
    """

    def __init__(self, log: EventLog, counting: Counting, *, most: int = 10_000) -> None:
        self._log = log
        self._counting = counting
        self._most = most
        self._known: OrderedDict[str, Somebody] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, user_id: str, opened: Opened) -> Somebody:
        """What is known of a user now."""
        with self._lock:
            known = self._known.get(user_id)
            if known is not None:
                self._known.move_to_end(user_id)
        if known is None or known.source != opened.name:
            known = self._read(user_id, opened)
        new = self._log.of_user(user_id, after=known.live.position)
        if new or (known.records is known.published and known.live.position):
            known = self._with(known, known.live.after(new), opened)
        with self._lock:
            self._known[user_id] = known
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return known

    def at_hand(self, user_id: str, opened: Opened) -> Somebody | None:
        """What is known of a user, if it is as new as the log; None: it must be read.

        A log that is far away is not asked: whoever calls this does not want to wait.
        """
        if not self._log.near:
            return None
        known = self._known.get(user_id)
        if known is None or known.source != opened.name:
            return None
        new = self._log.of_user(user_id, after=known.live.position, limit=1)
        return None if new else known

    def drop(self, user_id: str) -> None:
        """Forget what is remembered of a user."""
        with self._lock:
            self._known.pop(user_id, None)

    def _read(self, user_id: str, opened: Opened) -> Somebody:
        published = records_of(opened.rows, user_id)
        mark = self._log.state(FORGOTTEN, mark_of(user_id))
        if mark is not None:
            published = _since(published, datetime.fromisoformat(mark.decode()))
        return Somebody(user_id, published, Live(), published, opened.name)

    def _with(self, known: Somebody, live: Live, opened: Opened) -> Somebody:
        records = with_live(
            known.published,
            live,
            id_of=opened.tracks.id_of,
            counting=self._counting,
            user_id=known.user_id,
        )
        return replace(known, live=live, records=records)


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
