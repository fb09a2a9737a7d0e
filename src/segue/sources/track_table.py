"""Catalogues: tables of tracks with audio features, as CSV, TSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from segue.errors import SegueError
from segue.music import columns as c
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.column_names import Roles, no_column, recognise
from segue.sources.mapped_rows import chunks, connection
from segue.sources.open_table import Table, is_table_name, name_key, open_table
from segue.sources.track_columns import ALIASES, IDS, RANGES
from segue.sources.track_profile import profile
from segue.sources.track_sql import mapped_track

__all__ = ["TrackTable"]


class TrackTable:
    """A catalogue: one row a track (or a track and genre), columns under their common names.

    >>> from pathlib import Path
    >>> with open_input(Path("tracks.csv")) as opened:             # doctest: +SKIP
    ...     chunks = list(TrackTable().read(opened.files[0], options))
    """

    name: ClassVar[str] = "track_table"
    kind: ClassVar[Kind] = "catalogue"
    title: ClassVar[str] = "table of tracks (CSV, TSV or Parquet)"

    def claims(self, file: InputFile) -> bool:
        """Whether it is named like a table, or begins like a Parquet file."""
        return is_table_name(file)

    def recognises(self, file: InputFile) -> bool:
        """Whether its columns are those of tracks: a title or an audio feature among them."""
        try:
            with file.on_disk() as path:
                roles = _roles(open_table(file, path), {})
        except SegueError:
            return False
        return c.TITLE in roles or any(role in roles for role in RANGES)

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The tracks, a batch at a time; reads the file twice, to judge columns as a whole.

        Raises:
            SourceError: It is no table of tracks, or most of a column cannot be right.
            ConfigError: A column override is for something a track does not have.
        """
        with file.on_disk() as path, connection() as db:
            table = open_table(file, path)
            roles = _roles(table, options.columns)
            judged = profile(db, table, roles)
            mapped = mapped_track(roles, judged, table, options)
            yield from chunks(db, table, mapped, file=file.name)


def _roles(table: Table, overrides: Mapping[str, str]) -> Roles:
    roles = recognise(table.columns, ALIASES, overrides, place=table.place)
    if "submissionoffset" in map(name_key, table.columns) and c.DANCEABILITY not in overrides:
        # AcousticBrainz measures danceability from 0 to about 3, which is another quantity
        left = {role: at for role, at in roles.at.items() if role != c.DANCEABILITY}
        roles = replace(roles, at=left)
    has_names = c.ARTIST in roles and c.TITLE in roles
    if not has_names and not any(role in roles for role in IDS):
        raise no_column(
            table.place,
            table.columns,
            missing="which track a row is about (an id, or an artist and a title)",
            example=c.TRACK_ID,
        )
    return roles
