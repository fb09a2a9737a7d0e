"""What Spotify's Web API tells, as rows of the lake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from segue.flows.spotify.names import SOURCE
from segue.music import columns as c
from segue.music.lake_tables import REJECTS, LakeTable, name_ref
from segue.services.spotify.records import PlayRow, TrackRecord
from segue.warehouse.lake import Commit, Lake

__all__ = ["keep", "play_columns", "track_columns"]


@dataclass(frozen=True, slots=True)
class _Told:
    """What is staged."""

    rows: pa.Table
    table: LakeTable

    @property
    def rejects(self) -> pa.Table:
        return REJECTS.empty_table()


def track_columns(track: TrackRecord) -> dict[str, Any]:
    """The columns that say which track it is; only of one that `is_track`."""
    uri = track.uri if track.uri.startswith("spotify:track:") else None
    artist = track.artists[0] if track.artists else None
    return {
        c.TRACK_REF: uri or name_ref(artist or "", track.title),
        c.TITLE: track.title or None,
        c.ARTIST: artist,
        c.ARTISTS: list(track.artists) or None,
        c.ALBUM: track.album or None,
        c.SPOTIFY_URI: uri,
        c.ISRC: track.isrc or None,
    }


def play_columns(row: PlayRow) -> dict[str, Any]:
    """A play as it was told: it ended then, and began no earlier than the track's length before.

    Nothing in it depends on other rows, so that the same play is the same row whenever it is told.
    """
    length = timedelta(milliseconds=row.track.duration_ms or 0)
    return {
        **track_columns(row.track),
        c.PLAYED_AT: row.told_at - length,
        c.ENDED_AT: row.told_at,
        c.DURATION_MS: row.track.duration_ms,
    }


def keep(
    lake: Lake,
    tables: Iterable[tuple[LakeTable, Iterable[Mapping[str, Any]]]],
    *,
    user_id: str,
    what: str,
    now: datetime,
) -> Commit:
    """Put rows of one user into the lake, all of them in one moment; what is known is kept once.

    Args:
        tables: Each with its rows.
        what: What was read, such as “recently played”.

    Raises:
        BusyError: Something else is writing to the lake.
        StorageError: The lake cannot be written.
    """
    name = f"Spotify: {what}"
    constants = {c.USER_ID: user_id, c.SOURCE: SOURCE}
    with lake.writing(), lake.begin("events", lake.folder, user_id=user_id, name=name) as staged:
        staged.file(name, SOURCE)
        for table, rows in tables:
            full = [{**constants, **row} for row in rows]
            if full:
                schema = table.schema
                found = [{key: row.get(key) for key in schema.names} for row in full]
                staged.stage(name, _Told(pa.Table.from_pylist(found, schema=schema), table))
        return staged.commit(now)
