"""The SQL around dbt: what matching reads, and how marts leave the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from segue.music.marts import MARTS

__all__ = [
    "ARTIST_NAMES",
    "COVERAGE",
    "MATCHES_BY_METHOD",
    "NEW_PIECES",
    "PLACES",
    "PLACES_A_TABLE",
    "REF_NAMES",
    "SPACES",
    "Dialect",
    "refs_to_match",
    "select_mart",
]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the warehouses say differently in the SQL around dbt.

    Args:
        types: The SQL type of each Arrow type that marts and lake tables have.
        track_refs: Statements that fill raw.track_refs: one row per track_ref of PLACES, under
            the names of its earliest row; see `segue.warehouse.duckdb_sql`.
        refs_to_match: A query for what `segue.warehouse.matching.REFS` says.
        touched_refs: Statements that do the same for the references in raw.touched_refs alone,
            whose rows of the last time they replace; none where all are always made anew.
        leaving: How a column of a type leaves the warehouse, `{}` being its name, where casting
            it to that type is not the way.
    """

    types: Mapping[pa.DataType, str]
    track_refs: tuple[str, ...]
    refs_to_match: str
    touched_refs: tuple[str, ...] = ()
    leaving: Mapping[pa.DataType, str] = field(default_factory=dict)


PLACES: Final = (
    ("catalogue", "true"),
    ("plays", "true"),
    ("library", "kind in ('saved_track', 'banned_track')"),
    ("playlist_items", "true"),
    ("crowd", "true"),
    ("feedback", "track_ref is not null and kind <> 'artist'"),
)
"""The raw tables that name tracks, in the order in which they are believed, and their rows."""

PLACES_A_TABLE: Final = 10**15
"""More than any `file_no`: `place * PLACES_A_TABLE + file_no` puts rows of all tables in order."""

NEW_PIECES: Final = """
    select loads.file_no
    from raw.loads as loads
    left join raw.matched as matched
        on loads.table_name = matched.table_name and loads.piece = matched.piece
    where loads.table_name = '{table}' and matched.piece is null
"""
"""The files of a raw table that came after the last matching, all of them later than the others."""

SPACES: Final = "".join(
    map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))
)
"""What DuckDB's `trim` takes away, and so do the others: every space of Unicode."""

ARTIST_NAMES: Final = """
select artist from raw.artist_tags where artist is not null
union
select artist from raw.library where artist is not null
union
select artist from raw.feedback where kind = 'artist' and artist is not null
order by artist
"""

MATCHES_BY_METHOD: Final = """
select method, count(*) as refs
from marts.track_matches
where in_history
group by method
order by refs desc, method
"""

COVERAGE: Final = """
with catalogue as (
    select distinct track_id from marts.track_matches where in_catalogue
)
select avg(case when catalogue.track_id is not null then 1e0 else 0e0 end)
from marts.track_matches as matches
left join catalogue on matches.track_id = catalogue.track_id
where matches.in_history and matches.track_id is not null
"""

REF_NAMES: Final = (
    "title",
    "artist",
    "artists",
    "album",
    "spotify_uri",
    "recording_mbid",
    "isrc",
)
"""What a reference goes by, in raw.track_refs; the earliest row that tells of it counts."""


def refs_to_match(*, several: str, first: str) -> str:
    """The query for what matching reads.

    Args:
        several: Whether the column `artists` names more than one, in the warehouse's SQL.
        first: The first of them.
    """
    return f"""
select
    track_ref,
    title,
    case when {several} then {first} else coalesce(artist, {first}) end as artist,
    spotify_uri,
    recording_mbid,
    isrc,
    in_catalogue,
    in_history or in_crowd as in_use
from raw.track_refs
order by first_seen, track_ref
"""


_ORDERS: Final[Mapping[str, str]] = {
    "plays": "user_id, played_at, play_id",
    "sessions": "user_id, started_at, session_id",
    "tracks": "track_id",
    "artists": "artist_id",
    "albums": "album_id",
    "users": "user_id",
    "user_track_counts": "user_id, track_id",
    "track_matches": "track_ref",
    "crowd_counts": "crowd, listener_id, track_id, artist_id",
    "crowd_sessions": "crowd, session_id, position",
    "library": "user_id, kind, track_id, artist_id",
    "playlist_tracks": "user_id, playlist, position",
    "neighbours": "source, kind, subject, track_id",
    "feedback": "user_id, place",
    "user_artist_counts": "user_id, artist_id",
    "track_features": "track_id",
    "artist_features": "artist_id",
    "album_features": "album_id",
    "user_profiles": "user_id",
    "listening_days": "user_id, day",
    "listening_hours": "user_id, day, hour",
    "listening_clock": "user_id, weekday, hour",
    "listening_weeks": "user_id, week",
    "streaks": "user_id, started_on",
    "playlist_history": "user_id, source, playlist, track_id, stay",
}


def mart_order(mart: str) -> str:
    """The columns by which the rows of a mart are ordered, as SQL."""
    return _ORDERS[mart]


def select_mart(
    dialect: Dialect, mart: str, columns: Sequence[str] | None = None, *, ordered: bool = False
) -> str:
    """A query for a mart with the columns, types and order that `segue.music.marts` promises."""
    schema = MARTS[mart]
    casts = ", ".join(
        f"{_leaving(dialect, schema.field(name))} as {name}" for name in columns or schema.names
    )
    order = f" order by {mart_order(mart)}" if ordered else ""
    return f"select {casts} from marts.{mart}{order}"


def _leaving(dialect: Dialect, column: pa.Field) -> str:
    way = dialect.leaving.get(column.type, f"cast({{}} as {dialect.types[column.type]})")
    return way.format(column.name)
