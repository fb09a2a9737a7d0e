"""What every service that keeps playlists keeps to, against stand-ins that keep the real limits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from segue.errors import ServiceError, Temporary
from segue.fakes.catalogue import Track
from segue.fakes.faults import Fault, Faults
from segue.fakes.listenbrainz import FakeListenBrainz
from segue.fakes.spotify import FakeSpotify
from segue.fakes.subsonic import FakeSubsonic
from segue.music.playlist import PlaylistTrack
from segue.playlists.edits import after
from segue.playlists.listenbrainz_playlists import ListenBrainzPlaylists, middle
from segue.playlists.published import PublishedLists
from segue.playlists.service_base import PlaylistService
from segue.playlists.service_sink import ServiceSink
from segue.playlists.subsonic_playlists import SubsonicPlaylists
from segue.services.json_service import JsonService
from segue.services.request_queue import RequestQueue
from segue.services.state_file import StateFile
from tests.published import a_track, of_tracks, spotify_service
from tests.spotify_client import HTTP
from tests.spotify_household import household, signed_in


@dataclass
class Place:
    """A destination under test.

    Args:
        service: A new adapter, as in a process of its own.
        lists: Title, description and tracks of every playlist there.
        tracks: What it has.
        advance: Lets time pass there.
        create: The path of the request that makes a playlist.
    """

    name: str
    service: Callable[[], PlaylistService]
    lists: Callable[[], list[tuple[str, str, list[str]]]]
    tracks: list[Track]
    track: Callable[[int, Track], PlaylistTrack]
    key: Callable[[Track], str]
    faults: Faults
    advance: Callable[[float], object]
    create: str
    home: Path

    def sink(self, home: str = "home") -> ServiceSink:
        return ServiceSink(self.service(), PublishedLists(self.home / home))

    def wanted(self, *numbers: int) -> list[PlaylistTrack]:
        return [self.track(n, self.tracks[n]) for n in numbers]

    def keys(self, *numbers: int) -> list[str]:
        return [self.key(self.tracks[n]) for n in numbers]


def named(n: int, track: Track) -> PlaylistTrack:
    return a_track(n, title=track.name, artists=(track.artists[0].name,), isrc=track.isrc)


@pytest.fixture(params=["spotify", "listenbrainz", "subsonic"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "spotify":
        yield at_spotify(request.getfixturevalue("spotify"), tmp_path)
    elif request.param == "listenbrainz":
        with FakeListenBrainz() as fake:
            yield at_listenbrainz(fake, tmp_path)
    else:
        with FakeSubsonic() as fake:
            yield at_subsonic(fake, tmp_path)


def at_spotify(fake: FakeSpotify, home: Path) -> Place:
    world = fake.world
    house = signed_in(household(fake, home, budget=20_000))
    return Place(
        "spotify",
        lambda: spotify_service(house),
        lambda: [(p.name, p.description or "", p.uris) for p in world.playlists.values()],
        [world.catalogue.track(n) for n in range(300)],
        lambda n, track: a_track(n, track.uri),
        lambda track: track.uri,
        world.faults,
        lambda seconds: world.clock.advance(seconds=seconds),
        "/v1/me/playlists",
        home,
    )


def at_listenbrainz(fake: FakeListenBrainz, home: Path) -> Place:
    token = fake.add_member("ann").token
    music = fake.music

    def service() -> PlaylistService:
        headers = {"Authorization": f"Token {token}"}
        return ListenBrainzPlaylists(json_service(fake, home, headers), "ann", "publish")

    def mbid(track: Track) -> str:
        return music.mbid("recording", track.id)

    return Place(
        "listenbrainz",
        service,
        lambda: [(p.title, p.annotation, p.recordings) for p in fake.playlists.values()],
        [track for track in music.tracks if music.knows("listenbrainz", track)],
        lambda n, track: a_track(n, mbid=mbid(track)),
        mbid,
        fake.faults,
        lambda seconds: fake.clock.advance(seconds=seconds),
        "/1/playlist/create",
        home,
    )


def at_subsonic(fake: FakeSubsonic, home: Path) -> Place:
    return Place(
        "subsonic",
        lambda: SubsonicPlaylists(json_service(fake, home), "ann", "secret", purpose="publish"),
        lambda: [(p.name, p.comment, p.songs) for p in fake.playlists.values()],
        list(fake.songs.values()),
        named,
        fake.song_id,
        fake.faults,
        lambda seconds: fake.clock.advance(seconds=seconds),
        "createPlaylist",
        home,
    )


def json_service(
    fake: FakeListenBrainz | FakeSubsonic, home: Path, headers: dict[str, str] | None = None
) -> JsonService:
    state = StateFile(home / "services.sqlite")
    clock = fake.clock.now
    name = type(fake).__name__
    queue = RequestQueue(state, name, budget=50_000, setting="x", clock=clock)
    return JsonService(
        name,
        fake.url,
        HTTP,
        queue=queue,
        clock=clock,
        headers=headers,
        pause=lambda seconds: wait(fake, seconds),
    )


def wait(fake: FakeListenBrainz | FakeSubsonic, seconds: float) -> None:
    """Let time pass there."""
    fake.clock.advance(seconds=seconds)


def test_made_once_then_refreshed_in_place(place: Place) -> None:
    made = place.sink().publish(of_tracks(place.wanted(0, 1, 2, 3)))
    ((title, description, there),) = place.lists()
    assert (title, there) == ("Discover", place.keys(0, 1, 2, 3))
    assert "[segue:p0123456789abcdef]" in description
    assert (made.changed, len(made.added), made.kept, made.unmatched) == (True, 4, 0, ())
    assert made.requests > 0
    again = place.sink().publish(of_tracks(place.wanted(0, 1, 2, 3)))
    assert (again.changed, again.kept) == (False, 4)
    report = place.sink().publish(of_tracks(place.wanted(5, 3, 0), "Discover, later"))
    ((title, _, there),) = place.lists()
    assert (title, there) == ("Discover, later", place.keys(5, 3, 0))
    assert (len(report.added), len(report.removed), report.kept) == (1, 2, 2)
    assert report.remote_id == made.remote_id != ""


def test_dry_run_writes_nothing(place: Place) -> None:
    report = place.sink().publish(of_tracks(place.wanted(0, 1)), dry_run=True)
    assert (report.changed, report.dry_run, len(report.added)) == (True, True, 2)
    assert place.lists() == []
    place.sink().publish(of_tracks(place.wanted(0, 1)))
    report = place.sink().publish(of_tracks(place.wanted(1, 2)), dry_run=True)
    assert (len(report.added), len(report.removed), report.kept) == (1, 1, 1)
    assert place.lists()[0][2] == place.keys(0, 1)


@pytest.mark.parametrize("kind", ["lost", "half", "garbled"])
def test_a_lost_answer_makes_no_second_copy(place: Place, kind: str) -> None:
    fault = {"lost": Fault(lost=True), "half": Fault(half=True), "garbled": Fault(garbled=True)}
    place.faults.add(fault[kind], method="POST", path=place.create)
    place.sink().publish(of_tracks(place.wanted(0, 1)))
    ((_, _, there),) = place.lists()
    assert there == place.keys(0, 1)


def test_a_lost_home_finds_its_playlist(place: Place) -> None:
    place.sink("one").publish(of_tracks(place.wanted(0, 1)))
    place.sink("two").publish(of_tracks(place.wanted(1, 0)))
    ((_, _, there),) = place.lists()
    assert there == place.keys(1, 0)


def test_more_than_fits_in_a_request(place: Place) -> None:
    most = range(120)
    place.sink().publish(of_tracks(place.wanted(*most)))
    assert place.lists()[0][2] == place.keys(*most)
    place.sink().publish(of_tracks([]))
    assert place.lists()[0][2] == []


def test_what_is_not_there_is_told(place: Place) -> None:
    odd = a_track(9, title="No such song", artists=("Nobody",))
    report = place.sink().publish(of_tracks([*place.wanted(0, 1), odd]))
    assert report.unmatched == ("Nobody - No such song",)
    assert place.lists()[0][2] == place.keys(0, 1)


def test_tracks_are_found_by_name(place: Place) -> None:
    report = place.sink().publish(of_tracks([named(0, place.tracks[0])]))
    assert (report.tracks, report.unmatched) == (1, ())
    assert place.lists()[0][2] == place.keys(0)


def test_errors_at_random_change_nothing_in_the_end(place: Place) -> None:
    chance = random.Random(3)
    place.faults.at_random(0.2, seed=5, path="/")
    for size in (5, 105, 12, 30, 7):
        numbers = chance.sample(range(110), size)
        for _ in range(200):
            try:
                place.sink().publish(of_tracks(place.wanted(*numbers)))
            except ServiceError as error:
                assert isinstance(error, Temporary), error
                place.advance(60)
            else:
                break
        ((_, _, there),) = place.lists()
        assert there == place.keys(*numbers)


def test_the_middle_is_replaced() -> None:
    have, want = [f"a{n}" for n in range(250)], [f"b{n}" for n in range(250)]
    plan = middle(have, want)
    assert len(plan) == 4
    assert after(have, plan) == want
    assert middle(have, have) == ()
