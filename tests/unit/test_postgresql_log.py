"""The event log in PostgreSQL: order, lost connections, leases, and servers that are not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from segue.errors import BusyError, StorageError, UnreachableError, WarehouseError
from segue.events.postgresql_log import PostgreSQLLog
from segue.events.postgresql_tables import APPEND, MIGRATIONS, columns_of
from segue.music.event import Event
from segue.postgresql.connections import Connections
from segue.postgresql.migrations import bring_up_to_date
from tests.postgres_server import database_of, server_of_tests
from tests.postgresql_live import Gate, gate, live_address, postgresql_log

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPO: Final = Path(__file__).parents[2]
WAITING: Final = (
    "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    " and database = (select oid from pg_database where datname = current_database())"
)
END_OTHERS: Final = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PostgreSQLLog]:
    opened = postgresql_log(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def way() -> Iterator[Gate]:
    server_of_tests()
    with gate() as made:
        yield made


@pytest.fixture
def admin(tmp_path: Path, log: PostgreSQLLog) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else in the same database."""
    url = server_of_tests().url(database_of(tmp_path))
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _event(number: int, user: str = "ann") -> Event:
    return Event(f"e{number}", user, "t1", "play", NOW)


def _until(connection: psycopg.Connection[Any], query: str) -> None:
    """Wait until a query says yes."""
    deadline = time.monotonic() + 20
    while connection.execute(query).fetchone() in [(0,), (None,), (False,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _ids(log: PostgreSQLLog) -> list[str]:
    return [one.event.event_id for one in log.read(0)]


def test_no_position_becomes_visible_before_an_earlier_one(
    log: PostgreSQLLog, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    slow = psycopg.connect(server_of_tests().url(database_of(tmp_path)))
    with slow:  # somebody who has got positions, and takes long to commit
        slow.execute(APPEND, [1, *columns_of([(_event(1), NOW), (_event(2), NOW)])])
        later = log.append([_event(3)], NOW)
        _until(admin, WAITING)
        assert not later.done()
        assert log.read(0) == []
        assert log.last() == 0
    assert later.result(20) == ("accepted",)
    slow.close()
    found = log.read(0)
    assert [one.event.event_id for one in found] == ["e1", "e2", "e3"]
    assert [one.position for one in found] == sorted(one.position for one in found)


def test_a_long_transaction_of_somebody_else_holds_nobody_up(
    log: PostgreSQLLog, tmp_path: Path
) -> None:
    with psycopg.connect(server_of_tests().url(database_of(tmp_path))) as long:
        long.execute("create table a_build (n integer)")  # has a number of its own from here on
        log.append([_event(1)], NOW).result(20)
        assert _ids(log) == ["e1"]


def test_events_are_durable_whatever_the_server_does_by_default(tmp_path: Path) -> None:
    connections = Connections(live_address(tmp_path))
    for asked, expected in (("synchronous_commit", "on"), ("timezone", "UTC")):
        assert connections.fetch("asking", f"show {asked}") == [(expected,)]
    connections.close()


def test_a_connection_lost_while_it_waits_doubles_nothing(
    log: PostgreSQLLog, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    with psycopg.connect(server_of_tests().url(database_of(tmp_path))) as slow:
        slow.execute(APPEND, [1, *columns_of([(_event(1), NOW)])])
        answer = log.append([_event(1), _event(2), _event(2)], NOW)
        _until(admin, WAITING)
        admin.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
            " and not granted"
        )
    assert answer.result(20) == ("duplicate", "accepted", "duplicate")
    assert _ids(log) == ["e1", "e2"]


def test_an_answer_that_gets_lost_is_told_as_it_was(way: Gate, tmp_path: Path) -> None:
    log = postgresql_log(tmp_path, port=way.port)
    log.append([_event(1)], NOW).result(20)
    way.swallow_next()  # the server commits, and nobody hears of it
    assert log.append([_event(1), _event(2)], NOW).result(20) == ("duplicate", "accepted")
    assert way.swallowed.is_set()
    assert _ids(log) == ["e1", "e2"]
    log.close()


def test_a_server_that_goes_away_is_said_and_comes_back(way: Gate, tmp_path: Path) -> None:
    log = postgresql_log(tmp_path, port=way.port, patience_s=0.2)
    log.append([_event(1)], NOW).result(20)
    way.shut()
    with pytest.raises(UnreachableError, match=r"PostgreSQL at 127\.0\.0\.1.*"):
        log.append([_event(2)], NOW).result(20)
    with pytest.raises(StorageError):
        log.read(0)
    way.reopen()
    assert log.append([_event(2)], NOW).result(20) == ("accepted",)
    assert _ids(log) == ["e1", "e2"]
    log.close()


def test_a_short_absence_is_waited_for(way: Gate, tmp_path: Path) -> None:
    log = postgresql_log(tmp_path, port=way.port, patience_s=20)
    way.shut()
    answers = [log.append([_event(n)], NOW) for n in range(3)]
    assert not any(answer.done() for answer in answers)
    way.reopen()
    assert [answer.result(20) for answer in answers] == [("accepted",)] * 3
    log.close()


def test_reading_survives_a_restart_of_the_server(
    log: PostgreSQLLog, admin: psycopg.Connection[Any]
) -> None:
    log.append([_event(1)], NOW).result(20)
    admin.execute(END_OTHERS)
    assert _ids(log) == ["e1"]
    admin.execute(END_OTHERS)
    assert log.append([_event(2)], NOW).result(20) == ("accepted",)


def test_nobody_there() -> None:
    from pydantic import SecretStr

    from segue.postgresql.address import Address
    from segue.postgresql.connections import LIVE_SESSION

    nowhere = Address(SecretStr("postgresql://ann:hush@127.0.0.1:1/x"), {}, LIVE_SESSION)
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1, database x as ann") as caught:
        PostgreSQLLog(nowhere)
    assert "hush" not in str(caught.value)


def test_who_has_lost_the_lease_writes_nothing(
    log: PostgreSQLLog, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    other = postgresql_log(tmp_path)
    with log.consuming("profiles"):
        log.advance("profiles", 1, state={"ann": b"1"})
        admin.execute(END_OTHERS)
        with other.consuming("profiles"):
            other.advance("profiles", 2, state={"ann": b"2"})
            for _ in range(2):
                with pytest.raises(UnreachableError, match="went away"):
                    log.advance("profiles", 1, state={"ann": b"late"})
    assert (log.cursor("profiles"), log.state("profiles", "ann")) == (2, b"2")
    with log.consuming("profiles"):
        log.advance("profiles", 3)
    other.close()


_HOLDER: Final = """
import sys, time
from pathlib import Path
from tests.postgresql_live import postgresql_log
log = postgresql_log(Path(sys.argv[1]))
with log.consuming("lake"):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_a_lease_ends_with_its_process(
    log: PostgreSQLLog, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        cwd=REPO,
        env=os.environ | {"PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"},
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mine\n"
        with pytest.raises(BusyError), log.consuming("lake"):
            pass
        holder.send_signal(signal.SIGKILL)
    _until(admin, "select not exists (select 1 from pg_locks where locktype = 'advisory')")
    with log.consuming("lake"):
        pass


def test_threads_share_the_connections(log: PostgreSQLLog) -> None:
    answers: list[Future[Any]] = []

    def work(number: int) -> None:
        answers.append(log.append([_event(number)], NOW))
        log.read(0)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.result(20) for answer in answers} == {("accepted",)}
    assert len(log.read(0)) == 40


def test_tables_of_a_newer_segue_are_left_alone(
    log: PostgreSQLLog, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    admin.execute("insert into live.migrations values ('events', 99, 'of the future')")
    with pytest.raises(WarehouseError, match="newer Segue"):
        postgresql_log(tmp_path)


def test_a_role_that_may_make_nothing_finds_tables_that_are_there(
    log: PostgreSQLLog, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    role = f"{database_of(tmp_path)}_service"
    admin.execute(f"create role {role} login")
    admin.execute(f"grant usage on schema live to {role}")
    admin.execute(f"grant select, insert, update, delete on all tables in schema live to {role}")
    address = live_address(tmp_path)
    served = PostgreSQLLog(type(address)(address.url, {"user": role}, address.session))
    assert served.append([_event(1)], NOW).result(20) == ("accepted",)
    with served.consuming("lake"):
        served.advance("lake", 1, state={"ann": b""})
    served.close()
    connections = Connections(type(address)(address.url, {"user": role}, address.session))
    with pytest.raises(WarehouseError, match=r"permission denied.*events\.md"):
        bring_up_to_date(connections, "events", [*MIGRATIONS, ("more", "create table live.x ()")])
    connections.close()
