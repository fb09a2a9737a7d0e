"""Events under load while processes are killed: a worker, and whoever kills it and counts.

Run as a program, this module is the worker: two threads report events, two consumers follow.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from pydantic import SecretStr

from segue.errors import SegueError
from segue.events.base import EventLog
from segue.events.postgresql_log import PostgreSQLLog
from segue.events.profile_keeper import ProfileKeeper
from segue.events.profiles import Profile
from segue.events.sqlite_log import SqliteLog
from segue.flows.consume import consume, follow_log, rebuild, settle
from segue.flows.lake_writer import LakeWriter
from segue.music import columns as c
from segue.music.event import Event
from segue.postgresql.address import Address
from segue.postgresql.connections import LIVE_SESSION
from segue.warehouse.lake import Lake

__all__ = ["Counts", "open_log", "storm"]

_REPO: Final = Path(__file__).parents[1]
_START: Final = datetime(2026, 3, 1, tzinfo=UTC)
_BATCH: Final = 20
_USERS: Final = 6
_WRITERS: Final = 2
_TRACKS: Final = 997
_SENT_AGAIN: Final = 2
"""Batches before the first that nobody acknowledged: a client may send more than it has to."""


@dataclass
class Counts:
    """What came of it.

    Args:
        kills: Processes that were killed while they worked.
        acknowledged: Events that a worker was told are durable.
        kept: Events in the log.
        lost: Acknowledged events that are not in the log.
        doubled: Events that are there more than once.
        torn: Batches of which only a part is there.
        miscounted: Users whose profile does not count each event once, or is another one when it
            is made again.
        plays_missing: Plays that did not come into the lake.
        plays_doubled: Plays that came more than once.
    """

    kills: int = 0
    acknowledged: int = 0
    kept: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    miscounted: int = 0
    plays_missing: int = 0
    plays_doubled: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def faultless(self) -> bool:
        """Whether nothing was lost and nothing counted twice."""
        return not (
            self.lost
            or self.doubled
            or self.torn
            or self.miscounted
            or self.plays_missing
            or self.plays_doubled
        )


def open_log(place: str) -> EventLog:
    """The log at an address of PostgreSQL, else in a file."""
    if place.startswith("postgresql:"):
        address = Address(SecretStr(place), {}, LIVE_SESSION)
        return PostgreSQLLog(address, patience_s=60)
    return SqliteLog(Path(place))


def storm(
    place: str,
    lake: Path,
    kills: int,
    chance: random.Random,
    *,
    between: Callable[[int], None] = lambda kill: None,
    longest_s: float = 0.6,
) -> Counts:
    """Kill one worker after the other at moments that nobody chose, then count.

    Args:
        place: See `open_log`.
        lake: Folder of the lake that plays come into.
        between: Done while a worker works, with the number of the kill to come.
        longest_s: A worker lives so long at most, once it has begun.
    """
    acknowledged: set[int] = set()
    for kill in range(kills):
        first = next(n for n in range(len(acknowledged) + 1) if n not in acknowledged)
        first = max(first - _SENT_AGAIN, 0)
        with _worker(place, lake, first) as worker:
            assert worker.stdout is not None
            if chance.random() < 0.9:
                assert worker.stdout.readline() == b"ready\n"
                between(kill)
            time.sleep(chance.uniform(0, longest_s))
            worker.kill()
            for line in worker.stdout.read().splitlines(keepends=True):
                if line.endswith(b"\n") and line != b"ready\n":
                    acknowledged.add(int(line))
    log = open_log(place)
    counts = _counted(log, Lake(lake, threads=1), acknowledged)
    counts.kills = kills
    log.close()
    return counts


def _worker(place: str, lake: Path, first: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.event_storm", place, str(lake), str(first)],
        cwd=_REPO,
        env=os.environ | {"PYTHONPATH": f"{_REPO / 'src'}{os.pathsep}{_REPO}"},
        stdout=subprocess.PIPE,
    )


def _batch(number: int) -> list[Event]:
    """The events of a batch: always the same; each is a play of its own."""
    return [
        Event(
            event_id=f"e{event}",
            user_id=f"u{number % _USERS}",
            track_id=f"id:t{event % _TRACKS}",
            event_type="complete",
            timestamp=_START + timedelta(seconds=event),
            ms_played=1000,
        )
        for event in range(number * _BATCH, (number + 1) * _BATCH)
    ]


# --- counting -----------------------------------------------------------------------------------


def _counted(log: EventLog, lake: Lake, acknowledged: set[int]) -> Counts:
    events: list[Event] = []
    at = 0
    while found := log.read(at, 10_000):
        events += [one.event for one in found]
        at = found[-1].position
    times = Counter(event.event_id for event in events)
    batches = Counter(int(event.event_id[1:]) // _BATCH for event in events)
    ids = {event.event_id for number in acknowledged for event in _batch(number)}
    counts = Counts(acknowledged=len(ids), kept=len(events))
    counts.lost = len(ids - times.keys())
    counts.doubled = sum(n - 1 for n in times.values())
    counts.torn = sum(n != _BATCH for n in batches.values())
    for consumer in (ProfileKeeper(), LakeWriter(lake)):
        settle(log, consumer, now=_START)
        consume(log, consumer, now=_START)
        counts.notes += [f"{consumer.name}: {one.error}" for one in log.parked(consumer.name)]
    by_user = Counter(event.user_id for event in events)
    kept = {user: log.state(ProfileKeeper.name, user) for user in by_user}
    rebuild(log, ProfileKeeper(), now=_START)
    for user, n in by_user.items():
        profile = Profile.from_bytes(kept[user])
        again = log.state(ProfileKeeper.name, user)
        counts.miscounted += profile.finishes != n or kept[user] != again
    rows = lake.rows("plays").select([c.USER_ID, c.TRACK_REF, c.PLAYED_AT]).to_pylist()
    plays = Counter(tuple(row.values()) for row in rows)
    counts.plays_doubled = sum(n - 1 for n in plays.values())
    counts.plays_missing = len(times) - len(plays)
    return counts


# --- the worker ---------------------------------------------------------------------------------


class _Lake(LakeWriter):
    """In a hurry, so that kills meet it at work."""

    every: ClassVar[timedelta] = timedelta(seconds=0.1)


def _work(place: str, lake: str, first: int) -> None:
    log = open_log(place)
    stop = threading.Event()
    for consumer in (ProfileKeeper(), _Lake(Lake(Path(lake), threads=1))):
        threading.Thread(
            target=follow_log,
            args=(log, consumer),
            kwargs={"clock": lambda: datetime.now(UTC), "stop": stop},
            daemon=True,
        ).start()
    told = threading.Lock()

    def write(writer: int) -> None:
        number = first + writer
        while True:
            try:
                log.append(_batch(number), _START).result()
            except SegueError:  # as a client does: the same again
                time.sleep(0.01)
                continue
            with told:
                os.write(1, b"%d\n" % number)
            number += _WRITERS
            time.sleep(0.002)

    os.write(1, b"ready\n")
    for writer in range(_WRITERS):
        threading.Thread(target=write, args=(writer,), daemon=True).start()
    select.select([], [], [], 60)


if __name__ == "__main__":
    _work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
