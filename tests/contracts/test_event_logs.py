"""What every event log promises."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from segue.errors import BusyError
from segue.events.base import EventLog, Parked
from segue.events.sqlite_log import SqliteLog
from segue.music.event import Event
from tests.postgresql_live import postgresql_log

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAKERS: Final[dict[str, Callable[[Path], EventLog]]] = {
    "postgresql": lambda folder: postgresql_log(folder),
    "sqlite": lambda folder: SqliteLog(folder / "events.sqlite"),
}


@pytest.fixture(params=sorted(MAKERS))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], EventLog]:
    """Opens the same log again and again."""
    return lambda: MAKERS[request.param](tmp_path)


@pytest.fixture
def log(make: Callable[[], EventLog]) -> Iterator[EventLog]:
    opened = make()
    yield opened
    opened.close()


def _event(number: int, user: str = "ann", **more: object) -> Event:
    return Event(
        event_id=f"e{number}",
        user_id=user,
        track_id=f"spotify:track:{number:022d}",
        event_type="complete",
        timestamp=NOW + timedelta(seconds=number, microseconds=7),
        **more,  # type: ignore[arg-type]  # any field of an event
    )


def test_what_was_appended_is_read_as_it_was(log: EventLog) -> None:
    full = _event(1, ms_played=1, session_id="s", recommendation_id="r", context={"où": [1, None]})
    early = Event("e0", "ann", "t0", "skip", datetime(1969, 12, 31, 23, 59, tzinfo=UTC))
    assert log.append([full, early], NOW).result() == ("accepted", "accepted")
    found = log.read(0)
    assert [one.event for one in found] == [full, early]
    assert found[0].position < found[1].position == log.last()
    assert {one.received_at for one in found} == {NOW}


def test_a_stamp_changes_with_whatever_is_written(
    log: EventLog, make: Callable[[], EventLog], tmp_path: Path
) -> None:
    log.append([_event(1)], NOW).result()
    assert log.stamp() is None, "it may change again within the same tick of the file's clock"
    long_ago(tmp_path)
    before = log.stamp()
    assert log.stamp() == before
    other = make()
    other.advance("profiles", 1)
    long_ago(tmp_path, seconds=50)
    assert log.stamp() != before or before is None
    other.close()


def long_ago(folder: Path, seconds: int = 100) -> None:
    """As if the last write to a file of the log had been then."""
    for path in folder.glob("*-wal"):
        at = path.stat().st_mtime_ns - seconds * 10**9
        os.utime(path, ns=(at, at))


def test_the_same_event_counts_once(log: EventLog) -> None:
    assert log.append([_event(1), _event(1)], NOW).result() == ("accepted", "duplicate")
    again = _event(1, ms_played=99)
    assert log.append([again, _event(2)], NOW).result() == ("duplicate", "accepted")
    assert log.append([_event(1, "bob")], NOW).result() == ("accepted",)
    assert [one.event.event_id for one in log.of_user("ann")] == ["e1", "e2"]
    assert log.read(0)[0].event.ms_played is None


def test_nothing_is_appended_by_an_empty_batch(log: EventLog) -> None:
    assert log.append([], NOW).result() == ()
    assert log.last() == 0
    assert log.read(0) == []


def test_reading_goes_on_behind_a_position(log: EventLog) -> None:
    log.append([_event(n) for n in range(5)], NOW).result()
    first = log.read(0, 2)
    rest = log.read(first[-1].position, 10)
    assert [one.event.event_id for one in (*first, *rest)] == ["e0", "e1", "e2", "e3", "e4"]


def test_one_users_latest_events_come_in_order(log: EventLog) -> None:
    log.append([_event(n, "ann" if n % 2 else "bob") for n in range(10)], NOW).result()
    assert [one.event.event_id for one in log.of_user("ann", limit=2)] == ["e7", "e9"]
    third = log.of_user("ann")[2].position
    assert [one.event.event_id for one in log.of_user("ann", after=third)] == ["e7", "e9"]


def test_another_opening_finds_everything(make: Callable[[], EventLog], log: EventLog) -> None:
    log.append([_event(1)], NOW).result()
    log.advance("profiles", 1, state={"ann": b"\x00\xff"})
    other = make()
    assert [one.event.event_id for one in other.read(0)] == ["e1"]
    assert (other.cursor("profiles"), other.state("profiles", "ann")) == (1, b"\x00\xff")
    assert other.append([_event(1)], NOW).result() == ("duplicate",)
    other.close()


def test_cursor_and_state_move_together(log: EventLog) -> None:
    assert (log.cursor("a"), log.state("a", "ann")) == (0, None)
    log.advance("a", 3, state={"ann": b"1", "bob": b"2"}, parked=[Parked(2, "odd", NOW)])
    log.advance("a", 5, state={"ann": b"3"})
    assert (log.cursor("a"), log.cursor("b")) == (5, 0)
    assert (log.state("a", "ann"), log.state("a", "bob")) == (b"3", b"2")
    assert log.parked("a") == [Parked(2, "odd", NOW)]
    with pytest.raises(Exception):  # noqa: B017  # each log has its own error for a wrong value
        log.advance("a", 9, state={"ann": object()})  # type: ignore[dict-item]  # on purpose
    assert (log.cursor("a"), log.state("a", "ann")) == (5, b"3")
    log.restart("a")
    assert (log.cursor("a"), log.state("a", "ann"), log.parked("a")) == (0, None, [])


def test_one_consumer_at_a_time(make: Callable[[], EventLog], log: EventLog) -> None:
    other = make()
    with log.consuming("lake"):
        with pytest.raises(BusyError), other.consuming("lake"):
            pass
        with other.consuming("profiles"):
            pass
    with other.consuming("lake"):
        pass
    other.close()


def test_who_is_forgotten_leaves_nothing(log: EventLog, tmp_path: Path) -> None:
    log.append([_event(1, "secretive"), _event(2, "bob")], NOW).result()
    log.advance("profiles", 2, state={"secretive": b"x", "bob": b"y"})
    last = log.last()
    assert log.forget("secretive") == 1
    assert [one.event.user_id for one in log.read(0)] == ["bob"]
    assert log.state("profiles", "secretive") is None
    log.append([_event(3, "bob")], NOW).result()
    assert log.last() > last  # a position is never given twice
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert b"secretive" not in file.read_bytes(), file


def test_many_writers_lose_and_double_nothing(make: Callable[[], EventLog], log: EventLog) -> None:
    logs = [log, make()]
    accepted: list[str] = []
    lock = threading.Lock()

    def write(writer: int) -> None:
        for batch in range(10):
            events = [_event(n, f"u{writer % 4}") for n in range(batch * 5, batch * 5 + 7)]
            outcomes = logs[writer % 2].append(events, NOW).result()
            with lock:
                accepted.extend(
                    f"{one.user_id}/{one.event_id}"
                    for one, outcome in zip(events, outcomes, strict=True)
                    if outcome == "accepted"
                )

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [f"{one.event.user_id}/{one.event.event_id}" for one in log.read(0, 10_000)]
    assert len(set(accepted)) == len(accepted) == 4 * 52
    assert sorted(kept) == sorted(accepted)
    logs[1].close()


_WRITER: Final = """
import sys
from pathlib import Path
from tests.contracts.test_event_logs import MAKERS, NOW, _event
log = MAKERS[sys.argv[1]](Path(sys.argv[2]))
for n in range(10**6):
    log.append([_event(3 * n), _event(3 * n + 1), _event(3 * n + 2)], NOW).result()
    print(n, flush=True)
"""


def test_what_was_accepted_survives_a_kill(
    request: pytest.FixtureRequest, log: EventLog, tmp_path: Path
) -> None:
    name = request.node.callspec.params["make"]
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, name, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines(keepends=True)
        writer.wait()
        writer.stdout.close()
        told = 3 * (1 + int([line for line in lines if line.endswith("\n")][-1]))
        ids = [one.event.event_id for one in log.read(0, 10**6)]
        assert len(set(ids)) == len(ids) >= told
        assert len(ids) % 3 == 0  # a batch is there as a whole or not at all
        assert {f"e{n}" for n in range(told)} <= set(ids)


def test_what_was_taken_after_all_is_parked_no_more(log: EventLog) -> None:
    log.append([_event(n) for n in range(3)], NOW).result()
    log.advance("c", 3, parked=[Parked(1, "odd", NOW), Parked(2, "odd", NOW)])
    log.advance("other", 3, parked=[Parked(1, "odd", NOW)])
    log.advance("c", 3, state={"k": b"v"}, unparked=[1])
    assert [one.position for one in log.parked("c")] == [2]
    assert (log.state("c", "k"), len(log.parked("other"))) == (b"v", 1)


def test_keys_are_read_a_page_at_a_time(log: EventLog) -> None:
    log.advance("c", 1, state={"b": b"", "a": b"1", "ü": b"2"})
    log.advance("other", 1, state={"x": b""})
    assert log.keys("c", limit=2) == ["a", "b"]
    assert log.keys("c", after="b") == ["ü"]
    assert log.keys("nobody") == []


def test_states_are_read_many_at_a_time(log: EventLog) -> None:
    log.advance("c", 1, state={"b": b"", "a": b"1", 'ü"\\': b"\x00", "more": b"3"})
    log.advance("other", 1, state={"x": b""})
    assert log.states("c", {"a", "b", 'ü"\\', "x"}) == {"a": b"1", "b": b"", 'ü"\\': b"\x00"}
    assert log.states("c", []) == {}


def test_whoever_follows_steps_over_nothing(make: Callable[[], EventLog], log: EventLog) -> None:
    logs = [log, make()]
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        at = 0
        while True:
            ended = done.is_set()
            found = logs[1].read(at, 7)
            seen.extend(one.position for one in found)
            at = found[-1].position if found else at
            if ended and not found:
                return

    def write(writer: int) -> None:
        for number in range(25):
            logs[writer % 2].append([_event(number, f"u{writer}")], NOW).result()

    follower = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in (follower, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    follower.join()
    assert len(seen) == 8 * 25
    assert seen == [one.position for one in log.read(0, 10_000)]
    logs[1].close()


def test_a_word_can_be_read_as_soon_as_it_was_taken(
    make: Callable[[], EventLog], log: EventLog
) -> None:
    other = make()
    for number in range(20):
        word = Event(f"w{number}", "ann", "t1", "like" if number % 2 else "hide", NOW)
        log.append([word], NOW).result()
        assert other.of_user("ann", limit=1)[0].event == word
        assert other.last() == other.read(number)[-1].position
    other.close()


def test_what_cannot_be_written_keeps_nobody_else_out(log: EventLog) -> None:
    whole = [log.append([_event(n)], NOW) for n in range(5)]
    odd = log.append([_event(6), _event(7, context={"a": object()})], NOW)
    whole += [log.append([_event(n)], NOW) for n in range(8, 10)]
    assert [one.result() for one in whole] == [("accepted",)] * 7
    assert odd.exception() is not None
    assert [one.event.event_id for one in log.read(0)] == [f"e{n}" for n in (*range(5), 8, 9)]
