"""Loading plays into PostgreSQL: `segue build`'s load beside a bare COPY of the same rows."""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from segue.music.lake_tables import PLAYS
from segue.warehouse.base import Piece

__all__ = ["N_PLAYS", "run"]

N_PLAYS: Final = 10_000_000
_IN_FILE: Final = 1_000_000
_ROUNDS: Final = 2
_BLOCK: Final = 1 << 20
_SEED: Final = 17


@dataclass(frozen=True)
class _File:
    path: Path
    rows: int
    number: int
    crc32: int

    commit_id = "bench"

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return (Piece(self.path.name, self.number, self.rows),)


def run(n_plays: int = N_PLAYS) -> list[str]:
    """A table of seconds, processor seconds of this process, and plays a second.

    The ways take turns, each with the table emptied before. A bare COPY sends text that lies ready
    on the disk, as psql does; the load reads Parquet, checks it, and converts it.
    """
    from tests.postgres_server import shared_server

    os.environ["SEGUE_TEST_RUN"] = str(os.getpid())
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        files = [
            _write(folder, number, min(_IN_FILE, n_plays - start))
            for number, start in enumerate(range(0, n_plays, _IN_FILE))
        ]
        server = shared_server(folder / "server.json", os.getpid())
        return _compare(folder, server.url(), files, n_plays)


def _compare(folder: Path, url: str, files: list[_File], n_plays: int) -> list[str]:
    import psycopg
    from pydantic import SecretStr

    from segue.warehouse.postgresql import PostgreSQLWarehouse

    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("create database bench")
    url = url.replace("/postgres?", "/bench?")
    warehouse = PostgreSQLWarehouse(folder / "warehouse", url=SecretStr(url))
    with warehouse.writing():
        warehouse.load("plays", files)
    text = folder / "plays.copy"
    with psycopg.connect(url, autocommit=True) as connection:
        _dump(connection, text)
        connection.execute("create table public.plays (like raw.plays)")

        ways: dict[str, Callable[[], object]] = {
            "bare COPY of text, ordinary table": lambda: _copy(connection, "public.plays", text),
            "bare COPY of text, unlogged table": lambda: _copy(connection, "raw.plays", text),
            "Parquet as CSV through COPY": lambda: _as_csv(connection, files),
            "`segue build`'s load": lambda: warehouse.load("plays", files),
        }
        best: dict[str, tuple[float, float]] = {}
        for _ in range(_ROUNDS):
            for name, way in ways.items():
                connection.execute("truncate raw.plays, raw.loads, public.plays")
                connection.execute("checkpoint")
                with warehouse.writing():  # dbt, which starts with the first load, ends outside
                    found = _timed(way)
                best[name] = min(best.get(name, found), found)
    return _table(best, n_plays)


def _table(best: dict[str, tuple[float, float]], n_plays: int) -> list[str]:
    bare = next(iter(best.values()))[0]
    lines = [
        "| way | seconds | CPU seconds here | plays a second | of bare COPY's speed |",
        "|---|---|---|---|---|",
    ]
    for name, (seconds, cpu) in best.items():
        lines.append(
            f"| {name} | {seconds:.1f} | {cpu:.1f} | {n_plays / seconds:,.0f} |"
            f" {bare / seconds:.0%} |"
        )
    return lines


def _timed(way: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    way()
    return time.perf_counter() - wall, time.process_time() - cpu


def _dump(connection: Any, target: Path) -> None:
    with target.open("wb") as file, connection.cursor().copy("copy raw.plays to stdout") as rows:
        for block in rows:
            file.write(block)


def _copy(connection: Any, table: str, source: Path) -> None:
    with (
        source.open("rb") as file,
        connection.transaction(),
        connection.cursor().copy(f"copy {table} from stdin") as target,
    ):
        while block := file.read(_BLOCK):
            target.write(block)


def _as_csv(connection: Any, files: list[_File]) -> None:
    with (
        connection.transaction(),
        connection.cursor().copy("copy raw.plays from stdin (format csv)") as target,
    ):
        for file in files:
            for block in _csv(file):
                target.write(block)


def _csv(file: _File) -> Iterator[bytes]:
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
    for rows in pq.ParquetFile(file.path).iter_batches(50_000):
        columns = [  # lists, of which these plays have none, CSV cannot say
            pa.nulls(len(column), pa.string()) if pa.types.is_list(column.type) else column
            for column in rows.columns
        ]
        numbers = pa.array([file.number] * rows.num_rows)
        names = [*rows.schema.names, "file_no"]
        block = io.BytesIO()
        pa_csv.write_csv(pa.RecordBatch.from_arrays([*columns, numbers], names), block, options)
        yield block.getvalue()


def _write(folder: Path, number: int, rows: int) -> _File:
    rng = np.random.default_rng((_SEED, number))
    tracks = rng.zipf(1.3, rows) % 200_000
    columns = {field.name: _column(field, rng, tracks) for field in PLAYS.schema}
    ids = pa.array(rng.integers(-(2**62), 2**62, rows))
    path = folder / f"{number}.parquet"
    pq.write_table(pa.table({"row_id": ids, **columns}), path, compression="zstd")
    return _File(path, rows, number, crc32(path.read_bytes()))


def _column(field: pa.Field, rng: np.random.Generator, tracks: Any) -> pa.Array:
    """Values as an export of Spotify has them, drawn at random."""
    rows = len(tracks)
    texts = {
        "user_id": lambda: _drawn(rng, rows, [f"user{n}" for n in range(200)]),
        "source": lambda: _drawn(rng, rows, ["spotify_export"]),
        "reason_start": lambda: _drawn(rng, rows, ["trackdone", "fwdbtn", "clickrow"]),
        "reason_end": lambda: _drawn(rng, rows, ["trackdone", "fwdbtn", "endplay"]),
        "platform": lambda: _drawn(rng, rows, ["Windows 10 (10.0.19042; x64)", "android", "ios"]),
        "country": lambda: _drawn(rng, rows, ["DE", "SE", "GB"]),
        "track_ref": lambda: _of(tracks, "spotify:track:{:022d}"),
        "spotify_uri": lambda: _of(tracks, "spotify:track:{:022d}"),
        "title": lambda: _of(tracks, "A song of some length {}"),
        "artist": lambda: _of(tracks // 10, "The artist {}"),
        "album": lambda: _of(tracks // 4, "An album, deluxe {}"),
    }
    if field.name in texts:
        return texts[field.name]()
    if field.name in ("played_at", "ended_at"):
        return pa.array(rng.integers(1_262_304_000, 1_767_225_600, rows) * 1_000_000, field.type)
    if pa.types.is_integer(field.type):
        return pa.array(rng.integers(0, 300_000, rows), field.type)
    if pa.types.is_boolean(field.type):
        return pa.array(rng.random(rows) < 0.3)
    return pa.nulls(rows, field.type)


def _drawn(rng: np.random.Generator, rows: int, values: list[str]) -> pa.Array:
    return pa.array(values).take(pa.array(rng.integers(0, len(values), rows)))


def _of(numbers: Any, form: str) -> pa.Array:
    distinct, places = np.unique(numbers, return_inverse=True)
    return pa.array([form.format(number) for number in distinct]).take(pa.array(places))
