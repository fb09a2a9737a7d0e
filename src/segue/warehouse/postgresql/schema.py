"""The raw schema on the server: made, and brought up to date, by numbered migrations."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.connection import connect
from segue.warehouse.matching import ARTIST_NAMES, MATCHES
from segue.warehouse.postgresql.sql import TRACK_REFS_COLUMNS, column_type
from segue.warehouse.raw_sql import SPACES

__all__ = ["LOCK", "MIGRATIONS", "SCHEMAS", "migrate", "remove_all"]

_log = logging.getLogger(__name__)

LOCK: Final = 0x53_65_67_75_65  # "Segue"
"""Key of the advisory lock that a build holds; the next one guards migrations."""

SCHEMAS: Final = ("raw", "intermediate", "marts")
"""What Segue and its dbt project write to, and nobody else."""


class _Session(Protocol):
    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def transaction(self) -> AbstractContextManager[None]: ...


def _first_tables(session: _Session) -> None:
    # Unlogged: the lake can fill them again, and it does after a crash of the server empties them.
    # What was loaded and matched is written beside the rows, so that it is emptied with them.
    session.query("create unlogged table raw.about (name text primary key, value text not null)")


MIGRATIONS: Final[Sequence[tuple[str, Callable[[_Session], None]]]] = (
    ("tables that say what is here", _first_tables),
)
"""In order, the first is number 1; what was published once never changes, only the list grows."""


_FUNCTIONS: Final = "1"
"""Raise when raw.lower or raw.trim change."""


def migrate(session: _Session, *, layout: str) -> None:
    """Bring the raw schema up to date; nothing to do is fine, two at once are, too.

    Args:
        session: Connected as the owner of the schemas.
        layout: What the raw tables must look like; those of another one are made again.

    Raises:
        WarehouseError: A newer Segue made the schema; nothing was changed.
    """
    with session.transaction():
        session.query(f"select pg_advisory_xact_lock({LOCK + 1})::text")
        known = {name for (name,) in session.query("select nspname::text from pg_namespace")}
        for schema in SCHEMAS:
            if schema not in known:
                session.query(f"create schema {schema}")
        _run_migrations(session)
        if session.query("select value from raw.about where name = 'layout'") != [(layout,)]:
            _make_tables(session, layout)
        _make_functions(session)


def _run_migrations(session: _Session) -> None:
    if not session.query("select 1 where to_regclass('raw.migrations') is not null"):
        session.query(
            "create table raw.migrations (number integer primary key, name text not null,"
            " applied_at timestamptz not null default now())"
        )
    [(done,)] = session.query("select coalesce(max(number), 0) from raw.migrations")
    if done > len(MIGRATIONS):
        raise WarehouseError(
            f"the warehouse was made by a newer Segue: its schema is number {done},"
            f" this one knows {len(MIGRATIONS)}",
            cure="Update Segue, or name another database in the settings under [postgresql].",
        )
    for number, (name, run) in enumerate(MIGRATIONS[done:], start=done + 1):
        _log.info("migration %d of the warehouse: %s", number, name)
        run(session)
        session.query("insert into raw.migrations (number, name) values (?, ?)", [number, name])


def _make_tables(session: _Session, layout: str) -> None:
    """Raw tables of today's layout, empty: the load that follows fills them from the lake."""
    tables = {
        name: [
            f"{c.ROW_ID} bigint",
            *(f'"{field.name}" {column_type(field.type)}' for field in table.schema),
            f"{c.FILE_NO} bigint",
        ]
        for name, table in LAKE_TABLES.items()
    }
    tables["loads"] = [
        "table_name text",
        "file_no bigint",
        "piece text",
        "n_rows bigint",
        "commit_id text",
        "primary key (table_name, piece)",
    ]
    tables["track_refs"] = list(TRACK_REFS_COLUMNS)
    for name, schema in (("track_matches", MATCHES), ("artist_names", ARTIST_NAMES)):
        tables[name] = [f'"{field.name}" {column_type(field.type)}' for field in schema]
    for name, columns in tables.items():
        session.query(f"drop table if exists raw.{name} cascade")
        session.query(f"create unlogged table raw.{name} ({', '.join(columns)})")
    session.query("delete from raw.about")
    session.query("insert into raw.about values ('layout', ?)", [layout])


def _make_functions(session: _Session) -> None:
    """raw.trim(text) and raw.lower(text): as DuckDB does it, whatever language the server speaks.

    The server's own `lower` knows either ASCII only or the rules of one language and version, and
    albums and genres must have the same ids and names in every warehouse.
    """
    import duckdb

    state = f"{_FUNCTIONS}, as DuckDB {duckdb.__version__}"
    found = session.query("select value from raw.about where name = 'functions'")
    if found == [(state,)]:
        return
    with connect(config={}) as connection:
        pairs = connection.execute(
            "select chr(code), lower(chr(code))"
            " from (select unnest(generate_series(128, 1114111))::integer as code)"
            " where code not between 55296 and 57343 and lower(chr(code)) <> chr(code)"
        ).fetchall()
    upper, lower = ("".join(letters) for letters in zip(*pairs, strict=True))
    small = 'pg_catalog.lower(said collate "C")'
    bodies = {
        "lower": f"case when octet_length(said) = length(said) then {small}"
        f" else translate({small}, '{upper}', '{lower}') end",
        "trim": f"btrim(said, '{SPACES}')",
    }
    for name, body in bodies.items():  # not strict: such a body becomes part of the query
        session.query(
            f"create or replace function raw.{name}(said text) returns text"
            f" language sql immutable parallel safe as $$ select {body} $$"
        )
    session.query("delete from raw.about where name = 'functions'")
    session.query("insert into raw.about values ('functions', ?)", [state])


def remove_all(session: _Session) -> None:
    """Drop every table and view in our schemas; the schemas stay, with who may read them."""
    schemas = ", ".join(f"'{schema}'" for schema in SCHEMAS)
    with session.transaction():
        found = session.query(
            "select relkind::text, quote_ident(nspname) || '.' || quote_ident(relname)"
            " from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace"
            f" where nspname in ({schemas}) and relkind in ('r', 'v', 'm', 'p')"
        )
        for kind, name in sorted(found, reverse=True):
            what = {"v": "view", "m": "materialized view"}.get(kind, "table")
            session.query(f"drop {what} if exists {name} cascade")
