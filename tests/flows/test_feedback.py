"""What is said changes the next playlist in the direction that was meant, and can be taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import (
    ConfigError,
    NotReadyError,
    SegueError,
    UnknownTrackError,
    UnknownUserError,
)
from segue.features.catalogue import Catalogue
from segue.features.from_marts import training_data
from segue.flows.feedback import About, FeedbackReport, feedback, words
from segue.flows.fresh_marts import FreshMarts
from segue.flows.listener import find_person
from segue.music.feedback import Verb
from segue.music.query import MIXES
from segue.warehouse.lake import Lake
from segue.warehouse.matching import artist_id_of
from tests.flows.world import World, world
from tests.tiny import NOW, days_ago

ROCK = [f"r{i:02}" for i in range(30)]
JAZZ = [f"j{i:02}" for i in range(30)]
LOVED, CURRENT = ROCK[:8], ROCK[8:14]  # forgotten since four months, and played these days
LIVE = "r99"  # another recording of r20
PARTY = [f"j{i:02}" for i in range(5)]  # jazz of one evening
SAID = NOW + timedelta(days=100)  # long after the last play, as with an old export


def _row(track: str, number: int, genre: str) -> dict[str, object]:
    energy = 0.7 if genre == "rock" else 0.2
    return {
        "track_id": track,
        "title": f"{genre} song {number}",
        "artist": f"{genre} artist {number // 2}",
        "artists": [f"{genre} artist {number // 2}"],
        "artist_id": artist_id_of(f"{genre} artist {number // 2}"),
        "genres": [genre],
        "year": 1980 + number,
        "popularity": float((number * 7) % 100),
        "tempo": 80.0 + number,
        "energy": energy + number / 200,
        "danceability": 0.5,
        "valence": 0.5 + number / 100,
        "acousticness": 1 - energy,
        "instrumentalness": 0.1,
        "speechiness": 0.1,
        "liveness": 0.1,
        "loudness": -10.0,
    }


def _plays() -> list[tuple[str, str, datetime]]:
    minute = timedelta(minutes=4)
    old = [
        ("ann", t, days_ago(120 + 7 * w) + n * minute)
        for n, t in enumerate(LOVED)
        for w in range(6)
    ]
    new = [
        ("ann", t, days_ago(2 + 3 * d) + n * minute)
        for n, t in enumerate(CURRENT)
        for d in range(5)
    ]
    party = [("ann", t, days_ago(1) + n * minute) for n, t in enumerate(PARTY)]
    return [*old, *new, *party, ("bob", JAZZ[20], days_ago(3)), ("bob", JAZZ[21], days_ago(3))]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> World:
    rows = [
        _row(t, i, g) for camp, g in ((ROCK, "rock"), (JAZZ, "jazz")) for i, t in enumerate(camp)
    ]
    live = {**_row(LIVE, 20, "rock"), "title": "rock song 20 (Live)", "year": 1999}
    crowd: list[tuple[str, str | None, str | None, float]] = [
        (f"{camp[0][0]}{i:02}", t, None, 2.0)
        for camp in ([*ROCK, LIVE], JAZZ)
        for i in range(25)
        for n, t in enumerate(camp)
        if (n + i) % 4
    ]
    return world(
        tmp_path_factory.mktemp("home"),
        [*rows, live],
        _plays(),
        crowd=crowd,
        sessions=[camp[i : i + 8] for camp in (ROCK, JAZZ) for i in range(0, 22, 2)],
    )


class Listening:
    """A home, and a lake in which somebody's words are kept."""

    def __init__(self, home: World, folder: Path) -> None:
        self.home = home
        self.lake = Lake(folder / "lake", threads=1)
        self.spoken = 0

    @property
    def marts(self) -> FreshMarts:
        return FreshMarts(self.home.snapshot, self.lake)

    def say(self, verb: Verb, *tracks: str, user: str = "ann", **about: Any) -> FeedbackReport:
        self.spoken += 1
        return feedback(
            verb,
            About(tracks=tracks, **about),
            lake=self.lake,
            snapshot=self.home.snapshot,
            user_id=user,
            now=SAID + timedelta(minutes=self.spoken),
        )

    def ids(self, **wishes: Any) -> list[str]:
        playlist = self.home.recommend(marts=self.marts, **wishes)
        return [track.track_id for track in playlist.tracks]


@pytest.fixture
def ann(home: World, tmp_path: Path) -> Listening:
    return Listening(home, tmp_path)


SEED = (ROCK[3],)


def _asked(mix: str) -> dict[str, Any]:
    return {"mix": mix, "size": 12, "seeds": SEED if mix == "similar" else (), "per_artist": 4}


@pytest.mark.parametrize("mix", MIXES)
def test_what_is_hidden_never_comes_again(ann: Listening, mix: str) -> None:
    before = ann.ids(**_asked(mix))
    for track in before[:3]:
        ann.say("hide", track)
    after = ann.ids(**_asked(mix))
    assert after
    assert not set(before[:3]) & set(after)


@pytest.mark.parametrize("mix", ["discover", "similar"])
def test_nor_do_other_recordings_of_a_hidden_song(ann: Listening, mix: str) -> None:
    asked = {**_asked(mix), "size": 60, "per_artist": 60}
    assert {ROCK[20], LIVE} & set(ann.ids(**asked))  # one song comes once
    ann.say("hide", ROCK[20])
    assert not {ROCK[20], LIVE} & set(ann.ids(**asked))


def test_a_hidden_artist_never_comes_again(ann: Listening) -> None:
    asked = {**_asked("discover"), "size": 60}
    artist = {ROCK[20], ROCK[21], LIVE}
    assert artist & set(ann.ids(**asked))
    ann.say("hide", artists=("Rock Artist 10",))
    assert not artist & set(ann.ids(**asked))


def test_what_is_known_is_no_discovery(ann: Listening) -> None:
    before = ann.ids(**_asked("discover"))
    ann.say("known", before[0])
    assert before[0] not in ann.ids(**_asked("discover"))
    near = {**_asked("similar"), "adventurous": 0.2, "size": 40, "seeds": (before[0],)}
    ann.say("known", before[1])
    assert before[1] in ann.ids(**near)  # known tracks are welcome there


def test_less_rests_a_track_and_lowers_what_is_near(ann: Listening) -> None:
    asked = {**_asked("discover"), "size": 60, "per_artist": 60}
    before = ann.home.recommend(marts=ann.marts, **asked)
    ann.say("less", ROCK[18])
    after = ann.home.recommend(marts=ann.marts, **asked)
    assert ROCK[18] not in [track.track_id for track in after.tracks]
    was = {track.track_id: track.score for track in before.tracks}
    now = {track.track_id: track.score for track in after.tracks}
    # its artist's other track, which is near it in sound too, loses against distant jazz
    jazz = next(track for track in now if track in JAZZ and track in was)
    assert now[ROCK[19]] - now[jazz] < was[ROCK[19]] - was[jazz]


def test_less_of_a_track_ends_after_ninety_days(ann: Listening) -> None:
    said_at = NOW - timedelta(days=89)
    about = About(tracks=(ROCK[18],))
    options: dict[str, Any] = {
        "lake": ann.lake,
        "snapshot": ann.home.snapshot,
        "user_id": "ann",
        "now": SAID,
    }
    asked = {**_asked("similar"), "size": 60, "per_artist": 60, "adventurous": 0.2}
    feedback("less", about, at=said_at, **options)
    assert ROCK[18] not in ann.ids(**asked)
    feedback("less", about, at=said_at - timedelta(days=5), **options)
    assert ROCK[18] not in ann.ids(**asked)  # the later word counts, whenever it was written
    feedback("undo", about, at=said_at, **options)
    assert ROCK[18] in ann.ids(**asked)


def test_less_of_an_artist_lowers_all_of_theirs(ann: Listening) -> None:
    asked = {**_asked("discover"), "size": 12}
    before = ann.ids(**asked)
    number = next(int(track[1:]) // 2 for track in before if track in ROCK)
    theirs = {f"r{2 * number:02}", f"r{2 * number + 1:02}"}
    ann.say("less", artists=(f"rock artist {number}",))
    after = ann.ids(**{**asked, "size": 60})

    def place(tracks: list[str]) -> int:
        return min((tracks.index(t) for t in theirs if t in tracks), default=99)

    assert place(after) > place(before)


def test_a_like_leads_to_its_neighbours_and_says_so(ann: Listening) -> None:
    asked = {**_asked("discover"), "size": 12}
    before = ann.ids(**asked)
    ann.say("like", *JAZZ[10:14])
    playlist = ann.home.recommend(marts=ann.marts, **asked)
    after = [track.track_id for track in playlist.tracks]
    assert sum(t in JAZZ for t in after) > sum(t in JAZZ for t in before)
    assert not set(JAZZ[10:14]) & set(after)
    said = [track.reason for track in playlist.tracks if "because you liked" in track.reason]
    assert said
    assert all("because you liked “jazz song 1" in reason for reason in said)


def test_a_liked_track_joins_the_daily_favourites(ann: Listening) -> None:
    asked = {**_asked("daily"), "adventurous": 0.0}
    assert JAZZ[10] not in ann.ids(**asked)
    ann.say("like", JAZZ[10])
    playlist = ann.home.recommend(marts=ann.marts, **asked)
    (track,) = (track for track in playlist.tracks if track.track_id == JAZZ[10])
    assert track.reason.startswith("you said that you like it")


def test_a_like_brings_back_what_was_played_too_rarely(home: World, tmp_path: Path) -> None:
    bob = Listening(home, tmp_path)
    asked = {"mix": "rediscover", "user_id": "bob", "now": NOW + timedelta(days=30)}
    assert bob.ids(**asked) == []
    feedback(
        "like",
        About(tracks=(JAZZ[20],)),
        lake=bob.lake,
        snapshot=home.snapshot,
        user_id="bob",
        now=NOW,
    )
    assert bob.ids(**asked) == [JAZZ[20]]


def test_plays_of_others_leave_the_history(ann: Listening) -> None:
    span: dict[str, Any] = {"since": days_ago(1.2), "until": days_ago(0.5)}
    assert ann.say("not_me", **span).plays == len(PARTY)
    person = find_person(
        ann.marts, Catalogue(ann.home.tables["tracks"]), user_id="ann", now=None, otherwise=NOW
    )
    assert not set(PARTY) & {*person.history["track_id"].to_pylist(), *person.listener.heard}
    with pytest.raises(ConfigError, match="holds none of it"):
        ann.say("not_me", **span)
    assert ann.say("undo", PARTY[0]).plays == 1  # that one was me
    assert ann.say("undo", **span).plays == len(PARTY) - 1


def test_the_last_session_was_somebody_elses(ann: Listening) -> None:
    report = ann.say("not_me", last_session=True)
    assert report.plays == len(PARTY)
    assert report.words[0].about.startswith("plays from 2024-05-31")


def test_a_track_that_others_played(ann: Listening) -> None:
    report = ann.say("not_me", CURRENT[0])
    assert report.plays == 5
    table = ann.marts.read("feedback")
    plays = ann.home.tables["plays"]
    of_track = pa.compute.and_(
        pa.compute.equal(plays["user_id"], "ann"), pa.compute.equal(plays["track_id"], CURRENT[0])
    )
    known = ann.home.tables["tracks"]
    data = training_data(known, plays, feedback=table, as_of=SAID + timedelta(days=1))
    same = training_data(
        known, plays.filter(pa.compute.invert(of_track)), as_of=SAID + timedelta(days=1)
    )
    assert (data.interactions.matrix != same.interactions.matrix).nnz == 0
    assert data.sessions.tracks.tolist() == same.sessions.tracks.tolist()
    asked = {**_asked("daily"), "adventurous": 0.0, "size": 9}
    with_it = ann.home.recommend(**asked)
    assert CURRENT[0] in [track.track_id for track in with_it.tracks]
    assert CURRENT[0] not in ann.ids(**asked)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["like", "less", "known", "hide", "not_me"]),
            st.sampled_from([*LOVED[:2], *CURRENT[:2], *ROCK[15:18], *JAZZ[:2]]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(MIXES),
)
def test_undoing_everything_gives_the_same_playlist_as_before(
    home: World,
    tmp_path_factory: pytest.TempPathFactory,
    said: list[tuple[Verb, str]],
    mix: str,
) -> None:
    ann = Listening(home, tmp_path_factory.mktemp("undo"))
    before = home.recommend(**_asked(mix))
    done = []
    for verb, track in said:
        try:
            ann.say(verb, track)
        except ConfigError:  # a track that was never played, or is not hers already
            continue
        done.append(track)
    for track in dict.fromkeys(done):
        ann.say("undo", track)
    assert home.recommend(marts=ann.marts, **_asked(mix)) == before


def test_a_moment_knows_only_what_was_said_by_then(ann: Listening) -> None:
    asked = _asked("discover")
    before = ann.ids(**asked, now=NOW)
    ann.say("hide", before[0])
    ann.say("not_me", last_session=True)
    assert ann.ids(**asked, now=NOW) == before
    assert before[0] not in ann.ids(**asked)


def test_what_one_says_does_not_concern_the_other(ann: Listening) -> None:
    before = ann.ids(**_asked("discover"), user_id="bob")
    ann.say("hide", *before[:3])
    assert ann.ids(**_asked("discover"), user_id="bob") == before


@pytest.mark.parametrize(
    ("verb", "about", "error", "words_"),
    [
        ("hide", {"tracks": ("no such song",)}, UnknownTrackError, "no track matches"),
        ("like", {"tracks": ("song",)}, UnknownTrackError, "song"),
        ("hide", {"artists": ("rock artst 3",)}, ConfigError, "Did you mean “rock artist 3”"),
        ("like", {"artists": ("rock artist 3",)}, ConfigError, "less, hide, undo"),
        ("known", {"since": NOW}, ConfigError, "not-me, undo"),
        ("like", {}, ConfigError, "Name a track"),
        ("adore", {"tracks": (ROCK[0],)}, ConfigError, "Choose one of like"),
        ("undo", {"tracks": (ROCK[0],)}, ConfigError, "nothing to undo"),
        ("undo", {"last_session": True}, ConfigError, "nothing to undo"),
        ("not_me", {"tracks": (JAZZ[29],)}, ConfigError, "holds none of it"),
        ("not_me", {"since": NOW, "until": days_ago(3)}, ConfigError, "ends before it begins"),
    ],
)
def test_slips_are_told(
    ann: Listening, verb: Verb, about: dict[str, Any], error: type[SegueError], words_: str
) -> None:
    with pytest.raises(error) as told:
        ann.say(verb, *about.pop("tracks", ()), **about)
    assert words_ in str(told.value)
    assert not ann.lake.commits()


def test_strangers_and_the_future(ann: Listening) -> None:
    with pytest.raises(UnknownUserError, match="zoe"):
        ann.say("like", ROCK[0], user="zoe")
    options: dict[str, Any] = {
        "lake": ann.lake,
        "snapshot": ann.home.snapshot,
        "user_id": "ann",
        "now": NOW,
    }
    with pytest.raises(ConfigError, match="future"):
        feedback("like", About((ROCK[0],)), at=SAID, **options)


def test_a_home_without_any_history_can_be_told_likes(tmp_path: Path) -> None:
    rows = [
        _row(t, i, g) for camp, g in ((ROCK, "rock"), (JAZZ, "jazz")) for i, t in enumerate(camp)
    ]
    empty = world(tmp_path, rows)
    ann = Listening(empty, tmp_path)
    with pytest.raises(NotReadyError, match="no plays of “ann”"):
        ann.say("not_me", last_session=True)
    ann.say("like", *JAZZ[10:14])
    playlist = empty.recommend(marts=ann.marts, size=6)
    assert {track.track_id[0] for track in playlist.tracks} == {"j"}
    assert playlist.user_id == "ann"


def test_words_are_listed(ann: Listening) -> None:
    ann.say("like", ROCK[0])
    ann.say("hide", ROCK[0], ROCK[1])
    ann.say("undo", ROCK[1])
    ann.say("less", artists=("ROCK ARTIST 5",))
    listed = [(w.verb, w.about, w.stands) for w in words(ann.marts, "ann", every=True)]
    assert listed == [
        ("less", "rock artist 5", True),
        ("undo", "rock artist 0 – rock song 1", False),
        *[("hide", f"rock artist 0 – rock song {i}", i == 0) for i in _order(ann)],
        ("like", "rock artist 0 – rock song 0", False),
    ]
    assert [w.verb for w in words(ann.marts, "ann")] == ["less", "hide"]
    assert words(ann.marts, "bob") == ()


def _order(ann: Listening) -> list[int]:
    """Words of one command are said at the same moment; their order is that of their row ids."""
    log = ann.marts.read("feedback").sort_by([("place", "descending")]).to_pylist()
    return [int(row["track_id"][1:]) for row in log if row["verb"] == "hide"]
