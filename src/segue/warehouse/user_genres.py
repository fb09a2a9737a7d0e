"""Who is in some Parquet files, and which genres they like by the tracks they like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

__all__ = ["UserGenres", "all_users"]

_MOST: Final = 10  # genres of a user
_WIDEST: Final = 1_000  # characters of all of them


def all_users(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], *, behind: str, at_once: int
) -> Iterator[list[str]]:
    """Users that are named in files, each once, in the order of their ids.

    Args:
        connection: Of `open_scratch`.
        paths: Parquet with a column user_id.
        behind: Only those that come after this one.
        at_once: So many together.
    """
    if not paths:
        return
    listed = ", ".join(f"'{path}'" for path in paths)
    cursor = connection.cursor()
    cursor.execute(
        f"SELECT DISTINCT user_id FROM read_parquet([{listed}]) WHERE user_id > $behind"
        " ORDER BY user_id",
        {"behind": behind},
    )
    while rows := cursor.fetchmany(at_once):
        yield [row[0] for row in rows]


class UserGenres:
    """Says what users like.

    Args:
        connection: Of `open_scratch`.
        references: What events may call a track, with its genres; None: nothing is known.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, references: Path | None) -> None:
        self._connection = connection
        self._references = references

    def of(self, heaviest: Mapping[str, Sequence[tuple[str, float]]]) -> dict[str, str]:
        """User -> up to ten genres joined with |, the favourite first.

        Args:
            heaviest: User -> tracks and the base-2 logarithms of their weights, heaviest first.
        """
        if self._references is None or not heaviest:
            return {}
        users, tracks, weights = [], [], []
        for user, liked in heaviest.items():
            top = liked[0][1] if liked else 0.0
            for track, weight in liked:
                users.append(user)
                tracks.append(track)
                weights.append(2.0 ** (weight - top))
        cursor = self._connection.cursor()
        cursor.register("liked", pa.table({"user": users, "track": tracks, "weight": weights}))
        found = cursor.execute(
            f"""
            SELECT "user", left(
                array_to_string(list(genre ORDER BY share DESC, genre)[1:{_MOST}], '|'), {_WIDEST})
            FROM (
                SELECT "user", replace(genre, '|', ' ') AS genre, sum(part) AS share
                FROM (
                    SELECT liked."user", liked.weight / len(genres) AS part, unnest(genres) AS genre
                    FROM liked JOIN read_parquet('{self._references}') AS t ON t.ref = liked.track
                )
                WHERE nullif(genre, '') IS NOT NULL
                GROUP BY 1, 2
            )
            GROUP BY "user"
            """
        ).fetchall()
        cursor.close()
        return dict(found)
