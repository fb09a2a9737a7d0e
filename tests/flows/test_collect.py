"""Collecting from Last.fm and ListenBrainz: every play once, whatever happens on the way."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from segue.errors import BlockedError, BusyError, ConfigError, SignInError
from segue.fakes.clock import Clock
from segue.fakes.faults import Fault
from segue.fakes.lastfm import API_KEY, FakeLastfm, Scrobble
from segue.fakes.listenbrainz import FakeListenBrainz
from segue.fakes.open_music import OpenMusic
from segue.flows.accounts import keep_account
from segue.flows.collect import Collected, collect
from segue.flows.ingest import ingest
from segue.flows.open_sources import lastfm
from segue.flows.scrobbles.read import Reading, ReadPlays
from segue.flows.wiring import Wiring
from segue.progress import Silent
from segue.services.lastfm import LastfmService
from segue.services.sign_ins import SignIns
from segue.settings import load_settings
from segue.sources.base import ReadOptions
from segue.sources.lastfm_json import LastfmJson
from segue.warehouse.lake import Lake

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MUSIC = OpenMusic()


class Died(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A home, and the two services in front of it, at one clock."""

    home: Path
    clock: Clock
    lastfm: FakeLastfm
    listenbrainz: FakeListenBrainz
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def wiring(self) -> Wiring:
        """The home, as a new process sees it."""
        told = {
            "lastfm": {"user": "Ann", "api_key": API_KEY, "url": self.lastfm.url},
            "listenbrainz": {"user": "ann", "url": self.listenbrainz.url},
        }
        for section, fields in self.settings.items():
            told[section] = {**told.get(section, {}), **fields}
        return Wiring(load_settings(home=self.home, **told))

    def pause(self, seconds: float) -> None:
        """Wait."""
        self.clock.advance(seconds=seconds)

    def collect(self, source: str = "lastfm", **more: Any) -> Collected:
        """One look at one service."""
        (found,) = collect(
            self.wiring,
            clock=self.clock.now,
            sources=(source,),
            pause=self.pause,
            **more,
        ).collected
        return found

    @property
    def kept(self) -> list[tuple[str, int]]:
        """Titles and minutes before noon, newest first."""
        rows = self.wiring.lake.rows("plays", ["title", "played_at"]).to_pylist()
        found = [(row["title"], int((NOON - row["played_at"]).total_seconds())) for row in rows]
        return sorted(found, key=lambda play: play[1])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two services in which time stands still, and an empty home."""
    clock = Clock(NOON, running=False)
    with FakeLastfm(MUSIC, clock=clock) as lastfm, FakeListenBrainz(MUSIC, clock=clock) as brainz:
        yield World(tmp_path, clock, lastfm, brainz)


def _plays(n: int, *, every_s: int = 60, first: int = 0) -> list[Scrobble]:
    return [
        Scrobble(NOON - timedelta(seconds=every_s * at), "Artist", f"Song {at}")
        for at in range(first, first + n)
    ]


def _reading(world: World, lake: Lake, *, at_once: int) -> ReadPlays:
    """A look at Last.fm that keeps what it has read more often than usual."""
    wiring = world.wiring
    asks = lastfm(wiring, world.clock.now, pause=world.pause)
    service = LastfmService(asks, "collect")
    places = SignIns(wiring.services, service.name)
    now, silent = world.clock.now, Silent()
    return Reading(
        service, LastfmJson(), lake, places, "Ann", "me", now, silent, at_once=at_once
    ).run()


def _listens(world: World, *plays: Scrobble) -> None:
    member = world.listenbrainz.members.get("ann") or world.listenbrainz.add_member("ann")
    for play in plays:
        pages = world.listenbrainz.listens
        pages.heard(member, play.artist, play.title, int(play.at.timestamp()))


def test_the_whole_history_is_read_once_and_then_only_what_is_new(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(730))
    world.lastfm.plays_now("ann", Scrobble(NOON, "Artist", "On now"))
    report = world.collect()
    assert report.error is None
    assert (report.account.read, report.account.kept, report.skipped) == (730, 730, 1)
    assert (report.latest, report.unread_until, report.gaps) == (NOON, None, ())
    assert len(world.kept) == 730
    assert report.requests == 4
    again = world.collect()
    assert (again.account.read, again.requests) == (0, 1)
    world.clock.advance(seconds=600)
    world.lastfm.plays_now("ann", None)
    world.lastfm.scrobbled("ann", Scrobble(NOON + timedelta(minutes=5), "Artist", "New"))
    third = world.collect()
    assert (third.account.kept, third.requests) == (1, 1)
    assert third.latest == NOON + timedelta(minutes=5)


def test_listenbrainz_is_read_the_same_way(world: World) -> None:
    _listens(world, *_plays(2_300))
    report = world.collect("listenbrainz")
    assert report.error is None
    assert (report.account.read, report.account.kept, report.gaps) == (2_300, 2_300, ())
    assert len(world.kept) == 2_300
    assert world.collect("listenbrainz").account.read == 0
    _listens(world, Scrobble(NOON + timedelta(minutes=5), "Artist", "New"))
    world.clock.advance(seconds=600)
    assert world.collect("listenbrainz").account.kept == 1


def test_a_whole_history_goes_on_after_the_process_died(world: World) -> None:
    """Killed in the middle: what was kept stays, the rest comes the next time, nothing twice."""
    world.lastfm.scrobbled("ann", *_plays(2_100))
    world.lastfm.faults.add(Fault(before=True), after=6, times=3)
    lake = world.wiring.lake
    stopped = _reading(world, lake, at_once=400)
    assert stopped.error is not None
    assert stopped.account.kept == 1_195
    assert stopped.unread_until is not None
    later = Scrobble(NOON + timedelta(minutes=2), "Artist", "Meanwhile")
    world.clock.advance(seconds=300)
    world.lastfm.scrobbled("ann", later)
    rest = world.collect()
    assert rest.error is None
    assert rest.account.kept == 906
    assert rest.unread_until is None
    assert len(world.kept) == len(set(world.kept)) == 2_101


@pytest.mark.parametrize("step", ["staged", "before manifest", "manifest"])
def test_whoever_dies_while_plays_are_kept_reads_them_again(world: World, step: str) -> None:
    world.lastfm.scrobbled("ann", *_plays(950))

    def die(now: str) -> None:
        if now == step:
            raise Died

    lake = Lake(world.wiring.lake.folder, on_step=die)
    with pytest.raises(Died):
        _reading(world, lake, at_once=400)
    assert world.collect().error is None
    assert len(world.kept) == len(set(world.kept)) == 950


def test_an_interruption_keeps_what_was_read(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(900))

    class Interrupted(Silent):
        def advance(self, amount: float = 1) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.collect(progress=Interrupted())
    assert len(world.kept) == 200
    assert world.collect().account.kept == 700


def test_the_budget_ends_and_the_next_day_goes_on(world: World) -> None:
    world.settings = {"lastfm": {"requests_per_day": 3}}
    world.lastfm.scrobbled("ann", *_plays(900))
    first = world.collect()
    assert isinstance(first.error, BlockedError)
    assert first.error.reason == "budget"
    assert (first.account.kept, first.requests) == (598, 3)
    blocked = world.collect()
    assert isinstance(blocked.error, BlockedError)
    assert blocked.requests == 0
    world.clock.advance(days=1.1)
    second = world.collect()
    assert second.error is None
    assert len(world.kept) == 900


def test_plays_that_come_in_late_are_found(world: World) -> None:
    """Behind what one page tells: by the service's own count, or once a day."""
    world.lastfm.scrobbled("ann", *_plays(500))
    _listens(world, *_plays(500))
    assert world.collect().error is world.collect("listenbrainz").error is None
    late = [Scrobble(NOON - timedelta(hours=7, seconds=n), "Artist", f"Late {n}") for n in range(3)]
    world.clock.advance(seconds=60)
    world.lastfm.scrobbled("ann", *late)
    _listens(world, *late)
    counted = world.collect()
    assert (counted.account.kept, counted.gaps) == (3, ())
    assert world.collect("listenbrainz").account.read == 0
    world.clock.advance(days=1)
    assert world.collect("listenbrainz").account.kept == 3


def test_what_came_in_too_late_is_reported_and_read_when_asked_for(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(450, every_s=10_000))
    world.collect()
    years_ago = [Scrobble(NOON - timedelta(days=900 + n), "Artist", "Old") for n in range(4)]
    world.lastfm.scrobbled("ann", *years_ago)
    (gap,) = world.collect().gaps
    assert gap.plays == 4
    assert "--since" in gap.why
    assert world.collect().gaps == ()  # it was said once
    assert world.collect(since=NOON - timedelta(days=950)).account.kept == 4


def test_plays_of_one_second_at_the_border_of_a_page(world: World) -> None:
    """500 plays in one second: Last.fm has pages for them, ListenBrainz tells the first 1,000."""
    at = NOON - timedelta(hours=1)
    burst = [Scrobble(at, "Artist", f"Burst {n}") for n in range(500)]
    world.lastfm.scrobbled("ann", *_plays(100, first=70), *_plays(50), *burst)
    report = world.collect()
    assert (report.error, report.account.kept, report.gaps) == (None, 650, ())
    assert len(set(world.kept)) == 650


def test_more_plays_in_a_second_than_listenbrainz_tells_are_a_gap(world: World) -> None:
    at = NOON - timedelta(hours=1)
    burst = [Scrobble(at, "Artist", f"Burst {n}") for n in range(1_100)]
    _listens(world, *burst, *_plays(20, first=100))
    report = world.collect("listenbrainz")
    assert (report.error, report.account.kept) == (None, 1_020)
    assert [gap.since for gap in report.gaps] == [at]


def test_a_limit_is_waited_for_between_requests(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(900))
    world.lastfm.faults.add(Fault(status=429, retry_after=20), after=2)
    report = world.collect()
    assert (report.error, report.account.kept) == (None, 900)
    assert world.clock.now() > NOON + timedelta(seconds=20)
    _listens(world, *_plays(900))
    world.listenbrainz.requests = 1  # in ten seconds
    report = world.collect("listenbrainz")
    assert (report.error, report.account.kept) == (None, 900)


def test_a_long_limit_ends_the_look_and_is_kept_to(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(900))
    world.lastfm.faults.add(Fault(status=429, retry_after=3_600), after=2)
    report = world.collect()
    assert isinstance(report.error, BlockedError)
    assert report.account.kept > 300
    asked = len(world.lastfm.log)
    assert isinstance(world.collect().error, BlockedError)
    assert len(world.lastfm.log) == asked


def test_faults_of_the_service_on_the_way_cost_nothing(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(900))
    for n, fault in enumerate([Fault(status=500), Fault(lost=True), Fault(garbled=True)]):
        world.lastfm.faults.add(fault, after=n)
    report = world.collect()
    assert (report.error, report.account.kept) == (None, 900)


def test_who_is_refused_is_told_why(world: World) -> None:
    unknown = world.collect().error
    assert unknown is not None
    assert "knows no user “Ann”" in unknown.message
    world.lastfm.scrobbled("ann", *_plays(3))
    world.lastfm.listeners["ann"].hidden = True
    hidden = world.collect().error
    assert isinstance(hidden, SignInError)
    assert "privacy" in hidden.cure
    world.settings = {"lastfm": {"api_key": "wrong"}}
    refused = world.collect().error
    assert isinstance(refused, SignInError)
    assert "LASTFM_API_KEY" in refused.cure
    nobody = world.collect("listenbrainz").error
    assert nobody is not None
    assert "knows no user “ann”" in nobody.message


def test_the_key_is_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.lastfm.scrobbled("ann", *_plays(3))
    with caplog.at_level(logging.DEBUG):
        world.collect()
        world.lastfm.faults.add(Fault(status=403))
        world.collect()
    assert "user.getRecentTracks" in caplog.text
    assert API_KEY not in caplog.text
    assert "Song" not in caplog.text


def test_an_empty_history_is_no_error(world: World) -> None:
    world.lastfm.scrobbled("ann")
    world.listenbrainz.add_member("ann")
    for source in ("lastfm", "listenbrainz"):
        report = world.collect(source)
        assert (report.error, report.account.read, report.latest) == (None, 0, None)
    world.lastfm.scrobbled("ann", *_plays(1))
    assert world.collect().account.kept == 1


def test_a_play_from_the_future_hides_none_that_come_after(world: World) -> None:
    wrong = Scrobble(NOON + timedelta(days=900), "Artist", "Wrong clock")
    world.lastfm.scrobbled("ann", wrong, *_plays(2))
    first = world.collect()
    assert (first.account.kept, first.account.rejected) == (2, {"future_timestamp": 1})
    assert world.collect().account.read == 0  # it is not rejected each time
    world.clock.advance(seconds=600)
    world.lastfm.scrobbled("ann", Scrobble(NOON + timedelta(minutes=5), "Artist", "New"))
    assert world.collect().account.kept == 1


def test_a_clock_that_was_put_back_keeps_nothing_away(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(5))
    world.collect()
    world.clock.advance(days=-3)
    assert world.collect().error is None
    world.clock.advance(days=3, seconds=60)
    world.lastfm.scrobbled("ann", Scrobble(NOON + timedelta(seconds=30), "Artist", "New"))
    assert world.collect().account.kept == 1


def test_the_export_tells_the_same_plays(world: World, tmp_path: Path) -> None:
    plays = _plays(40)
    world.lastfm.scrobbled("ann", *plays)
    assert world.collect().account.kept == 40
    known = [track for track in MUSIC.tracks if MUSIC.knows("lastfm", track)]
    assert known
    rows = [f"{p.artist},,{p.title},{p.at:%d %b %Y %H:%M:%S}" for p in plays]
    (tmp_path / "lastfm.csv").write_text("\n".join(rows))
    wiring = world.wiring
    report = ingest(
        [tmp_path / "lastfm.csv"],
        sources=wiring.sources,
        kind="history",
        lake=wiring.lake,
        options=ReadOptions("me", "", NOON),
    )
    (one,) = report.inputs
    assert one.error is None
    assert len(world.kept) == 40


def test_all_that_is_configured_is_collected_whatever_fails(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(3))
    report = collect(world.wiring, clock=world.clock.now, pause=world.pause)
    assert [one.source for one in report.collected] == ["lastfm", "listenbrainz"]
    assert [one.source for one in report.failed] == ["listenbrainz"]
    assert report.kept == 3
    told = report.as_dict()["sources"]
    assert told[0]["error"] is None
    assert "no user" in told[1]["error"]


def test_a_lake_that_is_written_to_loses_nothing(world: World) -> None:
    world.lastfm.scrobbled("ann", *_plays(3))
    with world.wiring.lake.writing():
        assert isinstance(world.collect().error, BusyError)
    assert world.collect().account.kept == 3


def test_what_is_not_configured_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    wiring = Wiring(load_settings(home=tmp_path))
    for sources, name in [
        ((), "nothing to collect"),
        (("lastfm",), "lastfm.user"),
        (("listenbrainz",), "listenbrainz.user"),
        (("deezer",), "deezer"),
    ]:
        with pytest.raises(ConfigError, match=name):
            collect(wiring, clock=lambda: NOON, sources=sources)


def test_an_older_account_of_the_same_person_is_read_too(world: World) -> None:
    """Each name goes on where it was; what both tell is one play."""
    world.settings = {"lastfm": {"also": ["old_Ann", "ANN", ""]}}
    world.lastfm.scrobbled("ann", *_plays(40))
    world.lastfm.scrobbled("old_ann", *_plays(40, first=30))
    first = collect(world.wiring, clock=world.clock.now, sources=("lastfm",), pause=world.pause)
    told = [(one.user_id, one.name, one.account.kept) for one in first.collected]
    assert told == [("me", "Ann", 40), ("me", "old_Ann", 30)]
    assert len(world.kept) == len(set(world.kept)) == 70
    world.clock.advance(seconds=600)
    world.lastfm.scrobbled("old_ann", Scrobble(NOON + timedelta(minutes=5), "Artist", "New"))
    second = collect(world.wiring, clock=world.clock.now, sources=("lastfm",), pause=world.pause)
    assert [(one.account.read, one.requests) for one in second.collected] == [(0, 1), (1, 1)]
    del world.lastfm.listeners["old_ann"]
    gone = collect(world.wiring, clock=world.clock.now, sources=("lastfm",), pause=world.pause)
    assert [one.error is None for one in gone.collected] == [True, False]
    assert "old_Ann" in str(gone.collected[1].error)


def test_everybody_of_a_household_has_an_own_account(world: World) -> None:
    world.settings["secrets"] = {"store": "file"}
    secret = SecretStr("")
    keep_account(world.wiring, "listenbrainz", user_id="ben", name="ben_lb", secret=secret)
    _listens(world, *_plays(3))
    ben = world.listenbrainz.add_member("ben_lb")
    world.listenbrainz.listens.heard(ben, "Other", "Ben's", int(NOON.timestamp()))
    report = collect(
        world.wiring, clock=world.clock.now, sources=("listenbrainz",), pause=world.pause
    )
    assert [(one.user_id, one.name, one.account.kept) for one in report.collected] == [
        ("me", "ann", 3),
        ("ben", "ben_lb", 1),
    ]
    users = world.wiring.lake.rows("plays", ["user_id", "title"]).to_pylist()
    assert [row["title"] for row in users if row["user_id"] == "ben"] == ["Ben's"]
