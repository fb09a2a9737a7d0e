"""Writes the world's tracks as a catalogue, in the layout of the well-known Kaggle file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from segue.music import columns as c
from segue.progress import Progress
from segue.sources.simulation.genres import GENRES
from segue.sources.simulation.sound import Sound
from segue.sources.simulation.world import World

__all__ = ["COLUMNS", "write_catalogue"]

COLUMNS: Final = (
    "", c.TRACK_ID, c.ARTISTS, "album_name", "track_name", c.POPULARITY, c.DURATION_MS, c.EXPLICIT,
    c.DANCEABILITY, c.ENERGY, c.KEY, c.LOUDNESS, c.MODE, c.SPEECHINESS, c.ACOUSTICNESS,
    c.INSTRUMENTALNESS, c.LIVENESS, c.VALENCE, c.TEMPO, c.TIME_SIGNATURE, "track_genre", c.YEAR,
    "release_date",
)  # fmt: skip
"""The columns in their order; the first has no name and numbers the rows, the last two are ours."""

_CHUNK: Final = 100_000


def write_catalogue(world: World, path: Path, progress: Progress) -> int:
    """Write one row for each track and genre; CSV or Parquet by the file's ending.

    Returns:
        Rows written.
    """
    progress.start("catalogue", world.n_tracks, "tracks")
    schema = _table(world, np.arange(0), 0).schema
    rows = 0
    with path.open("wb") as file:
        if path.suffix == ".parquet":
            named = pa.schema([schema.field(i) for i in range(1, len(schema))])
            with pq.ParquetWriter(file, named, compression="zstd") as writer:
                for table in _tables(world, progress):
                    writer.write_table(table.drop_columns([""]))
                    rows += table.num_rows
        else:
            file.write((",".join(COLUMNS) + "\n").encode())
            options = pv.WriteOptions(include_header=False, quoting_style="needed")
            for table in _tables(world, progress):
                pv.write_csv(table, file, options)
                rows += table.num_rows
    progress.done(f"{rows:,} rows")
    return rows


def _tables(world: World, progress: Progress) -> Iterator[pa.Table]:
    first_row = 0
    for start in range(0, world.n_tracks, _CHUNK):
        tracks = np.arange(start, min(start + _CHUNK, world.n_tracks))
        table = _table(world, tracks, first_row)
        first_row += table.num_rows
        progress.advance(len(tracks))
        yield table


def _table(world: World, tracks: npt.NDArray[np.int64], first_row: int) -> pa.Table:
    disc, sound = world.discography, world.sound
    second = disc.artist_second[disc.track_artist[tracks]]
    rows = np.repeat(tracks, 1 + (second >= 0))
    again = np.concatenate([[False], np.diff(rows) == 0]) if len(rows) else np.zeros(0, np.bool_)
    artist = disc.track_artist[rows]
    genre = np.where(again, disc.artist_second[artist], disc.artist_genre[artist])
    day = disc.track_day[rows]
    dates = day.astype("datetime64[D]")
    columns = {
        "": pa.array(first_row + np.arange(len(rows))),
        c.TRACK_ID: world.track_id.take(pa.array(rows)),
        c.ARTISTS: artists(world, rows),
        "album_name": world.album_name.take(pa.array(disc.track_album[rows])),
        "track_name": world.title.take(pa.array(rows)),
        c.POPULARITY: pa.array(world.popularity[rows]),
        c.DURATION_MS: pa.array(disc.duration_ms[rows]),
        c.EXPLICIT: pa.array(np.where(disc.explicit[rows], "True", "False").tolist(), pa.string()),
        **{name: _feature(sound, name, rows) for name in c.AUDIO_FEATURES},
        "track_genre": pa.array([item.name for item in GENRES]).take(pa.array(genre)),
        c.YEAR: pa.array(dates.astype("datetime64[Y]").astype(np.int32) + np.int32(1970)),
        "release_date": pa.array(dates),
    }
    return pa.table({name: columns[name] for name in COLUMNS})


def artists(world: World, tracks: npt.NDArray[np.integer]) -> pa.StringArray:
    """The artists of each track as catalogues write them: apart by a semicolon."""
    disc = world.discography
    names = world.artist_name.take(pa.array(disc.track_artist[tracks])).to_pylist()
    guests = disc.track_guest[tracks]
    for row in np.flatnonzero(guests >= 0).tolist():
        names[row] += ";" + world.artist_name[int(guests[row])].as_py()
    return pa.array(names, pa.string())


def _feature(sound: Sound, name: str, rows: npt.NDArray[np.int64]) -> pa.Array:
    if name in (c.KEY, c.MODE, c.TIME_SIGNATURE):
        return pa.array(getattr(sound, name)[rows])
    digits = 3 if name in (c.LOUDNESS, c.TEMPO) else 5
    return pa.array(np.round(sound.column(name)[rows].astype(np.float64), digits))
