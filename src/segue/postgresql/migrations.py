"""The schema `live`, which holds what the live service keeps: made and brought up to date."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from segue.errors import WarehouseError
from segue.postgresql.connections import Connections

if TYPE_CHECKING:
    import psycopg

__all__ = ["bring_up_to_date"]

_log = logging.getLogger(__name__)

_LOCK: Final = 0x53_65_67_75_66
"""Key of the advisory lock under which tables are made; next to those of the warehouse."""

_LEDGER: Final = """
create table if not exists live.migrations (
    part text,
    number integer,
    name text not null,
    applied_at timestamptz not null default now(),
    primary key (part, number)
)
"""


def bring_up_to_date(connections: Connections, part: str, steps: Sequence[tuple[str, str]]) -> None:
    """Make the tables of a part of the service, or change them to what this Segue knows.

    Where there is nothing to do, nothing is asked of the role but to read.

    Args:
        part: Such as "events".
        steps: Name and SQL of each, the first is number 1; what was published once never changes,
            only the list grows.

    Raises:
        UnreachableError: The server is not there.
        WarehouseError: A newer Segue made the tables, or the role may not make them.
    """
    with connections.lent(f"preparing the {part}") as connection:
        if _done(connection, part) == len(steps):
            return
        with connection.transaction():
            connection.execute("set local statement_timeout = 0")
            connection.execute("set local lock_timeout = 0")
            connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            if _value(connection, "select to_regnamespace('live')") is None:
                connection.execute("create schema live")
            connection.execute(_LEDGER)
            done = _done(connection, part)
            if done > len(steps):
                raise WarehouseError(
                    f"the {part} in {connections.where} were written by a newer Segue",
                    cure="Install the newer version again.",
                )
            for number, (name, sql) in enumerate(steps[done:], start=done + 1):
                _log.info("migration %d of the %s: %s", number, part, name)
                connection.execute(sql)
                connection.execute(
                    "insert into live.migrations (part, number, name) values (%s, %s, %s)",
                    [part, number, name],
                )


def _done(connection: psycopg.Connection[Any], part: str) -> int:
    """How many steps of a part were done."""
    if _value(connection, "select to_regclass('live.migrations')") is None:
        return 0
    steps = "select coalesce(max(number), 0) from live.migrations where part = %s"
    return int(_value(connection, steps, part))


def _value(connection: psycopg.Connection[Any], sql: str, *values: str) -> Any:
    found = connection.execute(sql, values).fetchone()
    return None if found is None else found[0]
