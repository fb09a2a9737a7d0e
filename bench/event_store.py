"""Appending to the event logs: events a second, beside bare inserts into the same databases."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from segue.events.base import EventLog
from segue.events.sqlite_log import SqliteLog
from segue.music.event import Event

__all__ = ["run"]

_NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SECONDS: Final = 2.0
_ROUNDS: Final = 3
_AT_ONCE: Final = 64
"""Appends that are under way at a time, as of so many requests."""
_BATCH: Final = 100
_THREADS: Final = 8
"""Of bare inserts, each with its connection."""

_Way = Callable[[int, float], int]
"""Size of an append and seconds -> how many events are durable."""


def run() -> list[str]:
    """A table of durable events a second; the ways take turns, the best of three rounds counts.

    The server flushes each commit to the disk, on the same machine. A bare insert is one statement
    with as many rows, into a table without an index, on eight connections.
    """
    import psycopg
    from pydantic import SecretStr
    from tests.postgres_server import OwnServer

    from segue.events.postgresql_log import PostgreSQLLog
    from segue.postgresql.address import Address
    from segue.postgresql.connections import LIVE_SESSION

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        server = OwnServer(folder / "server", {})
        server.start()
        url = server.at.url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "create table bare (a text, b text, c text, d text, e timestamptz, f bigint)"
            )
        logs: list[EventLog] = [
            SqliteLog(folder / "events.sqlite"),
            PostgreSQLLog(Address(SecretStr(url), {}, LIVE_SESSION)),
        ]
        ways: dict[str, _Way] = {
            "bare SQLite": _bare(lambda: _sqlite(folder / "bare.sqlite"), 1),
            "SQLite log": _appended(logs[0]),
            "bare PostgreSQL": _bare(lambda: _postgresql(url), _THREADS),
            "PostgreSQL log": _appended(logs[1]),
        }
        best: dict[tuple[str, int], float] = {}
        for _ in range(_ROUNDS):
            for size in (_BATCH, 1):
                for name, way in ways.items():
                    began = time.perf_counter()
                    events = way(size, _SECONDS)
                    speed = events / (time.perf_counter() - began)
                    best[name, size] = max(best.get((name, size), 0.0), speed)
        for log in logs:
            log.close()
        server.stop()
    lines = [
        f"| way | events/s in batches of {_BATCH} | of bare"
        f" | events/s one by one, {_AT_ONCE} at once | of bare |",
        "|---|---|---|---|---|",
    ]
    for name in ways:
        bare = f"bare {name.removeprefix('bare ').removesuffix(' log')}"
        cells = [
            f"{best[name, size]:,.0f} | {best[name, size] / best[bare, size]:.0%}"
            for size in (_BATCH, 1)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _events(count: int) -> Iterator[list[Event]]:
    """Batches of events that nobody has seen, of 1,000 users."""
    began = time.monotonic_ns()
    number = 0
    while True:
        batch = []
        for _ in range(count):
            number += 1
            batch.append(
                Event(
                    event_id=f"{began}-{number}",
                    user_id=f"user-{number % 1000}",
                    track_id=f"spotify:track:{number % 5000:022d}",
                    event_type="complete",
                    timestamp=_NOW + timedelta(milliseconds=number),
                    ms_played=200_000,
                    session_id="session",
                )
            )
        yield batch


def _appended(log: EventLog) -> _Way:
    def way(size: int, seconds: float) -> int:
        free = threading.Semaphore(_AT_ONCE if size == 1 else _THREADS)
        answers = []
        end = time.perf_counter() + seconds

        def done(_: Future[Any]) -> None:
            free.release()

        for batch in _events(size):
            free.acquire()
            if time.perf_counter() > end:
                break
            answer = log.append(batch, _NOW)
            answer.add_done_callback(done)
            answers.append(answer)
        outcomes = [outcome for answer in answers for outcome in answer.result()]
        assert set(outcomes) == {"accepted"}
        return len(outcomes)

    return way


_Insert = Callable[[Sequence[tuple[Any, ...]]], object]


def _bare(connected: Callable[[], Any], threads: int) -> _Way:
    def way(size: int, seconds: float) -> int:
        counts = [0] * threads

        def work(number: int) -> None:
            with connected() as insert:
                end = time.perf_counter() + seconds
                for batch in _events(size):
                    if time.perf_counter() > end:
                        break
                    insert([_row(event) for event in batch])
                    counts[number] += len(batch)

        running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return sum(counts)

    return way


def _row(event: Event) -> tuple[Any, ...]:
    at = event.timestamp.isoformat()
    return event.user_id, event.event_id, event.event_type, event.track_id, at, event.ms_played


@contextmanager
def _sqlite(path: Path) -> Iterator[_Insert]:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("create table if not exists bare (a, b, c, d, e, f)")

    def insert(rows: Sequence[tuple[Any, ...]]) -> None:
        connection.execute("begin immediate")
        connection.executemany("insert into bare values (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("commit")

    yield insert
    connection.close()


@contextmanager
def _postgresql(url: str) -> Iterator[_Insert]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:

        def insert(rows: Sequence[tuple[Any, ...]]) -> None:
            places = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(rows))
            values = [value for row in rows for value in row]
            connection.execute(f"insert into bare values {places}", values, prepare=True)

        yield insert
