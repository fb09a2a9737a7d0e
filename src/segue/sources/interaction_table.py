"""Tables of user and item as recommenders are compared on: with or without names of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from segue.music import columns as c
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.column_names import Roles, no_column, recognise
from segue.sources.crowd_columns import ALIASES, names_columns, sorted_out
from segue.sources.crowd_rows import crowd_chunks
from segue.sources.mapped_rows import connection
from segue.sources.open_table import Table, is_table_name, open_table

__all__ = ["InteractionTable"]

_PLACES: Final = (c.LISTENER_ID, c.TRACK_ID, c.PLAYS, c.PLAYED_AT)
_WHO: Final = (c.LISTENER_ID, c.SESSION_ID)
_WHAT: Final = (c.SPOTIFY_URI, c.RECORDING_MBID, c.ISRC, c.TRACK_ID, c.TITLE, c.ARTIST)
_RATINGS: Final = ("rating", "score", "value", "label")
_ITEMS: Final = ("movieid", "productid", "bookid", "gameid", "asin", "iid")


class InteractionTable:
    """Rows of user, item and perhaps a count and a time, in this order where nothing names them.

    Names may carry types as in RecBole's atomic files (`user_id:token`). A rating counts as plays.
    It reads files for an evaluation; crowds to learn from are read by `CrowdTable`.
    """

    name: ClassVar[str] = "interaction_table"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "table of users and items"

    def claims(self, file: InputFile) -> bool:
        """Whether it is named like a table."""
        return is_table_name(file) or file.name.lower().endswith((".inter", ".txt", ".dat"))

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The rows, a batch at a time.

        Raises:
            SourceError: It is no such table, or most of its rows cannot be used.
            ConfigError: A column override is for something a table cannot have.
        """
        given = tuple(options.columns.values())
        with file.on_disk() as path, connection() as db:
            table = open_table(file, path, lambda first: _is_header(first, given))
            yield from crowd_chunks(db, table, _roles(table, options), options, file=file.name)


def _is_header(first: Sequence[str], given: Sequence[str]) -> bool:
    return names_columns(_untyped(first), given) or names_columns(first, given)


def _untyped(names: Sequence[str]) -> tuple[str, ...]:
    """Names without RecBole's types: "user_id:token" is "user_id"."""
    return tuple(name.partition(":")[0] for name in names)


def _roles(table: Table, options: ReadOptions) -> Roles:
    if not table.columns:
        if table.width < 2:
            raise table.place.error(
                "has one column where user and item are wanted",
                "Separate the columns by tabs, commas or blanks.",
            )
        return Roles(dict(zip(_PLACES, range(table.width), strict=False)), ())
    names = _untyped(table.columns)
    overrides = {ours: theirs.partition(":")[0] for ours, theirs in options.columns.items()}
    aliases = {
        **ALIASES,
        c.TRACK_ID: (*ALIASES[c.TRACK_ID], *_ITEMS),
        c.PLAYS: (*ALIASES[c.PLAYS], *_RATINGS),
    }
    roles = sorted_out(recognise(names, aliases, overrides, place=table.place))
    if not any(role in roles for role in _WHO):
        raise no_column(table.place, names, missing="who listened", example="user_id")
    if not any(role in roles for role in _WHAT):
        raise no_column(table.place, names, missing="what was played", example=c.TRACK_ID)
    return roles
