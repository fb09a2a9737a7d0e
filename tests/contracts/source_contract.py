"""What one case of the contract of file sources is: a format, one good file, what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from segue.errors import SourceError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES, REJECTS
from segue.sources.base import Chunk, FileSource, InputFile
from tests.support import OPTIONS, BytesFile

__all__ = ["SourceCase", "chunks_of", "read_all"]

_HANDS_ON = frozenset({"exported"})
"""Sources whose rows keep the name of the source that they first came from."""


@dataclass(frozen=True)
class SourceCase:
    """One good file of one format.

    Args:
        make: Makes the source: its class.
        name: The file's name within an export, as it is in the wild.
        content: The file.
        read: Records in it.
        rejected: Reason -> how many of them are rejected.
        tables: The lake tables that its rows belong to.
        private: Texts in the file that must not reach the lake, such as IP addresses.
        beside: Other files of the same export that it cannot be read without.
    """

    make: Callable[[], FileSource]
    name: str
    content: bytes
    read: int
    rejected: dict[str, int]
    tables: frozenset[str]
    private: tuple[str, ...] = ()
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.make().name}:{self.name}"

    def file(self, content: bytes | None = None) -> BytesFile:
        """The file, or one of the same name with another content."""
        whole = self.content if content is None else content
        return BytesFile(self.name, whole, beside=self.beside)


def read_all(source: FileSource, file: InputFile) -> list[Chunk]:
    """Every chunk, each checked against the contract."""
    options = file.options if isinstance(file, BytesFile) else OPTIONS
    chunks = list(source.read(file, options))
    for chunk in chunks:
        _check(chunk, source, file)
    return chunks


def chunks_of(source: FileSource, file: InputFile) -> list[Chunk] | SourceError:
    """Every checked chunk, or the SourceError that names the file: nothing else may happen."""
    try:
        return read_all(source, file)
    except SourceError as error:
        assert error.path == file.input or str(error.path) in str(file.input)
        assert Path(error.member).name in {Path(file.name).name, ""}
        assert error.message
        return error


def _check(chunk: Chunk, source: FileSource, file: InputFile) -> None:
    table = LAKE_TABLES[chunk.table.name]
    assert chunk.rows.schema.equals(table.schema), f"rows of {table.name}: {chunk.rows.schema}"
    assert chunk.rejects.schema.equals(REJECTS)
    chunk.rows.validate(full=True)
    for column in table.schema:
        if not column.nullable:
            assert chunk.rows[column.name].null_count == 0, f"{column.name} is null"
    for name, value in ((c.USER_ID, OPTIONS.user_id), (c.SOURCE, source.name)):
        if name == c.SOURCE and source.name in _HANDS_ON:
            continue
        if name in table.schema.names and chunk.rows.num_rows:
            assert chunk.rows[name].unique().to_pylist() == [value]
    for name in (c.CATALOGUE, c.CROWD):
        if name in table.schema.names and chunk.rows.num_rows:
            assert chunk.rows[name].unique().to_pylist() == [OPTIONS.name]
    _check_rejects(chunk.rejects, file)


def _check_rejects(rejects: pa.Table, file: InputFile) -> None:
    for reject in rejects.to_pylist():
        assert reject[c.FILE] == file.name
        assert reject[c.ROW] >= 1
        assert reject[c.REASON]
        assert reject[c.REASON] == reject[c.REASON].strip().lower()
