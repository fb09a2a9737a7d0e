"""Real, small stand-ins for tests: files made of bytes, a source made of a list, short tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from segue.errors import SourceError
from segue.music import columns as c
from segue.music.lake_tables import PLAYS, REJECTS, LakeTable, name_ref
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.unpacking import Place, not_empty

__all__ = [
    "NOW",
    "OPTIONS",
    "BytesFile",
    "ListCatalogue",
    "ListSource",
    "lake_rows",
    "play_rows",
    "reject_rows",
]

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
OPTIONS = ReadOptions(user_id="ann", name="test", now=NOW)


@dataclass(frozen=True)
class BytesFile:
    """An `InputFile` whose content is given, and those `beside` it; on disk only while asked for.

    >>> BytesFile("plays.json", b"[]").head(1)
    b'['
    """

    name: str
    content: bytes
    input: Path = Path("export.zip")
    beside: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def options(self) -> ReadOptions:
        """Options for reading it, with the files beside it as siblings."""
        others = {name: BytesFile(name, content) for name, content in self.beside.items()}
        return replace(OPTIONS, siblings={self.name: self, **others})

    @property
    def size(self) -> int:
        return len(self.content)

    def head(self, n: int = 4096) -> bytes:
        return self.content[:n]

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        not_empty(Place(self.input, self.name), self.size)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "content" + Path(self.name).suffix)
            path.write_bytes(self.content)
            yield path


class ListSource:
    """A `FileSource` that yields given chunks (or raises given errors) for files by base name."""

    name: ClassVar[str] = "list"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "a list of plays in a test"

    def __init__(self, chunks: Mapping[str, Sequence[Chunk | SourceError]]) -> None:
        self.chunks = chunks

    def claims(self, file: InputFile) -> bool:
        return Path(file.name).name in self.chunks

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        for chunk in self.chunks[Path(file.name).name]:
            if isinstance(chunk, SourceError):
                raise chunk
            yield chunk


class ListCatalogue(ListSource):
    """The same for catalogues."""

    kind: ClassVar[Kind] = "catalogue"
    title: ClassVar[str] = "a list of tracks in a test"


def lake_rows(table: LakeTable, *rows: Mapping[str, Any]) -> pa.Table:
    """Rows of a lake table; columns that are not given are null."""
    unknown = {name for row in rows for name in row} - set(table.schema.names)
    assert not unknown, f"{table.name} has no columns {unknown}"
    full = [{name: row.get(name) for name in table.schema.names} for row in rows]
    return pa.Table.from_pylist(full, schema=table.schema)


def play_rows(*plays: tuple[int, str, str], user_id: str = "ann", source: str = "list") -> pa.Table:
    """Plays as (minutes after the start of 2024, artist, title), three minutes each."""
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    rows = [
        {
            c.USER_ID: user_id,
            c.SOURCE: source,
            c.PLAYED_AT: datetime.fromtimestamp(start + 60 * minute, tz=UTC),
            c.MS_PLAYED: 180_000,
            c.TRACK_REF: name_ref(artist, title),
            c.ARTIST: artist,
            c.ARTISTS: [artist],
            c.TITLE: title,
        }
        for minute, artist, title in plays
    ]
    return lake_rows(PLAYS, *rows)


def reject_rows(*rejects: tuple[str, int, str]) -> pa.Table:
    """Rejects as (file, row, reason)."""
    rows = [{c.FILE: file, c.ROW: row, c.REASON: reason} for file, row, reason in rejects]
    full = [{name: row.get(name) for name in REJECTS.names} for row in rows]
    return pa.Table.from_pylist(full, schema=REJECTS)
