"""Who is whose friend in the HetRec 2011 Last.fm data set, where a file beside the counts tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import pyarrow as pa

from segue.sources.base import InputFile
from segue.sources.hetrec import COUNTS, beside
from segue.sources.mapped_rows import connection, run
from segue.sources.open_table import cell, name_key, open_table, place_of
from segue.sources.unpacking import Place

__all__ = ["FriendRows", "friend_rows"]

_FRIENDS: Final = "user_friends.dat"
_KEYS: Final = ("userid", "friendid")


@dataclass(frozen=True, slots=True)
class FriendRows:
    """The rows of one file, as they stand there.

    Args:
        place: The file, for messages.
        rows: Arrow table: int64 `row` (1-based, the header not counted), and strings `user` and
            `friend`, null where the cell is empty.
        ragged: Rows that could not be taken apart.
    """

    place: Place
    rows: pa.Table
    ragged: int


def friend_rows(files: Sequence[InputFile]) -> Iterator[FriendRows]:
    """The rows of every `user_friends.dat` beside a `user_artists.dat`.

    Args:
        files: All files of the input.

    Raises:
        SourceError: Such a file has other columns, or is broken.
    """
    siblings = {file.name: file for file in files}
    for file in files:
        if PurePosixPath(file.name).name.lower() == COUNTS:
            found = beside(file, siblings, _FRIENDS)
            if found is not None:
                yield _read(found)


def _read(file: InputFile) -> FriendRows:
    with connection() as db, file.on_disk() as path:
        table = open_table(file, path, quoted=False)
        known = [name_key(column) for column in table.columns]
        if not set(_KEYS) <= set(known):
            raise place_of(file).error(
                "has no columns userID and friendID; the columns are " + ", ".join(table.columns),
                "Check that it is the HetRec 2011 file as it was downloaded, or take it away:"
                " the data set can do without it.",
            )
        user, friend = (cell(known.index(key)) for key in _KEYS)
        query = f'SELECT "row", text_of({user}) AS "user", text_of({friend}) AS friend FROM batch'
        ragged, parts = 0, []
        for batch in table.batches():
            ragged += len(batch.ragged)
            parts.append(run(db, query, batch))
    return FriendRows(place_of(file), pa.concat_tables(parts), ragged)
