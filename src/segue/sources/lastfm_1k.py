"""The Last.fm-1K data set: every play of about a thousand listeners, with its time."""

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

__all__ = ["Lastfm1K"]

_NAME = "userid-timestamp-artid-artname-traid-traname"
_LINE = re.compile(
    r"[^\t\n]+\t\d{4}-\d{2}-\d{2}T[\d:]+Z\t[0-9a-f-]*\t[^\t\n]*\t[0-9a-f-]*\t[^\t\n]*\r?(?:\n|$)"
)
_ROLES = Roles(
    {c.LISTENER_ID: 0, c.PLAYED_AT: 1, c.ARTIST: 3, c.RECORDING_MBID: 4, c.TITLE: 5},
    ("userid", "timestamp", "artid", "artname", "traid", "traname"),
)


class Lastfm1K:
    """`userid-timestamp-artid-artname-traid-traname.tsv`: six columns, no header, no quotes.

    Celma (2010), "Music Recommendation and Discovery in the Long Tail": 19.1 M plays.
    """

    name: ClassVar[str] = "lastfm_1k"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "Last.fm-1K plays"

    def claims(self, file: InputFile) -> bool:
        """Whether it has the data set's name, or begins with a line like its lines."""
        name = PurePosixPath(file.name).name.lower()
        return name.startswith(_NAME) or bool(_LINE.match(file.head().decode("utf-8", "replace")))

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The plays, a batch at a time.

        Raises:
            SourceError: It does not have six columns, or most rows cannot be used.
        """
        with file.on_disk() as path, connection() as db:
            table = open_table(file, path, lambda _: False, quoted=False)
            if table.width != len(_ROLES.columns):
                raise table.place.error(
                    f"has {table.width} columns where Last.fm-1K has {len(_ROLES.columns)}",
                    "Check that the file is complete and as it was downloaded.",
                )
            yield from crowd_chunks(db, table, _ROLES, options, file=file.name)
