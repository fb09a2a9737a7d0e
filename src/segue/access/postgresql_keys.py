"""API keys in a database of PostgreSQL, for services on many hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from segue.access.api_key import ApiKey
from segue.access.base import KnownKey
from segue.access.key_rows import FACTS, absent, known_of, row_of, taken
from segue.postgresql.address import Address
from segue.postgresql.connections import Connections
from segue.postgresql.migrations import bring_up_to_date

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgreSQLKeys"]

_MIGRATIONS: Final = (
    (
        "keys, and a count of their changes",
        """
create table live.keys (
    key_id text collate "C" primary key,
    label text not null,
    digest bytea not null,
    scopes text not null,
    user_id text collate "C",
    source text,
    rate double precision,
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index keys_of_user on live.keys (user_id) where user_id is not null;
create table live.key_changes (number bigint not null);
insert into live.key_changes values (0);
""",
    ),
)
_COLUMNS: Final = ", ".join((*FACTS, "created_at", "last_used_at", "revoked_at"))
_READING: Final = "reading API keys"
_WRITING: Final = "writing API keys"


class PostgreSQLKeys:
    """Keys in the schema `live`; a change is on the server's disk when the call returns.

    Args:
        address: Of the database, with `LIVE_SESSION` among its sessions' settings.
    """

    name: ClassVar[str] = "postgresql"

    def __init__(self, address: Address) -> None:
        self._connections = Connections(address, most=4)
        try:
            bring_up_to_date(self._connections, "API keys", _MIGRATIONS)
        except BaseException:
            self._connections.close()
            raise

    def add(self, known: KnownKey) -> None:
        """Keep a new key. See `KeyStore`."""
        row = row_of(known, _as_it_is)

        def insert(connection: psycopg.Connection[Any]) -> bool:
            with connection.transaction():
                added = connection.execute(
                    f"insert into live.keys ({_COLUMNS}) values ({', '.join(['%s'] * 10)})"
                    " on conflict do nothing",
                    row,
                )
                return _counted(connection, added.rowcount) > 0

        # a try whose answer was lost may have added it
        if not self._connections.tried(_WRITING, insert) and self.find(known.key.key_id) != known:
            raise taken(known.key.key_id)

    def find(self, key_id: str) -> KnownKey | None:
        """The key of this id, revoked or not; None: there is none."""
        found = self._known("where key_id = %s", key_id)
        return found[0] if found else None

    def page(self, *, after: str = "", limit: int = 1000) -> Sequence[ApiKey]:
        """The next keys behind an id, by their ids."""
        found = self._known("where key_id > %s order by key_id limit %s", after, limit)
        return [one.key for one in found]

    def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """Let a key open nothing from now on. See `KeyStore`."""

        def update(connection: psycopg.Connection[Any]) -> None:
            with connection.transaction():
                changed = connection.execute(
                    "update live.keys set revoked_at = %s where key_id = %s and revoked_at is null",
                    [at, key_id],
                )
                _counted(connection, changed.rowcount)

        self._connections.tried(_WRITING, update)
        found = self.find(key_id)
        if found is None:
            raise absent(key_id)
        return found.key

    def used(self, moments: Mapping[str, datetime]) -> None:
        """Note when keys were last used; ids that are not there are passed over."""
        if not moments:
            return

        def update(connection: psycopg.Connection[Any]) -> None:
            # in the order of their ids, so that two services never wait for each other in a circle
            connection.execute(
                "with told as (select key_id, moment from live.keys"
                " inner join unnest(%s::text[], %s::timestamptz[]) as said (key_id, moment)"
                " using (key_id) order by key_id for update of keys)"
                " update live.keys set last_used_at = greatest(keys.last_used_at, told.moment)"
                " from told where keys.key_id = told.key_id",
                [list(moments), list(moments.values())],
            )

        self._connections.tried(_WRITING, update)

    def forget(self, user_id: str) -> int:
        """Remove the keys of one user; how many."""

        def remove(connection: psycopg.Connection[Any]) -> int:
            with connection.transaction():
                gone = connection.execute("delete from live.keys where user_id = %s", [user_id])
                return _counted(connection, gone.rowcount)

        return self._connections.tried(_WRITING, remove)

    def version(self) -> int:
        """A number that grows with every change of what keys may do; 0: there never was a key."""
        ((number,),) = self._connections.fetch(_READING, "select number from live.key_changes")
        return int(number)

    def close(self) -> None:
        """Let go of the connections."""
        self._connections.close()

    def _known(self, rest: str, *values: Any) -> list[KnownKey]:
        rows = self._connections.fetch(_READING, f"select {_COLUMNS} from live.keys {rest}", values)
        return [known_of(row, _in_utc) for row in rows]


def _counted(connection: psycopg.Connection[Any], rows: int) -> int:
    """Let everybody know of a change, if it was one; how many rows."""
    if rows:
        connection.execute("update live.key_changes set number = number + 1")
    return rows


def _as_it_is(at: datetime) -> datetime:
    return at


def _in_utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
