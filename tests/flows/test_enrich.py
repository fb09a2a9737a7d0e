"""Enriching: an export alone, four open services, and music that was never heard, with reasons."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from segue.errors import ConfigError, ServiceDownError, UnknownUserError
from segue.fakes.catalogue import Catalogue
from segue.fakes.clock import Clock
from segue.fakes.fake_service import FakeService
from segue.fakes.faults import Fault
from segue.fakes.lastfm import API_KEY, FakeLastfm
from segue.fakes.listenbrainz import FakeListenBrainz
from segue.fakes.musicbrainz import FakeMusicBrainz
from segue.fakes.open_music import OpenMusic
from segue.fakes.reccobeats import FakeReccoBeats
from segue.flows.build import build
from segue.flows.enrich import EnrichReport, enrich, plan
from segue.flows.ingest import ingest
from segue.flows.recommend import Wishes, recommend
from segue.flows.train import train
from segue.flows.wiring import Wiring, adapters
from segue.music.marts import MARTS
from segue.progress import Silent
from segue.settings import load_settings
from segue.sources.base import ReadOptions
from segue.warehouse.lake_forget import Whose, forget_in_lake, lake_loss
from segue.warehouse.snapshots import SnapshotStore
from tests import tiny

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MUSIC = OpenMusic(Catalogue(900), misses=0.1)
PLAYED = MUSIC.tracks[:60:2] + MUSIC.tracks[300:330:3]
TRAINED = {"content", "hybrid", "neighbours", "popular"}
ALL = ("listenbrainz", "lastfm", "reccobeats", "musicbrainz")


class Died(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A home with an export, and four services, at one clock."""

    home: Path
    clock: Clock
    services: dict[str, FakeService]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def wiring(self) -> Wiring:
        """The home, as a new process sees it."""
        listenbrainz = self.services["listenbrainz"].url
        told: dict[str, dict[str, Any]] = {
            "lastfm": {"api_key": API_KEY, "url": self.services["lastfm"].url},
            "listenbrainz": {"url": listenbrainz, "labs_url": listenbrainz},
            "reccobeats": {"url": self.services["reccobeats"].url},
            "musicbrainz": {
                "url": self.services["musicbrainz"].url,
                "contact": "ann@example.org",
            },
            "enrich": {"seeds": 10, "tracks": 40, "requests": 100},
        }
        for section, fields in self.settings.items():
            told[section] = {**told.get(section, {}), **fields}
        return Wiring(load_settings(home=self.home, **told))

    def pause(self, seconds: float) -> None:
        """Wait."""
        self.clock.advance(seconds=seconds)

    def enrich(self, *sources: str, **more: Any) -> EnrichReport:
        """One run."""
        return enrich(
            self.wiring,
            clock=self.clock.now,
            sources=sources or ALL,
            pause=self.pause,
            **more,
        )

    def asked(self, source: str) -> Counter[str]:
        """How often each page of a service was asked, refusals not counted."""
        return Counter(one.route for one in self.services[source].log if one.status == 200)


def _build(wiring: Wiring, now: datetime) -> None:
    build(
        lake=wiring.lake,
        warehouse=wiring.warehouse,
        snapshots=wiring.snapshots,
        progress=Silent(),
        now=now,
    )


@pytest.fixture(scope="module")
def listened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a snapshot of somebody's plays, as a build of an export publishes it."""
    home = tmp_path_factory.mktemp("listened")
    rows = [
        {
            "track_id": f"t{n:03}",
            "title": track.name,
            "artist": track.artists[0].name,
            "artists": [track.artists[0].name],
            "spotify_uri": f"spotify:track:{track.id}",
            "plays": 2 + n % 5,
        }
        for n, track in enumerate(PLAYED)
    ]
    tables = {
        "tracks": tiny.tracks(rows),
        "user_track_counts": tiny.mart("user_track_counts", [{"user_id": "me", **r} for r in rows]),
        "track_matches": tiny.mart(
            "track_matches",
            [{"in_history": True, "track_ref": r["spotify_uri"], **r} for r in rows],
        ),
    }

    def write(folder: Path) -> None:
        for name, schema in MARTS.items():
            pq.write_table(tables.get(name, schema.empty_table()), folder / f"{name}.parquet")

    SnapshotStore(home / "snapshots").publish(write, now=NOW)
    return home


def _import(wiring: Wiring, home: Path) -> None:
    """The plays of the same person as Spotify exports them."""
    rows = [
        {
            "ts": f"{NOW - timedelta(days=1 + 3 * n, minutes=5 * time):%Y-%m-%dT%H:%M:%SZ}",
            "ms_played": track.duration_ms,
            "spotify_track_uri": f"spotify:track:{track.id}",
            "master_metadata_track_name": track.name,
            "master_metadata_album_artist_name": track.artists[0].name,
            "master_metadata_album_album_name": track.album.name,
            "reason_start": "trackdone",
            "reason_end": "trackdone",
        }
        for n, track in enumerate(PLAYED)
        for time in range(2 + n % 5)
    ]
    file = home / "Streaming_History_Audio_2026.json"
    file.write_text(json.dumps(rows))
    ingest(
        [file],
        sources=wiring.sources,
        kind="history",
        lake=wiring.lake,
        options=ReadOptions("me", "", NOW),
    )


@pytest.fixture
def world(listened: Path, tmp_path: Path) -> Iterator[World]:
    """That home, and services in which time stands still."""
    home, clock = tmp_path / "home", Clock(NOW, running=False)
    shutil.copytree(listened, home)
    with ExitStack() as stack:
        services: dict[str, FakeService] = {
            "listenbrainz": FakeListenBrainz(MUSIC, clock=clock),
            "lastfm": FakeLastfm(MUSIC, clock=clock),
            "reccobeats": FakeReccoBeats(MUSIC, clock=clock),
            "musicbrainz": FakeMusicBrainz(MUSIC, clock=clock),
        }
        for service in services.values():
            stack.enter_context(service)
        yield World(home, clock, services)


def test_an_export_alone_leads_to_music_never_heard(world: World) -> None:
    _import(world.wiring, world.home)
    _build(world.wiring, NOW)
    report = world.enrich()
    assert [one.error for one in report.sources] == [None] * 4
    assert set(report.before.shares.values()) == {0.0}
    assert report.before.new == 0
    assert report.after.new > 50
    assert all(share > 0.1 for share in report.after.shares.values())
    wiring, now = world.wiring, world.clock.now()
    _build(wiring, now)
    told = train(
        snapshot=wiring.snapshots.current(),
        bundles=wiring.bundles,
        training_sources=wiring.settings.training.sources,
        seed=17,
        threads=1,
        progress=Silent(),
        now=now,
        left_out=tuple(set(adapters("recommenders")) - TRAINED),
    )
    assert "neighbours" not in told.skipped
    playlist = recommend(
        bundle=wiring.bundles.current(),
        snapshot=wiring.snapshots.current(),
        user_id="me",
        wishes=Wishes(mix="discover", size=20),
    )
    mine = {track.name.casefold() for track in PLAYED}
    assert len(playlist.tracks) == 20
    assert not {track.title.casefold() for track in playlist.tracks} & mine
    reasons = " ".join(track.reason for track in playlist.tracks)
    assert "after ListenBrainz" in reasons or "after Last.fm" in reasons
    tracks = wiring.snapshots.current().read("tracks").to_pylist()
    heard = [row for row in tracks if row["plays"]]
    assert len(heard) == len(PLAYED)  # answers make no second track of one that was heard
    assert sum(row["energy"] is not None for row in heard) > 0.8 * len(heard)
    assert sum(bool(row["genres"]) for row in heard) > 0.8 * len(heard)
    assert sum(row["year"] is not None for row in heard) > 0.5 * len(heard)
    assert any(row["spotify_uri"] and not row["plays"] for row in tracks)


def test_nothing_is_asked_twice_within_its_time(world: World) -> None:
    """Nor what nobody knew; after some months it is."""
    first = world.enrich("reccobeats", "lastfm")
    assert (first.left, first.failed) == (0, ())
    assert sum(one.asked - one.found for one in first.sources) > 0
    again = world.enrich("reccobeats", "lastfm")
    assert [one.requests for one in again.sources] == [0, 0]
    assert again.after == first.after
    world.clock.advance(days=40)
    unknown = world.enrich("reccobeats", "lastfm")
    assert 0 < sum(one.asked for one in unknown.sources) < 20  # what was not known
    world.clock.advance(days=60)
    later = world.enrich("lastfm").sources[0]
    assert later.asked > 15  # likeness is asked again


def test_what_is_like_a_track_and_known_already_is_not_new(world: World) -> None:
    report = world.enrich("listenbrainz", "lastfm")
    own = {(track.artists[0].name, track.name) for track in PLAYED}
    told = {
        (row["artist"], row["title"]) for row in _answers(world) if row["score"] and row["title"]
    }
    assert told & own
    assert report.after.new == len(told - own)


def test_answers_go_with_the_user_they_were_asked_for(world: World) -> None:
    world.enrich("reccobeats", "lastfm", requests=5)
    lake, whose = world.wiring.lake, Whose("me")
    forget_in_lake(lake, whose, lake_loss(lake, whose).names)
    assert _answers(world) == []
    assert lake.rows("catalogue").num_rows > 0
    assert lake.verify() == ()


def test_a_run_that_is_killed_goes_on_where_it_was(world: World) -> None:
    """What was kept is not asked for again, and comes to the same."""
    world.settings = {"enrich": {"requests": 60}}

    def die(seconds: float) -> None:
        if len(world.services["lastfm"].log) >= 55:
            raise Died
        world.pause(seconds)

    with pytest.raises(Died):
        enrich(world.wiring, clock=world.clock.now, sources=("lastfm",), pause=die)
    before = world.asked("lastfm")
    world.settings = {"enrich": {"requests": 500}}
    rest = world.enrich("lastfm")
    assert rest.left == 0
    assert world.asked("lastfm").total() - before.total() == rest.sources[0].requests
    repeated = before.total() + rest.sources[0].requests - _questions(world, "lastfm")
    assert repeated <= 5  # those after the last that were kept


def test_a_budget_ends_a_run_and_the_next_day_goes_on(world: World) -> None:
    world.settings = {"lastfm": {"requests_per_day": 12}}
    (first,) = world.enrich("lastfm").sources
    assert (first.requests, first.error, first.asked) == (12, None, 12)
    assert first.until is not None
    assert first.until > world.clock.now() + timedelta(hours=23)
    (blocked,) = world.enrich("lastfm").sources
    assert (blocked.requests, blocked.asked) == (0, 0)
    world.clock.advance(days=1.01)
    (second,) = world.enrich("lastfm").sources
    assert second.asked == 12
    assert _questions(world, "lastfm") == 24


def test_a_run_keeps_to_its_own_number_of_requests(world: World) -> None:
    report = world.enrich("listenbrainz", requests=7)
    assert report.sources[0].requests == 7
    assert report.left > 0
    assert report.failed == ()


def test_limits_are_kept_to_and_waited_for(world: World) -> None:
    """No service ever says no to the pace; a 429 is waited for between requests."""
    world.services["reccobeats"].faults.add(Fault(status=429, retry_after=30))
    report = world.enrich("musicbrainz", "lastfm", "reccobeats", "listenbrainz", "musicbrainz")
    assert report.failed == ()
    refused = {
        name: [one.status for one in service.log if one.status in (429, 503)]
        for name, service in world.services.items()
    }
    assert refused == {name: [429] if name == "reccobeats" else [] for name in ALL}


@pytest.mark.parametrize("fault", [Fault(garbled=True), Fault(half=True), Fault(status=500)])
def test_an_answer_that_is_nonsense_keeps_no_other_away(world: World, fault: Fault) -> None:
    world.services["lastfm"].faults.add(fault, after=2, times=3)
    report = world.enrich("lastfm")
    assert report.failed == ()
    assert report.left <= 1
    assert world.enrich("lastfm").left == 0


def test_a_service_that_is_down_stops_only_itself(world: World) -> None:
    world.services["lastfm"].faults.add(Fault(status=500), times=1_000)
    report = world.enrich("lastfm", "reccobeats")
    assert [one.source for one in report.failed] == ["lastfm"]
    assert isinstance(report.failed[0].error, ServiceDownError)
    assert report.after.shares["sound"] > 0.5


def test_recommendations_of_listenbrainz_are_for_who_has_an_account(world: World) -> None:
    brainz = world.services["listenbrainz"]
    assert isinstance(brainz, FakeListenBrainz)
    ann = brainz.add_member("ann")
    ann.recommended = [(MUSIC.mbid("recording", track.id), 0.9) for track in MUSIC.tracks[700:720]]
    world.settings = {"listenbrainz": {"user": "ann", "token": ann.token}}
    world.enrich("listenbrainz", requests=300)
    kinds = Counter(row["kind"] for row in _answers(world) if row["track_ref"])
    assert kinds["recommended"] > 10
    assert kinds["similar_artist"] > 0


def test_a_popularity_that_has_changed_takes_the_place_of_the_older(world: World) -> None:
    brainz = world.services["listenbrainz"]
    _import(world.wiring, world.home)
    world.enrich("listenbrainz")
    _build(world.wiring, world.clock.now())
    before = _popularity(world)
    world.clock.advance(days=100)
    brainz.music = OpenMusic(Catalogue(900), misses=0.1, fame=0.1)
    world.enrich("listenbrainz")
    _build(world.wiring, world.clock.now())
    after = _popularity(world)
    again = [track for track, level in before.items() if level > 45]
    assert len(again) > 10
    assert all(after[track] == pytest.approx(before[track] - 20, abs=1) for track in again)
    kept = {row["score"] or 0 for row in _answers(world) if row["kind"] == "popularity"}
    assert {round(level / 100, 6) for level in before.values()} <= {round(s, 6) for s in kept}, (
        "what was told first stays in the lake"
    )


def _popularity(world: World) -> dict[str, float]:
    rows = world.wiring.snapshots.current().read("tracks").to_pylist()
    return {
        row["track_id"]: row["popularity"]
        for row in rows
        if row["plays"] and row["popularity"] is not None
    }


def test_what_it_would_take_is_told_before_anything_is_asked(world: World) -> None:
    plans = {
        (one.source, one.kind): one
        for one in plan(world.wiring, clock=world.clock.now, sources=ALL)
    }
    sound = plans["reccobeats", "sound"]
    assert (sound.questions, sound.requests, sound.days) == (40, 1, 1)
    names = plans["listenbrainz", "names"]
    assert names.requests == names.questions == 10
    assert names.seconds == pytest.approx(3.5)
    assert not any(len(service.log) for service in world.services.values())


def test_nobody_is_asked_unless_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no service may be asked"):
        enrich(world.wiring, clock=world.clock.now)
    with pytest.raises(ConfigError, match="deezer"):
        world.enrich("deezer")
    world.settings = {"musicbrainz": {"contact": None}, "lastfm": {"api_key": None}}
    for name, setting in (("musicbrainz", "contact"), ("lastfm", "api_key")):
        with pytest.raises(ConfigError, match=setting):
            world.enrich(name)
    with pytest.raises(UnknownUserError):
        enrich(world.wiring, clock=world.clock.now, sources=("reccobeats",), user_id="nobody")


def _answers(world: World) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = world.wiring.lake.rows("answers").to_pylist()
    return rows


def _questions(world: World, source: str) -> int:
    return len({(row["kind"], row["asked"]) for row in _answers(world) if row["source"] == source})
