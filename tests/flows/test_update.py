"""The whole job: each step has its turn, goes on after a fault, and says what it did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from segue.errors import BusyError, ConfigError
from segue.fakes.spotify import FakeSpotify, Fault
from segue.flows.home_parts import UPDATE
from segue.flows.update.memory import UpdateMemory
from segue.flows.update.report import EXIT_CODES, UpdateReport
from segue.flows.update.run import Wanted, update, updates
from segue.flows.wiring import Wiring
from segue.progress import Silent
from segue.settings import Settings, load_settings
from tests.flows.world import world
from tests.message_sinks import hook
from tests.spotify_household import household, signed_in
from tests.tiny import days_ago

BERLIN: Final = ZoneInfo("Europe/Berlin")
SUNDAY: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEKLY: Final = {"mix": "discover", "when": "monday at 06:00", "size": 5, "title": "Week"}
SIMPLE: Final = ("popular", "most_played", "rediscover", "content", "als")


@pytest.fixture(autouse=True)
def _no_connection_stays_open() -> Iterator[None]:
    yield
    while _OPENED:
        wiring = _OPENED.pop()
        if "http" in vars(wiring):
            wiring.http.close()


_OPENED: Final[list[Wiring]] = []


def _wiring(home: Path, spotify: FakeSpotify | None = None, **more: Any) -> Wiring:
    told: dict[str, Any] = {"user_id": "ann", "secrets": {"store": "file"}, "threads": 1}
    if spotify is not None:
        told["spotify"] = {
            "client_id": "the-app",
            "api_url": f"{spotify.url}/v1",
            "accounts_url": spotify.url,
        }
    return _opened(load_settings(home=home, **told, **more))


def _opened(settings: Settings) -> Wiring:
    _OPENED.append(Wiring(settings))
    return _OPENED[-1]


def _run(wiring: Wiring, at: datetime, *only: str, **wanted: Any) -> UpdateReport:
    return update(
        wiring,
        Wanted(only=only, **wanted),
        clock=lambda: at,
        zone=BERLIN,
        progress=Silent(),
    )


def _states(report: UpdateReport) -> dict[str, str]:
    return {one.step: one.state for one in report.steps}


def _trained(home: Path, spotify: FakeSpotify | None = None, *users: str) -> Path:
    """A home of people who hear six of twelve tracks, which are at Spotify."""
    tracks = [
        {
            "track_id": f"t{n:02}",
            "title": f"Song {n}",
            "artist": f"Artist {n}",
            "artists": [f"Artist {n}"],
            "artist_id": f"a{n}",
            "popularity": float(n),
            "spotify_uri": None if spotify is None else spotify.world.catalogue.track(n).uri,
        }
        for n in range(12)
    ]
    plays = [
        (user, f"t{n:02}", days_ago(100 - day) + timedelta(minutes=4 * n))
        for user in users or ("ann",)
        for n in range(6)
        for day in range(3)
    ]
    world(home, tracks, plays)
    return home


# --- all of it ----------------------------------------------------------------------------------


def test_the_whole_job_from_nothing_to_a_playlist(
    spotify: FakeSpotify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_SPOTIFY__COVER", "true")
    clock = spotify.world.clock
    clock.freeze(SUNDAY)
    signed_in(household(spotify, tmp_path))
    learned = {"sources": ["spotify_api"], "threads": 1}
    wiring = _wiring(
        tmp_path,
        spotify,
        playlists=[{**WEEKLY, "mix": "daily", "to": ["spotify", str(tmp_path / "week.m3u")]}],
        training=learned | {"left_out": _all_but(*SIMPLE)},
        recommend={"recent_hours": 0},
    )
    report = _run(wiring, clock.now())
    assert _states(report) == {
        "collect": "done",
        "build": "skipped",  # nobody has heard anything yet
        "train": "skipped",
        "recommend": "failed",
        "publish": "skipped",
        "notify": "skipped",
    }
    assert report.exit_code == EXIT_CODES["recommend"] == 14
    for day in range(3):
        _play(spotify, range(16), SUNDAY + timedelta(hours=day * 2))
    clock.freeze(SUNDAY + timedelta(hours=7))
    report = _run(_opened(wiring.settings), clock.now())
    assert report.exit_code == 0, report.as_dict()
    assert list(_states(report).values())[:5] == ["done"] * 5
    (mine,) = spotify.world.playlists.values()
    assert mine.name == "Week"
    assert mine.uris
    assert mine.cover.startswith(b"\xff\xd8\xff")
    assert (tmp_path / "week.m3u").read_text("utf-8").startswith("#EXTM3U")
    assert report.requests["Spotify"] > 0
    again = _run(_opened(wiring.settings), clock.now())
    assert _states(again) | {"collect": ""} == dict.fromkeys(_states(again), "skipped") | {
        "collect": ""
    }
    assert [one["exit_code"] for one in updates(wiring, 5)] == [0, 0, 14]
    # a week later: one new play is too little to train for by share, but the models are old
    _play(spotify, range(30, 31), SUNDAY + timedelta(days=8))
    clock.freeze(SUNDAY + timedelta(days=8, hours=1))
    later = _run(_opened(wiring.settings), clock.now())
    assert list(_states(later).values())[:5] == ["done"] * 5, later.as_dict()
    assert len(spotify.world.playlists) == 1, "refreshed in place"


def _all_but(*kept: str) -> list[str]:
    from segue.flows.wiring import adapters

    return [name for name in adapters("recommenders") if name not in kept]


def _play(spotify: FakeSpotify, tracks: range, since: datetime) -> None:
    player = spotify.world.players["alice"]
    for minutes, n in enumerate(tracks, start=1):
        at = since + timedelta(minutes=4 * minutes)
        player.played(spotify.world.catalogue.track(n).uri, at)


# --- playlists ----------------------------------------------------------------------------------


def _week(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {**WEEKLY, "to": [str(tmp_path / "week.json")], **more}


def test_a_playlist_is_made_when_it_is_due_and_at_no_other_time(tmp_path: Path) -> None:
    wiring = _wiring(_trained(tmp_path / "home"), playlists=[_week(tmp_path)])
    steps = ("recommend", "publish")
    due = tmp_path / "home" / "playlists" / "u-ann" / "due"
    due.mkdir(parents=True)
    (due / f".{_only_id(wiring)}.json.d43f28453c54").write_text("half of")  # one was killed
    assert _states(_run(wiring, SUNDAY, *steps))["publish"] == "done", "there was none at all"
    assert [path.name for path in due.iterdir()] == [f"{_only_id(wiring)}.json"]
    (tmp_path / "week.json").unlink()
    monday = datetime(2026, 11, 23, 5, tzinfo=UTC)  # 6 o'clock in Berlin
    for at, state in (
        (monday - timedelta(seconds=1), "skipped"),
        (monday, "done"),
        (monday + timedelta(days=3), "skipped"),
        (monday + timedelta(days=20), "done"),  # weeks were missed: once is enough
        (monday + timedelta(days=20, hours=1), "skipped"),
    ):
        assert _states(_run(wiring, at, *steps))["publish"] == state, at
    assert _states(_run(wiring, monday, *steps, at_once=True))["publish"] == "done"


def test_what_one_destination_lacks_is_made_up_for_with_the_same_tracks(tmp_path: Path) -> None:
    late = tmp_path / "later" / "week.json"
    told = _week(tmp_path, to=[str(tmp_path / "week.json"), str(late)])
    wiring = _wiring(_trained(tmp_path / "home"), playlists=[told])
    first = _run(wiring, SUNDAY, "recommend", "publish")
    assert first.exit_code == EXIT_CODES["publish"]
    assert "1 of 2 destinations have it" in first.steps[4].words
    assert "Create the folder" in first.steps[4].cure
    late.parent.mkdir()
    (tmp_path / "week.json").write_text("mine")
    second = _run(wiring, SUNDAY + timedelta(hours=1), "publish")
    assert second.exit_code == 0
    assert "Week" in late.read_text("utf-8")
    assert (tmp_path / "week.json").read_text("utf-8") == "mine", "it had it"
    third = _run(wiring, SUNDAY + timedelta(hours=2), "recommend", "publish")
    assert "no playlist is due" in third.steps[4].words


def test_what_was_made_at_once_gets_everywhere_though_it_is_not_due(tmp_path: Path) -> None:
    late = tmp_path / "later" / "week.json"
    told = _week(tmp_path, to=[str(tmp_path / "week.json"), str(late)])
    home = _trained(tmp_path / "home")
    late.parent.mkdir()
    steps = ("recommend", "publish")
    assert _run(_wiring(home, playlists=[told]), SUNDAY, *steps).exit_code == 0
    late.unlink()
    late.parent.rmdir()
    other = _wiring(home, playlists=[told | {"size": 4}])
    first = _run(other, SUNDAY + timedelta(hours=1), *steps, at_once=True)
    assert "1 of 2 destinations have it" in first.steps[4].words
    late.parent.mkdir()
    made = (tmp_path / "week.json").read_text("utf-8")
    second = _run(other, SUNDAY + timedelta(hours=2), *steps)
    assert "1 of 1 playlists made, 1 of them by an update before" in second.steps[3].words
    assert late.read_text("utf-8") == made
    assert "no playlist is due" in _run(other, SUNDAY + timedelta(hours=3), *steps).steps[3].words


def test_a_playlist_that_got_there_though_nobody_could_say_so_is_told_of(
    spotify: FakeSpotify, tmp_path: Path
) -> None:
    """It died after the tracks were there: the next update finds nothing to change."""
    spotify.world.clock.freeze(SUNDAY)
    home = _trained(tmp_path / "home", spotify)
    signed_in(household(spotify, home))
    with hook() as web:
        wiring = _wiring(
            home, spotify, playlists=[WEEKLY], notifications={"urls": [web.url], "attempts": 1}
        )
        lists = f"published {_only_id(wiring)} spotify"
        steps = ("recommend", "publish")
        assert _run(wiring, SUNDAY, *steps).exit_code == 0
        memory = UpdateMemory(home / UPDATE)
        memory.note(lists, SUNDAY - timedelta(days=9), "ann")  # as if it had died before noting it
        again = _run(_opened(wiring.settings), SUNDAY + timedelta(minutes=1), *steps, "notify")
        assert again.exit_code == 0
        assert again.steps[4].details[0]["changed"] is False
        assert web.titles == ["Week is refreshed"]
        assert "5 tracks, at" in web.bodies[0]["message"], "nobody knows how many are new"


def _only_id(wiring: Wiring) -> str:
    from segue.flows.update.kept import every_place

    ((kept, _),) = every_place(wiring)
    return kept.playlist_id


def test_one_user_whose_playlist_cannot_be_made_keeps_nobody_waiting(tmp_path: Path) -> None:
    mine, theirs = (str(tmp_path / f"{name}.json") for name in ("ann", "ben"))
    nobody = {"user": "zoe", **_week(tmp_path)}
    both = [nobody, _week(tmp_path, to=[mine]), _week(tmp_path, to=[theirs], user="ben")]
    wiring = _wiring(_trained(tmp_path / "home", None, "ann", "ben"), playlists=both)
    report = _run(wiring, SUNDAY, "recommend", "publish", users=("zoe", "ben"))
    assert report.exit_code == EXIT_CODES["recommend"]
    assert "no user “zoe”" in report.steps[3].words
    assert _states(report)["publish"] == "done"
    assert Path(theirs).exists()
    assert not Path(mine).exists(), "not asked for"


def test_two_playlists_of_one_mix_need_names(tmp_path: Path) -> None:
    one, two = _week(tmp_path), _week(tmp_path, to=[str(tmp_path / "far.json")], adventurous=1.0)
    wiring = _wiring(_trained(tmp_path / "home"), playlists=[one, two])
    with pytest.raises(ConfigError, match="both the discover mix"):
        _run(wiring, SUNDAY, "recommend")
    named = _wiring(tmp_path / "home", playlists=[one, two | {"name": "far"}])
    assert _run(named, SUNDAY, "recommend", "publish").exit_code == 0
    assert (tmp_path / "far.json").exists()


# --- what is not set up, not wanted, or only asked about ----------------------------------------


def test_what_is_not_set_up_is_skipped_and_says_so(tmp_path: Path) -> None:
    report = _run(_wiring(tmp_path), SUNDAY)
    assert set(_states(report).values()) == {"skipped"}
    words = [one.words for one in report.steps]
    assert "nobody is signed in at Spotify" in words[0]
    assert "nothing to build from" in words[1]
    assert "[[playlists]]" in words[3]
    assert report.exit_code == 0


def test_a_dry_run_changes_nothing(spotify: FakeSpotify, tmp_path: Path) -> None:
    spotify.world.clock.freeze(SUNDAY)
    home = _trained(tmp_path / "home", spotify)
    signed_in(household(spotify, home))
    wiring = _wiring(home, spotify, playlists=[WEEKLY])
    report = _run(wiring, SUNDAY, dry_run=True)
    assert _states(report) == {
        "collect": "planned",
        "build": "skipped",
        "train": "skipped",
        "recommend": "planned",
        "publish": "planned",
        "notify": "skipped",
    }
    assert not spotify.world.playlists
    assert updates(wiring) == []


def test_unknown_steps_are_refused() -> None:
    with pytest.raises(ConfigError, match="no step “cook”"):
        Wanted(only=("cook",))


def test_one_update_at_a_time(tmp_path: Path) -> None:
    wiring = _wiring(tmp_path)
    with (
        UpdateMemory(tmp_path / UPDATE).alone(),
        pytest.raises(BusyError, match="another update"),
    ):
        _run(wiring, SUNDAY)


def test_a_user_is_forgotten(tmp_path: Path) -> None:
    memory = UpdateMemory(tmp_path)
    memory.forget("ann")
    memory.note("published", SUNDAY, "ann", remote_id="x")
    memory.note("published", SUNDAY, "ben")
    memory.keep({"exit_code": 0})
    memory.forget("ann")
    assert memory.deed("published", "ann") is None
    assert memory.deed("published", "ben") is not None
    assert memory.reports() == []


def test_what_happened_is_told_once_and_again_where_it_did_not_arrive(tmp_path: Path) -> None:
    with hook() as web:
        wiring = _wiring(
            _trained(tmp_path / "home"),
            playlists=[_week(tmp_path), _week(tmp_path, mix="similar", seeds=["no such song"])],
            notifications={"urls": [web.url], "attempts": 1},
        )
        web.answers = [500, 200]
        report = _run(wiring, SUNDAY, "recommend", "publish", "notify")
        assert _states(report)["notify"] == "failed"
        assert web.titles == ["Segue: recommend failed"]
        assert _run(wiring, SUNDAY, "notify").exit_code == 0
        assert web.titles[1:] == ["Week is refreshed"]
        assert "5 tracks, at" in web.bodies[1]["message"]
        nothing = _run(wiring, SUNDAY, "notify").steps[5]
        assert (nothing.state, nothing.words) == ("skipped", "there is nothing to tell")


# --- faults and requests ------------------------------------------------------------------------


def test_collecting_fails_and_all_else_goes_on(spotify: FakeSpotify, tmp_path: Path) -> None:
    spotify.world.clock.freeze(SUNDAY)
    home = _trained(tmp_path / "home", spotify)
    signed_in(household(spotify, home))
    wiring = _wiring(home, spotify, playlists=[WEEKLY])
    spotify.world.faults.add(Fault(status=403), path="recently", times=2)
    report = _run(wiring, SUNDAY)
    assert report.exit_code == EXIT_CODES["collect"] == 11
    assert _states(report)["publish"] == "done"


def test_requests_of_a_day_and_a_weekly_refresh(spotify: FakeSpotify, tmp_path: Path) -> None:
    clock = spotify.world.clock
    clock.freeze(SUNDAY - timedelta(days=1))
    home = _trained(tmp_path / "home", spotify)
    signed_in(household(spotify, home))
    _run(_wiring(home, spotify, playlists=[WEEKLY]), clock.now(), "recommend", "publish")
    clock.freeze(SUNDAY)
    wiring = _wiring(home, spotify, playlists=[{**WEEKLY, "size": 6, "title": "Another week"}])
    for look in range(1, 73):  # a day, every 20 minutes
        clock.freeze(SUNDAY + look * timedelta(minutes=20))
        if look % 24 == 0:
            _play(spotify, range(look, look + 5), clock.now() - timedelta(minutes=20))
        _run(wiring, clock.now(), "collect")
    report = _run(wiring, clock.now(), "recommend", "publish")
    assert report.exit_code == 0
    (published,) = report.steps[4].details
    assert (len(published["added"]), len(published["removed"])) == (1, 0)
    (history,) = (home / "playlists" / "u-ann" / "archive").glob("spotify_*.jsonl")
    assert len(history.read_text("utf-8").splitlines()) >= 2, "what it held is kept"
    asked = wiring.spotify(clock.now).usage.by_purpose
    assert asked == {"library": 7, "poll": 72, "publish": 5}  # as docs/schedule.md says
