"""A lake of hand-written Parquet files, for tests of what is behind the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.base import Piece


@dataclass(frozen=True)
class HandFile:
    path: Path
    rows: int
    commit_id: str
    crc32: int | None = None
    own_pieces: tuple[Piece, ...] = ()

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.own_pieces or (Piece(self.path.name, int(self.commit_id), self.rows),)


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

    def put_together(self, table: str, *places: int) -> HandFile:
        """Make one file of the files at these places, as a compaction does."""
        files = self.written[table]
        chosen = [files[place] for place in places]
        whole = pa.concat_tables(
            pq.ParquetFile(file.path).read([c.ROW_ID, *LAKE_TABLES[table].schema.names])
            for file in chosen
        )
        pieces = tuple(piece for file in chosen for piece in file.pieces)
        runs = [[n] * piece.rows for n, piece in enumerate(pieces)]
        whole = whole.append_column("piece", pa.array([n for run in runs for n in run]))
        path = chosen[0].path.with_name(f"whole-{'-'.join(map(str, places))}.parquet")
        pq.write_table(whole, path)
        made = HandFile(path, whole.num_rows, "whole", crc32(path.read_bytes()), pieces)
        self.written[table] = [file for file in files if file not in chosen] + [made]
        return made
