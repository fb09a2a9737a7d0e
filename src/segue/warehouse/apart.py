"""A part of a build in memory: some users' plays, shaped by the same models as a whole build.

Listeners do not meet: what becomes of a play follows from its user's other plays, from what its
reference is taken for, and from how long its track is. Whoever has these can shape some users apart
from all others, anywhere.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue.music import columns as c
from segue.music.marts import MARTS
from segue.warehouse.base import RawFile
from segue.warehouse.connection import connect
from segue.warehouse.duckdb import DuckDBSession, create_raw
from segue.warehouse.duckdb_sql import DUCKDB
from segue.warehouse.full_models import Model, make_models
from segue.warehouse.loading import checked, plan_load
from segue.warehouse.raw_sql import select_mart

__all__ = [
    "MARTS_OF_USERS",
    "PLAYS_ONCE",
    "PlaysOnce",
    "Shaped",
    "judged",
    "longest",
    "once",
    "parquet",
    "raw_plays",
    "references",
    "split",
    "users_told",
]

MARTS_OF_USERS: Final = ("plays", "sessions", "user_track_counts")
"""What is made of some users at a time."""

PLAYS_ONCE: Final = "int_plays_once"

_NAMES: Final = (
    c.TRACK_REF,
    c.TITLE,
    c.ARTIST,
    c.ARTISTS,
    c.ALBUM,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
    c.ISRC,
)
_AGE: Final = f"{c.FILE_NO}::hugeint * 18446744073709551616 + {c.ROW_ID}"
_COUNTS: Final = """
select
    (select count(*) from raw.plays) as read,
    (select count(*) from raw.plays where track_ref like 'artist:%') as artist_only,
    (select count(*) from intermediate.int_plays_unioned) as matched,
    (select count(*) from intermediate.int_plays_once_per_source) as once_per_source,
    (select count(*) from intermediate.int_plays_once) as kept
"""


@contextmanager
def _database(memory_limit: str) -> Iterator[DuckDBSession]:
    """An empty database in memory that is called as in compiled models; one thread."""
    with tempfile.TemporaryDirectory(prefix="segue-part-") as spill:
        config = {
            "memory_limit": memory_limit,
            "threads": 1,
            "temp_directory": spill,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        connection = connect(config=config)
        try:
            connection.execute("attach ':memory:' as segue")
            connection.execute("use segue")
            connection.execute("set TimeZone = 'UTC'")
            create_raw(connection)
            yield DuckDBSession(connection, memory_limit=memory_limit)
        finally:
            connection.close()


def raw_plays(files: Sequence[RawFile], *, memory_limit: str) -> pa.Table:
    """The rows of some lake files of plays as a warehouse loads them.

    Raises:
        WarehouseError: A file is missing, damaged, or not what the lake says it is.
    """
    with _database(memory_limit) as session, session.guarded("reading plays"):
        for batch in checked(plan_load([], files).loads, threads=1):
            session.insert_files("plays", batch)
        return session.query_arrow("select * from raw.plays")


def references(plays: Sequence[pa.Table], *, memory_limit: str) -> pa.Table:
    """What plays call their tracks: of rows with the same names the earliest is as good as all.

    Args:
        plays: What `raw_plays` or this gave.

    Returns:
        Names of tracks, `file_no` and `row_id`.
    """
    names = ", ".join(_NAMES)
    some = [table.select([*_NAMES, c.FILE_NO, c.ROW_ID]) for table in plays]
    with _database(memory_limit) as session, session.guarded("reading references"):
        session.replace_table("some", pa.concat_tables(some))
        return session.query_arrow(
            f"select {names}, arg_min({c.FILE_NO}, {_AGE}) as {c.FILE_NO},"
            f" arg_min({c.ROW_ID}, {_AGE}) as {c.ROW_ID} from raw.some group by {names}"
        )


def users_told(plays: Sequence[pa.Table]) -> pa.Table:
    """How many rows of plays there are of each user: `user_id`, `plays`.

    Args:
        plays: What `raw_plays` gave, or this.
    """
    ones = [
        table
        if c.PLAYS in table.column_names
        else table.select([c.USER_ID]).append_column(
            c.PLAYS, pa.repeat(pa.scalar(1, pa.int64()), table.num_rows)
        )
        for table in plays
    ]
    summed = pa.concat_tables(ones).group_by(c.USER_ID).aggregate([(c.PLAYS, "sum")])
    return summed.rename_columns([c.USER_ID, c.PLAYS])


def split(
    plays: pa.Table, firsts: Sequence[str], *, without: Collection[int] = ()
) -> Iterator[tuple[int, pa.Table]]:
    """Plays by parts of users, without the names of their tracks.

    Args:
        plays: What `raw_plays` gave.
        firsts: The first user of each part, ascending.
        without: Numbers of parts that nobody needs.

    Yields:
        Number of a part, and its plays.
    """
    slim = plays.drop_columns([name for name in _NAMES if name != c.TRACK_REF])
    encoded = slim[c.USER_ID].combine_chunks().dictionary_encode()
    place = [bisect_right(firsts, user) - 1 for user in encoded.dictionary.to_pylist()]
    parts = np.array(place, np.int64)[encoded.indices.to_numpy()]
    order = np.argsort(parts, kind="stable")
    numbers, begins = np.unique(parts[order], return_index=True)
    for number, rows in zip(numbers.tolist(), np.split(order, begins[1:]), strict=True):
        if number not in without:
            yield number, slim.take(pa.array(rows))


@dataclass(frozen=True)
class PlaysOnce:
    """Plays of a part, each once, before anybody knows how long tracks are.

    Args:
        plays: Each once.
        heard: What of them tells how long a track is, in the columns of `plays`.
        counts: Rows "read", of these "artist_only", "told_twice", "told_by_two" and "kept".
    """

    plays: pa.Table
    heard: pa.Table
    counts: Mapping[str, int]


def once(
    plays: Sequence[pa.Table], refs: pa.Table, models: Sequence[Model], *, memory_limit: str
) -> PlaysOnce:
    """Plays of some users, each once.

    Args:
        plays: All of these users, in the columns that `split` gives.
        refs: track_ref, track_id, artist_id of all references.
        models: Those that make `int_plays_once` of raw tables.

    Raises:
        WarehouseError: A model cannot be made, or plays got lost on the way.
    """
    with _database(memory_limit) as session, session.guarded("shaping plays"):
        told = pa.concat_tables(plays)
        session.replace_table("told", told)
        session.query("insert into raw.plays by name select * from raw.told")
        session.query("drop table raw.told")
        _know(session, refs)
        make_models(session, models)
        counts = _counted(session)
        return PlaysOnce(
            session.query_arrow(f"select * from intermediate.{PLAYS_ONCE}"),
            session.query_arrow(_heard(f"intermediate.{PLAYS_ONCE}")),
            counts,
        )


def _know(session: DuckDBSession, refs: pa.Table) -> None:
    """Fill raw.track_refs and raw.track_matches with the references that are played here."""
    session.replace_table("known", refs)
    here = "from raw.known where track_ref in (select track_ref from raw.plays)"
    nothing = ", ".join(f"null::varchar as {name}" for name in _NAMES[1:] if name != c.ARTISTS)
    session.query(
        f"create table raw.track_refs as select track_ref, {nothing}, null::varchar[] as artists,"
        f" false as in_history, false as in_catalogue, false as in_crowd {here}"
    )
    session.query(
        "create table raw.track_matches as select track_ref, track_id, artist_id,"
        f" null::varchar as lead_artist, null::varchar as method, null::double as score {here}"
    )
    session.query("drop table raw.known")


def _counted(session: DuckDBSession) -> dict[str, int]:
    [(read, artist_only, matched, once_per_source, kept)] = session.query(_COUNTS)
    return {
        "read": read,
        "artist_only": artist_only,
        "unknown": read - artist_only - matched,
        "told_twice": matched - once_per_source,
        "told_by_two": once_per_source - kept,
        "kept": kept,
    }


def _heard(plays: str) -> str:
    """Of plays that end alike, only the longest can tell how long a track is."""
    return (
        "select null::bigint as row_id, null::varchar as user_id, track_id,"
        " null::timestamptz as played_at, max(ms_played) as ms_played, reason_end,"
        f" max(duration_ms) as duration_ms, skipped from {plays}"
        " group by track_id, reason_end, skipped"
    )


def longest(heard: Sequence[pa.Table], *, memory_limit: str) -> pa.Table:
    """What several parts heard of tracks, as one."""
    with _database(memory_limit) as session, session.guarded("comparing lengths"):
        session.replace_table("heard", pa.concat_tables(heard))
        return session.query_arrow(_heard("raw.heard"))


@dataclass(frozen=True)
class Shaped:
    """Marts of a part, complete.

    Args:
        files: Mart -> Parquet, in the order of its rows.
        rows: Mart -> number of rows.
        tracks: track_id, plays: counted plays of each track.
    """

    files: Mapping[str, bytes]
    rows: Mapping[str, int]
    tracks: pa.Table


def judged(
    plays: pa.Table, known: Mapping[str, pa.Table], models: Sequence[Model], *, memory_limit: str
) -> Shaped:
    """The marts of some users.

    Args:
        plays: Each once; see `once`.
        known: Name of an intermediate model that is of all users -> its rows.
        models: Those that make `MARTS_OF_USERS` of these.

    Raises:
        WarehouseError: A model cannot be made.
    """
    with _database(memory_limit) as session, session.guarded("shaping marts"):
        session.query("create schema intermediate")
        for name, rows in {PLAYS_ONCE: plays, **known}.items():
            session.replace_table(name, rows)
            session.query(f"create table intermediate.{name} as select * from raw.{name}")
            session.query(f"drop table raw.{name}")
        make_models(session, models)
        files, rows_of = {}, {}
        for mart in MARTS_OF_USERS:
            table = session.query_arrow(select_mart(DUCKDB, mart, ordered=True))
            files[mart] = parquet(table.cast(MARTS[mart]))
            rows_of[mart] = table.num_rows
        tracks = session.query_arrow(
            "select track_id, sum(plays)::bigint as plays from marts.user_track_counts"
            " group by track_id"
        )
        return Shaped(files, rows_of, tracks)


def parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=100_000)
    content: bytes = sink.getvalue().to_pybytes()
    return content
