"""A file of SQLite: who may read it, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segue.errors import BusyError, StorageError, WarehouseError
from segue.sqlite import SqliteFile, microseconds, moment, transaction

TABLES = "create table if not exists things (name text primary key) strict;"


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    return SqliteFile(tmp_path / "new" / "x.sqlite", TABLES, name="the list of things", wait_s=0.05)


def add(file: SqliteFile, name: str) -> None:
    with file.opened() as connection, transaction(connection):
        connection.execute("insert into things values (?)", (name,))


def names(file: SqliteFile) -> list[str]:
    with file.opened() as connection:
        return [name for (name,) in connection.execute("select name from things order by name")]


def test_it_is_for_its_owner_only(file: SqliteFile) -> None:
    assert names(file) == []
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_transaction_is_all_or_nothing(file: SqliteFile) -> None:
    add(file, "a")
    with pytest.raises(ValueError), file.opened() as connection, transaction(connection):
        connection.execute("insert into things values ('b')")
        raise ValueError
    assert names(file) == ["a"]


def test_others_who_write_are_waited_for_and_then_named(file: SqliteFile) -> None:
    with file.opened() as other, transaction(other), pytest.raises(BusyError, match="another"):
        add(file, "a")
    add(file, "a")


def test_a_turn_is_taken_as_soon_as_it_is_there(file: SqliteFile) -> None:
    with file.opened() as mine, file.opened() as other:
        mine.execute("pragma busy_timeout = 0")
        with (
            transaction(other),
            pytest.raises(BusyError, match="another"),
            file.guarded(),
            transaction(mine, wait_s=0.01),
        ):
            raise AssertionError
        other.execute("begin immediate")
        done = threading.Timer(0.1, other.execute, ("commit",))
        done.start()
        with transaction(mine, wait_s=20):
            mine.execute("insert into things values ('a')")
        done.join()
    assert names(file) == ["a"]


def test_a_newer_segue_is_left_alone(file: SqliteFile) -> None:
    with file.opened() as connection:
        connection.execute("pragma user_version = 9")
    with pytest.raises(WarehouseError, match=r"the list of things .*x\.sqlite.*newer Segue"):
        names(file)


def test_damage_is_said_with_its_cure(file: SqliteFile) -> None:
    add(file, "a")
    file.path.write_bytes(b"no database at all" * 100)
    with pytest.raises(WarehouseError, match=r"the list of things .* is damaged") as caught:
        names(file)
    assert caught.value.cure == file.if_damaged


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        names(SqliteFile(tmp_path / "folder" / "x.sqlite", TABLES))
    (tmp_path / "x.sqlite").mkdir()
    with pytest.raises(StorageError, match="cannot be used"):
        names(SqliteFile(tmp_path / "x.sqlite", TABLES))


def test_bytes_that_are_deleted_are_overwritten(file: SqliteFile) -> None:
    add(file, "a secret name")
    with file.opened() as connection, transaction(connection):
        connection.execute("delete from things")
    assert b"a secret name" not in file.path.read_bytes()


def test_without_a_journal_beside_it(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "x.sqlite", TABLES, wal=False)
    with file.opened() as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("delete",)
        assert isinstance(connection, sqlite3.Connection)


def test_moments_are_whole_numbers() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    assert moment(microseconds(at)) == at
    assert microseconds(moment(-1)) == -1
