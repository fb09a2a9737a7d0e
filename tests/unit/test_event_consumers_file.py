"""What consumers keep lies beside the log; an older log's is brought there, whatever happens."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from segue.errors import WarehouseError
from segue.events.base import Parked
from segue.events.profile_keeper import ProfileKeeper, profile_of
from segue.events.sqlite_consumers import SqliteConsumers
from segue.events.sqlite_log import SqliteLog
from segue.flows.consume import consume
from segue.flows.home_parts import kept_files
from segue.music.event import Event

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)

_OLD_TABLES: Final = """
create table cursors (consumer text primary key, position integer not null) strict;
create table states (
    consumer text not null, key text not null, value blob not null, primary key (consumer, key)
) strict, without rowid;
create table parked (
    consumer text not null, position integer not null, error text not null, at_us integer not null,
    primary key (consumer, position)
) strict, without rowid;
"""


def _event(number: int, user: str = "ann") -> Event:
    return Event(f"e{number}", user, f"t{number}", "complete", NOW)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A log of the first version, of which “profiles” has taken two of three events."""
    file = tmp_path / "events" / "events.sqlite"
    with closing(SqliteLog(file)) as log:
        log.append([_event(1), _event(2)], NOW).result()
        consume(log, ProfileKeeper(), now=NOW)
        log.advance("lake", 2, state={"ann": b"in the middle"}, parked=[Parked(1, "odd", NOW)])
        log.append([_event(3)], NOW).result()
    with closing(sqlite3.connect(file, isolation_level=None)) as written:
        written.executescript(_OLD_TABLES)
        written.execute("attach database ? as kept", (str(file.with_name("consumers.sqlite")),))
        for table in ("cursors", "states", "parked"):
            written.execute(f"insert into main.{table} select * from kept.{table}")
        written.execute("pragma main.user_version = 1")
    for path in file.parent.glob("consumers.sqlite*"):
        path.unlink()
    return file


def _check(file: Path) -> None:
    with closing(SqliteLog(file)) as log:
        assert (log.cursor("profiles"), log.cursor("lake")) == (2, 2)
        assert log.state("lake", "ann") == b"in the middle"
        assert log.parked("lake") == [Parked(1, "odd", NOW)]
        assert profile_of(log, "ann").finishes == 2
        assert consume(log, ProfileKeeper(), now=NOW).events == 1
        assert profile_of(log, "ann").finishes == 3
    with closing(SqliteLog(file)) as again:
        assert (again.cursor("profiles"), profile_of(again, "ann").finishes) == (3, 3)


def _tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as read:
        return {name for (name,) in read.execute("select name from sqlite_schema")}


def test_an_older_log_goes_on_from_where_it_was(old: Path) -> None:
    _check(old)
    assert not {"cursors", "states", "parked"} & _tables(old)


def test_killed_in_the_middle_of_the_move_nothing_counts_twice(old: Path) -> None:
    with closing(SqliteConsumers(old, wait_s=1)) as beside:
        beside.take_over(old)  # and there it died
    _check(old)


def test_an_older_log_that_was_put_back_brings_its_own(old: Path, tmp_path: Path) -> None:
    before = shutil.copy(old, tmp_path / "before.sqlite")
    _check(old)
    shutil.copy(before, old)
    _check(old)


def test_an_older_segue_leaves_the_log_alone(old: Path) -> None:
    _check(old)
    with closing(sqlite3.connect(old)) as read:
        assert read.execute("pragma user_version").fetchone() == (2,)
        read.execute("pragma user_version = 3")
    with pytest.raises(WarehouseError, match="newer Segue"):
        SqliteLog(old)


def test_of_who_is_forgotten_no_byte_stays_after_the_move(old: Path) -> None:
    with closing(SqliteLog(old)) as log:
        assert log.forget("ann") == 3
        assert log.parked("lake") == []
        assert log.state("profiles", "ann") is None
    for file in old.parent.iterdir():
        assert b"ann" not in file.read_bytes(), file
        assert b"in the middle" not in file.read_bytes(), file


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    opened = SqliteLog(tmp_path / "events" / "events.sqlite")
    yield opened
    opened.close()


def test_nobody_who_reports_waits_for_a_consumer_that_writes(log: SqliteLog) -> None:
    with closing(
        sqlite3.connect(log.path.with_name("consumers.sqlite"), isolation_level=None)
    ) as held:
        held.execute("begin immediate")
        assert log.append([_event(1)], NOW).result(5) == ("accepted",)
        held.execute("rollback")


def test_a_backup_has_no_consumer_ahead_of_the_log(log: SqliteLog) -> None:
    log.append([_event(1)], NOW).result()
    names = [file.path for file in kept_files(log.path.parents[1])]
    assert names[:2] == ["events/consumers.sqlite", "events/events.sqlite"]
