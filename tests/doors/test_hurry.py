"""When too many ask: what was said before, or a quick list; and whole answers afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from segue.access.api_key import ApiKey
from segue.doors.http.call import Call
from segue.doors.http.problems import ProblemError
from segue.doors.http.recommendation_desk import RecommendationDesk
from segue.doors.http.room import Room
from segue.errors import NotReadyError
from segue.flows.online import Service
from segue.flows.online.ahead_making import answer_ahead
from segue.flows.online.owed import Owed
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.music.event import Event, EventType
from segue.settings import Settings
from tests.doors.running import own_small_home, small_home
from tests.tiny import NOW

pytestmark = pytest.mark.xdist_group("hurry")
KEY: Final = ApiKey("0" * 12, "test", frozenset({"recommend"}), NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_small_home(tmp_path_factory)


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_home(tmp_path_factory.mktemp("newer"), listeners=21)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    _publish(made, tmp_path)
    return tmp_path


def _publish(made: Path, home: Path) -> None:
    for name in ("models", "snapshots"):
        (home / name).unlink(missing_ok=True)
        (home / name).symlink_to(made / name)


@contextmanager
def opened(home: Path, now: datetime = NOW) -> Iterator[Service]:
    service = Service.open(Wiring(Settings(home=home)), clock=lambda: now)
    try:
        yield service
    finally:
        service.close()


def _told(service: Service, user: str = "ann", **wishes: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(service.in_a_hurry(user, Wishes(**wishes)).body)
    return told


def _ids(told: dict[str, Any]) -> list[str]:
    return [track["track_id"] for track in told["tracks"]]


def _happens(service: Service, kind: EventType, *tracks: str) -> None:
    events = [Event(f"{kind}-{one}", "ann", one, kind, NOW) for one in tracks]
    assert set(service.log.append(events, NOW).result()) == {"accepted"}


@pytest.fixture
def service(home: Path) -> Iterator[Service]:
    with opened(home) as service:
        yield service


def test_a_quick_list_is_like_a_whole_one_and_says_that_it_is_quick(home: Path) -> None:
    with opened(home) as service:
        told, again = _told(service, size=6), _told(service, size=6)
        service.settled()
        assert service.recommended.find(told["recommendation_id"]) is not None
        known = service.said("ann")
        whole = json.loads(service.recommendations("ann", Wishes(size=6)).body)
        after = _told(service, size=6)
    assert told == again
    assert (told["made"], whole["made"]) == ("quick", "full")
    assert len(_ids(told)) == 6
    assert [track["rank"] for track in told["tracks"]] == [1, 2, 3, 4, 5, 6]
    assert all(track["reason"] and track["sources"] for track in told["tracks"])
    assert not set(known) & set(_ids(told))
    assert set(_ids(told)) & set(_ids(whole))
    assert after == whole  # what is known already is no slower


@pytest.mark.parametrize("mix", ["discover", "daily"])
def test_whatever_is_asked_holds_in_a_quick_list(home: Path, mix: str) -> None:
    with opened(home) as service:
        first = _ids(_told(service, mix=mix, size=8))
        out = first[:2]
        asked = Wishes(mix=mix, size=8, exclude_tracks=tuple(out), years=(1980, 1995), per_artist=1)
        told = json.loads(service.in_a_hurry("ann", asked).body)
    assert first
    assert not set(out) & set(_ids(told))
    assert all(1980 <= track["year"] <= 1995 for track in told["tracks"])
    artists = [name for track in told["tracks"] for name in track["artists"]]
    assert len(set(artists)) == len(artists)


def test_what_a_user_hid_or_heard_is_in_no_quick_list(home: Path) -> None:
    with opened(home) as service:
        first = _ids(_told(service, size=6))
        _happens(service, "hide", first[0])
        _happens(service, "complete", first[1])
        told = _told(service, size=6)
    assert told["made"] == "quick"
    assert not {first[0], first[1]} & set(_ids(told))


def test_after_an_event_the_answer_of_before_is_given_without_what_fits_no_more(home: Path) -> None:
    with opened(home) as service:
        whole = json.loads(service.recommendations("ann", Wishes(size=6)).body)
        _happens(service, "complete", _ids(whole)[1])
        told, again = _told(service, size=6), _told(service, size=6)
    assert told == again
    assert told["made"] == "before"
    assert told["recommendation_id"] != whole["recommendation_id"]
    assert _ids(told) == [one for one in _ids(whole) if one != _ids(whole)[1]]
    assert [track["rank"] for track in told["tracks"]] == [1, 2, 3, 4, 5]


def test_an_answer_of_which_little_is_left_is_not_given_again(home: Path) -> None:
    with opened(home) as service:
        whole = json.loads(service.recommendations("ann", Wishes(size=6)).body)
        _happens(service, "hide", *_ids(whole)[:3])
        told = _told(service, size=6)
    assert told["made"] == "quick"
    assert not set(_ids(whole)[:3]) & set(_ids(told))


def test_what_was_made_ahead_with_earlier_models_serves_until_there_is_newer(
    home: Path, newer: Path
) -> None:
    wiring = Wiring(Settings(home=home))
    assert answer_ahead(wiring, clock=lambda: NOW, most=10) == 2
    with opened(home) as service:
        before = json.loads(service.recommendations("ann", Wishes()).body)
    _publish(newer, home)
    with opened(home) as service:
        told = _told(service)
        stranger = _told(service, "nobody")
        service.tidy_ahead()
        assert len(list((home / "events" / "ahead").glob("*.sqlite"))) == 1
    assert told["made"] == "before"
    assert _ids(told) == [one for one in _ids(before) if one in _ids(told)]
    assert stranger["tracks"]
    assert answer_ahead(Wiring(Settings(home=home)), clock=lambda: NOW, most=10) == 2
    assert len(list((home / "events" / "ahead").glob("*.sqlite"))) == 1
    with opened(home) as service:
        assert _told(service)["made"] == "full"


def test_whoever_was_forgotten_is_told_nothing_of_before(home: Path, newer: Path) -> None:
    answer_ahead(Wiring(Settings(home=home)), clock=lambda: NOW, most=10)
    _publish(newer, home)
    with opened(home) as service:
        service.recommendations("ann", Wishes())
        service.forget("ann")
        assert _told(service)["made"] == "quick"


def test_without_models_there_is_nothing_to_be_quick_with(tmp_path: Path) -> None:
    with opened(tmp_path) as service, pytest.raises(NotReadyError):
        service.in_a_hurry("ann", Wishes())


def test_whoever_got_less_is_the_first_to_have_a_full_answer_made(home: Path) -> None:
    wiring = Wiring(Settings(home=home))
    with opened(home) as service:
        assert not service.owed
        for user in ("bob", "nobody"):
            assert _told(service, user)["made"] == "quick"
        _told(service, "ann", size=7)  # nothing is made ahead for such a question
        assert service.owed.latest() == "nobody"
        assert answer_ahead(wiring, clock=lambda: NOW, most=0) == 1
        assert not service.owed
        assert _told(service, "bob")["made"] == "full"
        assert service.at_hand("ann", Wishes()) is None


def test_who_was_active_this_minute_may_be_owed_an_answer_for_minutes(home: Path) -> None:
    with opened(home) as service:
        _happens(service, "complete", "j03")
        assert service.make_ahead("ann") is None
        assert _told(service)["made"] == "quick"
        assert answer_ahead(Wiring(Settings(home=home)), clock=lambda: NOW, most=0) == 1
        assert _told(service)["made"] == "full"
        _told(service, "bob")
        service.forget("bob")
        assert not service.owed


def test_what_is_owed_is_a_hint_with_a_bound(tmp_path: Path) -> None:
    owed = Owed(tmp_path / "events" / "owed", most=2)
    for user in ("ann", "b/ob", "zoe"):
        owed.add(user)
    assert (tmp_path / "events").stat().st_mode & 0o777 == 0o700
    assert owed.latest() == "b/ob"
    owed.drop("b/ob")
    assert owed.latest() == "ann"
    owed.clear()
    assert not owed
    assert owed.latest() is None
    (tmp_path / "file").write_text("in the way")
    Owed(tmp_path / "file").add("ann")


# --- over HTTP ------------------------------------------------------------------------------------


def _call(query: str) -> Call:
    about = {"method": "GET", "path": "/recommendations", "query_string": query.encode()}
    call = Call({**about, "headers": []})
    call.key = KEY
    return call


def _desk(service: Service, room: Room) -> tuple[RecommendationDesk, dict[str, int]]:
    counts = {"at hand": 0, "made": 0, "quick": 0, "before": 0}
    pools = ThreadPoolExecutor(2), ThreadPoolExecutor(1)
    desk = RecommendationDesk(
        service, pools[0], hurried=pools[1], room=room, waiting=500, counts=counts
    )
    return desk, counts


def test_whoever_would_wait_is_answered_quickly_and_has_a_whole_answer_next(
    service: Service,
) -> None:
    room = Room(patience_s=0.05, most_s=0.5)
    desk, counts = _desk(service, room)

    async def ask() -> list[str]:
        room.whole = 5  # others are waiting already
        made = [json.loads((await desk.reply(_call("user_id=ann&k=4"))).body)["made"]]
        room.whole = 0
        for _ in range(200):
            if service.at_hand("ann", Wishes(size=4)):
                break
            await asyncio.sleep(0.05)
        made.append(json.loads((await desk.reply(_call("user_id=ann&k=4"))).body)["made"])
        return made

    assert asyncio.run(ask()) == ["quick", "full"]
    assert counts == {"at hand": 1, "made": 0, "quick": 1, "before": 0}


def test_with_room_answers_are_whole(service: Service) -> None:
    desk, counts = _desk(service, Room(patience_s=0.05, most_s=0.5))
    told = asyncio.run(desk.reply(_call("user_id=bob&k=4"))).body
    assert json.loads(told)["made"] == "full"
    assert counts == {"at hand": 0, "made": 1, "quick": 0, "before": 0}


def test_what_cannot_be_answered_in_time_is_refused_at_once(service: Service) -> None:
    room = Room(patience_s=0.05, most_s=0.5)
    desk, counts = _desk(service, room)
    room.quick = 400
    with pytest.raises(ProblemError) as refused:
        asyncio.run(desk.reply(_call("user_id=zoe&k=5")))
    assert (refused.value.status, refused.value.kind) == (503, "overloaded")
    assert dict(refused.value.headers)[b"retry-after"] == b"4"
    assert sum(counts.values()) == 0


def test_a_turn_that_comes_too_late_is_refused(service: Service) -> None:
    desk, counts = _desk(service, Room(patience_s=0.0, most_s=0.0))  # later than at once
    with pytest.raises(ProblemError, match="wait to be made"):
        asyncio.run(desk.reply(_call("user_id=zoe&k=6")))
    assert sum(counts.values()) == 0
