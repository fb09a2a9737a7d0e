"""Collecting from Spotify: every play once, whatever happens, and gaps are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from segue.errors import (
    BlockedError,
    BusyError,
    ServiceDownError,
    ServiceError,
    SignInError,
    Temporary,
)
from segue.fakes.spotify import FakeSpotify, Fault
from segue.flows.spotify.household import Household
from segue.flows.spotify.poll import poll, poll_everybody
from segue.warehouse.lake import Lake
from tests.fake_spotify import the_app, the_user
from tests.flows.test_build import EXPORT, House, play
from tests.spotify_household import household, signed_in

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Died(BaseException):
    """The process is gone."""


@pytest.fixture
def house(spotify: FakeSpotify, tmp_path: Path) -> Household:
    spotify.world.clock.freeze(NOON)
    return signed_in(household(spotify, tmp_path))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def _played(spotify: FakeSpotify, *minutes: float, who: str = "alice") -> list[str]:
    """Tracks that ended so many minutes after noon; their URIs."""
    tracks = [spotify.world.catalogue.track(int(10 * at) % 1999) for at in minutes]
    player = spotify.world.players[who]
    for track, at in zip(tracks, minutes, strict=True):
        player.played(track.uri, NOON + timedelta(minutes=at))
    return [track.uri for track in tracks]


def _kept(lake: Lake) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lake.rows("plays").sort_by("ended_at").to_pylist()
    return rows


def test_what_was_played_is_in_the_lake(house: Household, spotify: FakeSpotify, lake: Lake) -> None:
    uris = _played(spotify, 3, 7)
    report = poll(house, lake, "ann")
    assert (report.told, report.kept, report.gap) == (2, 2, None)
    assert report.latest == NOON + timedelta(minutes=7)
    rows = _kept(lake)
    assert [row["spotify_uri"] for row in rows] == uris
    first, track = rows[0], spotify.world.catalogue.by_uri(uris[0])
    assert track is not None
    assert (first["user_id"], first["source"]) == ("ann", "spotify_api")
    assert first["ended_at"] == NOON + timedelta(minutes=3)
    assert first["played_at"] == first["ended_at"] - timedelta(milliseconds=track.duration_ms)
    assert (first["title"], first["isrc"]) == (track.name, track.isrc)
    assert first["artists"] == [artist.name for artist in track.artists]
    assert first["ms_played"] is None


def test_the_next_look_goes_on_from_the_last_play(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    assert poll(house, lake, "ann").latest is None
    _played(spotify, 3)
    assert poll(house, lake, "ann").kept == 1
    again = poll(house, lake, "ann")
    assert (again.told, again.kept, again.latest) == (0, 0, NOON + timedelta(minutes=3))
    assert len(lake.commits()) == 1  # a look that brings nothing leaves nothing
    _played(spotify, 7)
    assert poll(house, lake, "ann").kept == 1
    assert len(_kept(lake)) == 2
    assert house.usage.by_purpose["poll"] == 4


@pytest.mark.parametrize("step", ["staged", "renamed", "committed"])
def test_whenever_it_dies_no_play_is_lost_or_counted_twice(
    house: Household, spotify: FakeSpotify, tmp_path: Path, step: str
) -> None:
    seen: list[str] = []

    def die(name: str) -> None:
        seen.append(name)
        if len(seen) == {"staged": 1, "renamed": 2, "committed": 3}[step]:
            raise Died

    _played(spotify, 3, 7)
    with pytest.raises(Died):
        poll(house, Lake(tmp_path / "lake", on_step=die), "ann")
    _played(spotify, 11)
    lake = Lake(tmp_path / "lake")
    poll(house, lake, "ann")
    assert len(_kept(lake)) == 3
    assert poll(house, lake, "ann").told == 0


def test_a_lost_place_is_no_loss(house: Household, spotify: FakeSpotify, lake: Lake) -> None:
    _played(spotify, 3, 7)
    poll(house, lake, "ann")
    house.sign_ins.set_mark("ann", "recently played", "gone")
    again = poll(house, lake, "ann")
    assert (again.told, again.kept) == (2, 0)
    assert len(_kept(lake)) == 2


def test_a_full_window_that_does_not_reach_what_is_known_is_a_gap(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    _played(spotify, 1)
    poll(house, lake, "ann")
    _played(spotify, *range(2, 62))  # 60 plays; Spotify knows the last 50
    report = poll(house, lake, "ann")
    assert report.kept == 50
    assert report.gap is not None
    assert report.gap.since == NOON + timedelta(minutes=1)
    assert report.gap.until == NOON + timedelta(minutes=12)
    assert poll(house, lake, "ann").gap is None


def test_a_window_that_is_just_full_is_looked_behind(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    spotify.world.rules.window_items = 60  # the service knows more than it tells at once
    _played(spotify, 1)
    poll(house, lake, "ann")
    _played(spotify, *range(2, 52))
    report = poll(house, lake, "ann")
    assert (report.kept, report.gap) == (50, None)
    assert house.usage.by_purpose["poll"] == 3
    assert len(_kept(lake)) == 51


def test_the_first_look_has_no_gap(house: Household, spotify: FakeSpotify, lake: Lake) -> None:
    _played(spotify, *range(1, 71))
    report = poll(house, lake, "ann")
    assert (report.kept, report.gap) == (50, None)


def test_faults_on_the_way_change_nothing(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    _played(spotify, 3)
    faults = spotify.world.faults
    faults.add(Fault(status=502), path="recently", times=2)
    assert poll(house, lake, "ann").kept == 1
    _played(spotify, 7)
    faults.add(Fault(garbled=True), path="recently", times=3)
    with pytest.raises(ServiceDownError):
        poll(house, lake, "ann")
    faults.add(Fault(status=429, reason="QUOTA_EXCEEDED", retry_after=48_925), path="recently")
    with pytest.raises(BlockedError):
        poll(house, lake, "ann")
    asked = house.usage.used
    with pytest.raises(BlockedError):
        poll(house, lake, "ann")
    assert house.usage.used == asked
    spotify.world.clock.advance(seconds=48_926)
    assert poll(house, lake, "ann").kept == 1


def test_faults_at_random_lose_and_double_nothing(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    world = spotify.world
    world.faults.at_random(0.4, seed=5, path="/v1/|/api/token")
    uris: list[str] = []
    for number in range(25):
        world.clock.advance(seconds=1_200)
        uris += _played(spotify, 20 * (number + 1) - 9, 20 * (number + 1) - 3)
        try:
            poll(house, lake, "ann")
        except ServiceError as error:
            assert isinstance(error, Temporary | SignInError), error
            if isinstance(error, SignInError):  # an answer that was lost had rotated the token
                world.faults.clear()
                signed_in(house)
                world.faults.at_random(0.4, seed=number, path="/v1/|/api/token")
    world.faults.clear()
    world.clock.advance(seconds=120)
    poll(house, lake, "ann")
    assert [row["spotify_uri"] for row in _kept(lake)] == uris


def test_while_something_else_writes_the_plays_wait(
    house: Household, spotify: FakeSpotify, tmp_path: Path
) -> None:
    _played(spotify, 3)
    with Lake(tmp_path / "lake").writing(), pytest.raises(BusyError):
        poll(house, Lake(tmp_path / "lake"), "ann")
    assert poll(house, Lake(tmp_path / "lake"), "ann").kept == 1


def test_one_users_fault_keeps_nothing_from_others(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    spotify.world.add_user("ben")
    the_app(spotify).allowed.append("ben")
    signed_in(house, "ben", who="ben")
    spotify.world.revoke(the_app(spotify), the_user(spotify))
    _played(spotify, 3, who="ben")
    spotify.world.clock.advance(days=1)
    ann, ben = poll_everybody(house, lake, ("ann", "ben"))
    assert isinstance(ann.error, SignInError)
    assert (ben.error, ben.kept) == (None, 1)


def test_podcasts_and_nameless_things_are_counted_apart(
    house: Household, spotify: FakeSpotify, lake: Lake
) -> None:
    _played(spotify, 3)
    spotify.world.players["alice"].played("spotify:track:" + "0" * 22, NOON)
    report = poll(house, lake, "ann")
    assert (report.kept, report.others) == (1, 1)


# --- the same plays from the export, later ------------------------------------------------------


def _told_by_the_api(told: dict[str, Any], offset_s: float, *, starts: bool) -> dict[str, Any]:
    """The row that `poll` keeps: the end (or the start) of the play, and the track's length."""
    at = (told["played_at"] if starts else told["ended_at"]) + timedelta(seconds=offset_s)
    length = timedelta(minutes=3)
    return {
        **told,
        "source": "spotify_api",
        "played_at": at - length,
        "ended_at": at,
        "ms_played": None,
        "duration_ms": 180_000,
        "reason_end": None,
    }


def _evening(user: str, *, repeats: int) -> list[dict[str, Any]]:
    """Heard whole, heard half, some times in a row, and paused for a minute in between."""
    heard = [(0, "A", 180), (200, "B", 90), *((400 + 180 * n, "C", 180) for n in range(repeats))]
    told = [play(user, EXPORT, at, name, ms_played=1000 * s) for at, name, s in heard]
    paused = play(user, EXPORT, 1_400, "D", ms_played=180_000)
    started = paused["played_at"] + timedelta(minutes=1)
    return [*told, {**paused, "played_at": started, "ended_at": started + timedelta(minutes=3)}]


TELLINGS: Final = [
    (offset, starts) for offset in (-2.0, 0.0, 1.5, 20.0) for starts in (False, True)
]


@pytest.fixture(scope="module")
def evenings(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The same evening of many users, each told by the API in another way, and by the export."""
    built = House(tmp_path_factory.mktemp("evenings"))
    rows: list[dict[str, Any]] = []
    exported: list[dict[str, Any]] = []
    for offset, starts in TELLINGS:
        told = _evening(f"{offset} {starts}", repeats=2 if starts else 4)
        rows += [_told_by_the_api(one, offset, starts=starts) for one in told]
        exported += told
    built.lake.add("plays", rows)
    built.lake.add("plays", exported)
    built.build()
    return built


@pytest.mark.xdist_group("evenings")
@pytest.mark.parametrize(("offset", "starts"), TELLINGS)
def test_the_same_play_from_the_export_is_one_play(
    evenings: House, offset: float, starts: bool
) -> None:
    user = f"{offset} {starts}"
    left = [source for who, source in evenings.rows("plays", "user_id", "source") if who == user]
    assert left == [EXPORT] * len(_evening(user, repeats=2 if starts else 4))
