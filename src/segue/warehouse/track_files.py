"""Tracks in Parquet files as somebody put them there, asked as the mart `tracks`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from segue.errors import StorageError, WarehouseError
from segue.music.marts import MARTS

__all__ = ["TrackFiles"]

_USUAL: Final = {"in_catalogue": "true"}  # of a column that the files do not have
_CURE: Final = "Give Parquet files of the mart `tracks`, as `segue build` publishes them."


class TrackFiles:
    """Tracks, each once.

    Args:
        connection: Of `open_scratch`.
        paths: The files; columns that they lack are taken as unknown.

    Raises:
        WarehouseError: They are no files of tracks.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
        self._connection = connection
        listed = ", ".join(_text(path) for path in paths)
        source = f"read_parquet([{listed}], union_by_name = true)"
        there = {row[0] for row in self._run(f"DESCRIBE FROM {source}")}
        if "track_id" not in there:
            raise WarehouseError("the catalogue has no column track_id", cure=_CURE)
        columns = ", ".join(_column(field, there) for field in MARTS["tracks"])
        self._run(
            f"CREATE OR REPLACE TEMP VIEW tracks AS SELECT {columns} FROM {source}"
            " WHERE nullif(track_id, '') IS NOT NULL"
            " QUALIFY row_number() OVER (PARTITION BY track_id ORDER BY title, artist) = 1"
        )

    def references(self, path: Path) -> None:
        """Write what events may call a track: ref, track_id, duration_ms and genres."""
        self._run(
            "COPY (SELECT ref, min(track_id) AS track_id, min_by(duration_ms, track_id) AS"
            " duration_ms, min_by(genres, track_id) AS genres FROM ("
            " SELECT track_id AS ref, track_id, duration_ms, genres FROM tracks UNION ALL"
            " SELECT spotify_uri, track_id, duration_ms, genres FROM tracks"
            " WHERE nullif(spotify_uri, '') IS NOT NULL) GROUP BY ref"
            f") TO {_text(path)} (FORMAT parquet)"
        )

    def write(self, sql: str, path: Path) -> int:
        """Write what a query of ours answers as CSV with a header; how many rows."""
        ((rows,),) = self._run(f"COPY ({sql}) TO {_text(path)} (FORMAT csv, HEADER)")
        return int(rows)

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql).fetchall()
        except duckdb.OutOfMemoryException as error:
            raise StorageError(
                f"the catalogue cannot be sorted on this machine: {error}",
                cure="Give it more memory (memory_limit) or more room where TMPDIR is.",
            ) from error
        except duckdb.Error as error:
            raise WarehouseError(f"the catalogue cannot be read: {error}", cure=_CURE) from error


def _column(field: pa.Field, there: set[str]) -> str:
    kind = _sql_type(field.type)
    if field.name in there:
        return f'try_cast("{field.name}" AS {kind}) AS "{field.name}"'
    return f'{_USUAL.get(field.name, "NULL")}::{kind} AS "{field.name}"'


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    names = {
        pa.string(): "VARCHAR",
        pa.int64(): "BIGINT",
        pa.int32(): "INTEGER",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
    }
    return names[kind]


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
