"""Exports of Segue itself (`segue export`), so that nobody is locked in or out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import duckdb
import pyarrow as pa

from segue.errors import SourceError
from segue.music import columns as c
from segue.music.lake_tables import FEEDBACK, LIBRARY, PLAYLIST_ITEMS, PLAYS, LakeTable
from segue.sources import play_sql
from segue.sources import reject_reasons as why
from segue.sources.accounting import accounted
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.database import file_literal, shared_cursor, with_values

__all__ = ["Exported", "is_exported"]

_TABLES: Final = {table.name: table for table in (PLAYS, LIBRARY, PLAYLIST_ITEMS, FEEDBACK)}
_PUBLISHED: Final = {
    # a table -> its first column; playlists are claimed, since they look like a history of plays
    # to readers of any table, and hold no names
    PLAYS.name: "play_id",
    "playlist_tracks": c.USER_ID,
}
_NAME: Final = re.compile(r"(?:^|/)(raw/)?(\w+)\.(parquet|csv|jsonl)$")
_BATCH_ROWS: Final = 50_000
_MISSING: Final = "missing_value"
_OF_PLAYS: Final = (
    c.TRACK_ID,
    c.SOURCE,
    c.PLAYED_AT,
    c.ENDED_AT,
    c.MS_PLAYED,
    c.REASON_START,
    c.REASON_END,
    c.SKIPPED,
    c.SHUFFLE,
    c.OFFLINE,
    c.INCOGNITO,
    c.PLATFORM,
    c.COUNTRY,
)
_OF_TRACKS: Final = (
    c.TITLE,
    c.ARTIST,
    c.ARTISTS,
    c.ALBUM,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
    c.ISRC,
    c.DURATION_MS,
)


class Exported:
    """Reads the folder that `segue export` wrote, of one user.

    With `raw/` in it, its raw rows come back as they were: plays, library, playlists, feedback.
    Without, the published plays do, with the names that `tracks` beside them gives.
    """

    name: ClassVar[str] = "exported"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Segue export"

    def claims(self, file: InputFile) -> bool:
        """By its name and its first column."""
        return is_exported(file)

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The rows of the file; none of published plays whose raw rows lie beside them.

        Raises:
            SourceError: It is broken, lacks columns, or holds several people's rows.
        """
        found = _NAME.search(file.name)
        if found is None:
            raise SourceError("is no file of an export", path=file.input, member=file.name)
        before, form = file.name[: found.start(2)], found[3]
        if found[1]:
            yield from _rows(file, options, _raw(_TABLES[found[2]], form))
            return
        if found[2] != PLAYS.name or f"{before}raw/{PLAYS.name}.{form}" in options.siblings:
            return
        tracks = options.siblings.get(f"{before}tracks.{form}")
        if tracks is None:
            raise SourceError(
                f"holds the ids of tracks, and tracks.{form}, which has their names, is not there",
                path=file.input,
                member=file.name,
                cure="Import the whole folder that `segue export` wrote.",
            )
        yield from _rows(file, options, _published(form), tracks=tracks)


def is_exported(file: InputFile) -> bool:
    """Whether a file is of an export of Segue, and not some other table of plays."""
    found = _NAME.search(file.name)
    if found is None:
        return False
    expected = c.USER_ID if found[1] and found[2] in _TABLES else ""
    expected = expected or ("" if found[1] else _PUBLISHED.get(found[2], ""))
    if not expected:
        return False
    if found[3] == "parquet":
        return file.head(4) == b"PAR1"
    return _first(found[3], file) == expected


@dataclass(frozen=True, slots=True)
class _Query:
    """How a file is read.

    Args:
        table: Where its rows belong.
        form: Of the file: parquet, csv or jsonl.
        columns: That it must have.
        sql: From `records` (and `tracks`) to the columns of the table, without faults.
    """

    table: LakeTable
    form: str
    columns: tuple[str, ...]
    sql: str


def _first(form: str, file: InputFile) -> str:
    """The name of the first column."""
    line = file.head(200).split(b"\n")[0].decode("utf-8", "replace").lstrip("\ufeff")
    if form == "csv":
        return line.split(",")[0].strip('" \r')
    found = re.match(r'\s*\{\s*"(\w+)"\s*:', line)
    return found[1] if found else ""


def _raw(table: LakeTable, form: str) -> _Query:
    columns = ", ".join(_typed(field, form) for field in table.schema)
    return _Query(table, form, tuple(table.schema.names), f"SELECT {columns} FROM records")


def _published(form: str) -> _Query:
    """Plays with the names of their tracks, which go by their Spotify URI, else by name."""
    plays = [PLAYS.schema.field(name) for name in _OF_PLAYS if name != c.TRACK_ID]
    tracks = [PLAYS.schema.field(name) for name in _OF_TRACKS]
    sql = f"""
        WITH named AS (
            SELECT track_id, {", ".join(_typed(field, form) for field in tracks)} FROM tracks
        ), played AS (
            SELECT user_id, track_id, {", ".join(_typed(field, form) for field in plays)}
            FROM records
        )
        SELECT played.*, named.* EXCLUDE (track_id),
            coalesce(spotify_uri, {play_sql.name_ref("coalesce(artists[1], artist)", "title")})
                AS {c.TRACK_REF}
        FROM played LEFT JOIN named ON played.track_id = named.track_id
    """
    return _Query(PLAYS, form, (c.USER_ID, *_OF_PLAYS), sql)


def _typed(field: pa.Field, form: str) -> str:
    """A column of the file as the lake has it; what cannot be read is null."""
    name = f'"{field.name}"'
    if pa.types.is_timestamp(field.type):
        moment = f"{name} AT TIME ZONE 'UTC'" if form == "parquet" else play_sql.instant(name)
        return f"{moment} AS {name}"
    if form == "parquet" or pa.types.is_string(field.type):
        return name
    if pa.types.is_list(field.type):
        if form == "jsonl":
            return name
        valid = f"CASE WHEN json_valid({name}) THEN {name} END"
        return f"from_json({valid}, '[\"VARCHAR\"]') AS {name}"
    kinds = {pa.bool_(): "BOOLEAN", pa.int32(): "INTEGER", pa.int64(): "BIGINT"}
    return f"TRY_CAST({name} AS {kinds[field.type]}) AS {name}"


def _judged(query: _Query) -> str:
    """The query with the reason and the field of each row that cannot be kept."""
    faults = []
    fields = []
    for field in query.table.schema:
        if field.nullable or field.name == c.USER_ID:
            continue
        reason = why.NO_TRACK if field.name == c.TRACK_REF else _MISSING
        if pa.types.is_timestamp(field.type):
            reason = why.BAD_TIMESTAMP
        faults.append(f"WHEN {field.name} IS NULL THEN '{reason}'")
        fields.append(f"WHEN {field.name} IS NULL THEN '{field.name}'")
    if query.table is PLAYS:
        faults.append(play_sql.time_faults(c.PLAYED_AT))
        faults.append(f"WHEN {c.MS_PLAYED} < 0 THEN '{why.NEGATIVE_MS_PLAYED}'")
        fields.append(
            f"WHEN {c.PLAYED_AT} > $latest OR {c.PLAYED_AT} < $earliest THEN '{c.PLAYED_AT}'"
            f" WHEN {c.MS_PLAYED} < 0 THEN '{c.MS_PLAYED}'"
        )
    return (
        f"SELECT *, CASE {' '.join(faults)} END AS {c.REASON},"
        f" CASE {' '.join(fields)} END AS {c.FIELD} FROM ({query.sql})"
    )


def _rows(
    file: InputFile, options: ReadOptions, query: _Query, *, tracks: InputFile | None = None
) -> Iterator[Chunk]:
    limits = play_sql.time_limits(options.now)
    row = 1
    with file.on_disk() as path, shared_cursor() as cursor:
        try:
            _see(cursor, "records", path, query.form, query.columns)
            _check_one_person(cursor, file)
            if tracks is None:
                answer = cursor.execute(with_values(_judged(query), limits))
            else:
                with tracks.on_disk() as names:
                    _see(cursor, "track_names", names, query.form, (c.TRACK_ID, *_OF_TRACKS))
                    cursor.execute("CREATE OR REPLACE TEMP TABLE tracks AS FROM track_names")
                answer = cursor.execute(with_values(_judged(query), limits))
            for batch in answer.to_arrow_reader(_BATCH_ROWS):
                table = pa.Table.from_batches([batch])
                constants = {c.USER_ID: options.user_id}
                yield accounted(table, query.table, file, first_row=row, constants=constants)
                row += batch.num_rows
        except (duckdb.Error, pa.ArrowException) as error:
            raise SourceError(
                f"cannot be read ({str(error).splitlines()[0]})"[:300],
                path=file.input,
                member=file.name,
                cure="Export it again; `segue export` writes files that can be read.",
            ) from error


def _see(
    cursor: duckdb.DuckDBPyConnection, name: str, path: Path, form: str, needed: tuple[str, ...]
) -> None:
    """Know these columns of a file as a view; outside Parquet all but lists are text."""
    where = file_literal(path)
    lists = {c.ARTISTS}
    match form:
        case "parquet":
            source = f"read_parquet({where})"
        case "csv":
            source = (
                f"read_csv({where}, header = true, all_varchar = true, delim = ',', quote = '\"',"
                " escape = '\"', nullstr = '', allow_quoted_nulls = false)"
            )
        case _:
            kinds = {n: "VARCHAR[]" if n in lists else "VARCHAR" for n in (*needed, c.USER_ID)}
            source = f"read_json({where}, format = 'newline_delimited', columns = {kinds})"
    chosen = ", ".join(f'"{column}"' for column in needed)
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {chosen} FROM {source}")


def _check_one_person(cursor: duckdb.DuckDBPyConnection, file: InputFile) -> None:
    people = cursor.execute("SELECT DISTINCT user_id FROM records ORDER BY 1 LIMIT 3").fetchall()
    if len(people) > 1:
        names = " and ".join(f"“{name}”" for (name,) in people[:2])
        raise SourceError(
            f"holds the rows of several people: {names}",
            path=file.input,
            member=file.name,
            cure="Export each by themselves: `segue export DIR --user NAME --raw`.",
        )
