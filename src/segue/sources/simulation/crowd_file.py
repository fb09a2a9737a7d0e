"""Writes what the crowd played: one row a play of 30 s or more, in blocks of whole users."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segue.music import columns as c
from segue.sources.simulation.plays import Plays
from segue.sources.simulation.world import World

__all__ = ["CROWD_SCHEMA", "CrowdFile"]

CROWD_SCHEMA: Final = pa.schema(
    [
        pa.field(c.USER_ID, pa.string()),
        pa.field(c.PLAYED_AT, pa.timestamp("us", tz="UTC")),
        pa.field("track_uri", pa.string()),
        pa.field("artist_name", pa.string()),
        pa.field("track_name", pa.string()),
        pa.field(c.SESSION_ID, pa.string()),
        pa.field(c.POSITION, pa.int32()),
        pa.field(c.MS_PLAYED, pa.int32()),
    ]
)
"""Columns under names that any reader of tables of plays knows."""


class CrowdFile:
    """One Parquet file of the crowd, written block by block.

    Args:
        path: Where to write.
        world: Names of the tracks.
    """

    def __init__(self, path: Path, world: World) -> None:
        self._writer = pq.ParquetWriter(path, CROWD_SCHEMA, compression="zstd")
        self._world = world

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, plays: Plays) -> int:
        """Append the plays of some users; streams under 30 s are left out. Returns the rows."""
        heard = plays.where(plays.counted)
        if len(heard):
            self._writer.write_table(crowd_table(heard, self._world))
        return len(heard)


def crowd_table(heard: Plays, world: World) -> pa.Table:
    """Plays as a table in CROWD_SCHEMA."""
    track = pa.array(heard.track)
    artist = pa.array(world.discography.track_artist[heard.track])
    user = pa.array(heard.user)
    digits = pc.utf8_lpad(user.cast(pa.string()), width=6, padding="0")
    user_id = pc.binary_join_element_wise("user_", digits, "")
    uri = pc.binary_join_element_wise("spotify:track:", world.track_id.take(track), "")
    session = pc.binary_join_element_wise(user_id, pa.array(heard.session).cast(pa.string()), "-")
    started = (heard.started_ms * 1000).astype("datetime64[us]")
    columns = [
        user_id,
        pa.array(started).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
        uri,
        world.artist_name.take(artist),
        world.title.take(track),
        session,
        pa.array(heard.position, pa.int32()),
        pa.array(heard.ms_played.astype(np.int32)),
    ]
    return pa.Table.from_arrays(columns, schema=CROWD_SCHEMA)
