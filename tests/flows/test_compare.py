"""Two recommenders in the same playlists: fairly mixed, remembered, and told apart by listening."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from segue.errors import (
    BusyError,
    ConfigError,
    NotReadyError,
    UnknownTrackError,
    UnknownUserError,
    WarehouseError,
)
from segue.flows.compare import Home, another, chosen, start, tally
from segue.flows.wishes import Wishes
from segue.music.playlist import Playlist
from segue.warehouse.experiments import Experiment, ExperimentStore, Record
from segue.warehouse.lake_lock import exclusive
from tests import tiny
from tests.flows.world import World, world
from tests.tiny import NOW, Word, days_ago, log

ROCK = [f"r{i:03}" for i in range(120)]
JAZZ = [f"j{i:03}" for i in range(120)]
KNOWN = ROCK[:12]


def _row(track: str, number: int, genre: str, energy: float) -> dict[str, object]:
    return {
        "track_id": track,
        "title": f"{genre} song {number}",
        "artist": f"{genre} artist {number // 2}",
        "artists": [f"{genre} artist {number // 2}"],
        "artist_id": f"{genre}-{number // 2}",
        "genres": [genre],
        "energy": energy,
        "danceability": 0.5 + number / 1000,
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Ann plays rock; the crowd plays jazz, so that “popular” proposes that."""
    rows = [_row(t, i, "rock", 0.8) for i, t in enumerate(ROCK)]
    rows += [_row(t, i, "jazz", 0.2) for i, t in enumerate(JAZZ)]
    crowd = [(f"l{i:02}", t, None, 5.0) for i in range(30) for t in JAZZ[i % 3 :: 2]]
    crowd += [(f"m{i:02}", t, None, 1.0) for i in range(6) for t in ROCK[i::3]]
    plays = [("ann", t, days_ago(10 + n)) for n, t in enumerate(KNOWN)]
    plays += [("bob", t, days_ago(10 + n)) for n, t in enumerate(KNOWN[:5])]
    return world(tmp_path_factory.mktemp("home"), rows, plays, crowd=crowd)


class Later:
    """The marts of a snapshot with more plays and words, as after weeks of listening."""

    def __init__(self, home: World) -> None:
        self.snapshot = home.snapshot
        self.plays = home.tables["plays"]
        self.words = home.tables["feedback"]

    def read(
        self, mart: str, *, columns: Sequence[str] | None = None, filters: Any = None
    ) -> pa.Table:
        if mart not in ("plays", "feedback"):
            return self.snapshot.read(mart, columns=columns, filters=filters)
        table = self.plays if mart == "plays" else self.words
        table = table if filters is None else table.filter(filters)
        return table if columns is None else table.select(list(columns))

    def played(self, user: str, track: str, at: datetime, *, finished: bool) -> None:
        skipped = {"finished": False, "skipped": True, "counted": False}
        facts: dict[str, Any] = {} if finished else skipped
        self.plays = pa.concat_tables([self.plays, tiny.plays([(user, track, at)], **facts)])


class Lab:
    """A home with a store of experiments."""

    def __init__(self, made: World, folder: Path) -> None:
        self.made = made
        self.marts = Later(made)
        self.store = ExperimentStore(folder / "experiments")
        self.wishes = Wishes(size=12, adventurous=0.5)

    def home(self, user: str = "ann", now: datetime = NOW) -> Home:
        return Home(self.made.bundle, self.marts, user, now)

    def start(self, a: str = "content", b: str = "popular", **more: Any) -> Playlist:
        options: dict[str, Any] = {"home": self.home(), "wishes": self.wishes, "name": None}
        return start(self.store, a, b, seed=17, **{**options, **more})

    def next(self, week: int, user: str = "ann") -> Playlist:
        at = NOW + timedelta(weeks=week)
        experiment = chosen(self.store, None, running=True)
        home = self.home(user, at)
        return another(experiment, self.store, home=home, wishes=self.wishes, as_of=at)

    @property
    def experiment(self) -> Experiment:
        (one,) = self.store.all()
        return one

    @property
    def records(self) -> tuple[Record, ...]:
        return self.store.records(self.experiment.name)


@pytest.fixture
def lab(made: World, tmp_path: Path) -> Lab:
    return Lab(made, tmp_path)


def test_each_has_half_of_the_playlist_and_explains_its_tracks(lab: Lab) -> None:
    playlist = lab.start()
    (record,) = lab.records
    assert [place.track_id for place in record.places] == [t.track_id for t in playlist.tracks]
    assert Counter(place.team for place in record.places) == {"a": 6, "b": 6}
    own = {"a": ("content",), "b": ("popular",)}
    for place, track in zip(record.places, playlist.tracks, strict=True):
        assert track.sources == own[place.team]
        assert track.reason
    assert lab.experiment.name == "content-or-popular-discover"
    assert playlist.title.endswith("· content-or-popular-discover")


def test_every_rule_holds_in_the_draft(lab: Lab) -> None:
    lab.wishes = Wishes(size=20, per_artist=1, mix="daily", adventurous=0.6)
    playlist = lab.start("playlist", "popular")
    artists = Counter(artist for track in playlist.tracks for artist in track.artists)
    assert set(artists.values()) == {1}
    known = {track.track_id for track in playlist.tracks} & set(KNOWN)
    assert 0 < len(known) < len(playlist.tracks)


def test_the_same_call_makes_the_same_playlist_and_the_next_has_coins_of_its_own(
    made: World, tmp_path: Path
) -> None:
    first, second = Lab(made, tmp_path / "1"), Lab(made, tmp_path / "2")
    assert first.start() == second.start()
    assert first.records == second.records
    orders = {tuple(place.team for place in first.records[0].places)}
    for week in range(1, 5):
        first.next(week)
        orders.add(tuple(place.team for place in first.records[-1].places))
    assert len(orders) > 1
    assert [record.number for record in first.records] == [1, 2, 3, 4, 5]


def test_settings_can_be_compared(lab: Lab) -> None:
    lab.start("playlist,adventurous=0.0", "playlist, adventurous=1.0, per_artist=1")
    assert (
        lab.experiment.name
        == "playlist-adventurous=0.0-or-playlist-adventurous=1.0-per_artist=1-discover"
    )
    assert Counter(place.team for place in lab.records[0].places) == {"a": 6, "b": 6}


def test_listening_is_tallied_by_team(lab: Lab) -> None:
    lab.start()
    (record,) = lab.records
    own = {team: [p.track_id for p in record.places if p.team == team] for team in "ab"}
    hour = timedelta(hours=1)
    lab.marts.played("ann", own["a"][0], NOW + hour, finished=True)
    lab.marts.played("ann", own["a"][0], NOW + 2 * hour, finished=True)
    lab.marts.played("ann", own["b"][0], NOW + 3 * hour, finished=False)
    lab.marts.played("ann", own["a"][1], NOW - hour, finished=True)  # before the playlist
    lab.marts.played("ann", own["a"][2], NOW + timedelta(days=29), finished=True)  # long after
    lab.marts.played("bob", own["a"][3], NOW + hour, finished=True)  # somebody else
    words: list[Word] = [("ann", "like", own["b"][1], -1), ("ann", "hide", own["a"][4], -1)]
    lab.marts.words = log(words)
    found = tally(lab.experiment, lab.store, lab.marts).preference
    a, b = found.teams["a"], found.teams["b"]
    assert (a.impressions, a.plays, a.finishes, a.skips, a.likes, a.dislikes) == (6, 2, 2, 0, 0, 1)
    assert (b.impressions, b.plays, b.finishes, b.skips, b.likes, b.dislikes) == (6, 0, 0, 1, 1, 0)
    assert found.playlists == found.heard == 1
    assert found.winner is None
    lab.marts.words = log([*words, ("ann", "not_me", own["a"][0], -1)])
    assert tally(lab.experiment, lab.store, lab.marts).preference.teams["a"].plays == 0


def test_a_play_counts_for_the_latest_playlist_that_holds_its_track(lab: Lab) -> None:
    lab.start(as_of=NOW)
    lab.next(1)
    first, second = lab.records
    both = {p.track_id for p in first.places} & {p.track_id for p in second.places}
    assert both  # nothing was played in between: much is proposed again
    track = min(both)
    lab.marts.played("ann", track, NOW + timedelta(days=8), finished=True)
    found = tally(lab.experiment, lab.store, lab.marts).preference
    assert sum(team.plays for team in found.teams.values()) == 1
    assert found.heard == 1


def _listen(lab: Lab, rng: Random, likes: Callable[[str], float], weeks: int) -> None:
    for week in range(1, weeks):
        at = NOW + timedelta(weeks=week)
        for place in lab.records[-1].places[: rng.randint(6, 12)]:
            finished = rng.random() < likes(place.track_id)
            lab.marts.played("ann", place.track_id, at - timedelta(days=2), finished=finished)
        lab.next(week)


def test_the_better_one_is_found(lab: Lab) -> None:
    lab.start(as_of=NOW)
    _listen(lab, Random(1), lambda track: 0.9 if track in ROCK else 0.1, weeks=8)
    found = tally(lab.experiment, lab.store, lab.marts)
    assert found.preference.winner == "a"
    assert found.preference.difference.low > 0
    assert found.preference.verdict.startswith("content is better")
    assert found.until == NOW + timedelta(weeks=7) - timedelta(days=2)
    json.dumps(found.as_dict(), allow_nan=False)


def test_of_two_that_are_the_same_none_is_better(lab: Lab) -> None:
    lab.start("content", "content", as_of=NOW)
    _listen(lab, Random(2), lambda track: 0.5, weeks=8)
    found = tally(lab.experiment, lab.store, lab.marts).preference
    assert found.winner is None
    assert "not enough yet" in found.verdict
    assert found.difference.low < 0 < found.difference.high


def test_several_users_share_an_experiment(lab: Lab) -> None:
    lab.start()
    lab.next(1, user="bob")
    assert [record.user_id for record in lab.records] == ["ann", "bob"]
    found = tally(lab.experiment, lab.store, lab.marts)
    assert found.users == ("ann", "bob")
    assert found.preference.playlists == 2


def test_one_by_one(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="no experiment yet"):
        chosen(lab.store, None)
    lab.start()
    with pytest.raises(ConfigError, match="already"):
        lab.start()
    lab.start(name="mine")
    with pytest.raises(ConfigError, match="several"):
        chosen(lab.store, None)
    with pytest.raises(ConfigError, match="no experiment “yours”"):
        chosen(lab.store, "yours")
    lab.store.stop("mine", NOW)
    assert chosen(lab.store, None, running=True).name == "content-or-popular-discover"
    with pytest.raises(ConfigError, match="“mine” is stopped"):
        chosen(lab.store, "mine", running=True)
    assert chosen(lab.store, "mine").stopped_at == NOW
    lab.store.stop("content-or-popular-discover", NOW)
    with pytest.raises(ConfigError, match="no experiment is running"):
        chosen(lab.store, None, running=True)
    lab.start()
    assert chosen(lab.store, None, running=True).name == "content-or-popular-discover-2"


def test_what_cannot_be_compared_leaves_nothing_behind(lab: Lab) -> None:
    for a, b, error, words in (
        ("contents", "popular", ConfigError, "no recommender “contents”"),
        ("content", "popular,speed=2", ConfigError, "“speed=2”"),
        ("content,adventurous=9", "popular", ConfigError, "adventurous"),
        ("content", "rediscover", NotReadyError, "“rediscover” has nothing to propose"),
    ):
        with pytest.raises(error, match=words):
            lab.start(a, b)
    with pytest.raises(UnknownUserError):
        lab.start(home=lab.home("zoe"))
    with pytest.raises(ConfigError, match="cannot be the name"):
        lab.start(name="../elsewhere")
    with pytest.raises(UnknownTrackError):
        lab.start(wishes=Wishes(mix="similar", seeds=("no such song",)))
    assert lab.store.all() == ()


def test_the_store_is_written_by_one_and_damage_is_named(lab: Lab) -> None:
    lab.start()
    with exclusive(lab.store.folder / "lock"), pytest.raises(BusyError):
        lab.next(1)
    assert len(lab.records) == 1
    path = lab.store.folder / lab.experiment.name / "playlist-000001.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(WarehouseError, match="playlist-000001"):
        tally(lab.experiment, lab.store, lab.marts)
