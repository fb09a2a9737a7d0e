"""Marts of users are written some rows at a time, and come out as if they were not."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.music.marts import MARTS
from segue.warehouse.connection import connect
from segue.warehouse.duckdb import DuckDBSession
from segue.warehouse.duckdb_sql import DUCKDB
from segue.warehouse.raw_sql import select_mart
from segue.warehouse.snapshot_export import export_marts
from segue.warehouse.snapshot_parts import read_index

USERS, DAYS = 9, 1_400


@pytest.mark.parametrize("rows_at_once", [1, 14_000, 10**6])
def test_rows_in_several_groups(tmp_path: Path, rows_at_once: int) -> None:
    with connect(config={"threads": 1}) as database:
        database.execute(
            "create schema marts; create schema intermediate;"
            "create table intermediate.last_build (name text, value text)"
        )
        for mart, schema in MARTS.items():
            database.register("nothing", schema.empty_table())
            database.execute(f"create table marts.{mart} as select * from nothing")
        database.execute(  # in the wrong order
            "insert into marts.listening_days (user_id, day, plays)"
            f" select 'user' || n % {USERS}, date '2020-01-01' + (n // {USERS})::integer, n"
            f" from range({USERS * DAYS}) as numbers(n) order by hash(n)"
        )
        session = DuckDBSession(database, memory_limit="1GB")
        rows = export_marts(session, DUCKDB, tmp_path, None, threads=2, rows_at_once=rows_at_once)
        wanted = session.query_arrow(select_mart(DUCKDB, "listening_days", ordered=True))
    told = read_index(tmp_path)["listening_days"]
    assert (told.by, len(told.parts)) == ("user_id", 5)
    assert rows["listening_days"] == told.rows == USERS * DAYS
    tables = [pq.read_table(tmp_path / part.file, partitioning=None) for part in told.parts]
    for part, table in zip(told.parts, tables, strict=True):
        users = table["user_id"].to_pylist()
        assert (part.rows, part.first, part.last) == (len(users), users[0], users[-1])
    assert all(one.last < other.first for one, other in pairwise(told.parts))
    together = [row for table in tables for row in table.to_pylist()]
    assert together == wanted.to_pylist()
