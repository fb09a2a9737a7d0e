"""A home that an older Segue left: its backup is restored and merged, and builds go on with it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from segue.flows.backup import Wanted, backup
from segue.flows.build import build
from segue.flows.merge_backup import merge
from segue.flows.restore import restore
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import PLAYS
from segue.music.listening_marts import LISTENING_MARTS
from segue.progress import Silent
from segue.sources.base import Chunk
from segue.warehouse.duckdb import DuckDBWarehouse
from segue.warehouse.home_lock import HomeLock
from segue.warehouse.lake import Lake
from segue.warehouse.lake_folder import LakeFolder
from segue.warehouse.snapshots import SnapshotStore
from tests.marts_folder import published
from tests.older_lake import made_of_old
from tests.support import NOW, play_rows
from tests.tiny import mart

ONE, TWO, THREE = (0, "Ann", "One"), (5, "Bob", "Two"), (9, "Cat", "Three")


def imported(home: Path, *commits: tuple[tuple[int, str, str], ...]) -> Lake:
    lake = Lake(home / "lake", threads=1)
    for plays in commits:
        with (
            lake.writing(),
            lake.begin("history", Path("/in/a.zip"), user_id="ann", name="") as new,
        ):
            new.file("a.json", "list")
            new.stage("a.json", Chunk(PLAYS, play_rows(*plays)))
            new.commit(NOW)
    return lake


def titles(lake: Lake) -> list[str]:
    return sorted(lake.rows("plays", [c.TITLE])[c.TITLE].to_pylist())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The backup of a home with a lake of version 1, and a snapshot of thirteen marts."""
    home = tmp_path / "older"
    made_of_old(imported(home, (ONE,), (TWO,)))
    snapshot = published(home / "snapshots", users=mart("users", [{"user_id": "ann", "plays": 2}]))
    for name in LISTENING_MARTS:
        (snapshot.folder / f"{name}.parquet").unlink()
    backup(
        home,
        tmp_path / "older.tar",
        lake=LakeFolder(home / "lake"),
        what=Wanted(with_models=True),
        progress=Silent(),
        now=NOW,
    )
    return tmp_path / "older.tar"


def test_a_restored_home_reads_imports_and_builds(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with archive.open("rb") as stream:
        restore(
            HomeLock(home), stream, archive, replace=False, size=None, progress=Silent(), now=NOW
        )
    snapshots, lake = SnapshotStore(home / "snapshots"), Lake(home / "lake")
    assert snapshots.current().read("users")["plays"].to_pylist() == [2]
    imported(home, (TWO, THREE))
    assert titles(lake) == ["One", "Three", "Two"]
    older_layout(home / "warehouse" / "segue.duckdb")
    report = build(
        lake=lake,
        warehouse=DuckDBWarehouse(home / "warehouse" / "segue.duckdb", threads=1),
        snapshots=snapshots,
        progress=Silent(),
        now=NOW,
    )
    assert report.notes == ("The warehouse was made again from the lake.",)
    assert snapshots.current().rows("plays") == 3
    assert snapshots.current().read("streaks").num_rows == 1


def older_layout(path: Path) -> None:
    """A warehouse file whose raw tables are not those of today."""
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw; create table raw.about (name text, value text)")
        connection.execute("insert into raw.about values ('layout', '1-0123456789abcdef')")
        connection.execute("create table raw.plays (row_id bigint)")


def test_merged_into_a_home_of_today(archive: Path, tmp_path: Path) -> None:
    lake = imported(tmp_path / "home", (TWO, THREE))
    with archive.open("rb") as stream:
        merged = merge(lake, stream, archive, size=None, progress=Silent(), now=NOW)
    assert merged.account == Account(read=2, kept=1, duplicate=1)
    assert titles(lake) == ["One", "Three", "Two"]
