"""The event log in a database of PostgreSQL, which many services on many hosts share."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from segue.errors import UnreachableError
from segue.events.base import Outcome, Parked, Recorded
from segue.events.group_commit import Group, GroupCommit
from segue.events.postgresql_lease import Leases
from segue.events.postgresql_tables import APPEND, COLUMNS, MIGRATIONS, OWN, columns_of, recorded
from segue.music.event import Event
from segue.postgresql.address import Address
from segue.postgresql.connections import Connections
from segue.postgresql.migrations import bring_up_to_date

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgreSQLLog"]

_APPENDING: Final = "appending events"
_READING: Final = "reading events"
_CONSUMING: Final = "noting what was consumed"
_AGAIN_AFTER_S: Final = 0.1


class PostgreSQLLog:
    """Events in the schema `live` of a database; it is made, and kept up to date, by itself.

    Any number of processes may have it open, on any number of hosts. What comes in while a commit
    is under way is written together with the next (see `GroupCommit`). Where a connection is lost
    in the middle, the same events are written again by the next, which changes nothing for those
    that are there already.

    Args:
        address: Of the database, with `LIVE_SESSION` among its sessions' settings.
        most_waiting: Events that may wait to be written; more are refused.
        patience_s: How long to try to reach a server that went away, before saying so.
    """

    name: ClassVar[str] = "postgresql"
    near: ClassVar[bool] = False

    def __init__(
        self, address: Address, *, most_waiting: int = 50_000, patience_s: float = 5.0
    ) -> None:
        self._connections = Connections(address)
        self._leases = Leases(self._connections)
        self._patience_s = patience_s
        self._closing = threading.Event()
        self._commit = GroupCommit(self._write, most_waiting=most_waiting)
        try:
            bring_up_to_date(self._connections, "events", MIGRATIONS)
        except BaseException:
            self._connections.close()
            raise

    def append(self, events: Sequence[Event], received_at: datetime) -> Future[tuple[Outcome, ...]]:
        """Write events down, all or none; done once they are durable. See `EventLog`."""
        return self._commit.submit(Group(tuple(events), received_at))

    def read(self, after: int, limit: int = 1000) -> Sequence[Recorded]:
        """The next events behind a position, in order; 0 is before the first."""
        return self._recorded("where position > %s order by position limit %s", after, limit)

    def of_user(self, user_id: str, *, after: int = 0, limit: int = 10_000) -> Sequence[Recorded]:
        """The latest events of one user behind a position, in order."""
        return self._recorded(
            "where user_id = %s and position > %s order by position desc limit %s",
            *(user_id, after, limit),
        )[::-1]

    def stamp(self) -> Hashable | None:
        """None: the server has to be asked. See `EventLog`."""
        return None

    def last(self) -> int:
        """The last position; 0: the log is empty."""
        found = self._fetch("select max(position) from live.events")
        return found[0][0] or 0

    @contextmanager
    def consuming(self, consumer: str) -> Iterator[None]:
        """Be the only one, on whatever host, that consumes under this name.

        Raises:
            BusyError: Another process does already.
            UnreachableError: The server is not there.
        """
        with self._leases.held(consumer):
            yield

    def cursor(self, consumer: str) -> int:
        """The position up to which a consumer has taken everything; 0: nothing."""
        found = self._fetch("select position from live.cursors where consumer = %s", consumer)
        return int(found[0][0]) if found else 0

    def advance(
        self,
        consumer: str,
        position: int,
        *,
        state: Mapping[str, bytes] | None = None,
        parked: Sequence[Parked] = (),
        unparked: Sequence[int] = (),
    ) -> None:
        """Move a consumer's cursor, and with it what the consumer keeps: all or nothing.

        While this process consumes under the name, it is done by the connection that holds the
        lease, so that nothing is written by whoever has lost it.
        """
        with (
            self._leases.connection(consumer, _CONSUMING) as connection,
            connection.transaction(),
        ):
            if state:
                connection.execute(
                    "insert into live.states (consumer, key, value)"
                    " select %s, * from unnest(%s::text[], %s::bytea[])"
                    " on conflict (consumer, key) do update set value = excluded.value",
                    [consumer, list(state), list(state.values())],
                )
            if parked:
                connection.execute(
                    "insert into live.parked (consumer, position, error, parked_at)"
                    " select %s, * from unnest(%s::bigint[], %s::text[], %s::timestamptz[])"
                    " on conflict (consumer, position)"
                    " do update set error = excluded.error, parked_at = excluded.parked_at",
                    [
                        consumer,
                        [one.position for one in parked],
                        [one.error.replace("\x00", "�") for one in parked],
                        [one.at for one in parked],
                    ],
                )
            if unparked:
                connection.execute(
                    "delete from live.parked where consumer = %s and position = any(%s::bigint[])",
                    [consumer, list(unparked)],
                )
            connection.execute(
                "insert into live.cursors (consumer, position) values (%s, %s)"
                " on conflict (consumer) do update set position = excluded.position",
                [consumer, position],
            )

    def state(self, consumer: str, key: str) -> bytes | None:
        """What a consumer keeps under a key; None: nothing."""
        found = self._fetch(
            "select value from live.states where consumer = %s and key = %s", consumer, key
        )
        return bytes(found[0][0]) if found else None

    def states(self, consumer: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """What a consumer keeps under some keys; those with nothing are left away."""
        found = self._fetch(
            "select key, value from live.states"
            ' where consumer = %s and key = any(%s::text[] collate "C")',
            *(consumer, list(keys)),
        )
        return {key: bytes(value) for key, value in found}

    def keys(self, consumer: str, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        """The next keys under which a consumer keeps something, behind a key, in order."""
        found = self._fetch(
            "select key from live.states where consumer = %s and key > %s order by key limit %s",
            *(consumer, after, limit),
        )
        return [key for (key,) in found]

    def parked(self, consumer: str) -> Sequence[Parked]:
        """What a consumer could not take, in order."""
        found = self._fetch(
            "select position, error, parked_at from live.parked where consumer = %s"
            " order by position",
            consumer,
        )
        return [Parked(position, error, at.astimezone(UTC)) for position, error, at in found]

    def restart(self, consumer: str) -> None:
        """Let a consumer begin again: no cursor, no state, nothing parked."""
        with (
            self._leases.connection(consumer, _CONSUMING) as connection,
            connection.transaction(),
        ):
            for table in ("cursors", "states", "parked"):
                connection.execute(f"delete from live.{table} where consumer = %s", [consumer])

    def forget(self, user_id: str) -> int:
        """Remove a user's events and what consumers keep under the user's id; how many events.

        The server writes over the bytes when it next needs the room.
        """

        def remove(connection: psycopg.Connection[Any]) -> int:
            with connection.transaction():
                connection.execute(
                    "delete from live.parked where position in"
                    " (select position from live.events where user_id = %s)",
                    [user_id],
                )
                gone = connection.execute("delete from live.events where user_id = %s", [user_id])
                connection.execute("delete from live.states where key = %s", [user_id])
            return gone.rowcount

        return self._connections.tried("forgetting a user", remove)

    def close(self) -> None:
        """Write what waits, and let go of the connections."""
        self._closing.set()
        self._commit.close()
        self._connections.close()

    # --- writing --------------------------------------------------------------------------------

    def _write(self, groups: Sequence[Group]) -> list[tuple[Outcome, ...]]:
        told = [(event, group.received_at) for group in groups for event in group.events]
        columns = columns_of(told)
        fresh = self._written(columns)
        outcomes: list[tuple[Outcome, ...]] = []
        for group in groups:
            group_outcomes: list[Outcome] = []
            for event in group.events:
                key = event.user_id, event.event_id
                group_outcomes.append("accepted" if key in fresh else "duplicate")
                fresh.discard(key)  # the same again further on is a duplicate of this one
            outcomes.append(tuple(group_outcomes))
        return outcomes

    def _written(self, columns: list[list[Any]]) -> set[tuple[str, str]]:
        """Write events, trying again for a while where the server goes away; those that are new.

        When a connection is lost nobody knows whether the server has committed. Doing it again is
        harmless, and the name under which all attempts write tells what was new to the first.
        """
        name = secrets.randbits(63)
        give_up_at: float | None = None
        while True:
            try:
                with self._connections.kept(_APPENDING) as connection:
                    found = connection.execute(APPEND, [name, *columns], prepare=True).fetchall()
                    if give_up_at is not None:
                        found = connection.execute(OWN, [*columns[:2], name]).fetchall()
                    return {(user_id, event_id) for user_id, event_id in found}
            except UnreachableError:
                now = time.monotonic()
                give_up_at = now + self._patience_s if give_up_at is None else give_up_at
                if now >= give_up_at or self._closing.is_set():
                    raise
                time.sleep(_AGAIN_AFTER_S)

    # --- reading --------------------------------------------------------------------------------

    def _recorded(self, rest: str, *values: Any) -> list[Recorded]:
        rows = self._fetch(f"select position, {COLUMNS} from live.events {rest}", *values)
        return [recorded(row) for row in rows]

    def _fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connections.fetch(_READING, sql, values)
