"""Playlists out of a real snapshot and a real bundle, small enough to know what must come out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from segue.errors import (
    ConfigError,
    NotReadyError,
    SegueError,
    UnknownTrackError,
    UnknownUserError,
)
from segue.flows.listener import Person, find_person
from segue.flows.prepared import prepared
from segue.flows.recommend import Wishes, ask_ahead, playlist_for
from segue.music.query import MIXES
from tests import tiny
from tests.flows.world import World, world
from tests.tiny import NOW, days_ago

CAMP = 40
ROCK = [f"r{i:02}" for i in range(CAMP)]
JAZZ = [f"j{i:02}" for i in range(CAMP)]
LAST = days_ago(0.5)

# ann finished rock 0…9 once a week until four months ago, plays rock 10…14 these days,
# left rock 15 after a second, saved rock 16, has rock 17 in a playlist and bans rock 18
LOVED, CURRENT = ROCK[:10], ROCK[10:15]
KNOWN = {*ROCK[:18]}


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
            "energy": energy + i / 200,
            "danceability": 0.5,
            "valence": 0.5 + i / 100,
            "acousticness": 1 - energy,
            "instrumentalness": 0.1,
            "speechiness": 0.1,
            "liveness": 0.1,
            "loudness": -10.0,
            "spotify_uri": f"spotify:track:{track:0>22}",
        }
        for camp, genre, energy in ((ROCK, "rock", 0.7), (JAZZ, "jazz", 0.2))
        for i, track in enumerate(camp)
    ]


def _plays() -> list[tuple[str, str, datetime]]:
    old = [
        ("ann", track, days_ago(120 + 7 * week, NOW) + timedelta(minutes=4 * n))
        for n, track in enumerate(LOVED)
        for week in range(6)
    ]
    new = [
        ("ann", track, days_ago(2 + 3 * day, NOW) + timedelta(minutes=4 * n))
        for n, track in enumerate(CURRENT)
        for day in range(5)
    ]
    return [*old, *new, ("ann", ROCK[0], days_ago(400)), ("ann", CURRENT[0], LAST)]


def _crowd() -> list[tuple[str, str | None, str | None, float]]:
    rows: list[tuple[str, str | None, str | None, float]] = []
    for camp, name in ((ROCK, "r"), (JAZZ, "j")):
        for i in range(30):
            rows += [(f"{name}{i:02}", t, None, 2.0) for n, t in enumerate(camp) if (n + i) % 4]
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> World:
    skip = tiny.plays(
        [("ann", ROCK[15], days_ago(50))],
        counted=False,
        finished=False,
        skipped=True,
        ms_played=1_000,
    )
    return world(
        tmp_path_factory.mktemp("home"),
        _catalogue(),
        _plays(),
        extra_plays=skip,
        library=[
            {"user_id": "ann", "kind": "saved_track", "track_id": ROCK[16]},
            {"user_id": "ann", "kind": "banned_track", "track_id": ROCK[18]},
            {"user_id": "ann", "kind": "banned_artist", "artist_id": "rock-10"},
        ],
        playlists=[{"user_id": "ann", "playlist": "mine", "track_id": ROCK[17]}],
        crowd=_crowd(),
        sessions=[camp[i : i + 8] for camp in (ROCK, JAZZ) for i in range(0, CAMP - 8, 2)],
    )


def ids(home: World, **wishes: object) -> list[str]:
    return [track.track_id for track in home.recommend(**wishes).tracks]  # type: ignore[arg-type]  # of many types


# --- every mix ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("adventurous", [0.0, 0.5, 1.0])
def test_every_playlist_is_whole(home: World, mix: str, adventurous: float) -> None:
    wishes: dict[str, Any] = {"mix": mix, "size": 8, "adventurous": adventurous}
    wishes["seeds"] = (ROCK[3],)
    playlist = home.recommend(**wishes)
    assert playlist == home.recommend(**wishes), "the same inputs give the same playlist"
    assert playlist.mix == mix
    assert [track.rank for track in playlist.tracks] == list(range(1, len(playlist.tracks) + 1))
    assert len(playlist.tracks) == 8 or playlist.notes
    assert playlist.tracks
    found = [track.track_id for track in playlist.tracks]
    assert len(set(found)) == len(found)
    assert ROCK[18] not in found
    assert not {"rock artist 10"} & {
        artist for track in playlist.tracks for artist in track.artists
    }
    assert max(Counter(track.artists[0] for track in playlist.tracks).values()) <= 2
    assert not any(one.artists == two.artists for one, two in pairwise(playlist.tracks))
    for track in playlist.tracks:
        row = home.track(track.track_id)
        assert (track.title, list(track.artists)) == (row["title"], row["artists"])
        assert (track.year, track.spotify_uri) == (row["year"], row["spotify_uri"])
        assert track.reason
        assert track.sources
        assert set(track.sources) <= set(home.bundle.recommenders)


@pytest.mark.parametrize("adventurous", [0.0, 0.3, 1.0])
def test_discover_plays_nothing_known_and_stays_in_the_camp(
    home: World, adventurous: float
) -> None:
    found = ids(home, size=15, adventurous=adventurous)
    assert len(found) == 15
    assert not KNOWN.intersection(found)
    if adventurous < 1:
        assert sum(track in ROCK for track in found) > 10


def test_another_recording_of_a_known_song_is_no_discovery(tmp_path: Path) -> None:
    rows = _catalogue()
    twin = {**rows[10], "track_id": "twin", "title": "rock song 10 - Remastered 2011"}
    home = world(tmp_path, [*rows, twin], _plays(), crowd=_crowd())
    found = ids(home, size=40)
    assert found
    assert "twin" not in found


def test_rediscover_plays_old_loves_only(home: World) -> None:
    playlist = home.recommend(mix="rediscover", size=10, per_artist=2)
    assert {track.track_id for track in playlist.tracks} == set(LOVED)
    assert {track.sources for track in playlist.tracks} == {("rediscover",)}


def test_daily_mixes_by_the_dial(home: World) -> None:
    for adventurous, new in ((0.0, 0), (0.5, 4), (1.0, 10)):
        found = ids(home, mix="daily", size=10, adventurous=adventurous, recent_hours=24)
        assert sum(track not in KNOWN for track in found) == new
        assert CURRENT[0] not in found, "played an hour ago"


def test_similar_is_about_its_seed(home: World) -> None:
    playlist = home.recommend(mix="similar", seeds=("jazz artist 2 - Jazz Song 5",), size=6)
    found = [track.track_id for track in playlist.tracks]
    assert JAZZ[5] not in found
    assert set(found) <= set(JAZZ)
    assert all("jazz song 5" in track.reason for track in playlist.tracks)
    assert playlist.title == "Similar to jazz song 5 · 1 Jun 2024"


def test_seeds_steer_a_discovery(home: World) -> None:
    steered = ids(home, seeds=(JAZZ[0],), size=10)
    assert JAZZ[0] not in steered
    assert sum(t in JAZZ for t in steered) > sum(t in JAZZ for t in ids(home, size=10))


def test_the_dial_leads_away_from_what_is_popular_and_known(home: World) -> None:
    popular, known = [], []
    for tenths in (0, 3, 5, 7, 10):
        found = ids(home, mix="discover", size=12, adventurous=tenths / 10)
        rows = [home.track(track) for track in found]
        popular.append(sum(row["popularity"] for row in rows) / len(rows))
        known.append(sum(row["artist_id"] in {f"rock-{n}" for n in range(9)} for row in rows))
    assert popular == sorted(popular, reverse=True)
    assert popular[0] > popular[-1]
    assert known == sorted(known, reverse=True)


# --- bounds -------------------------------------------------------------------------------------


def test_bounds_are_hard_and_a_short_list_says_why(home: World) -> None:
    playlist = home.recommend(genres=("Jazz",), years=(1990, 1993), size=30)
    rows = [home.track(track.track_id) for track in playlist.tracks]
    assert len(rows) == 4
    assert all(row["genres"] == ["jazz"] and 1990 <= row["year"] <= 1993 for row in rows)
    assert playlist.notes == (
        "Only 4 of 30 tracks fit. Most are kept out by years 1990–1993: without it 36 more "
        "could be chosen from.",
    )


def test_tempo_and_excluded_artists(home: World) -> None:
    found = ids(
        home, tempo=(100, 110), exclude_artists=("ROCK Artist 11", "jazz artist 11"), size=30
    )
    assert found
    assert all(100 <= home.track(track)["tempo"] <= 110 for track in found)
    assert not {*ROCK[22:24], *JAZZ[22:24]}.intersection(found)


def test_a_genre_that_is_not_there(home: World) -> None:
    playlist = home.recommend(genres=("jaz zz",))
    assert playlist.tracks == ()
    assert playlist.notes[0] == "No genre here is called “jaz zz”; there is “jazz”."


def test_the_cap_is_named_when_it_is_what_keeps_tracks_out(home: World) -> None:
    playlist = home.recommend(per_artist=1, size=60)
    assert len(playlist.tracks) == 20 + 10
    assert "the limit of 1 for each artist" in playlist.notes[0]


# --- who and when -------------------------------------------------------------------------------


def test_now_is_just_after_the_last_play_unless_said_otherwise(home: World) -> None:
    assert home.recommend(size=3).made_at == LAST + timedelta(seconds=1)
    early = home.recommend(mix="rediscover", size=20, now=days_ago(115))
    assert early.tracks == ()
    assert early.notes
    assert home.recommend(size=3, now=NOW + timedelta(days=9)).title == "Discover · 10 Jun 2024"


def test_playlist_ids_stay(home: World) -> None:
    one, later = home.recommend(size=3), home.recommend(size=5, now=NOW, adventurous=0.9)
    assert one.playlist_id == later.playlist_id
    assert one.playlist_id != home.recommend(size=3, mix="daily").playlist_id


def test_an_unknown_user_is_told_who_is_known(home: World) -> None:
    with pytest.raises(UnknownUserError, match=r"“bob”.*“ann”.*--user") as caught:
        home.recommend(user_id="bob")
    assert caught.value.known == ("ann",)


def test_a_stranger_gets_what_is_popular(home: World) -> None:
    playlist = home.recommend(user_id=None, size=5)
    assert {track.sources for track in playlist.tracks} == {("popular",)}
    assert playlist.user_id is None
    assert any("popular" in note for note in playlist.notes)


def test_a_stranger_with_a_seed(home: World) -> None:
    found = ids(home, user_id=None, seeds=(JAZZ[4],), mix="discover", size=5)
    assert set(found) <= set(JAZZ)


def test_without_any_history_the_usual_user_is_a_stranger(tmp_path: Path) -> None:
    home = world(tmp_path, _catalogue(), crowd=_crowd())
    assert len(home.recommend(user_id="me", size=5).tracks) == 5
    assert len(home.recommend(user_id="me", size=5, mix="similar", seeds=(JAZZ[1],)).tracks) == 5
    with pytest.raises(NotReadyError, match=r"no listening history.*segue import"):
        home.recommend(user_id="me", mix="rediscover")


# --- little to work with ------------------------------------------------------------------------


def test_a_history_alone_has_nothing_to_discover(tmp_path: Path) -> None:
    known = [{"track_id": track, "artist_id": track} for track in LOVED + CURRENT]
    home = world(tmp_path, known, _plays())
    with pytest.raises(NotReadyError, match=r"nothing new.*catalogue add.*crowd add.*rediscover"):
        home.recommend()
    assert ids(home, mix="rediscover", size=5)
    daily = home.recommend(mix="daily", size=5, adventurous=0.4)
    assert len(daily.tracks) == 5
    assert any("discoveries" in note for note in daily.notes)
    near = home.recommend(mix="similar", seeds=(LOVED[0],), size=3)
    assert all("same sessions" in track.reason or "heard" in track.reason for track in near.tracks)
    far = home.recommend(mix="similar", seeds=(LOVED[0],), size=3, adventurous=0.9)
    assert far.tracks == ()
    assert "being known to you" in far.notes[0]


def test_a_seed_that_nothing_is_known_of(tmp_path: Path) -> None:
    home = world(tmp_path, [{"track_id": "a"}, {"track_id": "b"}], [("ann", "a", days_ago(1))])
    with pytest.raises(NotReadyError, match=r"nothing is known about how.*catalogue add"):
        home.recommend(mix="similar", seeds=("Song b",))


def test_nothing_at_all(tmp_path: Path) -> None:
    home = world(tmp_path, [])
    with pytest.raises(NotReadyError, match="no tracks here"):
        home.recommend(user_id="me")


def test_a_history_of_one_play(tmp_path: Path) -> None:
    home = world(tmp_path, _catalogue(), [("ann", ROCK[0], days_ago(1))], crowd=_crowd())
    found = ids(home, size=10)
    assert len(found) == 10
    assert ROCK[0] not in found


def test_similar_without_a_seed_is_refused() -> None:
    with pytest.raises(ConfigError, match="--seed"):
        Wishes(mix="similar")


@pytest.mark.parametrize(
    "wishes",
    [
        {"mix": "party"},
        {"size": 0},
        {"size": 1001},
        {"adventurous": 1.1},
        {"adventurous": float("nan")},
        {"years": (1999, 1990)},
        {"tempo": (float("nan"), None)},
        {"per_artist": 0},
        {"recent_hours": -1},
        {"mood": "gloomy"},
        {"sound": (("key", 0, 1),)},
        {"sound": (("energy", 0.8, 0.2),)},
        {"minutes": (5, 2)},
    ],
)
def test_wishes_that_cannot_be(wishes: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        Wishes(**wishes)  # type: ignore[arg-type]  # of many types
    assert caught.value.cure
    assert caught.value.field in wishes


def test_now_needs_a_time_zone(home: World) -> None:
    with pytest.raises(ConfigError, match="time zone"):
        home.recommend(now=datetime(2024, 6, 1))


def test_an_unknown_seed(home: World) -> None:
    with pytest.raises(UnknownTrackError):
        home.recommend(seeds=("Nobody - Nothing of the kind",))


def test_every_error_has_a_cure(home: World) -> None:
    for wrong in ({"user_id": "bob"}, {"seeds": ("zzz",)}, {"mix": "similar"}):
        with pytest.raises(SegueError) as caught:
            home.recommend(**wrong)
        assert caught.value.cure


# --- reasons, checked against the raw plays -----------------------------------------------------

_TIMES = r"(once|twice|[\d,]+ times)"
_PLAYED_OTHER = re.compile(rf"“(.+?)” by .+, which you played {_TIMES}")
_OWN = re.compile(rf"you (played|finished) it {_TIMES}(?: in the last (?:(\d+) )?(days?|years))?")
_MONTH = re.compile(r"(?:mostly in|a favourite of) (\w+ \d{4})")
_SINCE = re.compile(r"not since (\d+ \w+ \d{4})")
_PEOPLE = re.compile(
    r"“(.+?)” by .+? also play this \((\d+) of them\)|^(\d+) people who play “(.+?)”"
)


def times(words: str) -> int:
    spelled = {"once": 1, "twice": 2}
    return spelled.get(words) or int(words.removesuffix(" times").replace(",", ""))


def test_every_number_in_a_reason_can_be_counted_in_the_plays(home: World) -> None:
    plays = [p for p in home.tables["plays"].to_pylist() if p["counted"]]
    title_of = {row["track_id"]: row["title"] for row in home.tables["tracks"].to_pylist()}
    id_of = {title: track for track, title in title_of.items()}
    checked: Counter[str] = Counter()
    for mix in MIXES:
        for adventurous in (0.0, 0.4, 1.0):
            seeds = (ROCK[2],) if mix == "similar" else ()
            playlist = home.recommend(mix=mix, size=20, adventurous=adventurous, seeds=seeds)
            now = playlist.made_at
            for track in playlist.tracks:
                own = [p["played_at"] for p in plays if p["track_id"] == track.track_id]
                if found := _PLAYED_OTHER.search(track.reason):
                    other = id_of[found[1]]
                    assert times(found[2]) == sum(p["track_id"] == other for p in plays)
                    checked["other"] += 1
                if found := _OWN.search(track.reason):
                    days = int(found[3] or 1) * {"years": 366, None: 9_999}.get(found[4], 1)
                    since = now - timedelta(days=days)
                    assert times(found[2]) == sum(at >= since for at in own)
                    checked["own"] += 1
                if found := _MONTH.search(track.reason):
                    inside = [at for at in own if f"{at:%B %Y}" == found[1]]
                    assert 2 * len(inside) >= len(own)
                    checked["month"] += 1
                if found := _SINCE.search(track.reason):
                    assert f"{max(own).day} {max(own):%B %Y}" == found[1]
                    checked["since"] += 1
                if "never since" in track.reason:
                    month = _MONTH.search(track.reason)
                    assert month is not None
                    assert f"{max(own):%B %Y}" == month[1]
                if found := _PEOPLE.search(track.reason):
                    other = id_of[found[1] or found[4]]
                    listeners = _listeners(home)
                    both = listeners[other] & listeners[track.track_id]
                    assert int(found[2] or found[3]) == len(both)
                    checked["people"] += 1
    assert {"other", "own", "since", "people"} <= set(checked)


def _listeners(home: World) -> dict[str, set[str]]:
    who: dict[str, set[str]] = {}
    for row in home.tables["crowd_counts"].to_pylist():
        who.setdefault(row["track_id"], set()).add(row["listener_id"])
    return who


def test_times_are_utc(home: World) -> None:
    assert home.recommend(size=2).made_at.tzinfo is UTC


def test_playlists_of_a_listener_who_is_kept_are_those_of_one_read_anew(home: World) -> None:
    def person() -> Person:
        return find_person(
            home.snapshot, home.bundle.catalogue, user_id="ann", now=NOW, otherwise=NOW
        )

    kept = prepared(home.bundle, person())
    asked = [
        Wishes(mix=mix, size=size, adventurous=dial, genres=genres)
        for mix in ("discover", "daily", "rediscover")
        for size, dial, genres in ((5, 0.3, ()), (9, 0.8, ()), (5, 0.3, ("jazz",)))
    ]
    ask_ahead(home.bundle, kept.person, asked[0])
    for wishes in [*asked, *reversed(asked)]:
        for later in (timedelta(), timedelta(days=3)):
            again = playlist_for(home.bundle, kept.at(NOW + later), wishes)
            assert again == playlist_for(home.bundle, replace(person(), now=NOW + later), wishes)


def _sounds(home: World, **wishes: object) -> list[dict[str, object]]:
    return [home.track(track) for track in ids(home, mix="discover", size=8, **wishes)]


def test_moods_and_bounds_of_sound_are_hard(home: World) -> None:
    calm = _sounds(home, mood="calm")
    assert calm
    assert all(float(str(one["energy"])) <= 0.45 for one in calm)
    loud = _sounds(home, sound=(("energy", 0.85, None), ("acousticness", None, 0.3)))
    assert {one["genres"][0] for one in loud} == {"rock"}  # type: ignore[index]  # genres are a list
    assert all(float(str(one["energy"])) >= 0.85 for one in loud)
    notes = home.recommend(sound=(("energy", 0.95, None),)).notes
    assert "energy from 0.95" in notes[0]


def test_tracks_may_be_asked_for_by_length_and_words(tmp_path: Path) -> None:
    rows = [
        {**row, "duration_ms": 60_000 * (1 + i % 5), "explicit": (True, False, None)[i % 3]}
        for i, row in enumerate(_catalogue())
    ]
    made = world(tmp_path, rows, _plays(), crowd=_crowd())
    short = [made.track(track) for track in ids(made, size=8, minutes=(None, 2.5), explicit=False)]
    assert len(short) == 8
    assert all(one["duration_ms"] <= 150_000 and not one["explicit"] for one in short)
    assert {made.track(track)["explicit"] for track in ids(made, size=8, explicit=True)} == {True}
