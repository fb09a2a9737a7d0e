"""Consumers take every event once, whatever fails."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

import pytest

from segue.errors import BusyError, ConfigError, StorageError
from segue.events.base import EventLog, Recorded
from segue.events.consumer import KeptState
from segue.events.profile_keeper import ProfileKeeper, profile_of
from segue.events.profiles import Profile, taken
from segue.events.sqlite_log import SqliteLog
from segue.flows.consume import consume, follow_log, rebuild, retry_parked, settle
from segue.flows.lake_writer import LakeWriter
from segue.music import columns as c
from segue.music.event import Event, EventType
from segue.warehouse.lake import Lake
from tests.postgresql_live import postgresql_log

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPO: Final = Path(__file__).parents[2]
URI: Final = "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    in_file = request.param == "sqlite"
    opened: EventLog = SqliteLog(_file(tmp_path)) if in_file else postgresql_log(tmp_path)
    yield opened
    opened.close()


def _file(folder: Path) -> Path:
    return folder / "events.sqlite"


def _event(number: int, kind: EventType = "complete", **more: object) -> Event:
    facts: dict[str, object] = {
        "user_id": "ann",
        "track_id": f"t{number}",
        "timestamp": NOW + timedelta(minutes=number),
        **more,
    }
    return Event(event_id=f"e{number}", event_type=kind, **facts)  # type: ignore[arg-type]  # any field


def _fill(log: EventLog, *events: Event) -> None:
    log.append(events, NOW).result()


class _Adds:
    """Keeps the ids of what it took; fails on tracks called “bad” while told to."""

    name: ClassVar[str] = "adds"
    at_once: ClassVar[int] = 3
    every: ClassVar[timedelta] = timedelta(0)
    from_scratch: ClassVar[bool] = True

    def __init__(self, error: type[Exception] | None = KeyError) -> None:
        self.error = error
        self.tries = 0

    def take(
        self, recorded: Sequence[Recorded], state: KeptState, now: datetime
    ) -> Mapping[str, bytes]:
        ids = (state("ids") or b"").decode().split()
        for one in recorded:
            if one.event.track_id == "bad" and self.error is not None:
                self.tries += len(recorded) == 1
                raise self.error("a fault\nin two lines")
            ids.append(one.event.event_id)
        return {"ids": " ".join(ids).encode()}

    def settle(self, kept: Mapping[str, bytes], now: datetime) -> Mapping[str, bytes]:
        return {}


def test_each_event_is_taken_once(log: EventLog) -> None:
    _fill(log, *(_event(n) for n in range(7)))
    assert consume(log, _Adds(), now=NOW).events == 7
    _fill(log, _event(6), _event(7))
    assert consume(log, _Adds(), now=NOW).events == 1
    assert log.state("adds", "ids") == b"e0 e1 e2 e3 e4 e5 e6 e7"


def test_what_always_fails_is_parked_and_the_rest_flows(log: EventLog) -> None:
    _fill(log, *(_event(n, track_id="bad" if n == 4 else "good") for n in range(8)))
    adds = _Adds()
    done = consume(log, adds, now=NOW)
    assert (done.events, done.parked, adds.tries) == (7, 1, 3)
    assert log.state("adds", "ids") == b"e0 e1 e2 e3 e5 e6 e7"
    (parked,) = log.parked("adds")
    assert (parked.error, parked.at) == ("KeyError: 'a fault\\nin two lines'", NOW)

    assert retry_parked(log, adds, now=NOW).parked == 1
    assert len(log.parked("adds")) == 1
    assert retry_parked(log, _Adds(error=None), now=NOW).events == 1
    assert log.state("adds", "ids") == b"e0 e1 e2 e3 e5 e6 e7 e4"
    assert (log.parked("adds"), log.cursor("adds")) == ([], log.last())


def test_where_nothing_can_be_written_nothing_is_parked(log: EventLog) -> None:
    _fill(log, *(_event(n, track_id="bad" if n == 4 else "good") for n in range(8)))
    for error in (StorageError, BusyError, OSError):
        with pytest.raises(error):
            consume(log, _Adds(error), now=NOW)
    assert (log.parked("adds"), log.state("adds", "ids")) == ([], b"e0 e1 e2")
    assert consume(log, _Adds(error=None), now=NOW).events == 5


def test_two_do_not_consume_at_once(log: EventLog) -> None:
    with log.consuming("adds"), pytest.raises(BusyError):
        consume(log, _Adds(), now=NOW)


def test_profiles_made_again_have_the_same_bytes(log: EventLog) -> None:
    events = [_event(n, user_id=("ann", "bob")[n % 2]) for n in range(9)]
    for event in events:  # one by one
        _fill(log, event)
        consume(log, ProfileKeeper(), now=NOW)
    before = {user: log.state("profiles", user) for user in ("ann", "bob")}
    assert before["ann"] == taken(Profile(), events[::2]).to_bytes()
    assert rebuild(log, ProfileKeeper(), now=NOW).events == 9
    assert before == {user: log.state("profiles", user) for user in ("ann", "bob")}
    assert profile_of(log, "bob").finishes == 4


def test_a_profile_follows_within_a_second(log: EventLog) -> None:
    stop = threading.Event()

    def follow() -> None:
        follow_log(log, ProfileKeeper(), clock=lambda: datetime.now(UTC), stop=stop)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        _fill(log, _event(1))
        for _ in range(100):
            if profile_of(log, "ann").plays or stop.wait(0.1):
                break
        assert profile_of(log, "ann").plays == 1
        _fill(log, _event(2))
    finally:
        stop.set()
        thread.join()
    assert profile_of(log, "ann").plays == 2, "what has come by the end is taken"


class _Fed(_Adds):
    """Two events come in while it takes the first ones."""

    every: ClassVar[timedelta] = timedelta(hours=1)

    def __init__(self, log: EventLog) -> None:
        super().__init__()
        self.log = log
        self.taken = threading.Event()
        self.sizes: list[int] = []

    def take(
        self, recorded: Sequence[Recorded], state: KeptState, now: datetime
    ) -> Mapping[str, bytes]:
        if not self.sizes:
            _fill(self.log, _event(8), _event(9))
        self.sizes.append(len(recorded))
        self.taken.set()
        return super().take(recorded, state, now)


def test_what_comes_in_meanwhile_gathers_for_the_next_time(tmp_path: Path) -> None:
    log, stop = SqliteLog(_file(tmp_path)), threading.Event()
    _fill(log, *(_event(n) for n in range(3)))
    fed = _Fed(log)
    told = {"clock": lambda: NOW, "stop": stop}
    thread = threading.Thread(target=follow_log, args=(log, fed), kwargs=told)
    thread.start()
    assert fed.taken.wait(20)
    stop.wait(0.4)
    meanwhile = list(fed.sizes)
    stop.set()
    thread.join()
    assert (meanwhile, fed.sizes) == ([3], [3, 2])
    assert log.state("adds", "ids") == b"e0 e1 e2 e8 e9"
    log.close()


def _listening(users: int = 2, plays: int = 6) -> list[Event]:
    """Every play begins and is completed after two minutes, and the last track is liked."""
    found = []
    for number in range(plays * users):
        at = NOW + timedelta(minutes=3 * number)
        who = {"user_id": f"u{number % users}", "track_id": URI if number % 3 else "t7"}
        found.append(_event(10 * number, "play", timestamp=at, **who))
        done = at + timedelta(minutes=2)
        found.append(_event(10 * number + 1, "complete", timestamp=done, **who))
    return [*found, _event(9_999, "like", user_id="u0", track_id=URI)]


def test_plays_and_words_come_into_the_lake(log: EventLog, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    names = {"t7": {c.TITLE: "Song", c.ARTIST: "Band", c.DURATION_MS: 120_000}}
    _fill(log, *_listening())
    consume(log, LakeWriter(lake, lambda tracks: names), now=NOW)
    plays = lake.rows("plays").sort_by(c.PLAYED_AT).to_pylist()
    assert [(row[c.USER_ID], row[c.MS_PLAYED]) for row in plays[:2]] == [
        ("u0", 120_000),
        ("u1", 120_000),
    ]
    first, second = plays[0], plays[1]
    assert (first[c.TRACK_REF], first[c.TITLE], first[c.ARTIST]) == ("id:segue:t7", "Song", "Band")
    assert (second[c.TRACK_REF], second[c.SOURCE], second[c.SKIPPED]) == (URI, "app", False)
    assert len(plays) == 12
    (word,) = lake.rows("feedback").to_pylist()
    assert (word[c.USER_ID], word[c.VERB], word[c.TRACK_REF]) == ("u0", "like", URI)
    assert consume(log, LakeWriter(lake), now=NOW).events == 0


def test_a_play_without_an_end_is_told_after_a_day(log: EventLog, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", threads=1)
    writer = LakeWriter(lake)
    _fill(log, _event(0, "play", user_id="bob"), _event(0, "play"), _event(1, "complete"))
    consume(log, writer, now=NOW)
    settle(log, writer, now=NOW + timedelta(hours=23))
    assert lake.rows("plays").num_rows == 1
    for _ in range(2):
        settle(log, writer, now=NOW + timedelta(hours=25))
        told = lake.rows("plays", [c.USER_ID, c.ENDED_AT]).to_pylist()
        assert [row[c.USER_ID] for row in told if row[c.ENDED_AT] is None] == ["ann", "bob"]
    late = _event(2, track_id="t0", timestamp=NOW + timedelta(minutes=1))
    _fill(log, late)
    consume(log, writer, now=NOW)
    assert lake.rows("plays").num_rows == 3, "its end came when it had been told"


def test_the_lake_is_not_written_again_from_the_log(log: EventLog, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be made again"):
        rebuild(log, LakeWriter(Lake(tmp_path / "lake")), now=NOW)


def _work(folder: Path, fault: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "tests.flows.events_worker", str(folder), fault],
        cwd=REPO,
        env=os.environ | {"PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"},
        timeout=120,
        check=False,
    ).returncode


def _kill_after(folder: Path, seconds: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.flows.events_worker", str(folder), "none"],
        cwd=REPO,
        env=os.environ | {"PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}"},
    ) as process:
        time.sleep(seconds)
        process.kill()


def test_killed_at_any_step_every_play_is_told_once(tmp_path: Path) -> None:
    log = SqliteLog(_file(tmp_path))
    events = _listening()
    steps = ["staged", "moved", "before manifest", "manifest"]
    for number, step in enumerate(steps):  # more arrives after each death
        _fill(log, *events[number * 6 + 1 : number * 6 + 7])
        assert _work(tmp_path, step) == -signal.SIGKILL
    chance = random.Random(5)
    for number in range(8):  # and at moments that nobody chose
        _fill(log, *events[number * 3 : number * 3 + 3])
        _kill_after(tmp_path, chance.uniform(0.2, 1.2))
    _fill(log, *events)
    assert _work(tmp_path, "none") == 0
    plays = Lake(tmp_path / "lake").rows("plays")
    told = plays.select([c.USER_ID, c.TRACK_REF, c.PLAYED_AT, c.MS_PLAYED]).to_pylist()
    assert len(told) == len({tuple(row.values()) for row in told}) == 12
    assert Lake(tmp_path / "lake").rows("feedback").num_rows == 1
    log.close()
