"""What every user's rows of a large mart come to, kept in DuckDB so that few rows are looked at.

A build of changes brings the tallies up to date for the users of touched plays, in its transaction.
They hold as long as `intermediate.last_build` says so, which every run of dbt itself takes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from segue.music.marts import MARTS
from segue.warehouse.change_run import of_few
from segue.warehouse.raw_sql import Dialect, select_mart
from segue.warehouse.snapshot_cut import Tally

__all__ = ["kept_tallies", "tally_query", "updates"]

_KEPT: Final = (
    "plays",
    "sessions",
    "user_track_counts",
    "user_artist_counts",
    "listening_days",
    "listening_hours",
    "listening_clock",
    "listening_weeks",
    "streaks",
)
"""Marts that are cut by user, and change for no other users than those of touched plays."""

_USER: Final = "user_id"


class Tables(Protocol):
    """An open warehouse, as far as tallies need it."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one, none where it has none."""

    def transaction(self) -> AbstractContextManager[None]:
        """What happens inside happens as a whole, or not at all."""


def tally_query(query: str, columns: Sequence[str], by: str, some: str = "") -> str:
    """Key, rows and digest of the rows of a query, for each value of a column; "": of all rows."""
    key, group = (by, f" group by {by}") if by else ("''", "")
    return (
        f"select {key} as key, count(*) as n_rows,"
        f" sum(hash({', '.join(columns)})::hugeint)::varchar as digest"
        f" from ({query}){some}{group}"
    )


def kept_tallies(tables: Tables, dialect: Dialect, mart: str, by: str) -> list[Tally]:
    """The tallies of a mart by a column; those that are kept are made when they do not hold.

    Args:
        by: "" for one tally of all rows.
    """
    query = tally_query(select_mart(dialect, mart), MARTS[mart].names, by)
    if by == _USER and mart in _KEPT:
        if not _hold(tables, mart):
            _keep(tables, mart, query)
        query = f"select key, n_rows, digest from intermediate.tallies where mart = '{mart}'"
    return [Tally(str(key), int(rows), str(digest)) for key, rows, digest in tables.query(query)]


def updates(tables: Tables, dialect: Dialect) -> list[str]:
    """Statements that end a build of changes: the tallies that held do so again."""
    touched = "(select user_id from intermediate.int_touched_plays)"
    statements = []
    for mart in _KEPT:
        if _hold(tables, mart):
            query = tally_query(
                select_mart(dialect, mart),
                MARTS[mart].names,
                _USER,
                f" where {_USER} in {touched} and {of_few('int_touched_plays', _USER)}",
            )
            statements += [
                f"delete from intermediate.tallies where mart = '{mart}' and key in {touched}",
                f"insert into intermediate.tallies select '{mart}', * from ({query})",
            ]
    return statements


def _hold(tables: Tables, mart: str) -> bool:
    return bool(
        tables.query("select 1 from duckdb_tables() where table_name = 'last_build'")
        and tables.query(f"select 1 from intermediate.last_build where name = '{_note(mart)}'")
    )


def _keep(tables: Tables, mart: str, query: str) -> None:
    with tables.transaction():
        tables.query(
            "create table if not exists intermediate.tallies"
            " (mart varchar, key varchar, n_rows bigint, digest varchar)"
        )
        tables.query(f"delete from intermediate.tallies where mart = '{mart}'")
        tables.query(f"insert into intermediate.tallies select '{mart}', * from ({query})")
        if tables.query("select 1 from intermediate.last_build where name = 'rules'"):
            tables.query(f"insert into intermediate.last_build values ('{_note(mart)}', 'yes')")


def _note(mart: str) -> str:
    return f"tallies of {mart}"
