"""What the daily data sets of many users take: seconds, and the memory of the process.

    python -m bench.daily_datasets --users 200000

Events of one day in files as Firehose writes them, a quarter of them sent again the next day, and
a profile of 8 kB a user; S3 and DynamoDB are left out, so it is the function's own work alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from segue.events.profiles import Profile, wanted_weights
from segue.warehouse.event_files import EventFiles, Judging, RowAccount, open_scratch
from segue.warehouse.user_genres import UserGenres, all_users

NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
TRACKS = 100_000
AT_ONCE = 4_000


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--events", type=int, default=30, help="Of each user.")
    parser.add_argument("--memory", default="1880MB", help="DuckDB's limit.")
    parser.add_argument("--threads", type=int, default=2)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        first, second, tracks = _data(folder, told.users, told.events)
        print(
            f"{sum(p.stat().st_size for p in first) / 1e6:,.0f} MB of events, {_peak():,} MB before"
        )
        connection = open_scratch(folder, memory_limit=told.memory, threads=told.threads)
        known: list[Path] = []
        users: list[Path] = []
        for name, files in (("a day", first), ("the next day", second)):
            work = folder / name
            work.mkdir()

            def day(work: Path = work, files: list[Path] = files) -> str:
                events = EventFiles(connection, work, sum(p.stat().st_size for p in files))
                events.add(files, Judging(("app",), NOW))
                account = RowAccount()
                for part in events.made(known, tracks):
                    account += part.account
                    known.extend(part.ids.values())
                    users.append(part.users)
                return f"{account.kept:,} kept, {account.duplicate:,} duplicate"

            _measured(name, day)
        _measured("users", lambda: f"{_users(connection, users, tracks):,} users")
        connection.close()


def _users(connection: duckdb.DuckDBPyConnection, files: list[Path], tracks: Path) -> int:
    genres, found = UserGenres(connection, tracks), 0
    record = _profile()
    for chunk in all_users(connection, files, behind="", at_once=AT_ONCE):
        liked = {}
        for user in chunk:
            weights = wanted_weights(Profile.from_bytes(record))
            liked[user] = sorted(weights.items(), key=lambda one: -one[1])[:200]
        found += len(genres.of(liked))
    return found


def _profile() -> bytes:
    weights = {f"t{n * 331 % TRACKS}": 100 + n / 7 for n in range(300)}
    told: Mapping[str, object] = {
        "version": 1, "counts": {"play": 900}, "recent": [], "weights": weights, "words": {},
    }  # fmt: skip
    return json.dumps(told).encode()


def _data(folder: Path, users: int, events: int) -> tuple[list[Path], list[Path], Path]:
    """Two days of events, the second with a quarter of the first, and what tracks are called."""
    made: list[list[Path]] = []
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as database:
        database.execute("SET preserve_insertion_order = false")
        for day in range(2):
            files = []
            for part in range(8):
                path = folder / f"events-{day}-{part}.parquet"
                at = (NOW - timedelta(days=2)).isoformat()
                database.execute(
                    f"COPY (SELECT uuid_of AS event_id, 'user' || (n % {users}) AS user_id,"
                    f" 't' || (hash(n) % {TRACKS}) AS track_id,"
                    " CASE n % 2 WHEN 0 THEN 'play' ELSE 'complete' END AS event_type,"
                    f" strftime('{at}'::TIMESTAMPTZ + to_seconds(n % 86400), '%Y-%m-%dT%H:%M:%SZ')"
                    " AS timestamp, 200000 AS ms_played, 'app' AS source FROM (SELECT n, md5("
                    f"(n + CASE WHEN {day} = 1 AND n % 4 <> 0 THEN 10000000000 ELSE 0 END)"
                    f"::VARCHAR) AS uuid_of FROM range({part}, {users * events}, 8) AS r(n)))"
                    f" TO '{path}' (FORMAT parquet)"
                )
                files.append(path)
            made.append(files)
        tracks = folder / "references.parquet"
        database.execute(
            f"COPY (SELECT 't' || n AS ref, 't' || n AS track_id, 200000 AS duration_ms,"
            f" ['genre ' || (n % 97)] AS genres FROM range({TRACKS}) AS r(n))"
            f" TO '{tracks}' (FORMAT parquet)"
        )
    return made[0], made[1], tracks


def _measured(name: str, work: Callable[[], str]) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    told = work()
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    print(f"{name:<14} {wall:7.1f} s, {used:7.1f} s of a core, peak {_peak():,} MB: {told}")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
