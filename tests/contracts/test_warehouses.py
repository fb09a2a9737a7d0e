"""What every warehouse keeps to; an adapter adds one line to `MAKERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segue.errors import BusyError, WarehouseError
from segue.music.lake_tables import LAKE_TABLES
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.warehouse.base import Warehouse
from segue.warehouse.duckdb import DuckDBWarehouse
from tests.fakesnow.client import warehouse as snowflake
from tests.lake_files import HandLake
from tests.postgresql_warehouses import postgresql_warehouse

MAKERS: dict[str, Callable[[Path], Warehouse]] = {
    "duckdb": lambda folder: DuckDBWarehouse(folder / "segue.duckdb", threads=2),
    "postgresql": lambda folder: postgresql_warehouse(folder),
    "snowflake": snowflake,
}

PLAY = {
    "user_id": "u",
    "source": "s",
    "played_at": datetime(2025, 1, 1, tzinfo=UTC),
    "ms_played": 60_000,
    "track_ref": "id:1",
}


SNOWFLAKE_IF_THOROUGH = pytest.mark.parametrize(
    "make",
    ["duckdb", "postgresql", pytest.param("snowflake", marks=pytest.mark.thorough)],
    indirect=True,
)
"""For what several builds show: the stand-in takes half a minute for each."""


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Warehouse]:
    return lambda: MAKERS[request.param](tmp_path / "warehouse")


@pytest.fixture
def lake(tmp_path: Path) -> HandLake:
    return HandLake(tmp_path / "lake")


def test_a_file_is_loaded_once(make: Callable[[], Warehouse], lake: HandLake) -> None:
    lake.add("plays", [PLAY, PLAY | {"track_ref": "id:2"}])
    with make().writing():
        pass  # an empty turn leaves nothing behind
    warehouse = make()
    with warehouse.writing():
        first = warehouse.load("plays", lake.files("plays"))
        again = warehouse.load("plays", lake.files("plays"))
    lake.add("plays", [PLAY | {"track_ref": "id:3"}])
    with warehouse.writing():
        more = warehouse.load("plays", lake.files("plays"))
    assert [(r.rows, r.files) for r in (first, again, more)] == [(2, 1), (0, 0), (1, 1)]


def test_loading_is_all_or_nothing(make: Callable[[], Warehouse], lake: HandLake) -> None:
    lake.add("plays", [PLAY])
    bad = lake.add("plays", [PLAY | {"track_ref": "id:2"}])
    content = bad.path.read_bytes()
    bad.path.write_bytes(b"not Parquet")
    warehouse = make()
    with warehouse.writing():
        with pytest.raises(WarehouseError, match="has changed since it was written"):
            warehouse.load("plays", lake.files("plays"))
        unchecked = [replace(file, crc32=None) for file in lake.files("plays")]
        with pytest.raises(WarehouseError, match="cannot be read"):
            warehouse.load("plays", unchecked)
        bad.path.write_bytes(content)
        assert warehouse.load("plays", lake.files("plays")).files == 2


def test_many_files_of_several_ages(make: Callable[[], Warehouse], lake: HandLake) -> None:
    for number in range(30):
        file = lake.add("plays", [PLAY | {"track_ref": f"id:{number}", "title": f"{number}"}])
        if number % 3 == 0:  # of a time when lake files had fewer columns, and another one
            rows = pq.ParquetFile(file.path).read().drop_columns(["album", "incognito"])
            pq.write_table(rows.append_column("mood", rows["title"]), file.path)
    files = [replace(file, crc32=None) for file in lake.files("plays")]
    warehouse = make()
    with warehouse.writing():
        assert warehouse.load("plays", files).rows == 30
        for table in LAKE_TABLES:
            if table != "plays":
                warehouse.load(table, ())
        warehouse.build(Silent())
        titles = warehouse.read("tracks")["title"].to_pylist()
    assert sorted(titles, key=int) == [str(number) for number in range(30)]


@SNOWFLAKE_IF_THOROUGH
def test_files_put_together_bring_nothing_twice(
    make: Callable[[], Warehouse], lake: HandLake
) -> None:
    for title in ("a", "b", "c", "d", "e", "f"):
        lake.add("plays", [PLAY | {"track_ref": f"id:{title}", "title": title}])
    lake.put_together("plays", 4)  # where a user was forgotten, one piece of several may be left
    seen, warehouse = lake.files("plays")[:2], make()
    with warehouse.writing():
        assert warehouse.load("plays", seen).rows == 2
    lake.put_together("plays", 3, 1, 2)  # of d, b and c only b was loaded before
    with warehouse.writing():
        assert warehouse.load("plays", lake.files("plays")).rows == 4
        assert warehouse.load("plays", lake.files("plays")).rows == 0
    lake.put_together("plays", 3, 0)
    with warehouse.writing():
        assert warehouse.load("plays", lake.files("plays")).rows == 0
    lake.written["plays"].pop(0)  # f is gone: what is left is loaded anew
    with warehouse.writing():
        assert warehouse.load("plays", lake.files("plays")).rows == 5
        assert warehouse.load("plays", lake.files("plays")).rows == 0
        for table in LAKE_TABLES:
            warehouse.load(table, lake.files(table))
        warehouse.build(Silent())
        assert sorted(warehouse.read("tracks")["title"].to_pylist()) == ["a", "b", "c", "d", "e"]


@SNOWFLAKE_IF_THOROUGH
def test_the_first_import_names_a_track_even_when_put_together(
    make: Callable[[], Warehouse], lake: HandLake
) -> None:
    for title in ("First", "Second", "Third"):
        lake.add("plays", [PLAY | {"title": title, "artist": "A"}])
    lake.put_together("plays", 2, 0, 1)
    warehouse = make()
    with warehouse.writing():
        for table in LAKE_TABLES:
            warehouse.load(table, lake.files(table))
        warehouse.build(Silent())
        assert warehouse.read("tracks")["title"].to_pylist() == ["First"]


def test_a_file_that_is_damaged_inside_is_named(
    make: Callable[[], Warehouse], lake: HandLake
) -> None:
    lake.add("plays", [PLAY])
    bad = lake.add("plays", [PLAY | {"track_ref": f"id:{n}"} for n in range(1000)])
    content = bytearray(bad.path.read_bytes())
    content[4:2000] = b"\xff" * 1996  # pages of rows; what is said of them at the end is whole
    bad.path.write_bytes(content)
    files = [replace(file, crc32=None) for file in lake.files("plays")]
    warehouse = make()
    with warehouse.writing():
        with pytest.raises(WarehouseError, match=f"{bad.path.name} cannot be read"):
            warehouse.load("plays", files)
        bad.path.unlink()
        assert warehouse.load("plays", files[:1]).rows == 1


def test_one_builds_at_a_time(make: Callable[[], Warehouse]) -> None:
    with (
        make().writing(),
        pytest.raises(BusyError, match="Wait"),
        make().writing(),
    ):
        pass


def test_nothing_happens_outside_of_writing(make: Callable[[], Warehouse]) -> None:
    with pytest.raises(WarehouseError, match="outside"):
        make().load("plays", [])


def test_marts_keep_their_promised_schema(
    make: Callable[[], Warehouse], lake: HandLake, tmp_path: Path
) -> None:
    lake.add("plays", [PLAY])
    warehouse = make()
    with warehouse.writing():
        for table in LAKE_TABLES:
            warehouse.load(table, lake.files(table))
        report = warehouse.build(Silent())
        rows = warehouse.export(tmp_path)
        read = {mart: warehouse.read(mart) for mart in MARTS}
        assert warehouse.read("plays", columns=["source"]).to_pylist() == [{"source": "s"}]
    assert rows == report.rows == {mart: table.num_rows for mart, table in read.items()}
    assert report.matches == {"own": 1}
    assert report.coverage is None
    for mart, schema in MARTS.items():
        assert read[mart].schema.equals(schema), mart
        assert pq.read_schema(tmp_path / f"{mart}.parquet").remove_metadata().equals(schema)


@SNOWFLAKE_IF_THOROUGH
def test_what_is_cleared_is_gone_and_made_again(
    make: Callable[[], Warehouse], lake: HandLake, tmp_path: Path
) -> None:
    lake.add("plays", [PLAY | {"user_id": "anna-of-old"}])
    warehouse = make()
    with warehouse.writing():
        for table in LAKE_TABLES:
            warehouse.load(table, lake.files(table))
        warehouse.build(Silent())
        warehouse.clear()
        left = [path for path in (tmp_path / "warehouse").rglob("*") if path.is_file()]
        assert not [path for path in left if b"anna-of-old" in path.read_bytes()]
    lake.written["plays"] = []
    lake.add("plays", [PLAY])
    warehouse = make()
    with warehouse.writing():
        loaded = {table: warehouse.load(table, lake.files(table)).rows for table in LAKE_TABLES}
        warehouse.build(Silent())
        assert warehouse.read("plays", columns=["user_id"]).to_pylist() == [{"user_id": "u"}]
    assert loaded["plays"] == 1


def test_an_empty_warehouse_can_be_cleared(make: Callable[[], Warehouse]) -> None:
    warehouse = make()
    with warehouse.writing():
        warehouse.clear()
        warehouse.clear()
    with pytest.raises(WarehouseError, match="outside"):
        warehouse.clear()
