"""Reading a scrobble file in a test, and what came out as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from segue.music import columns as c
from segue.sources.base import FileSource, InputFile, ReadOptions
from segue.sources.inputs import open_input
from tests.support import OPTIONS, BytesFile

__all__ = ["Found", "as_json", "read", "read_path"]


@dataclass(frozen=True)
class Found:
    """The plays of a file, and (row, reason) of what was rejected."""

    plays: list[dict[str, Any]]
    rejects: list[dict[str, Any]]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject[c.ROW], reject[c.REASON]) for reject in self.rejects]

    @property
    def names(self) -> list[tuple[str, str]]:
        return [(play[c.ARTIST], play[c.TITLE]) for play in self.plays]

    @property
    def times(self) -> list[datetime]:
        return [play[c.PLAYED_AT] for play in self.plays]

    @property
    def n_read(self) -> int:
        return len(self.plays) + len(self.rejects)


def read(
    source: FileSource, name: str, content: bytes | str, options: ReadOptions = OPTIONS
) -> Found:
    data = content.encode() if isinstance(content, str) else content
    return _found(source, BytesFile(name, data), options)


def read_path(source: FileSource, path: Path) -> Found:
    """Every file of an input that the source claims."""
    with open_input(path) as opened:
        found = [_found(source, file, OPTIONS) for file in opened.files if source.claims(file)]
    return Found(
        [play for part in found for play in part.plays],
        [reject for part in found for reject in part.rejects],
    )


def as_json(*records: Any) -> bytes:
    return json.dumps(list(records)).encode()


def _found(source: FileSource, file: InputFile, options: ReadOptions) -> Found:
    chunks = list(source.read(file, options))
    plays: Iterator[dict[str, Any]] = (p for chunk in chunks for p in chunk.rows.to_pylist())
    return Found(list(plays), [r for chunk in chunks for r in chunk.rejects.to_pylist()])
