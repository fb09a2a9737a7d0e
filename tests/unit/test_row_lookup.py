"""The rows of one key, out of marts of one file, of row groups and of many files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.errors import WarehouseError
from segue.music.marts import MARTS
from segue.warehouse.row_lookup import RowLookup
from segue.warehouse.snapshot_parts import MartFiles, Part, write_index
from segue.warehouse.snapshots import Snapshot
from tests import tiny
from tests.tiny import NOW

USERS = [f"u{n:02}" for n in range(20)]


def _plays() -> pa.Table:
    return tiny.plays([(user, f"t{n}", NOW) for n, user in enumerate(USERS) for _ in range(3)])


def _write(folder: Path, mart: str, table: pa.Table, rows_a_group: int = 7) -> Snapshot:
    for name, schema in MARTS.items():
        pq.write_table(schema.empty_table(), folder / f"{name}.parquet")
    pq.write_table(table, folder / f"{mart}.parquet", row_group_size=rows_a_group)
    return Snapshot("20260301T000000Z-00000000", folder)


def _in_parts(folder: Path) -> Snapshot:
    snapshot = _write(folder, "plays", _plays())
    (folder / "plays").mkdir()
    parts = []
    for number, first in enumerate(range(0, 20, 4)):
        some = _plays().slice(3 * first, 12)
        name = f"plays/{number:04}.parquet"
        pq.write_table(some, folder / name, row_group_size=5)
        parts.append(Part(name, 12, USERS[first], USERS[first + 3], "", 0))
    write_index(folder, {"plays": MartFiles("user_id", tuple(parts))})
    return snapshot


@pytest.mark.parametrize("cut", [False, True])
def test_everybody_has_their_own_rows(tmp_path: Path, cut: bool) -> None:
    snapshot = _in_parts(tmp_path) if cut else _write(tmp_path, "plays", _plays())
    rows = RowLookup(snapshot)
    for n, user in enumerate(USERS):
        found = rows.read("plays", user, ["track_id", "played_at"])
        assert found["track_id"].to_pylist() == [f"t{n}"] * 3
        assert found.schema == pa.schema([MARTS["plays"].field(n) for n in found.column_names])
    for nobody in ("", "u", "u05x", "zz"):
        assert rows.read("plays", nobody, ["track_id"]).num_rows == 0


def test_rows_of_nobody_are_nobodys(tmp_path: Path) -> None:
    plays = tiny.plays([(user, f"t-{user}", NOW) for user in ("a", "a", "b", "c")])
    place = plays.schema.get_field_index("user_id")
    mixed = plays.set_column(
        place, plays.schema.field(place), pa.array(["a", "a", None, "c"], pa.string())
    )
    rows = RowLookup(_write(tmp_path, "plays", mixed, rows_a_group=4))
    index = {"plays": MartFiles("user_id", (Part("plays.parquet", 4, "a", "c", "", 0),))}
    write_index(tmp_path, index)
    assert rows.read("plays", "a", ["track_id"])["track_id"].to_pylist() == ["t-a", "t-a"]
    assert rows.read("plays", "b", ["track_id"]).num_rows == 0


def test_row_groups_of_others_are_passed_over(tmp_path: Path) -> None:
    names = [f"ref{n:06}" for n in range(200_000)]
    schema = MARTS["track_matches"]
    columns = {one.name: pa.nulls(len(names), one.type) for one in schema}
    columns |= {"track_ref": pa.array(names), "track_id": pa.array([f"t{n}" for n in names])}
    table = pa.table(columns).cast(schema)
    snapshot = _write(tmp_path, "track_matches", table, rows_a_group=1_000)
    damage = tmp_path / "track_matches.parquet"
    whole = bytearray(damage.read_bytes())
    whole[1_000:2_000] = bytes(1_000)  # within the first row groups
    damage.write_bytes(whole)
    rows = RowLookup(snapshot)
    (found,) = rows.read("track_matches", "ref150000", ["track_id"], by="track_ref").to_pylist()
    assert found == {"track_id": "tref150000"}
    with pytest.raises(WarehouseError, match="track_matches"):
        rows.read("track_matches", "ref000001", ["track_id"], by="track_ref")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    snapshot = _in_parts(tmp_path)
    (tmp_path / "plays" / "0002.parquet").unlink()
    with pytest.raises(WarehouseError, match=r"0002\.parquet"):
        RowLookup(snapshot).read("plays", "u09", ["track_id"])


def test_row_groups_of_one_user_alone_are_taken_as_they_are(tmp_path: Path) -> None:
    table = tiny.plays([(user, f"t{n}", NOW) for user in ("ann", "bob") for n in range(12)])
    snapshot = _write(tmp_path, "plays", table, rows_a_group=3)
    part = Part("plays.parquet", 24, "ann", "bob", "", 0)
    write_index(tmp_path, {"plays": MartFiles("user_id", (part,))})
    lookup = RowLookup(snapshot)
    for user in ("ann", "bob"):
        for columns in (["track_id"], ["track_id", "user_id"]):
            found = lookup.read("plays", user, columns)
            assert found["track_id"].to_pylist() == [f"t{n}" for n in range(12)]
            assert found.column_names == columns
