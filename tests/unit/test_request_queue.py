"""The queue of requests to a service: one at a time, counted, none while it is blocked."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from segue.errors import BlockedError, StorageError, WarehouseError
from segue.services.request_queue import RequestQueue
from segue.services.sign_ins import SignInFacts, SignIns
from segue.services.state_file import StateFile

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _queue(folder: Path, clock: Clock, *, budget: int = 5, **kept_back: int) -> RequestQueue:
    return RequestQueue(
        StateFile(folder / "services.sqlite"),
        "Spotify",
        budget=budget,
        setting="spotify.requests_per_day",
        clock=clock,
        kept_back=kept_back,
    )


def _ask(queue: RequestQueue, purpose: str = "poll", times: int = 1) -> None:
    for _ in range(times):
        with queue.turn(purpose):
            pass


def test_requests_are_counted_by_what_they_are_for(tmp_path: Path, clock: Clock) -> None:
    queue = _queue(tmp_path, clock)
    assert queue.usage().left == 5
    assert not (tmp_path / "services.sqlite").exists()  # looking makes nothing
    _ask(queue, times=2)
    _ask(_queue(tmp_path, clock), "publish")
    usage = queue.usage()
    assert usage.by_purpose == {"poll": 2, "publish": 1}
    assert (usage.used, usage.left, usage.blocked_until) == (3, 2, None)


def test_a_used_budget_is_free_again_24_hours_after_its_oldest_request(
    tmp_path: Path, clock: Clock
) -> None:
    queue = _queue(tmp_path, clock)
    _ask(queue)
    clock.now += timedelta(hours=1)
    _ask(queue, times=4)
    with pytest.raises(BlockedError, match="the 5 requests to Spotify") as used:
        _ask(queue)
    assert used.value.until == NOON + timedelta(hours=24)
    assert used.value.reason == "budget"
    assert "spotify.requests_per_day" in used.value.cure
    assert "2026-11-21 12:00:00 UTC" in used.value.message
    clock.now = used.value.until
    _ask(queue)
    with pytest.raises(BlockedError):
        _ask(queue)


def test_some_purposes_leave_a_part_of_the_budget_to_others(tmp_path: Path, clock: Clock) -> None:
    queue = _queue(tmp_path, clock, listen=2)
    _ask(queue, "listen", 3)
    with pytest.raises(BlockedError):
        _ask(queue, "listen")
    _ask(queue, "poll", 2)
    clock.now += timedelta(days=2)
    with pytest.raises(BlockedError):
        _ask(_queue(tmp_path, clock, listen=9), "listen")


def test_what_failed_counts_all_the_same(tmp_path: Path, clock: Clock) -> None:
    queue = _queue(tmp_path, clock)
    with pytest.raises(ValueError, match="lost"), queue.turn("poll"):
        raise ValueError("lost on the way")
    assert queue.usage().used == 1


def test_a_block_holds_for_everybody_until_it_ends(tmp_path: Path, clock: Clock) -> None:
    queue = _queue(tmp_path, clock)
    until = NOON + timedelta(seconds=52_531)
    assert queue.block(until, "quota").until == until
    queue.block(NOON + timedelta(seconds=30), "rate")  # the longer one stands
    other = _queue(tmp_path, clock)
    with pytest.raises(BlockedError, match="quota is used up") as blocked:
        _ask(other)
    assert (blocked.value.until, blocked.value.reason) == (until, "quota")
    assert (other.usage().blocked_until, other.usage().reason) == (until, "quota")
    assert other.usage().used == 0
    clock.now = until
    _ask(other)
    assert other.usage().blocked_until is None


def test_a_clock_that_was_wrong_blocks_nobody_for_years(tmp_path: Path, clock: Clock) -> None:
    queue = _queue(tmp_path, clock)
    clock.now = NOON + timedelta(days=3650)
    _ask(queue, times=5)
    clock.now = NOON
    _ask(queue)


def test_one_request_is_made_at_a_time(tmp_path: Path, clock: Clock) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def ask() -> None:
        with _queue(tmp_path, clock, budget=100).turn("poll"):
            under_way.append(1)
            most.append(len(under_way))
            threading.Event().wait(0.02)
            under_way.pop()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


def _ask_often(folder: Path) -> None:
    queue = _queue(folder, Clock(), budget=25)
    for _ in range(10):
        try:
            _ask(queue)
        except BlockedError:
            return


def test_processes_share_the_budget_to_the_request(tmp_path: Path, clock: Clock) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_ask_often, args=(tmp_path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert _queue(tmp_path, clock, budget=25).usage().used == 25


def test_only_the_owner_reads_the_files(tmp_path: Path, clock: Clock) -> None:
    _ask(_queue(tmp_path / "services", clock))
    for path in (tmp_path / "services").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE((tmp_path / "services").stat().st_mode) == 0o700


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "services.sqlite").write_bytes(b"no database at all, for sure" * 100)
    with pytest.raises(WarehouseError, match="damaged"):
        _ask(_queue(tmp_path, clock))
    (tmp_path / "services.sqlite").unlink()
    connection = sqlite3.connect(tmp_path / "services.sqlite")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(WarehouseError, match="newer Segue"):
        _ask(_queue(tmp_path, clock))
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        _ask(_queue(tmp_path / "file", clock))


# --- who is signed in ---------------------------------------------------------------------------


def _facts(user: str) -> SignInFacts:
    return SignInFacts(user, f"account of {user}", ("a", "b"), NOON, NOON + timedelta(days=9))


def test_sign_ins_are_kept_ended_and_forgotten(tmp_path: Path) -> None:
    sign_ins = SignIns(StateFile(tmp_path / "services.sqlite"), "Spotify")
    assert sign_ins.all() == []
    assert sign_ins.of("ann") is None
    assert sign_ins.mark("ann", "plays") is None
    sign_ins.keep(_facts("ben"))
    sign_ins.keep(SignInFacts("ann", "x", (), None, None))
    sign_ins.set_mark("ben", "plays", "17")
    assert [one.user_id for one in sign_ins.all()] == ["ann", "ben"]
    assert sign_ins.of("ben") == _facts("ben")
    assert SignIns(StateFile(tmp_path / "services.sqlite"), "Other").all() == []
    sign_ins.end("ben", "revoked")
    ended = sign_ins.of("ben")
    assert ended is not None
    assert (ended.ended, ended.left(NOON)) == ("revoked", timedelta(0))
    assert sign_ins.mark("ben", "plays") == "17"
    assert sign_ins.remove("ben")
    assert not sign_ins.remove("ben")
    assert sign_ins.mark("ben", "plays") is None


def test_a_sign_in_tells_how_long_it_lasts() -> None:
    facts = _facts("ann")
    assert facts.left(NOON) == timedelta(days=9)
    assert facts.left(NOON + timedelta(days=90)) == timedelta(0)
    assert facts.as_dict(NOON)["days_left"] == 9
    assert SignInFacts("ann", "x", (), None, None).as_dict(NOON)["expires_at"] is None
