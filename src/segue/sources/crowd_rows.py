"""From the cells of a crowd's table to rows of the lake, whatever data set the table is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from segue.music import columns as c
from segue.music.lake_tables import CROWD
from segue.sources import cell_sql as sql
from segue.sources.base import Chunk, ReadOptions
from segue.sources.column_names import Roles
from segue.sources.crowd_columns import TRACK_ROLES
from segue.sources.mapped_rows import FaultLimit, Mapped, chunks, run
from segue.sources.open_table import Batch, Table, cell, name_key
from segue.sources.reject_reasons import (
    BAD_TIMESTAMP,
    FUTURE_DAYS,
    FUTURE_TIMESTAMP,
    MISSING_ARTIST,
    NO_TRACK,
    TOO_OLD_TIMESTAMP,
)
from segue.sources.timestamps import day_comes_first, read_times

__all__ = ["BAD_COUNT", "NO_LISTENER", "crowd_chunks", "lookup"]

NO_LISTENER: Final = "no_user"
"""Nobody is named who listened."""
BAD_COUNT: Final = "bad_count"
"""A number of plays that is none, or not above zero."""

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Scrobbling began in 2002: an earlier time is a clock that was not set."""
_AT: Final = "at_us"

_CURES: Final = {
    NO_LISTENER: "Check which column says who listened: --column user_id=NAME.",
    NO_TRACK: "Check which columns name the track: --column track_id=NAME.",
    MISSING_ARTIST: "Check which column names the artist: --column artist=NAME.",
    BAD_COUNT: "Check which column counts plays: --column plays=NAME, or --column plays=-.",
    BAD_TIMESTAMP: "Check which column says when: --column played_at=NAME,"
    " or leave it out with --column played_at=-.",
    TOO_OLD_TIMESTAMP: "Check which column says when, or leave it out with --column played_at=-.",
    FUTURE_TIMESTAMP: "Check which column says when, or leave it out with --column played_at=-.",
}

_FAST_TIMES = """
    SELECT CASE
        WHEN length(x) BETWEEN 9 AND 10 THEN try_cast(x AS BIGINT) * 1000000
        WHEN x[17] = ':' AND regexp_full_match(x[20:], '([.][0-9]{{1,6}})?Z?')
            THEN epoch_us(try_cast(x AS TIMESTAMP))
        END AS at, x
    FROM (SELECT text_of({cell}) AS x FROM batch)"""


def crowd_chunks(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    roles: Roles,
    options: ReadOptions,
    *,
    file: str,
    known_listener: str = "true",
    prepare: Callable[[Batch], Batch] | None = None,
) -> Iterator[Chunk]:
    """The rows of a crowd's table, a batch at a time.

    Args:
        db: Where to compute.
        table: The table.
        roles: Which column is what; a role of a column that `prepare` adds is the number after
            the last column.
        options: The crowd's name and the time of the import.
        file: The file's name, for rejects.
        known_listener: SQL over `listener_`: whether it can be a listener's id at all.
        prepare: Adds columns to a batch.

    Raises:
        SourceError: The file is broken, or most of its rows cannot be used for one reason.
    """
    mapped = _mapped(roles, options, known_listener, bare=_ids_are_bare(db, table, roles))
    limit = FaultLimit(table, _CURES)
    times = _Times(db, roles)
    steps = [step for step in (prepare, times) if step]
    first = True
    for chunk in chunks(db, table, mapped, file=file, prepare=_all(steps)):
        limit.add(chunk)
        if first:
            limit.check()
            first = False
        yield chunk
    limit.check()


def _all(steps: Sequence[Callable[[Batch], Batch]]) -> Callable[[Batch], Batch]:
    def prepared(batch: Batch) -> Batch:
        for step in steps:
            batch = step(batch)
        return batch

    return prepared


def lookup(column: int, ids: pa.Array, names: pa.Array, as_column: int) -> Callable[[Batch], Batch]:
    """A step that adds the names of the ids in a column; null for an id that is not known."""

    def prepared(batch: Batch) -> Batch:
        at = pc.index_in(pc.utf8_trim_whitespace(batch.cells[cell(column)]), value_set=ids)
        found = names.take(at.combine_chunks())
        return Batch(batch.cells.append_column(cell(as_column), found), batch.ragged)

    return prepared


class _Times:
    """Adds the moments that a column tells, in microseconds."""

    def __init__(self, db: duckdb.DuckDBPyConnection, roles: Roles) -> None:
        self._db = db
        self._column = roles.at.get(c.PLAYED_AT)
        self._day_first: bool | None = None
        self._judged = False

    def __call__(self, batch: Batch) -> Batch:
        if self._column is None:
            return batch
        found = run(self._db, _FAST_TIMES.format(cell=cell(self._column)), batch)
        at = found["at"].combine_chunks()
        left = pc.and_(pc.is_null(at), pc.is_valid(found["x"])).combine_chunks()
        if pc.any(left).as_py():
            at = pc.replace_with_mask(at, left, self._read(found["x"].filter(left)))
        return Batch(batch.cells.append_column(_AT, at), batch.ragged)

    def _read(self, texts: pa.ChunkedArray) -> pa.Array:
        if not self._judged:
            self._day_first = day_comes_first(texts.to_pylist())
            self._judged = True
        return read_times(self._db, texts.combine_chunks(), self._day_first).cast(pa.int64())


def _ids_are_bare(db: duckdb.DuckDBPyConnection, table: Table, roles: Roles) -> bool:
    """Whether the ids of the first batch are all written as bare Spotify ids."""
    columns = [cell(roles.at[role]) for role in (c.SPOTIFY_URI, c.TRACK_ID) if role in roles]
    if not columns:
        return False
    texts = ", ".join(f"text_of({name})" for name in columns)
    query = f"""SELECT count(*) > 0 AND count(*) = count(*) FILTER (uri_of_bare(id) IS NOT NULL)
        FROM (SELECT coalesce({texts}) AS id FROM batch) WHERE id IS NOT NULL"""
    with closing(table.batches()) as batches:
        batch = next(batches)
    return bool(run(db, query, batch).column(0)[0].as_py())


def _mapped(roles: Roles, options: ReadOptions, known_listener: str, *, bare: bool) -> Mapped:
    at = {role: cell(n) for role, n in roles.at.items()}
    texts = {
        role: f"text_of({at[role]})" if role in at else "NULL::VARCHAR"
        for role in (*TRACK_ROLES, c.ARTIST, c.ALBUM, c.SESSION_ID, c.LISTENER_ID)
    }
    listener = c.LISTENER_ID if c.LISTENER_ID in at else c.SESSION_ID
    by_artist = not any(role in at for role in TRACK_ROLES)
    uri = "uri_of_bare" if bare else "uri_of"
    count = f"number_of({at[c.PLAYS]})" if c.PLAYS in at else "NULL::DOUBLE"
    steps = (
        f"SELECT *, {', '.join(f'{found} AS {role}_text' for role, found in texts.items())},"
        f" {count} AS count_ FROM before",
        f"""SELECT *, {listener}_text AS listener_, {_names(roles)} AS names_,
            coalesce({uri}({c.SPOTIFY_URI}_text), {uri}({c.TRACK_ID}_text)) AS uri_,
            mbid_of({c.RECORDING_MBID}_text) AS mbid_, isrc_of({c.ISRC}_text) AS isrc_
            FROM before""",
        "SELECT *, array_to_string(names_, ', ') AS artist_ FROM before",
        f"SELECT *, {_artist_ref() if by_artist else _track_ref(options.name)} AS ref_ FROM before",
    )
    columns = {
        c.CROWD: sql.quoted(options.name),
        c.LISTENER_ID: "listener_",
        c.TRACK_REF: "ref_",
        c.TITLE: f"{c.TITLE}_text",
        c.ARTIST: "artist_",
        c.ARTISTS: "names_",
        c.ALBUM: f"{c.ALBUM}_text",
        c.SPOTIFY_URI: "uri_",
        c.RECORDING_MBID: "mbid_",
        c.ISRC: "isrc_",
        c.PLAYS: "count_",
        c.SESSION_ID: f"{c.SESSION_ID}_text",
        **_order(at),
    }
    fault = _fault(roles, options.now, known_listener, by_artist=by_artist)
    return Mapped(CROWD, steps, columns, fault)


def _order(at: dict[str, str]) -> dict[str, str]:
    """When, and in which place; rows that tell neither nor count plays are told apart by order."""
    order = {c.PLAYED_AT: f"make_timestamp({_AT})"} if c.PLAYED_AT in at else {}
    if c.POSITION in at:
        order[c.POSITION] = f"try_cast(number_of({at[c.POSITION]}) AS INTEGER)"
    elif c.PLAYED_AT not in at and (c.SESSION_ID in at or c.PLAYS not in at):
        order[c.POSITION] = '("row" - 1)::INTEGER'
    return order


def _names(roles: Roles) -> str:
    """Several artists only where the column's name says so: a name may hold any mark."""
    text = f"{c.ARTIST}_text"
    many = name_key(roles.name(c.ARTIST)) in ("artists", "artistnames")
    return f"names_of({text})" if many else f"CASE WHEN {text} IS NOT NULL THEN [{text}] END"


def _artist_ref() -> str:
    return "'artist:' || artist_"


def _track_ref(crowd: str) -> str:
    return f"""coalesce(uri_, 'mbid:' || mbid_, 'isrc:' || isrc_,
        'name:' || artist_ || chr(31) || {c.TITLE}_text,
        {sql.quoted(f"id:{crowd}:")} || coalesce({c.TRACK_ID}_text, {c.SPOTIFY_URI}_text))"""


def _fault(roles: Roles, now: datetime, known_listener: str, *, by_artist: bool) -> str:
    listener = roles.name(c.LISTENER_ID if c.LISTENER_ID in roles else c.SESSION_ID)
    lacks = (MISSING_ARTIST, c.ARTIST) if by_artist else (NO_TRACK, c.TRACK_ID)
    faults = {
        "listener_ IS NULL": _found(NO_LISTENER, listener, "'nobody is named'"),
        f"NOT ({known_listener})": _found(NO_LISTENER, listener, "listener_ || ' is no user'"),
        "ref_ IS NULL": _found(lacks[0], roles.name(lacks[1]), f"'there is no {lacks[1]}'"),
    }
    if c.PLAYS in roles:
        text = cell(roles.at[c.PLAYS])
        wrong = f"""CASE WHEN count_ IS NULL THEN known({text}) IS NOT NULL
            ELSE NOT (count_ > 0 AND isfinite(count_)) END"""
        detail = f"trim({text}) || ' is no number above 0'"
        faults[wrong] = _found(BAD_COUNT, roles.name(c.PLAYS), detail)
    if c.PLAYED_AT in roles:
        name, text = roles.name(c.PLAYED_AT), cell(roles.at[c.PLAYED_AT])
        latest = _us(now + timedelta(days=FUTURE_DAYS))
        unread = f"{_AT} IS NULL AND known({text}) IS NOT NULL"
        faults[unread] = _found(BAD_TIMESTAMP, name, f"trim({text}) || ' is no time'")
        faults[f"{_AT} > {latest}"] = _found(FUTURE_TIMESTAMP, name, f"trim({text})")
        faults[f"{_AT} < {_us(_EARLIEST)}"] = _found(TOO_OLD_TIMESTAMP, name, f"trim({text})")
    return sql.first_fault(faults)


def _found(reason: str, field: str, detail: str) -> str:
    return sql.fault(sql.quoted(reason), field, detail)


def _us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000
