"""The event log in one SQLite file: durable, and with no server."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

from segue.events.base import Outcome, Parked, Recorded
from segue.events.group_commit import Group, GroupCommit
from segue.events.one_consumer import one_consumer
from segue.events.sqlite_consumers import CONSUMER_TABLES, SqliteConsumers
from segue.music.event import Event
from segue.sqlite import OwnConnections, SqliteFile, microseconds, moment, transaction

__all__ = ["SqliteLog"]

_WAIT_S: Final = 30.0
_FIRST: Final = 1
_VERSION: Final = 2
_CHECKPOINT_PAGES: Final = 8_192
"""Of the journal, before its pages go into the file: each commit touches pages of the indices all
over, so that the longer they gather the more often one write stands for many."""
_FRESH_NS: Final = 2_100_000_000
"""File systems tell time in steps of up to two seconds: within one, a file may change twice and
look as if it had once."""

_TABLES: Final = """
create table if not exists events (
    position integer primary key autoincrement,
    user_id text not null,
    event_id text not null,
    event_type text not null,
    track_id text not null,
    at_us integer not null,
    ms_played integer,
    session_id text,
    recommendation_id text,
    source text not null,
    context text,
    received_us integer not null,
    unique (event_id, user_id)
) strict;
create index if not exists events_of_user on events (user_id, position);
"""
"""What tells duplicates begins with the event's id: ids that grow with time, as UUIDs of version 7
and counters do, then lie beside each other, while each user's would be on a page of their own.
Files made before have it the other way around, and stay so: it only costs time."""
_COLUMNS: Final = (
    "user_id, event_id, event_type, track_id, at_us, ms_played, session_id, recommendation_id, "
    "source, context, received_us"
)
_ROW: Final = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_AT_ONCE: Final = (256, 128, 64, 32, 16, 8, 4, 2, 1)
"""Rows that one statement inserts. Threads take turns with Python, and after each statement the one
that writes may have to wait for its turn: few statements, of few kinds that are kept prepared."""

_INSERTS: Final = {
    rows: f"insert into events ({_COLUMNS}) values {', '.join([_ROW] * rows)}"
    " on conflict do nothing"
    for rows in _AT_ONCE
}
_LATEST: Final = "select user_id, event_id from events order by position desc limit ?"

_Row = tuple[str | int | None, ...]


class SqliteLog:
    """Events in a file of SQLite, in WAL mode; each commit is flushed to the disk.

    Several processes may have it open: one writes at a time, readers never wait. What comes in
    while a commit is under way is written together with the next (see `GroupCommit`). Consumers
    write to a file of their own beside it (see `SqliteConsumers`).

    Args:
        path: The database; its folder is made when needed, for its owner only.
        most_waiting: Events that may wait to be written; more are refused.

    >>> log = SqliteLog(Path("/data/segue/events/events.sqlite"))  # doctest: +SKIP
    >>> log.append([event], now).result()
    ('accepted',)
    """

    name: ClassVar[str] = "sqlite"
    near: ClassVar[bool] = True

    def __init__(self, path: Path, *, most_waiting: int = 50_000) -> None:
        self.path = path.absolute()
        self._journal = self.path.with_name(f"{self.path.name}-wal")
        self._file = SqliteFile(
            self.path,
            _TABLES,
            name="the event log",
            if_full="Free space or mend permissions; what was accepted is still there.",
            if_damaged="Put a backup of it in its place; `segue restore` does.",
            version=_VERSION,
            overwrite=False,  # but where a user is forgotten
            wait_s=_WAIT_S,
        )
        self._connections = OwnConnections(self._file, checkpoint_pages=_CHECKPOINT_PAGES)
        self._commit = GroupCommit(self._write, most_waiting=most_waiting)
        self._file.make()
        self._consumers = SqliteConsumers(self.path, wait_s=_WAIT_S)
        with self._file.guarded():
            self._move_consumers()
            self._file.prepare(self._connections.mine())

    def append(self, events: Sequence[Event], received_at: datetime) -> Future[tuple[Outcome, ...]]:
        """Write events down, all or none; done once they are durable. See `EventLog`."""
        return self._commit.submit(Group(tuple(events), received_at))

    def read(self, after: int, limit: int = 1000) -> Sequence[Recorded]:
        """The next events behind a position, in order; 0 is before the first."""
        return self._recorded("where position > ? order by position limit ?", (after, limit))

    def of_user(self, user_id: str, *, after: int = 0, limit: int = 10_000) -> Sequence[Recorded]:
        """The latest events of one user behind a position, in order."""
        found = self._recorded(
            "where user_id = ? and position > ? order by position desc limit ?",
            (user_id, after, limit),
        )
        return found[::-1]

    def stamp(self) -> Hashable | None:
        """Changes with every commit, whichever process made it. See `EventLog`.

        It is what the system tells of the journals that each commit is written to first.
        """
        try:
            found = self._journal.stat(), self._consumers.journal.stat()
        except OSError:
            return None
        if time.time_ns() - max(one.st_mtime_ns for one in found) < _FRESH_NS:
            return None
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)

    def last(self) -> int:
        """The last position; 0: the log is empty."""
        found = self._fetch("select max(position) from events", ())
        return found[0][0] or 0

    @contextmanager
    def consuming(self, consumer: str) -> Iterator[None]:
        """Be the only one that consumes under this name.

        Raises:
            BusyError: Another process does already.
        """
        with one_consumer(self.path.parent, consumer):
            yield

    def cursor(self, consumer: str) -> int:
        """The position up to which a consumer has taken everything; 0: nothing."""
        return self._consumers.cursor(consumer)

    def advance(
        self,
        consumer: str,
        position: int,
        *,
        state: Mapping[str, bytes] | None = None,
        parked: Sequence[Parked] = (),
        unparked: Sequence[int] = (),
    ) -> None:
        """Move a consumer's cursor, and with it what the consumer keeps: all or nothing."""
        self._consumers.advance(
            consumer, position, state=state or {}, parked=parked, unparked=unparked
        )

    def state(self, consumer: str, key: str) -> bytes | None:
        """What a consumer keeps under a key; None: nothing."""
        return self._consumers.state(consumer, key)

    def states(self, consumer: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """What a consumer keeps under some keys; those with nothing are left away."""
        return self._consumers.states(consumer, keys)

    def keys(self, consumer: str, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """The next keys under which a consumer keeps something, behind a key, in order."""
        return self._consumers.keys(consumer, after=after, limit=limit)

    def parked(self, consumer: str) -> Sequence[Parked]:
        """What a consumer could not take, in order."""
        return self._consumers.parked(consumer)

    def restart(self, consumer: str) -> None:
        """Let a consumer begin again: no cursor, no state, nothing parked."""
        self._consumers.restart(consumer)

    def forget(self, user_id: str) -> int:
        """Remove a user's events and what consumers keep under the user's id; how many events.

        The bytes are overwritten, in the files and in their journals. What consumers keep goes
        first, while the log can tell which parked events are the user's, and once more afterwards:
        one that was taking the user's events meanwhile may have kept something again.
        """
        parked = self._fetch(
            "select position from events"
            " where user_id = ? and position in (select value from json_each(?))",
            (user_id, json.dumps(self._consumers.all_parked())),
        )
        self._consumers.forget(user_id, [position for (position,) in parked])
        with self._writing() as connection:
            connection.execute("pragma secure_delete = on")
            gone = connection.execute("delete from events where user_id = ?", (user_id,)).rowcount
        with self._file.guarded():
            self._connections.mine().execute("pragma wal_checkpoint(truncate)")
        self._consumers.forget(user_id, ())
        return gone

    def close(self) -> None:
        """Write what waits, and let go of the files."""
        self._commit.close()
        self._connections.close()
        self._consumers.close()

    # --- writing --------------------------------------------------------------------------------

    def _write(self, groups: Sequence[Group]) -> list[tuple[Outcome, ...]]:
        rows = []
        for group in groups:
            received = microseconds(group.received_at)
            rows += [_row(event, received) for event in group.events]
        with (
            self._file.guarded(),
            transaction(self._connections.mine_impatient(), wait_s=_WAIT_S) as connection,
        ):
            outcomes = iter(_inserted(connection, rows))
        return [tuple(islice(outcomes, len(group.events))) for group in groups]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._file.guarded(), transaction(self._connections.mine()) as connection:
            yield connection

    # --- reading --------------------------------------------------------------------------------

    def _recorded(self, rest: str, values: tuple[Any, ...]) -> list[Recorded]:
        rows = self._fetch(f"select position, {_COLUMNS} from events {rest}", values)
        return [_recorded(row) for row in rows]

    def _fetch(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        with self._file.guarded():
            return self._connections.mine().execute(sql, values).fetchall()

    # --- the file -------------------------------------------------------------------------------

    def _move_consumers(self) -> None:
        """Of a log of the first version: what consumers keep goes into the file that is theirs.

        An older Segue cannot open the log from then on: it would let consumers begin again.
        """
        connection = self._connections.mine()
        (version,) = connection.execute("pragma user_version").fetchone()
        if version != _FIRST:
            return
        self._consumers.take_over(self.path)
        connection.execute("pragma secure_delete = on")
        with transaction(connection):
            for table in CONSUMER_TABLES:
                connection.execute(f"drop table if exists {table}")
            connection.execute(f"pragma user_version = {_VERSION}")


def _inserted(connection: sqlite3.Connection, rows: Sequence[_Row]) -> list[Outcome]:
    """Insert rows in their order; what became of each."""
    outcomes: list[Outcome] = []
    while left := len(rows) - len(outcomes):
        size = next(size for size in _AT_ONCE if size <= left)
        some = rows[len(outcomes) : len(outcomes) + size]
        done = connection.execute(_INSERTS[size], [value for row in some for value in row])
        if done.rowcount == size:
            outcomes += ["accepted"] * size
        else:  # those that are new are the last ones in the log
            new = set(connection.execute(_LATEST, (done.rowcount,)))
            for row in some:
                outcomes.append("accepted" if row[:2] in new else "duplicate")
                new.discard(row[:2])
    return outcomes


def _row(event: Event, received_us: int) -> _Row:
    return (
        event.user_id,
        event.event_id,
        event.event_type,
        event.track_id,
        microseconds(event.timestamp),
        event.ms_played,
        event.session_id,
        event.recommendation_id,
        event.source,
        json.dumps(event.context, separators=(",", ":")) if event.context else None,
        received_us,
    )


def _recorded(row: tuple[Any, ...]) -> Recorded:
    position, user, event_id, kind, track, at, heard, session, answer, source, context, received = (
        row
    )
    event = Event(
        event_id=event_id,
        user_id=user,
        track_id=track,
        event_type=kind,
        timestamp=moment(at),
        ms_played=heard,
        session_id=session,
        recommendation_id=answer,
        source=source,
        context=json.loads(context) if context else {},
    )
    return Recorded(position, event, moment(received))
