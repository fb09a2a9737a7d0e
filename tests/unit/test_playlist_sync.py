"""What is new goes over once, whatever the same song is called there."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.errors import SinkError
from segue.fakes.faults import Fault
from segue.fakes.spotify import FakeSpotify
from segue.flows.spotify.household import Household
from segue.playlists.sync import synchronise
from tests.published import a_track, spotify_service, uris_of
from tests.spotify_household import household, signed_in


@pytest.fixture
def house(spotify: FakeSpotify, tmp_path: Path) -> Household:
    return signed_in(household(spotify, tmp_path, budget=20_000))


def test_each_song_once(spotify: FakeSpotify, house: Household) -> None:
    world = spotify.world
    one, two, three, four = (world.catalogue.track(n) for n in range(4))
    mine = world.add_playlist(world.users["alice"], "Mine", [one.uri, two.uri])
    source = [
        a_track(0, one.uri),
        a_track(1, "spotify:track:" + "7" * 22, isrc=two.isrc),
        a_track(2, three.uri, title="Other", isrc=three.isrc),
        a_track(3, "spotify:track:" + "8" * 22, title="OTHER (Live at Home)"),
        a_track(4, None, isrc=four.isrc),
        a_track(5, None, title="Nowhere"),
    ]
    plan = synchronise(source, spotify_service(house), mine.id, dry_run=True)
    assert mine.uris == [one.uri, two.uri]
    report = synchronise(source, spotify_service(house), mine.id)
    assert mine.uris == [one.uri, two.uri, three.uri, four.uri]
    assert report.added == plan.added == ("Band - Other", "Band - Song 4")
    assert (report.read, report.known, report.tracks) == (6, 3, 4)
    assert report.unmatched == ("Band - Nowhere",)
    again = synchronise(source, spotify_service(house), mine.id)
    assert (again.added, again.tracks) == ((), 4)


@pytest.mark.parametrize("kind", [Fault(lost=True), Fault(status=503), Fault(garbled=True)])
def test_lost_answers_add_nothing_twice(
    spotify: FakeSpotify, house: Household, kind: Fault
) -> None:
    world = spotify.world
    mine = world.add_playlist(world.users["alice"], "Mine", uris_of(spotify, 0, 10))
    world.faults.add(kind, method="POST", path="/items", after=1)
    source = [a_track(n, uri) for n, uri in enumerate(uris_of(spotify, 0, 320))]
    report = synchronise(source, spotify_service(house), mine.id)
    assert mine.uris == uris_of(spotify, 0, 320)
    assert (len(report.added), report.known) == (310, 10)


def test_ten_thousand_tracks(spotify: FakeSpotify, house: Household) -> None:
    world = spotify.world
    world.catalogue.size = 10_000
    mine = world.add_playlist(world.users["alice"], "Mine", uris_of(spotify, 0, 9_500))
    source = [a_track(n, uri) for n, uri in enumerate(uris_of(spotify, 0, 10_000))]
    report = synchronise(source, spotify_service(house), mine.id)
    assert mine.uris == uris_of(spotify, 0, 10_000)
    fewest = 9_500 // 50 + 500 // 100  # pages to read, and writes
    assert report.requests <= fewest + 2


def test_no_such_target(house: Household) -> None:
    with pytest.raises(SinkError, match="there is no playlist"):
        synchronise([], spotify_service(house), "nowhere")
