"""What a raw table lacks, and how a warehouse reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segue.errors import WarehouseError
from segue.warehouse.base import Piece
from segue.warehouse.loading import Load, batches, checked, plan_load
from tests.lake_files import HandLake

PLAY = {"user_id": "u", "source": "s", "played_at": datetime(2025, 1, 1, tzinfo=UTC)}


@pytest.fixture
def lake(tmp_path: Path) -> HandLake:
    lake = HandLake(tmp_path)
    for title in ("a", "b", "c"):
        lake.add("plays", [PLAY | {"track_ref": f"id:{title}", "title": title}] * 2)
    return lake


def test_only_what_is_missing(lake: HandLake) -> None:
    loaded = [(piece.name, piece.place, 2) for piece in lake.files("plays")[1].pieces]
    plan = plan_load(loaded, lake.files("plays"))
    assert (plan.anew, plan.rows, [load.places for load in plan.loads]) == (False, 4, [(0,), (2,)])
    together = lake.put_together("plays", 2, 1, 0)
    plan = plan_load(loaded, lake.files("plays"))
    assert plan.loads == (Load(together, (2, None, 0)),)
    assert plan.rows == 4
    assert plan.loads[0].partly


@pytest.mark.parametrize("known", [("gone", 0, 2), ("0.parquet", 1, 2), ("0.parquet", 0, 3)])
def test_something_else_was_loaded(lake: HandLake, known: tuple[str, int, int]) -> None:
    plan = plan_load([known], lake.files("plays"))
    assert (plan.anew, plan.rows) == (True, 6)


def test_rows_as_arrow(lake: HandLake) -> None:
    (whole,) = plan_load([], lake.files("plays")[:1]).loads
    lake.put_together("plays", 2, 1, 0)
    (load,) = plan_load([("1.parquet", 1, 2)], lake.files("plays")).loads

    def read(load: Load) -> list[tuple[str, int]]:
        found = [batch.select(["title", "file_no"]).to_pylist() for batch in batches(load, NAMES)]
        return [(row["title"], row["file_no"]) for rows in found for row in rows]

    assert read(whole) == [("a", 0), ("a", 0)]
    assert read(load) == [("c", 2), ("c", 2), ("a", 0), ("a", 0)]


NAMES = ("row_id", "title", "no_such_column")


def test_files_are_looked_at_ahead_and_in_order(lake: HandLake) -> None:
    plan = plan_load([], lake.files("plays"))
    (batch,) = checked(plan.loads, threads=2)
    assert [one.load for one in batch] == list(plan.loads)
    assert {"row_id", "title"} <= batch[0].columns
    for _ in checked(plan.loads, threads=2):
        break  # whoever stops early leaves nothing running


def test_a_file_that_is_not_what_the_lake_says_is_named(lake: HandLake) -> None:
    first, second, third = lake.files("plays")
    longer = (Load(replace(second, rows=9, own_pieces=(Piece("1", 1, 9),)), (1,)),)
    with pytest.raises(WarehouseError, match=r"1\.parquet holds 2 rows, not 9"):
        list(checked(longer, threads=1))
    third.path.write_bytes(b"PAR1 and no more")
    loads = plan_load([], (first, second, third)).loads
    with pytest.raises(WarehouseError, match=r"2\.parquet has changed"):
        list(checked(loads, threads=1))
    unknown = (Load(replace(third, crc32=None), (2,)),)
    with pytest.raises(WarehouseError, match=r"2\.parquet cannot be read"):
        list(checked(unknown, threads=1))
