"""Crowds: tables of who played which track or artist, how often or when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import ClassVar

from segue.errors import SegueError, SourceError
from segue.music import columns as c
from segue.sources.base import Chunk, FileSource, InputFile, Kind, ReadOptions
from segue.sources.column_names import Roles, no_column, recognise
from segue.sources.crowd_columns import (
    ALIASES,
    TRACK_ROLES,
    names_columns,
    names_listening,
    sorted_out,
)
from segue.sources.crowd_rows import crowd_chunks
from segue.sources.crowd_sessions import CrowdSessions
from segue.sources.hetrec import HetRec
from segue.sources.lastfm_1k import Lastfm1K
from segue.sources.lastfm_360k import Lastfm360K
from segue.sources.mapped_rows import connection
from segue.sources.million_playlist import MillionPlaylist
from segue.sources.open_table import Table, is_table_name, open_table

__all__ = ["CrowdTable"]

_SPECIFIC: tuple[FileSource, ...] = (
    HetRec(),
    Lastfm1K(),
    Lastfm360K(),
    MillionPlaylist(),
    CrowdSessions(),
)
"""Known data sets: what one of these claims, the generic table does not."""

_BESIDE = re.compile(r"(user(sha1|id)|listener|user)s?[-_]profiles?[.]tsv", re.IGNORECASE)
"""Files about the listeners that come with data sets: no listening in them."""

_TRIPLET = re.compile(r"[0-9a-f]{40}\tSO[0-9A-Z]{16}\t[0-9]+\r?(?:\n|$)")


class CrowdTable:
    """Other listeners' plays: (user, track or artist, count or time), in any order of columns.

    A table whose rows name no track, only artists, is kept at the level of artists. The triplets
    of the Echo Nest Taste Profile are read without a header.
    """

    name: ClassVar[str] = "crowd_table"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "table of listeners and what they play (CSV, TSV or Parquet)"

    def claims(self, file: InputFile) -> bool:
        """Whether it is a table, by name or first line, and of no data set known better."""
        if _BESIDE.fullmatch(PurePosixPath(file.name).name):
            return False
        if not is_table_name(file) and not _begins_like_a_table(file):
            return False
        return not any(source.claims(file) for source in _SPECIFIC)

    def recognises(self, file: InputFile) -> bool:
        """Whether its columns say who listened to what."""
        try:
            with file.on_disk() as path:
                _roles(open_table(file, path, names_columns), file, {})
        except SegueError:
            return False
        return True

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The rows, a batch at a time.

        Raises:
            SourceError: It is no table of listening, or most of its rows cannot be used.
            ConfigError: A column override is for something a crowd does not have.
        """
        given = tuple(options.columns.values())
        with file.on_disk() as path, connection() as db:
            table = open_table(file, path, lambda first: names_columns(first, given))
            roles = _roles(table, file, options.columns)
            yield from crowd_chunks(db, table, roles, options, file=file.name)


def _begins_like_a_table(file: InputFile) -> bool:
    if not file.name.lower().endswith((".txt", ".dat")):
        return False
    start = file.head().decode("utf-8", "replace").removeprefix("\ufeff")
    if _TRIPLET.match(start):
        return True
    first = start.splitlines()[0] if start else ""
    return any(names_listening(first.split(mark)) for mark in "\t,;|" if mark in first)


def _roles(table: Table, file: InputFile, overrides: Mapping[str, str]) -> Roles:
    if not table.columns:
        return _roles_without_header(table, file)
    roles = sorted_out(recognise(table.columns, ALIASES, overrides, place=table.place))
    _refuse_without(roles, (c.LISTENER_ID, c.SESSION_ID), table, "who listened", "user_id")
    tracks_or_artists = (*TRACK_ROLES, c.ARTIST)
    _refuse_without(roles, tracks_or_artists, table, "what was played", c.TRACK_ID)
    return roles


def _refuse_without(
    roles: Roles, any_of: Sequence[str], table: Table, missing: str, example: str
) -> None:
    if not any(role in roles for role in any_of):
        raise no_column(table.place, table.columns, missing=missing, example=example)


def _roles_without_header(table: Table, file: InputFile) -> Roles:
    if not _TRIPLET.match(file.head().decode("utf-8", "replace")):
        raise SourceError(
            "the first line does not name the columns",
            path=table.place.path,
            member=table.place.member,
            row=1,
            cure="Add a first line such as user_id,track_id,plays or user_id,artist,plays.",
        )
    return Roles({c.LISTENER_ID: 0, c.TRACK_ID: 1, c.PLAYS: 2}, ())
