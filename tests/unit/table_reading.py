"""Reading small tables in tests: rows and rejects of one file, with nulls left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue.sources.base import FileSource
from tests.contracts.source_contract import read_all
from tests.support import OPTIONS, BytesFile

__all__ = ["read_table", "rejected", "rows"]


def read_table(
    source: FileSource, content: str | bytes, name: str = "table.csv", **columns: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and rejects of one file, each chunk checked against the contract of sources."""
    data = content if isinstance(content, bytes) else content.encode()
    file = BytesFile(name, data)
    if columns:
        chunks = list(source.read(file, replace(OPTIONS, columns=columns)))
    else:
        chunks = read_all(source, file)
    found = [row for chunk in chunks for row in chunk.rows.to_pylist()]
    bad = [row for chunk in chunks for row in chunk.rejects.to_pylist()]
    return [{k: v for k, v in row.items() if v is not None} for row in found], bad


def rows(source: FileSource, content: str | bytes, name: str = "table.csv", **columns: str) -> Any:
    """The rows of a file that has no rejects."""
    found, bad = read_table(source, content, name, **columns)
    assert bad == []
    return found


def rejected(source: FileSource, content: str | bytes, name: str = "table.csv") -> Any:
    """(row, reason, field) of each reject of a file."""
    bad = read_table(source, content, name)[1]
    return [(row["row"], row["reason"], row["field"]) for row in bad]
