"""The event path when things break: full disks, torn writes, damage, overload, kills, clocks."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from segue.errors import OverloadedError, StorageError, WarehouseError
from segue.events.postgresql_tables import LOCK
from segue.events.profile_keeper import ProfileKeeper, profile_of
from segue.events.sqlite_log import SqliteLog
from segue.flows.consume import follow_log
from segue.music.event import Event
from tests.event_storm import storm
from tests.postgres_server import database_of, server_of_tests
from tests.postgresql_live import postgresql_log

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPO: Final = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log" / "events.sqlite"


def _event(number: int, **context: object) -> Event:
    return Event(f"e{number}", "ann", f"t{number}", "complete", NOW, context=context)


def _append(log: SqliteLog, *numbers: int) -> None:
    log.append([_event(n) for n in numbers], NOW).result(20)


def _ids(file: Path) -> list[str]:
    with closing(SqliteLog(file)) as log:
        return [one.event.event_id for one in log.read(0, 10_000)]


# --- disks --------------------------------------------------------------------------------------

_FILLS_THE_DISK: Final = """
import json, resource, sys
from contextlib import closing
from pathlib import Path
from segue.errors import StorageError
from segue.events.sqlite_log import SqliteLog
from tests.unit.test_event_faults import NOW, _event
with closing(SqliteLog(Path(sys.argv[1]))) as log:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    accepted, refused = [], ""
    while not refused:
        try:
            log.append([_event(len(accepted), padding="x" * 2_000)], NOW).result()
            accepted.append(len(accepted))
        except StorageError as error:
            refused = str(error)
    readable = len(log.read(0, 10_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    again = log.append([_event(len(accepted))], NOW).result()
print(json.dumps([len(accepted), readable, refused, again]))
"""


def test_a_full_disk_is_said_and_loses_nothing(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FILLS_THE_DISK, str(file)],
        cwd=REPO,
        env=os.environ | {"PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"},
        capture_output=True,
        check=True,
    )
    accepted, readable, refused, again = json.loads(done.stdout)
    assert accepted == readable > 10
    assert "events.sqlite cannot be used" in refused
    assert again == ["accepted"], "as soon as there is room again"
    assert _ids(file) == [f"e{n}" for n in range(accepted + 1)]


def test_a_server_without_room_is_said_and_loses_nothing(tmp_path: Path) -> None:
    url = server_of_tests().url(database_of(tmp_path))
    with (
        closing(postgresql_log(tmp_path)) as log,
        psycopg.connect(url, autocommit=True) as admin,
    ):
        log.append([_event(1)], NOW).result(20)
        admin.execute(
            "create function live.full() returns trigger language plpgsql as $$ begin"
            " raise exception using errcode = '53100', message = 'No space left on device';"
            " end $$"
        )
        admin.execute(
            "create trigger is_full before insert on live.events execute function live.full()"
        )
        with pytest.raises(StorageError, match=r"no room left \(No space left.*Free space"):
            log.append([_event(2)], NOW).result(20)
        admin.execute("drop trigger is_full on live.events")
        assert log.append([_event(2)], NOW).result(20) == ("accepted",)
        assert [one.event.event_id for one in log.read(0)] == ["e1", "e2"]


def test_a_commit_that_was_torn_takes_nothing_with_it(file: Path, tmp_path: Path) -> None:
    journal = file.with_name(f"{file.name}-wal")
    log = SqliteLog(file)
    _append(log, *range(5))
    whole = journal.stat().st_size
    _append(log, *range(5, 10))
    torn = journal.stat().st_size
    chance = random.Random(3)
    cuts = sorted(chance.randrange(whole, torn) for _ in range(12))
    for number, cut in enumerate([whole, whole + 1, torn - 1, *cuts]):
        for flip in (False, True):
            copy = tmp_path / f"copy-{number}-{flip}" / file.name
            copy.parent.mkdir()
            shutil.copy(file, copy)
            content = bytearray(journal.read_bytes())
            if flip:  # the disk wrote something else
                content[min(cut, torn - 1)] ^= 0xFF
            else:  # the disk had not written it all
                del content[cut:]
            copy.with_name(journal.name).write_bytes(content)
            assert _ids(copy) == [f"e{n}" for n in range(5)], (cut, flip)
            with closing(SqliteLog(copy)) as mended:
                _append(mended, *range(3, 12))
            assert _ids(copy) == [f"e{n}" for n in range(12)]
    log.close()
    assert _ids(file) == [f"e{n}" for n in range(10)]


def test_a_damaged_log_is_said(file: Path) -> None:
    with closing(SqliteLog(file)) as log:
        _append(log, *range(100))
    content = bytearray(file.read_bytes())
    content[:100] = bytes(100)
    file.write_bytes(content)
    with pytest.raises(WarehouseError, match=r"damaged.*segue restore"):
        SqliteLog(file)


# --- overload -----------------------------------------------------------------------------------


def _held_sqlite(folder: Path) -> tuple[Any, Callable[[], None]]:
    log = SqliteLog(folder / "events.sqlite", most_waiting=10)
    other = sqlite3.connect(folder / "events.sqlite", isolation_level=None)
    other.execute("begin immediate")

    def free() -> None:
        other.execute("rollback")
        other.close()

    return log, free


def _held_postgresql(folder: Path) -> tuple[Any, Callable[[], None]]:
    log = postgresql_log(folder, most_waiting=10)
    other = psycopg.connect(server_of_tests().url(database_of(folder)))
    other.execute("select pg_advisory_xact_lock(%s)", [LOCK])
    return log, other.close


@pytest.mark.parametrize("held", [_held_sqlite, _held_postgresql])
def test_what_is_too_much_is_refused_and_does_not_pile_up(
    tmp_path: Path, held: Callable[[Path], tuple[Any, Callable[[], None]]]
) -> None:
    log, free = held(tmp_path)
    answers, refused = [], 0
    for number in range(50):
        try:
            answers.append(log.append([_event(2 * number), _event(2 * number + 1)], NOW))
        except OverloadedError:
            refused += 1
    assert refused >= 50 - 11  # beside ten that wait, one append may be under way
    free()
    assert {answer.result(20) for answer in answers} == {("accepted", "accepted")}
    assert len(log.read(0)) == 2 * len(answers)
    assert log.append([_event(1000)], NOW).result(20) == ("accepted",)
    log.close()


# --- kills and clocks ---------------------------------------------------------------------------


def _sqlite_place(folder: Path) -> str:
    return str(folder / "events.sqlite")


def _postgresql_place(folder: Path) -> str:
    return server_of_tests().url(database_of(folder))


@pytest.mark.parametrize("place", [_sqlite_place, _postgresql_place])
def test_killed_at_any_moment_nothing_is_lost_or_counted_twice(
    tmp_path: Path, place: Callable[[Path], str]
) -> None:
    counts = storm(place(tmp_path), tmp_path / "lake", 3, random.Random(8), longest_s=0.4)
    assert counts.faultless, counts
    assert counts.acknowledged > 0
    assert counts.notes == []


def _clock(*moments: datetime) -> Callable[[], datetime]:
    """Tells these, one after the other, then the last for ever."""
    told: Iterator[datetime] = chain(moments, repeat(moments[-1]))
    lock = threading.Lock()

    def clock() -> datetime:
        with lock:
            return next(told)

    return clock


def test_a_clock_that_jumps_stops_and_doubles_nothing(file: Path) -> None:
    year = timedelta(days=365)
    log = SqliteLog(file)
    log.append([_event(1)], NOW).result()
    log.append([_event(2)], NOW - year).result()  # the log's own clock was put back
    stop = threading.Event()
    clock = _clock(NOW, NOW - year, NOW + year, NOW - 2 * year)
    thread = threading.Thread(
        target=follow_log, args=(log, ProfileKeeper()), kwargs={"clock": clock, "stop": stop}
    )
    thread.start()
    try:
        _append(log, 1, 3)
        for _ in range(200):
            if log.cursor("profiles") == log.last() or stop.wait(0.05):
                break
    finally:
        stop.set()
        thread.join()
    assert profile_of(log, "ann").finishes == 3
    assert [one.event.event_id for one in log.read(0)] == ["e1", "e2", "e3"]
    log.close()
