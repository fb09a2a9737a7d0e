"""DuckDB prints no progress bars of its own: they would spoil what a command prints as JSON."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

import segue
from segue.sources.database import database, shared_cursor
from segue.sources.mapped_rows import connection
from segue.warehouse.connection import connect

PACKAGE = Path(segue.__file__).parent
DOORS = {"sources/database.py", "warehouse/connection.py"}


def shows_bars(database: duckdb.DuckDBPyConnection) -> bool:
    found = database.execute("SELECT current_setting('enable_progress_bar')").fetchone()
    assert found is not None
    return bool(found[0])


def test_no_connection_shows_bars() -> None:
    with database() as one, shared_cursor() as two, connection() as three:
        assert [shows_bars(each) for each in (one, two, three)] == [False] * 3
    with connect(config={"threads": 1}) as plain, plain.cursor() as cursor:
        assert not shows_bars(plain)
        assert not shows_bars(cursor)


def test_every_connection_of_the_package_is_made_there() -> None:
    makes = re.compile(r"duckdb\.(connect|sql|query|execute|read_\w+|from_\w+)\(")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if makes.search(path.read_text("utf-8"))
    }
    assert found == DOORS
