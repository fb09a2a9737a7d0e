"""What every source of plays, tracks or crowds keeps to: files in, lake rows and rejects out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, Protocol, runtime_checkable

import pyarrow as pa

from segue.music.lake_tables import REJECTS, LakeTable

__all__ = [
    "Chunk",
    "FileSource",
    "InputFile",
    "Kind",
    "KnowsOwner",
    "LooksInside",
    "ReadOptions",
]

Kind = Literal["history", "catalogue", "crowd"]


class InputFile(Protocol):
    """One file that an import may read, whether it lies in a folder or inside an archive."""

    @property
    def input(self) -> Path:
        """What the user named: the archive, the folder, or the file itself."""

    @property
    def name(self) -> str:
        """Path within the input with forward slashes; the file's own name for a single file."""

    @property
    def size(self) -> int:
        """Bytes, unpacked."""

    def head(self, n: int = 4096) -> bytes:
        """The first bytes, enough to recognise a format."""

    def on_disk(self) -> AbstractContextManager[Path]:
        """A real file with the content, unpacked for as long as the context lasts."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What an import says to a source.

    Args:
        user_id: Whose history it is (histories only).
        name: The name given to a catalogue or a crowd.
        now: Aware UTC; rows later than a day after it are rejected as from the future.
        columns: Column overrides for tables: Segue's name -> the file's name.
        siblings: Every file of the same input by its `name`, for formats that spread one fact
            over several files, such as ids in one and their names in another.
    """

    user_id: str
    name: str
    now: datetime
    columns: dict[str, str] = field(default_factory=dict)
    siblings: Mapping[str, InputFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of one file, each accounted for.

    Args:
        table: The lake table that the rows belong to.
        rows: Arrow table in exactly `table.schema` (column order included), in file order.
        rejects: Arrow table in the REJECTS schema; its `row` is the record's number in the file.

    A source may yield many chunks for one file, for one table or several. The records read are
    by definition rows + rejects: a source that drops a record without either is wrong.
    """

    table: LakeTable
    rows: pa.Table
    rejects: pa.Table = field(default_factory=lambda: REJECTS.empty_table())

    @property
    def read(self) -> int:
        """Records of the input that this chunk accounts for."""
        return int(self.rows.num_rows + self.rejects.num_rows)


class FileSource(Protocol):
    """Reads files of one format. Stateless: one object may read many files.

    A source opens a file only inside `read`, never keeps more than a part of a large file in
    memory, and raises `SourceError` when the file as a whole is not what it claimed to be.
    """

    name: ClassVar[str]
    """The value of the `source` column, such as "spotify_export"."""

    kind: ClassVar[Kind]

    title: ClassVar[str]
    """For people: "Spotify extended streaming history"."""

    def claims(self, file: InputFile) -> bool:
        """Whether this file is of this format, judged by its name and first bytes.

        Must not raise on anything: a broken file with the right name is claimed, and then
        refused by `read` with a message that names the fault.
        """

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The rows of the file, in file order, each kept or rejected with a reason."""


@runtime_checkable
class KnowsOwner(Protocol):
    """A source whose files may say whose they are; a second ability of a FileSource."""

    def owner(self, file: InputFile) -> str | None:
        """Who listened, as the file's first bytes tell; None when they do not. Never raises."""


@runtime_checkable
class LooksInside(Protocol):
    """A source that claims files by their names; a second ability of a FileSource."""

    def recognises(self, file: InputFile) -> bool:
        """Whether the content is of this format, too; slower than `claims`."""
