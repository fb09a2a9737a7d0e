"""The Last.fm-360K data set: how often 360,000 listeners played their favourite artists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar

from segue.music import columns as c
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.column_names import Roles
from segue.sources.crowd_rows import crowd_chunks
from segue.sources.mapped_rows import connection
from segue.sources.open_table import open_table

__all__ = ["Lastfm360K"]

_NAME = "usersha1-artmbid-artname-plays"
_LINE = re.compile(r"[0-9a-f]{40}\t[0-9a-f-]*\t[^\t\n]*\t\d+\r?(?:\n|$)")
_ROLES = Roles(
    {c.LISTENER_ID: 0, c.ARTIST: 2, c.PLAYS: 3}, ("usersha1", "artmbid", "artname", "plays")
)


class Lastfm360K:
    """`usersha1-artmbid-artname-plays.tsv`: four columns, no header, no quotes; artists only.

    Celma (2010), "Music Recommendation and Discovery in the Long Tail": 17.5 M rows. A few rows
    have a date where the listener should be; they are rejected.
    """

    name: ClassVar[str] = "lastfm_360k"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "Last.fm-360K counts"

    def claims(self, file: InputFile) -> bool:
        """Whether it has the data set's name, or begins with a line like its lines."""
        name = PurePosixPath(file.name).name.lower()
        return name.startswith(_NAME) or bool(_LINE.match(file.head().decode("utf-8", "replace")))

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The counts, a batch at a time.

        Raises:
            SourceError: It does not have four columns, or most rows cannot be used.
        """
        with file.on_disk() as path, connection() as db:
            table = open_table(file, path, lambda _: False, quoted=False)
            if table.width != len(_ROLES.columns):
                raise table.place.error(
                    f"has {table.width} columns where Last.fm-360K has {len(_ROLES.columns)}",
                    "Check that the file is complete and as it was downloaded.",
                )
            is_hash = "regexp_full_match(listener_, '[0-9a-f]{40}')"
            yield from crowd_chunks(
                db, table, _ROLES, options, file=file.name, known_listener=is_hash
            )
