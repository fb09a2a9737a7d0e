"""Crowds as listening sessions: one session a line, the ids of its tracks in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import ClassVar

import pyarrow as pa

from segue.music.lake_tables import CROWD
from segue.sources import cell_sql as sql
from segue.sources.accounting import accounted
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.crowd_columns import names_columns
from segue.sources.delimited_layout import coding_of, no_rows, refuse_other_formats, sample_of
from segue.sources.mapped_rows import connection, run
from segue.sources.open_table import Batch, place_of

__all__ = ["CrowdSessions"]

_LINES = 20_000
_BETWEEN = r"[\s,;]+"
_ID = re.compile(r"[0-9]+|spotify:track:[0-9A-Za-z]{22}|[0-9A-Za-z]{22}|[0-9a-f-]{36}")
_NAMED = re.compile(r"(.*[-_. ])?sessions?([-_. ].*)?[.](txt|dat)", re.IGNORECASE)
_HEAD = 1 << 16

_QUERY = """
WITH split AS (
    SELECT session, list_filter(string_split_regex(line, '[\\s,;]+'), lambda id: id <> '') AS ids
    FROM batch
), plays AS (
    SELECT session, unnest(ids) AS id, unnest(range(len(ids))) AS position FROM split
)
SELECT {crowd} AS crowd, session::VARCHAR AS listener_id, session::VARCHAR AS session_id,
    uri_of(id) AS spotify_uri, coalesce(uri_of(id), {prefix} || id) AS track_ref,
    position::INTEGER AS position,
    CASE WHEN instr(id, chr(65533)) > 0 THEN 'bad_encoding' END AS reason,
    to_json(id)::VARCHAR AS raw
FROM plays"""


class CrowdSessions:
    """Sessions of ids, as session-based recommenders are trained on; a listener is a session.

    Ids are separated by blanks, tabs or commas. A record is a play; rejects count plays.
    """

    name: ClassVar[str] = "crowd_sessions"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "listening sessions, one a line"

    def claims(self, file: InputFile) -> bool:
        """Whether it is named so, or its lines are ids only and not all equally many."""
        name = PurePosixPath(file.name).name
        if not name.lower().endswith((".txt", ".dat", ".csv", ".tsv", ".sessions")):
            return False
        head = file.head(_HEAD)
        lines = head.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
        lines = lines[:-1] if len(head) == _HEAD else lines
        sessions = [ids for line in lines if (ids := re.split(_BETWEEN, line.strip())) != [""]]
        if sessions and any(
            names_columns(lines[0].split(mark)) for mark in "\t,; " if mark in lines[0]
        ):
            return False
        if _NAMED.fullmatch(name):
            return True
        only_ids = all(_ID.fullmatch(id_) for ids in sessions for id_ in ids)
        return only_ids and len({len(ids) for ids in sessions}) > 1

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The plays of the sessions, some thousands of sessions at a time.

        Raises:
            SourceError: It is no text, or has no sessions.
        """
        with file.on_disk() as path, connection() as db:
            query = _QUERY.format(
                crowd=sql.quoted(options.name), prefix=sql.quoted(f"id:{options.name}:")
            )
            read = 0
            for lines in _line_batches(file, path):
                plays = run(db, query, Batch(lines))
                yield accounted(plays, CROWD, file, first_row=read + 1, constants={})
                read += len(plays)
            if not read:
                raise no_rows(place_of(file))


def _line_batches(file: InputFile, path: Path) -> Iterator[pa.Table]:
    place = place_of(file)
    coding = coding_of(place, path)
    refuse_other_formats(place, sample_of(path, coding)[0])
    with path.open(encoding=coding.name, errors="replace") as text:
        start = 1
        while lines := list(islice(text, _LINES)):
            numbers = range(start, start + len(lines))
            yield pa.table({"session": pa.array(numbers, pa.int64()), "line": pa.array(lines)})
            start += len(lines)
