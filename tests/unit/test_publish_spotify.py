"""A playlist at Spotify: made once, refreshed in place, whatever goes wrong on the way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from segue.errors import BlockedError, ServiceError, SinkError, Temporary
from segue.fakes.faults import Fault
from segue.fakes.spotify import FakeSpotify
from segue.flows.spotify.household import Household
from tests.fake_spotify import the_user
from tests.published import a_playlist, a_track, of_tracks, spotify_sink, the_only_one, uris_of
from tests.spotify_household import household, signed_in


@pytest.fixture
def house(spotify: FakeSpotify, tmp_path: Path) -> Household:
    return signed_in(household(spotify, tmp_path, budget=20_000))


def test_made_once_then_refreshed_in_place(
    spotify: FakeSpotify, house: Household, tmp_path: Path
) -> None:
    first, second = uris_of(spotify, 0, 30), uris_of(spotify, 20, 50)
    made = spotify_sink(house, tmp_path).publish(a_playlist(first))
    theirs = the_only_one(spotify)
    assert (theirs.name, theirs.uris, theirs.public) == ("Discover · 21 Nov 2026", first, False)
    assert theirs.description == "Tracks that are new to you. [segue:p0123456789abcdef]"
    assert made.destination == f"https://open.spotify.com/playlist/{theirs.id}"
    assert (made.changed, len(made.added), made.removed, made.kept) == (True, 30, (), 0)
    spotify.world.log.clear()
    next_week = a_playlist(second, "Discover · 28 Nov 2026")
    report = spotify_sink(house, tmp_path).publish(next_week)
    assert (theirs.name, theirs.uris) == ("Discover · 28 Nov 2026", second)
    assert (len(report.added), len(report.removed), report.kept) == (20, 20, 10)
    assert report.remote_id == made.remote_id
    assert report.requests == 5  # look, rename, write, look, see whether all can be played
    again = spotify_sink(house, tmp_path).publish(next_week)
    assert (again.changed, again.requests, again.kept) == (False, 1, 30)


def test_dry_run_writes_nothing(spotify: FakeSpotify, house: Household, tmp_path: Path) -> None:
    uris = uris_of(spotify, 0, 3)
    report = spotify_sink(house, tmp_path).publish(a_playlist(uris), dry_run=True)
    assert (report.changed, report.dry_run, report.remote_id) == (True, True, "")
    assert report.added == ("Band - Song 0", "Band - Song 1", "Band - Song 2")
    assert not spotify.world.playlists
    spotify_sink(house, tmp_path).publish(a_playlist(uris))
    report = spotify_sink(house, tmp_path).publish(a_playlist(uris[1:]), dry_run=True)
    assert (report.added, report.removed, report.kept) == ((), (uris[0],), 2)
    assert the_only_one(spotify).uris == uris


@pytest.mark.parametrize("kind", ["lost", "half", "garbled"])
def test_a_lost_answer_makes_no_second_copy(
    spotify: FakeSpotify, house: Household, tmp_path: Path, kind: str
) -> None:
    fault = Fault(**{kind: True})  # type: ignore[arg-type]  # a name of the fault's fields
    spotify.world.faults.add(fault, method="POST", path="/me/playlists")
    spotify.world.faults.add(fault, method="POST", path="/items")
    uris = uris_of(spotify, 0, 250)
    spotify_sink(house, tmp_path).publish(a_playlist(uris))
    assert the_only_one(spotify).uris == uris


def test_a_lost_home_finds_its_playlist_again(
    spotify: FakeSpotify, house: Household, tmp_path: Path
) -> None:
    uris = uris_of(spotify, 0, 5)
    spotify_sink(house, tmp_path / "one").publish(a_playlist(uris))
    report = spotify_sink(house, tmp_path / "two").publish(a_playlist(uris[::-1]))
    assert the_only_one(spotify).uris == uris[::-1]
    assert report.removed == ()


def test_half_way_is_no_end(spotify: FakeSpotify, house: Household, tmp_path: Path) -> None:
    uris = uris_of(spotify, 0, 500)
    sink = spotify_sink(house, tmp_path)
    limited = Fault(status=429, retry_after=60)
    spotify.world.faults.add(limited, method="POST", path="/items", after=2)
    with pytest.raises(BlockedError):
        sink.publish(a_playlist(uris))
    assert len(the_only_one(spotify).uris) == 200
    spotify.world.clock.advance(seconds=61)
    spotify.world.log.clear()
    report = spotify_sink(house, tmp_path).publish(a_playlist(uris))
    assert the_only_one(spotify).uris == uris
    assert (len(report.added), report.kept) == (300, 200)
    assert spotify.world.log.counts()["POST /playlists/{playlist_id}/items"] == 3


def test_an_existing_playlist_is_used(
    spotify: FakeSpotify, house: Household, tmp_path: Path
) -> None:
    uris = uris_of(spotify, 0, 4)
    mine = house.api("ann", "test").create_playlist("Mine")
    assert mine is not None
    spotify_sink(house, tmp_path, into=mine.playlist_id).publish(a_playlist(uris))
    assert the_only_one(spotify).uris == uris
    with pytest.raises(SinkError, match="there is no playlist nowhere"):
        spotify_sink(house, tmp_path, into="nowhere").publish(a_playlist(uris))


def test_what_is_not_there_is_matched_or_reported(
    spotify: FakeSpotify, house: Household, tmp_path: Path
) -> None:
    known = [spotify.world.catalogue.track(n) for n in range(5)]
    tracks = [
        a_track(0, known[0].uri),
        a_track(1, None, isrc=known[1].isrc),
        a_track(2, None, title=known[2].name, artists=(known[2].artists[0].name,)),
        a_track(3, "spotify:track:" + "0" * 22, isrc=known[3].isrc),
        a_track(4, None, title="No such song", artists=("Nobody",)),
        a_track(5, known[4].uri),
    ]
    report = spotify_sink(house, tmp_path).publish(of_tracks(tracks))
    assert the_only_one(spotify).uris == [one.uri for one in known]
    assert (report.tracks, report.replaced) == (5, 3)
    assert report.unmatched == ("Nobody - No such song",)


def test_a_playlist_of_somebody_else_with_the_mark_is_left_alone(
    spotify: FakeSpotify, house: Household, tmp_path: Path
) -> None:
    ben = spotify.world.add_user("ben")
    theirs = spotify.world.add_playlist(ben, "Discover", uris_of(spotify, 0, 1))
    theirs.description = "[segue:p0123456789abcdef]"
    spotify.world.users["alice"].followed.append(theirs.id)
    spotify_sink(house, tmp_path).publish(a_playlist(uris_of(spotify, 5, 9)))
    assert len(spotify.world.playlists) == 2
    assert theirs.uris == uris_of(spotify, 0, 1)


def test_errors_at_random_change_nothing_in_the_end(
    spotify: FakeSpotify, house: Household, tmp_path: Path
) -> None:
    chance = random.Random(3)
    tracks = uris_of(spotify, 0, 400)
    spotify.world.faults.at_random(0.2, seed=5)
    done = 0
    for _ in range(30):
        wanted = chance.sample(tracks, chance.choice([5, 30, 250]))
        for _ in range(40):
            try:
                spotify_sink(house, tmp_path).publish(a_playlist(wanted))
            except ServiceError as error:
                assert isinstance(error, Temporary), error
                spotify.world.clock.advance(seconds=31)
            else:
                assert the_only_one(spotify).uris == wanted
                done += 1
                break
    assert done == 30


# --- what the user cannot play ------------------------------------------------------------------


def test_what_is_greyed_out_is_replaced_or_left_out_and_stays_so(
    spotify: FakeSpotify, house: Household, tmp_path: Path
) -> None:
    catalogue, country = spotify.world.catalogue, the_user(spotify).country
    there, gone, sold_again = (catalogue.track(n) for n in (0, 1, 2))
    for track in (gone, sold_again):
        catalogue.withdraw(track.id, country)
    other = catalogue.add(sold_again.name, sold_again.artists[0].name, isrc=sold_again.isrc)
    tracks = [
        a_track(n, one.uri, title=one.name, artists=(one.artists[0].name,), isrc=one.isrc)
        for n, one in enumerate((there, gone, sold_again))
    ]
    playlist = of_tracks(tracks)
    report = spotify_sink(house, tmp_path).publish(playlist)
    assert the_only_one(spotify).uris == [there.uri, other.uri]
    assert (report.tracks, report.replaced) == (2, 1)
    assert report.unmatched == (f"{gone.artists[0].name} - {gone.name}",)
    again = spotify_sink(house, tmp_path).publish(playlist)
    assert not again.changed
    assert the_only_one(spotify).uris == [there.uri, other.uri]
    next_week = of_tracks([*tracks, a_track(9, catalogue.track(9).uri)])
    later = spotify_sink(house, tmp_path).publish(next_week)
    assert (len(later.added), len(later.removed), len(later.unmatched)) == (1, 0, 1)
