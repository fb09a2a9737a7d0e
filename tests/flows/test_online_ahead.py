"""Answers made while nobody asks are the answers that would be made when somebody does."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from segue.doors.http.ahead import answering_ahead
from segue.doors.web.readiness import getting_ready
from segue.errors import BusyError, UnknownUserError
from segue.flows.forget import Whose, forget
from segue.flows.online import Service
from segue.flows.online.ahead_making import answer_ahead
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.music.event import Event
from segue.progress import Silent
from segue.settings import Settings
from tests.doors.running import own_small_home
from tests.tiny import NOW

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_small_home(tmp_path_factory)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    for name in ("models", "snapshots"):
        (tmp_path / name).symlink_to(made / name)
    return tmp_path


@contextmanager
def opened(home: Path, now: datetime = NOW) -> Iterator[Service]:
    service = Service.open(Wiring(Settings(home=home)), clock=lambda: now)
    try:
        yield service
    finally:
        service.close()


def make(home: Path, now: datetime = NOW, most: int = 10) -> int:
    return answer_ahead(Wiring(Settings(home=home)), clock=lambda: now, most=most)


def body(home: Path, user: str, now: datetime = NOW, **wishes: object) -> bytes:
    with opened(home, now) as service:
        return service.recommendations(user, Wishes(**wishes)).body  # type: ignore[arg-type]  # any of its fields


def tell(home: Path, user: str, at: datetime, number: int = 1) -> None:
    with opened(home, at) as service:
        event = Event(f"e{number}", user, "j03", "complete", at, ms_played=200_000)
        assert service.log.append([event], at).result() == ("accepted",)


def at_hand(home: Path, user: str, now: datetime = NOW, **wishes: object) -> bytes | None:
    with opened(home, now) as service:
        answer = service.at_hand(user, Wishes(**wishes))  # type: ignore[arg-type]  # any of its fields
        return answer.body if answer else None


def test_the_answer_is_the_same_as_without_and_is_at_hand(home: Path) -> None:
    before = {user: body(home, user) for user in ("ann", "bob")}
    assert at_hand(home, "ann") is None
    assert make(home) == 2
    assert {user: at_hand(home, user) for user in before} == before
    assert at_hand(home, "ann", NOW + 3 * DAY) == before["ann"]
    assert at_hand(home, "ann", size=29) is None
    assert at_hand(home, "zoe") is None
    assert make(home) == 0


def test_what_is_told_of_it_is_noted(home: Path) -> None:
    make(home)
    with opened(home) as service:
        answer = service.at_hand("ann", Wishes())
        assert answer is not None
        assert service.at_hand("ann", Wishes()) is answer
        assert service.recommendations("ann", Wishes()) is answer
        service.settled()
        noted = service.recommended.find(answer.recommendation_id)
    assert noted is not None
    assert noted.user_id == "ann"
    assert noted.track_ids == tuple(track.track_id for track in answer.tracks)


def test_after_an_event_it_is_no_answer_any_more(home: Path) -> None:
    make(home)
    before = body(home, "ann")
    tell(home, "ann", NOW)
    assert at_hand(home, "ann") is None
    after = json.loads(body(home, "ann"))
    assert after["recommendation_id"] != json.loads(before)["recommendation_id"]
    assert at_hand(home, "bob") is not None


def test_whoever_did_nothing_for_a_day_has_an_answer_for_the_day(home: Path) -> None:
    tell(home, "ann", NOW)
    assert make(home, NOW + timedelta(hours=2)) == 1, "bob's alone: ann's would hold ten minutes"
    later = NOW + 2 * DAY
    expected = body(home, "ann", later)
    assert make(home, later) == 1
    assert at_hand(home, "ann", later) == expected == body(home, "ann", later + DAY / 4)
    assert at_hand(home, "ann", later + DAY) is None
    assert make(home, later + DAY) == 1
    assert at_hand(home, "ann", later + DAY) == body(home, "ann", later + DAY)


def test_whoever_is_forgotten_is_forgotten_here(home: Path) -> None:
    make(home)
    with opened(home) as other, opened(home) as service:
        assert other.at_hand("ann", Wishes()) is not None
        service.forget("ann")
        assert service.at_hand("ann", Wishes()) is None
    (file,) = (home / "events" / "ahead").glob("*.sqlite")
    assert b'"user_id":"ann"' not in file.read_bytes()
    assert at_hand(home, "ann") is None
    assert make(home) == 0
    assert at_hand(home, "bob") is not None


def test_whoever_played_last_comes_first_and_no_more_than_wanted(home: Path) -> None:
    with opened(home) as service:
        (first,) = service.lately_active(1)
    assert make(home, most=1) == 1
    assert [user for user in ("ann", "bob") if at_hand(home, user)] == [first]


def test_a_damaged_file_is_as_good_as_none(home: Path) -> None:
    before = body(home, "ann")
    make(home)
    (file,) = (home / "events" / "ahead").glob("*.sqlite")
    file.write_bytes(b"no database at all, but long enough" * 200)
    assert at_hand(home, "ann") is None
    assert body(home, "ann") == before


def test_answers_of_what_answers_no_more_are_removed(home: Path) -> None:
    make(home)
    stale = home / "events" / "ahead" / "0123456789abcdef.sqlite"
    stale.write_bytes(b"")
    make(home)
    assert not stale.exists()
    assert at_hand(home, "ann") is not None


def test_the_service_has_them_made_in_a_process_of_its_own(home: Path) -> None:
    with answering_ahead(Settings(home=home), look_every_s=0.05) as begin:
        begin()
        until = time.monotonic() + 30
        while at_hand(home, "ann") is None and time.monotonic() < until:
            time.sleep(0.3)
    if at_hand(home, "ann") is None and os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("no core was idle for half a minute, and so it waited, as it should")
    assert at_hand(home, "ann") is not None


def test_forgetting_beside_a_service_is_felt_at_once_and_says_what_is_left(home: Path) -> None:
    tell(home, "ann", NOW - 3 * DAY)
    make(home)
    with opened(home) as service:
        before = service.at_hand("ann", Wishes())
        assert before is not None
        with pytest.raises(BusyError, match=r"are gone, also for a service.* but the lake"):
            forget(Wiring(Settings(home=home)), Whose("ann"), progress=Silent(), now=NOW)
        assert not service.log.of_user("ann")
        time.sleep(1.1)  # it looks once a second
        assert service.at_hand("ann", Wishes()) is None
        assert service.recommendations("ann", Wishes()).body != before.body
        assert service.at_hand("bob", Wishes()) is not None
        with pytest.raises(UnknownUserError):
            forget(Wiring(Settings(home=home)), Whose("zoe"), progress=Silent(), now=NOW)


def test_what_is_got_ready_is_the_same_answer_and_noted_once_it_is_given(home: Path) -> None:
    asked = [Wishes(mix="discover", size=7), Wishes(mix="daily", size=7)]
    with opened(home) as service:
        told = [service.recommendations("ann", wishes) for wishes in asked]
    (home / "events" / "recommended.sqlite").unlink()
    with opened(home) as service:
        service.get_ready("ann", asked)
        service.get_ready("nobody", asked)
        service.settled()
        noted = service.recommended.find
        assert [noted(one.recommendation_id) for one in told] == [None, None]
        again = [service.at_hand("ann", asked[0]), service.recommendations("ann", asked[1])]
        assert [one.body for one in again if one] == [one.body for one in told]
        service.settled()
        assert all(noted(one.recommendation_id) for one in told)


def test_what_was_got_ready_is_not_told_after_something_new(home: Path) -> None:
    asked = Wishes(size=5)
    with opened(home) as service:
        service.get_ready("ann", [asked])
        before = body(home, "ann", size=5)
        tell(home, "ann", NOW)
        told = service.recommendations("ann", asked).body
    assert told == body(home, "ann", size=5) != before


def test_whoever_is_expected_finds_the_page_ready_also_after_something_new() -> None:
    readied: list[str] = []
    published, enough = iter(["", "old", "old", "new"]), threading.Event()

    class Front:
        def get_ready(self, users: Sequence[str], wanted: Callable[[], bool]) -> None:
            assert wanted()
            readied.extend(users)
            if len(readied) == 3:
                enough.set()

    names = lambda: next(published, "new")  # noqa: E731 - one look each
    with getting_ready(Front(), lambda: ["ann"], names, look_every_s=0.01):
        assert enough.wait(20)
    assert readied == ["ann", "ann", "ann"]


def test_where_nobody_is_expected_nothing_is_made_ready() -> None:
    looked = threading.Event()

    class Front:
        def get_ready(self, users: Sequence[str], wanted: Callable[[], bool]) -> None:
            raise AssertionError(f"nobody asked for it: {users}, {wanted()}")

    def nobody() -> list[str]:
        looked.set()
        return []

    with getting_ready(Front(), nobody, lambda: "old", look_every_s=0.01):
        assert looked.wait(20)
