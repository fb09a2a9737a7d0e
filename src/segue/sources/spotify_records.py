"""What Spotify's library and playlist files have in common: entries that become rows or rejects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from segue.music import columns as c
from segue.music.lake_tables import REJECTS, LakeTable, name_ref
from segue.sources import reject_reasons as why
from segue.sources.base import Chunk, InputFile
from segue.sources.spotify_uri import local_names, track_uri_of

__all__ = ["Entries", "Named", "moment", "text_of"]

_TRACK_KEYS = ("artist", "album", "track", "name", "uri", "publisher")
_ITEM_KEYS = ("trackName", "artistName", "albumName", "trackUri")
_SPOKEN_KEYS = ("episodeName", "showName", "episodeUri", "audiobookName", "audiobookUri")
_SHOWN = frozenset((*_TRACK_KEYS, *_ITEM_KEYS, *_SPOKEN_KEYS))
"""Fields that may be stored with a reject; nothing else of an entry is."""


def text_of(value: Any) -> str | None:
    """A name as text, None when it is blank or no name at all."""
    match value:
        case bool():
            return str(value).lower()
        case str() if value.strip():
            return value
        case _:
            return None


def moment(value: Any) -> datetime | None:
    """A date or time as aware UTC; None when it is neither."""
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if when is None:
        return None
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:  # a time zone on the first or last day that there is
        return None


@dataclass(frozen=True, slots=True)
class Named:
    """A track as these files name it."""

    artist: str | None
    title: str | None
    album: str | None
    uri: str | None

    @classmethod
    def of(cls, *raw: Any) -> Named:
        """From raw artist, title, album and URI; a local file's URI fills in missing names."""
        artist, title, album, uri = raw
        link = text_of(uri)
        local = local_names(link)
        return cls(
            artist=text_of(artist) or local[0],
            title=text_of(title) or local[2],
            album=text_of(album) or local[1],
            uri=track_uri_of(link),
        )

    @property
    def fault(self) -> str | None:
        """Why it cannot be identified; None when it can."""
        if self.uri or (self.artist and self.title):
            return None
        if self.artist:
            return why.MISSING_TITLE
        return why.MISSING_ARTIST if self.title else why.NO_TRACK

    def columns(self) -> dict[str, Any]:
        """The columns of a track in the lake."""
        return {
            c.TRACK_REF: self.uri or name_ref(self.artist or "", self.title or ""),
            c.TITLE: self.title,
            c.ARTIST: self.artist,
            c.ARTISTS: [self.artist] if self.artist else None,
            c.ALBUM: self.album,
            c.SPOTIFY_URI: self.uri,
        }


@dataclass
class Entries:
    """The entries of one file so far, as rows and rejects with their numbers.

    Args:
        table: Where rows belong.
        file: Where they come from.
        constants: Columns that are the same in every row.
    """

    table: LakeTable
    file: InputFile
    constants: Mapping[str, Any]
    count: int = 0
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _rejects: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, row: Mapping[str, Any]) -> None:
        """Account for the next entry as a row."""
        self.count += 1
        self._rows.append({**self.constants, **row})

    def reject(self, reason: str, entry: Any, *, field: str | None = None) -> None:
        """Account for the next entry as rejected."""
        self.count += 1
        fields = entry.items() if isinstance(entry, dict) else ()
        shown = {key: text_of(value) for key, value in fields if key in _SHOWN}
        self._rejects.append(
            {
                c.FILE: self.file.name,
                c.ROW: self.count,
                c.REASON: reason,
                c.FIELD: field,
                c.RAW: json.dumps(shown) if shown else None,
            }
        )

    @property
    def held(self) -> int:
        """Entries since the last chunk."""
        return len(self._rows) + len(self._rejects)

    def chunk(self) -> Chunk:
        """Everything since the last chunk."""
        chunk = Chunk(
            self.table,
            _table(self._rows, self.table.schema),
            _table(self._rejects, REJECTS),
        )
        self._rows, self._rejects = [], []
        return chunk


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [
        pa.array([_clean(row.get(column.name)) for row in rows], column.type) for column in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _clean(value: Any) -> Any:
    """Without half surrogate pairs, which are no characters and no UTF-8."""
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return value
