"""The service over a small home: what changes with events, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from segue.errors import ConfigError, NotReadyError, UnknownTrackError, UnknownUserError
from segue.flows.online import Listened, Service
from segue.flows.wiring import Wiring
from segue.flows.wishes import Wishes
from segue.music.event import Event, EventType
from segue.settings import Settings
from tests.flows.world import World, world
from tests.tiny import NOW, days_ago

ROCK = [f"r{i:02}" for i in range(24)]
JAZZ = [f"j{i:02}" for i in range(24)]
URI = "spotify:track:" + "j05".zfill(22)


def _catalogue() -> list[dict[str, object]]:
    return [
        {
            "track_id": track,
            "title": f"{genre} song {i}",
            "artist": f"{genre} artist {i // 2}",
            "artists": [f"{genre} artist {i // 2}"],
            "artist_id": f"{genre}-{i // 2}",
            "genres": [genre],
            "year": 1980 + i,
            "popularity": float((i * 7) % 100),
            "tempo": 80.0 + i,
            "energy": energy,
            "spotify_uri": f"spotify:track:{track:0>22}",
        }
        for camp, genre, energy in ((ROCK, "rock", 0.7), (JAZZ, "jazz", 0.2))
        for i, track in enumerate(camp)
    ]


def _crowd() -> list[tuple[str, str | None, str | None, float]]:
    return [
        (f"{name}{i:02}", track, None, 2.0)
        for camp, name in ((ROCK, "r"), (JAZZ, "j"))
        for i in range(20)
        for n, track in enumerate(camp)
        if (n + i) % 4
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    folder = tmp_path_factory.mktemp("home")
    plays = [
        ("ann", track, days_ago(30 - day) + timedelta(minutes=4 * n))
        for n, track in enumerate(ROCK[:8])
        for day in range(3)
    ]
    return folder, world(folder, _catalogue(), plays, crowd=_crowd())


@pytest.fixture
def service(home: tuple[Path, World]) -> Iterator[Service]:
    events = home[0] / "events"
    for file in events.glob("*"):
        file.unlink()
    opened = Service.open(Wiring(Settings(home=home[0])), clock=lambda: NOW)
    yield opened
    opened.close()


Tell = Callable[..., None]


@pytest.fixture
def tell(service: Service) -> Tell:
    count = iter(range(1_000))

    def say(user: str, track: str, kind: EventType = "complete", at: datetime = NOW) -> None:
        event = Event(f"e{next(count)}", user, track, kind, at, ms_played=200_000)
        assert service.log.append([event], NOW).result() == ("accepted",)

    return say


def ids(service: Service, user: str, **wishes: object) -> list[str]:
    answer = service.recommendations(user, Wishes(size=8, **wishes))  # type: ignore[arg-type]  # any of its fields
    return [track.track_id for track in answer.tracks]


def test_an_answer_is_json_with_reasons_and_comes_again(service: Service) -> None:
    answer = service.recommendations("ann", Wishes(size=8))
    told = json.loads(answer.body)
    assert told["recommendation_id"] == answer.recommendation_id
    assert told["user_id"] == "ann"
    assert [one["track_id"] for one in told["tracks"]] == [one.track_id for one in answer.tracks]
    assert len(answer.tracks) == 8
    assert all(track.reason and track.score > 0 for track in answer.tracks)
    assert {track.track_id[0] for track in answer.tracks} == {"r"}
    assert service.recommendations("ann", Wishes(size=8)) is answer


def test_it_is_what_the_command_recommends(service: Service, home: tuple[Path, World]) -> None:
    playlist = home[1].recommend("ann", size=8)
    assert [track.track_id for track in playlist.tracks] == ids(service, "ann")


def test_a_stranger_gets_a_list_and_another_after_their_first_event(
    service: Service, tell: Tell
) -> None:
    before = service.recommendations("zoe", Wishes(size=8))
    assert len(before.tracks) == 8
    tell("zoe", JAZZ[3], "play")
    after = service.recommendations("zoe", Wishes(size=8))
    assert after.recommendation_id != before.recommendation_id
    assert [one.track_id for one in after.tracks] != [one.track_id for one in before.tracks]
    assert JAZZ[3] not in {one.track_id for one in after.tracks}
    assert "j" in {one.track_id[0] for one in after.tracks}


def test_what_was_played_or_hidden_a_moment_ago_does_not_come(service: Service, tell: Tell) -> None:
    first, second, third = ids(service, "ann")[:3]
    tell("ann", first)
    tell("ann", second, "hide")
    tell("ann", third, "known")
    assert {first, second, third}.isdisjoint(ids(service, "ann"))
    tell("ann", third, "undo", NOW + timedelta(seconds=1))
    assert third in ids(service, "ann")


def test_events_may_name_a_reference(service: Service, tell: Tell) -> None:
    tell("zoe", URI)
    assert service.profile("zoe").recent[0].track_id == "j05"
    assert "j05" not in ids(service, "zoe", genres=("jazz",))


def test_plays_that_are_published_already_count_once(service: Service, tell: Tell) -> None:
    before = service.profile("ann")
    tell("ann", ROCK[0], at=days_ago(30) + timedelta(seconds=200))
    assert service.profile("ann").plays == before.plays
    tell("ann", ROCK[0])
    assert service.profile("ann").plays == before.plays + 1


def test_it_does_not_matter_when_somebody_asks(
    service: Service, tell: Tell, home: tuple[Path, World]
) -> None:
    kinds: list[EventType] = ["play", "complete", "play", "skip", "like", "not_me", "hide", "pause"]
    for n, kind in enumerate(kinds * 3):
        track = [*ROCK[4:8], *JAZZ[:6]][(3 * n) % 10]
        tell("ann", track, kind, NOW + timedelta(minutes=7 * n) - timedelta(hours=6 * (n % 5 == 0)))
        service.recommendations("ann", Wishes(size=8))
    late = Service.open(Wiring(Settings(home=home[0])), clock=lambda: NOW)
    asked, at_once = (one.recommendations("ann", Wishes(size=8)) for one in (service, late))
    assert asked.body == at_once.body
    assert service.profile("ann") == late.profile("ann")
    late.close()


def test_a_profile_knows_the_last_event(service: Service, tell: Tell) -> None:
    before = service.profile("ann")
    assert before.plays == 24
    assert before.genres[0].name == "rock"
    for track in JAZZ[:20]:
        tell("ann", track, at=NOW + timedelta(minutes=JAZZ.index(track)))
    tell("ann", JAZZ[20], "skip", NOW + timedelta(hours=2))
    tell("ann", JAZZ[21], "like")
    after = service.profile("ann")
    assert after.genres[0].name == "jazz"
    assert (after.plays, after.skips) == (45, 1)
    assert after.recent[0].track_id == JAZZ[20]
    assert after.recent[0].skipped
    assert after.said == {"like": 1}
    assert after.audio_features["energy"] < before.audio_features["energy"]
    with pytest.raises(UnknownUserError):
        service.profile("nobody")


def test_an_ad_hoc_list(service: Service) -> None:
    liked = [Listened(track, plays=0, liked=True) for track in JAZZ[:4]]
    answer = service.recommend_for([*liked, Listened("no such")], Wishes(size=8))
    assert answer.user_id is None
    assert {track.track_id[0] for track in answer.tracks} == {"j"}
    assert set(JAZZ[:4]).isdisjoint(track.track_id for track in answer.tracks)
    assert "no such" in answer.notes[0]
    assert len(service.recommend_for([], Wishes(size=8)).tracks) == 8
    with pytest.raises(ConfigError, match="plays"):
        service.recommend_for([Listened("r00", plays=-1)], Wishes())


def test_similar_tracks(service: Service) -> None:
    answer = service.similar(URI, Wishes(size=5, years=(1985, 1999)))
    assert {track.track_id[0] for track in answer.tracks} == {"j"}
    assert all(1985 <= (track.year or 0) <= 1999 for track in answer.tracks)
    with pytest.raises(UnknownTrackError):
        service.similar("no such", Wishes())


@pytest.mark.parametrize("mix", ["discover", "rediscover", "daily"])
def test_no_mix_fails_for_a_stranger(service: Service, mix: str) -> None:
    assert len(ids(service, "zoe", mix=mix)) == 8


def test_tracks_are_found(service: Service) -> None:
    card = service.track("r03")
    assert (card.title, card.genres, card.audio_features["tempo"]) == ("rock song 3", ("rock",), 83)
    assert service.search("jazz song 7")[0].track_id == "j07"
    assert service.search("jaz sonng 11 artist 5")[0].track_id == "j11"
    with pytest.raises(UnknownTrackError):
        service.track("x")


def test_users_are_those_with_a_history_or_events(service: Service, tell: Tell) -> None:
    assert [user.user_id for user in service.users()] == ["ann"]
    tell("bob", "r01")
    assert service.user("bob").live
    assert not service.user("ann").live
    with pytest.raises(UnknownUserError):
        service.user("zoe")


def test_who_is_forgotten_is_a_stranger(service: Service, tell: Tell) -> None:
    stranger = ids(service, "zoe")
    tell("ann", "r20")
    gone = service.forget("ann")
    assert gone.events == 1
    assert "segue forget" in gone.remains
    assert ids(service, "ann") == stranger
    with pytest.raises(UnknownUserError):
        service.profile("ann")
    tell("ann", "j01", at=NOW + timedelta(minutes=1))
    assert service.profile("ann").plays == 1


def test_before_the_first_training(tmp_path: Path) -> None:
    service = Service.open(Wiring(Settings(home=tmp_path)), clock=lambda: NOW)
    health = service.health()
    assert not health.ready
    assert "segue train" in health.trouble[0]
    with pytest.raises(NotReadyError, match="segue train"):
        service.recommendations("ann", Wishes())
    service.close()


def test_it_is_ready(service: Service, home: tuple[Path, World]) -> None:
    health = service.health()
    assert (health.ready, health.trouble) == (True, ())
    assert (health.bundle, health.snapshot) == (home[1].bundle.name, home[1].snapshot.name)
    assert health.behind == {"profiles": 0, "lake": 0}


def test_the_clock_may_jump(home: tuple[Path, World]) -> None:
    moments = [NOW, NOW + timedelta(days=400), NOW - timedelta(days=400), NOW]
    clock = iter(moments)
    now = [next(clock)]
    service = Service.open(Wiring(Settings(home=home[0])), clock=lambda: now[0])
    service.log.append([Event("jump", "zoe", JAZZ[2], "complete", NOW)], NOW).result()
    answers = []
    for moment in moments:
        now[0] = moment
        answers.append(service.recommendations("zoe", Wishes(size=8)))
    assert all(len(answer.tracks) == 8 for answer in answers)
    assert answers[0].body == answers[3].body
    assert answers[2].made_at > NOW  # never before what is known to have happened
    service.close()
