"""The three data sets of Personalize, as queries over the published marts and as Avro schemas.

Column names, types and limits are those of Amazon's documentation of schemas and CSV files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from segue.music.columns import AUDIO_FEATURES

__all__ = [
    "DATASETS",
    "Column",
    "Dataset",
    "dataset_named",
    "dataset_sql",
    "interactions_sql",
]

_NAMESPACE: Final = "com.amazonaws.personalize.schema"
_MOST_ITEMS: Final = 5_000_000  # of the recipes of version 2
_GENRES: Final = 10  # of a track or a user that are told
_WIDEST: Final = 1_000  # characters of a categorical value


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a data set.

    Args:
        name: As Personalize has it.
        kind: string, long, int or float.
        sql: What it is made of.
        may_lack: Whether a row may have none.
        categorical: Whether its values are words, several of them joined with |.
    """

    name: str
    kind: str
    sql: str
    may_lack: bool = False
    categorical: bool = False

    def avro(self) -> dict[str, Any]:
        """As a field of an Avro schema."""
        kind = [self.kind, "null"] if self.may_lack else self.kind
        return {
            "name": self.name,
            "type": kind,
            **({"categorical": True} if self.categorical else {}),
        }


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set.

    Args:
        kind: Interactions, Items or Users.
        columns: In the order of the file.
        of: What follows FROM.
    """

    kind: str
    columns: tuple[Column, ...]
    of: str

    @property
    def schema(self) -> str:
        """The Avro schema, the same text each time."""
        return json.dumps(
            {
                "type": "record",
                "name": self.kind,
                "namespace": _NAMESPACE,
                "fields": [column.avro() for column in self.columns],
                "version": "1.0",
            },
            separators=(",", ":"),
        )

    @property
    def sql(self) -> str:
        """Its rows."""
        chosen = ", ".join(f'{column.sql} AS "{column.name}"' for column in self.columns)
        return f"SELECT {chosen} FROM {self.of}"


def _words(of: str) -> str:
    """Words joined with |, which they may not contain themselves; null for none."""
    listed = f"list_transform({of}[1:{_GENRES}], word -> replace(word, '|', ' '))"
    return f"nullif(left(array_to_string({listed}, '|'), {_WIDEST}), '')"


_USED: Final = "plays > 0 OR crowd_listeners > 0 OR in_catalogue"
_GENRES_OF_USERS: Final = """(
    SELECT user_id, list(genre ORDER BY heard DESC, genre) AS genres
    FROM (
        SELECT c.user_id, w.genre, sum(c.plays) AS heard
        FROM user_track_counts AS c JOIN tracks AS t USING (track_id), unnest(t.genres) AS w(genre)
        WHERE c.plays > 0
        GROUP BY 1, 2
    )
    GROUP BY user_id
)"""

_INTERACTIONS: Final = Dataset(
    "Interactions",
    (
        Column("USER_ID", "string", "p.user_id"),
        Column("ITEM_ID", "string", "p.track_id"),
        Column("TIMESTAMP", "long", "epoch(p.played_at)::BIGINT"),
        Column(
            "EVENT_TYPE",
            "string",
            "CASE WHEN p.finished THEN 'complete' WHEN p.skipped THEN 'skip' ELSE 'play' END",
        ),
        Column(
            "EVENT_VALUE",
            "float",
            "round(least(1.0, p.ms_played / nullif(t.duration_ms, 0)), 3)",
            may_lack=True,
        ),
    ),
    "plays AS p LEFT JOIN tracks AS t USING (track_id)"
    " WHERE NOT p.not_me AND (p.counted OR p.skipped)",
)
_ITEMS: Final = Dataset(
    "Items",
    (
        Column("ITEM_ID", "string", "track_id"),
        Column("ARTIST", "string", "nullif(left(replace(artist, '|', ' '), 1000), '')", True, True),
        Column("GENRES", "string", _words("genres"), True, True),
        Column("YEAR", "int", "year", True),
        Column("POPULARITY", "float", "popularity", True),
        *(Column(name.upper(), "float", name, True) for name in AUDIO_FEATURES),
    ),
    f"tracks WHERE {_USED} ORDER BY plays DESC, crowd_listeners DESC, track_id LIMIT {_MOST_ITEMS}",
)
_USERS: Final = Dataset(
    "Users",
    (
        Column("USER_ID", "string", "u.user_id"),
        Column("COUNTRY", "string", "nullif(u.country, '')", True, True),
        Column("GENRES", "string", _words("g.genres"), True, True),
        Column("PLAYS", "int", "least(u.plays, 2147483647)::INTEGER", True),
    ),
    f"users AS u LEFT JOIN {_GENRES_OF_USERS} AS g USING (user_id)",
)
DATASETS: Final = (_INTERACTIONS, _ITEMS, _USERS)


def dataset_named(kind: str) -> Dataset:
    """The data set of this kind."""
    return next(one for one in DATASETS if one.kind == kind)


def dataset_sql(kind: str, *, until: datetime | None = None) -> str:
    """The rows of a data set; those of users and tracks as they were at a moment."""
    if until is None or kind == "Interactions":
        return dataset_named(kind).sql
    played = (
        "SELECT user_id, track_id, count(*) FILTER (counted) AS plays FROM plays"
        f" WHERE NOT not_me AND played_at < {_moment(until)} GROUP BY user_id, track_id"
    )
    if kind == "Users":
        counts = f"SELECT user_id, sum(plays)::BIGINT AS plays FROM ({played}) GROUP BY user_id"
        users = f"(SELECT u.* REPLACE (c.plays AS plays) FROM users AS u JOIN ({counts}) AS c"
        sql = dataset_named(kind).sql.replace("user_track_counts AS c", f"({played}) AS c")
        return sql.replace("users AS u LEFT", f"{users} USING (user_id)) AS u LEFT")
    counts = f"SELECT track_id, sum(plays)::BIGINT AS plays FROM ({played}) GROUP BY track_id"
    tracks = (
        "(SELECT t.* REPLACE (coalesce(c.plays, 0) AS plays) FROM tracks AS t"
        f" LEFT JOIN ({counts}) AS c USING (track_id)) AS tracks"
    )
    return dataset_named(kind).sql.replace("FROM tracks WHERE", f"FROM {tracks} WHERE")


def interactions_sql(
    sources: Sequence[str], *, since: datetime | None = None, until: datetime
) -> str:
    """Plays from these sources in [since, until)."""
    named = ", ".join("'" + one.replace("'", "''") + "'" for one in sources)
    within = [f"p.source IN ({named})" if named else "false", f"p.played_at < {_moment(until)}"]
    within += [f"p.played_at >= {_moment(since)}"] if since else []
    return f"{_INTERACTIONS.sql} AND {' AND '.join(within)}"


def _moment(at: datetime) -> str:
    return f"TIMESTAMPTZ '{at.isoformat(sep=' ')}'"
