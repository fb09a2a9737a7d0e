"""A lake of hand-written Parquet files, for tests of what is behind the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from segue.music.lake_tables import LAKE_TABLES


@dataclass(frozen=True)
class HandFile:
    path: Path
    rows: int
    commit_id: str
    crc32: int | None = None


@dataclass
class HandLake:
    """Keeps what a lake promises: files of a table in commit order, row_id and its columns."""

    folder: Path
    written: dict[str, list[HandFile]] = field(default_factory=dict)

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> HandFile:
        schema = LAKE_TABLES[table].schema
        content = pa.Table.from_pylist(list(rows), schema=schema)
        ids = [crc32(repr(sorted(row.items())).encode()) * 4_294_967_291 % 2**63 for row in rows]
        content = content.add_column(0, "row_id", pa.array(ids, pa.int64()))
        files = self.written.setdefault(table, [])
        number = sum(len(known) for known in self.written.values())
        path = self.folder / table / f"source=x [1]*/{number}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(content, path)
        files.append(HandFile(path, len(rows), str(number), crc32(path.read_bytes())))
        return files[-1]

    def files(self, table: str) -> Sequence[HandFile]:
        return tuple(self.written.get(table, ()))
