"""Following a player at Spotify: events are delivered once, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from segue.errors import OverloadedError, ServiceError, SignInError, StorageError
from segue.events.sqlite_log import SqliteLog
from segue.fakes.spotify import FakeSpotify, Fault
from segue.flows.spotify.household import Household
from segue.flows.spotify.listen import Heard, listen, listen_once
from segue.music.event import Event
from tests.fake_spotify import the_app, the_user
from tests.flows.test_build import House, play
from tests.spotify_household import household, signed_in

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def house(spotify: FakeSpotify, tmp_path: Path) -> Household:
    spotify.world.clock.freeze(NOON)
    return signed_in(household(spotify, tmp_path))


class Ears:
    """Takes events, and may refuse to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fault: Exception | None = None

    def __call__(self, events: Sequence[Event]) -> None:
        if self.fault is not None:
            raise self.fault
        self.events += events

    @property
    def kinds(self) -> list[str]:
        return [event.event_type for event in self.events]


def _play(spotify: FakeSpotify, *numbers: int) -> list[str]:
    uris = [spotify.world.catalogue.track(number).uri for number in numbers]
    spotify.world.players["alice"].play(*uris)
    return uris


def test_what_is_played_is_told_as_it_happens(house: Household, spotify: FakeSpotify) -> None:
    ears, clock = Ears(), spotify.world.clock
    assert listen_once(house, "ann", ears).wait_s >= 60
    first, second = _play(spotify, 1, 2)
    clock.advance(seconds=20)
    heard = listen_once(house, "ann", ears)
    assert [event.track_id for event in heard.events] == [first]
    assert 20 <= heard.wait_s <= 240
    spotify.world.players["alice"].pause()
    clock.advance(seconds=60)
    listen_once(house, "ann", ears)
    spotify.world.players["alice"].resume()
    spotify.world.players["alice"].skip()
    clock.advance(seconds=15)
    listen_once(house, "ann", ears)
    assert ears.kinds == ["play", "pause", "skip", "play"]
    assert [event.track_id for event in ears.events] == [first, first, first, second]
    assert ears.events[2].ms_played == 20_000
    assert house.usage.by_purpose["listen"] == 4


def test_events_that_could_not_be_delivered_are_told_again(
    house: Household, spotify: FakeSpotify
) -> None:
    ears = Ears()
    _play(spotify, 1, 2)
    spotify.world.clock.advance(seconds=20)
    ears.fault = StorageError("the disk is full")
    with pytest.raises(StorageError):
        listen_once(house, "ann", ears)
    spotify.world.players["alice"].skip()
    spotify.world.clock.advance(seconds=30)
    ears.fault = None
    listen_once(house, "ann", ears)
    assert ears.kinds == ["play"]  # the first track was never seen again
    assert ears.events[0].track_id == spotify.world.catalogue.track(2).uri


def test_a_death_after_delivery_tells_nothing_twice(
    house: Household, spotify: FakeSpotify, tmp_path: Path
) -> None:
    class Died(BaseException):
        """The process is gone."""

    log = SqliteLog(tmp_path / "events.sqlite")

    def deliver(events: Sequence[Event]) -> None:
        log.append(events, NOON).result()

    def deliver_and_die(events: Sequence[Event]) -> None:
        deliver(events)
        raise Died

    _play(spotify, 1, 2)
    spotify.world.clock.advance(seconds=20)
    listen_once(house, "ann", deliver)
    spotify.world.players["alice"].skip()
    spotify.world.clock.advance(seconds=15)
    with pytest.raises(Died):
        listen_once(house, "ann", deliver_and_die)
    spotify.world.clock.advance(seconds=5)
    listen_once(house, "ann", deliver)
    kinds = [one.event.event_type for one in log.of_user("ann")]
    log.close()
    assert kinds == ["play", "skip", "play"]


def test_following_waits_for_what_passes_and_ends_when_nobody_is_signed_in(
    house: Household, spotify: FakeSpotify
) -> None:
    world = spotify.world
    world.add_user("ben")
    the_app(spotify).allowed.append("ben")
    signed_in(house, "ben", who="ben")
    ears, looks = Ears(), list[Heard]()
    ears.fault = OverloadedError("too much waits already")
    _play(spotify, *range(30))
    world.faults.add(Fault(status=429, retry_after=100), path="/me/player", after=2)

    def wait(seconds: float) -> bool:
        world.clock.advance(seconds=seconds)
        if len(looks) == 3:
            ears.fault = None
        if len(looks) == 12:
            world.revoke(the_app(spotify), the_user(spotify))
            world.clock.advance(days=1)
        if len(looks) == 20:
            world.revoke(the_app(spotify), world.users["ben"])
            world.clock.advance(days=1)
        return len(looks) > 60

    with pytest.raises(SignInError, match="has ended"):
        listen(house, ["ann", "ben"], ears, wait=wait, on_look=looks.append)
    faults = [(one.user_id, type(one.error).__name__) for one in looks if one.error is not None]
    assert ("ann", "OverloadedError") in faults
    assert any(kind == "BlockedError" for _, kind in faults)
    assert [user for user, kind in faults if kind == "SignInError"] == ["ann"]
    assert {event.user_id for event in ears.events} == {"ann"}
    assert "complete" in ears.kinds


def test_the_budget_of_a_day_is_never_exceeded(spotify: FakeSpotify, tmp_path: Path) -> None:
    world = spotify.world
    world.clock.freeze(NOON)
    house = signed_in(household(spotify, tmp_path, budget=50))
    _play(spotify, *range(1_000))
    ends = NOON.timestamp() + 2 * 86_400

    def wait(seconds: float) -> bool:
        world.clock.advance(seconds=seconds)
        usage = house.usage
        assert usage.by_purpose.get("listen", 0) <= 40
        return world.clock.now().timestamp() > ends

    listen(house, ["ann"], Ears(), wait=wait)
    assert house.usage.left >= 10  # for everything else


def test_what_does_not_pass_ends_it(house: Household, spotify: FakeSpotify) -> None:
    spotify.world.faults.add(Fault(status=403), path="/me/player")
    with pytest.raises(ServiceError, match="403"):
        listen(house, ["ann"], Ears(), wait=lambda seconds: False)


def test_both_ways_of_collecting_come_to_one_play(tmp_path: Path) -> None:
    """Followed, told by Spotify near its end, and exported: with a pause of ten minutes in it."""
    built = House(tmp_path)
    exported = play("u", "spotify_export", 600, "A", ms_played=180_000)
    followed = play("u", "spotify_live", 3, "A", ms_played=178_000)
    followed["ended_at"] = exported["ended_at"]
    told = play("u", "spotify_api", 600, "A", ms_played=180_000)
    told |= {"ms_played": None, "duration_ms": 180_000, "reason_end": None}
    built.lake.add("plays", [followed])
    built.lake.add("plays", [told])
    built.build()
    assert built.rows("plays", "source", "ms_played") == [("spotify_api", 178_000)]
    built.lake.add("plays", [exported])
    built.build()
    assert built.rows("plays", "source", "ms_played") == [("spotify_export", 180_000)]
