"""The steps from candidates to a playing order, each on a table whose answer is plain."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.music.candidates import Candidates, Evidence
from segue.music.query import Filters
from segue.playlists.artist_cap import ArtistCap
from segue.playlists.blend import blend
from segue.playlists.choose import Chooser, shares
from segue.playlists.closeness import Closeness
from segue.playlists.dial import Dial, by_any_of
from segue.playlists.diversify import Diversify
from segue.playlists.facts import TrackFacts, facts_of
from segue.playlists.filters import (
    EachSongOnce,
    FromYears,
    InTempo,
    LovedOnce,
    NotRecent,
    OfGenres,
    OnlyTracks,
    WithoutArtists,
    WithoutSongs,
    WithoutTracks,
    WithTitle,
    genre_matches,
    screen,
    song_keys,
)
from segue.playlists.listener import Heard, Listener
from segue.playlists.mixes import parts_of
from segue.playlists.order import Flow
from segue.playlists.rules import Rules, forgotten_since
from tests import tiny
from tests.tiny import NOW, days_ago


def candidates(*ids: str, source: str = "content") -> Candidates:
    """In this order, scores falling from 1."""
    return Candidates(
        track_ids=ids,
        scores=tuple(1 - i / (len(ids) or 1) for i in range(len(ids))),
        sources=((source,),) * len(ids),
        evidence=((Evidence(kind="popular", listeners=3),),) * len(ids),
    )


def fact(track_id: str, *artists: str, **known: object) -> TrackFacts:
    names = artists or (f"Artist {track_id}",)
    return TrackFacts(
        track_id=track_id,
        title=str(known.pop("title", f"Song {track_id}")),
        artists=names,
        artist_keys=tuple(name.casefold() for name in names),
        **known,  # type: ignore[arg-type]  # whichever fields a test names
    )


def table(*tracks: TrackFacts) -> dict[str, TrackFacts]:
    return {track.track_id: track for track in tracks}


# --- facts --------------------------------------------------------------------------------------


def test_facts_of_rows_with_holes() -> None:
    rows = tiny.tracks(
        [
            {"track_id": "a", "title": None, "artists": None, "artist": None, "genres": None},
            {"track_id": "b", "artists": ["X feat. Y", "Y"], "tempo": float("nan")},
            {
                "track_id": "c",
                **dict.fromkeys(("danceability", "energy", "acousticness", "valence"), 0.5),
                "instrumentalness": 1.0,
                "loudness": -99.0,
                "tempo": 130.0,
            },
        ]
    )
    facts = facts_of(rows)
    assert (facts["a"].title, facts["a"].artists, facts["a"].genres) == ("", (), ())
    assert facts["b"].artist_keys == ("x", "y")
    assert (facts["b"].tempo, facts["b"].sound) == (None, None)
    assert facts["c"].sound == (0.5, 0.5, 0.0, 0.5, 1.0, 0.5, 0.5)


# --- blend --------------------------------------------------------------------------------------


def test_two_votes_beat_one_and_the_strongest_source_comes_first() -> None:
    one = candidates("a", "b", "c", source="als")
    two = candidates("b", "d", source="content")
    both = blend({"als": one, "content": two}, {"als": 1.0, "content": 0.5})
    assert both.track_ids == ("b", "a", "c", "d")
    assert both.sources == (("als", "content"), ("als",), ("als",), ("content",))
    assert len(both.evidence[0]) == 2
    assert blend({"als": one, "content": two}, {"als": 0.5, "content": 1.0}).sources[0] == (
        "content",
        "als",
    )


def test_a_part_without_weight_is_left_out_and_ties_go_by_id() -> None:
    parts = {"x": candidates("b"), "y": candidates("a"), "z": candidates("c")}
    blended = blend(parts, {"x": 1.0, "y": 1.0, "z": 0.0})
    assert blended.track_ids == ("a", "b")
    assert blend({}, {}) == Candidates()
    assert blend({"x": Candidates()}, {"x": 1.0}) == Candidates()


@given(st.lists(st.floats(), min_size=1, max_size=8))
def test_scores_stay_within_0_and_1_whatever_comes_in(scores: list[float]) -> None:
    part = candidates(*(f"t{i}" for i in range(len(scores)))).with_scores(scores)
    blended = blend({"x": part}, {"x": 3.0})
    assert sorted(blended.track_ids) == sorted(part.track_ids)
    assert all(0 <= score <= 1 for score in blended.scores)


# --- filters ------------------------------------------------------------------------------------

SHELF = table(
    fact("jazz", "Miles", genres=("cool jazz", "jazz"), year=1959, tempo=90.0),
    fact("trap", "Young", "Miles", genres=("trap",), year=2016, tempo=140.0),
    fact("hop", "Nas", genres=("hip-hop",), year=1994, tempo=0.0),
    fact("none", "Nobody"),
)
ALL = candidates(*SHELF)


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (OfGenres(SHELF, ("Jazz",)), ["jazz"]),
        (OfGenres(SHELF, ("rap",)), []),
        (OfGenres(SHELF, ("hip hop", "trap")), ["trap", "hop"]),
        (FromYears(SHELF, 1959, 1994), ["jazz", "hop"]),
        (FromYears(SHELF, None, 1959), ["jazz"]),
        (FromYears(SHELF, 1995, None), ["trap"]),
        (InTempo(SHELF, 90, 140), ["jazz", "trap"]),
        (InTempo(SHELF, 45, 70), []),
        (InTempo(SHELF, None, 100), ["jazz"]),
        (WithoutArtists(SHELF, frozenset({"miles"})), ["hop", "none"]),
        (WithoutTracks(frozenset({"hop", "gone"})), ["jazz", "trap", "none"]),
        (OnlyTracks(frozenset({"hop", "gone"})), ["hop"]),
        (WithTitle({"jazz": SHELF["jazz"], "trap": TrackFacts("trap", "")}), ["jazz"]),
        (WithoutSongs(SHELF, frozenset(song_keys(SHELF["hop"]))), ["jazz", "trap", "none"]),
    ],
)
def test_filters(step: WithTitle, kept: list[str]) -> None:
    assert list(step(ALL).track_ids) == kept
    assert step.label


@pytest.mark.parametrize(
    ("asked", "genre", "fits"),
    [
        ("HIP-HOP", "hip hop", True),
        ("hiphop", "hip-hop", True),
        ("metal", "death metal", True),
        ("metal", "metalcore", True),
        ("rap", "trap", False),
        ("r&b", "r-n-b", True),
        ("drum and bass", "drum & bass", True),
        ("k-pop", "kpop", True),
        ("rock indie", "indie rock", False),
        ("", "rock", False),
        ("---", "rock", False),
        ("chanson française", "Chanson Française", True),
    ],
)
def test_genres_as_people_type_them(asked: str, genre: str, fits: bool) -> None:
    assert genre_matches(asked, genre) is fits


def test_recent_repeats_and_old_loves() -> None:
    heard = {
        "new": Heard(9, days_ago(0.5)),
        "old": Heard(9, days_ago(90)),
        "rare": Heard(1, days_ago(90)),
        "kept": Heard(0, days_ago(90)),
    }
    every = candidates("new", "old", "rare", "kept", "never")
    assert NotRecent(heard, days_ago(1))(every).track_ids == ("old", "rare", "kept", "never")
    assert LovedOnce(heard, frozenset({"kept"}))(every).track_ids == ("new", "old", "kept")


def test_one_song_under_two_ids_is_kept_once() -> None:
    facts = table(
        fact("a", "Ann", "Bob", title="Blue"),
        fact("b", "Bob", "Ann", title="Blue - Remastered 2009"),
        fact("c", "Cid", title="Blue"),
    )
    assert EachSongOnce(facts)(candidates("b", "a", "c")).track_ids == ("b", "c")


def test_screening_tells_what_each_rule_alone_costs() -> None:
    rules = [OfGenres(SHELF, ("jazz", "trap")), FromYears(SHELF, 1990, 1999)]
    screened = screen(ALL, rules)
    assert screened.candidates.track_ids == ()
    assert screened.cost == {"genre “jazz” or “trap”": 1, "years 1990–1999": 2}


# --- rules of a mix -----------------------------------------------------------------------------

KNOWING = Listener(
    heard={"jazz": Heard(9, days_ago(90)), "hop": Heard(0, days_ago(200))},
    kept=frozenset({"trap"}),
    banned_tracks=frozenset({"none"}),
    first_at=days_ago(1000),
)


def survivors(mix: str, adventurous: float, asked: Filters | None = None) -> list[list[str]]:
    rules = Rules(SHELF, KNOWING, asked or Filters(), frozenset({"trap"}), NOW)
    parts = parts_of(mix, adventurous)  # type: ignore[arg-type]  # parametrised
    return [list(screen(ALL, rules.of(part)).candidates.track_ids) for part in parts]


def test_discover_leaves_out_whatever_was_ever_started_saved_or_banned() -> None:
    assert survivors("discover", 0.3) == [[]]


def test_rediscover_wants_old_loves() -> None:
    assert survivors("rediscover", 0.3) == [["jazz"]]


def test_similar_never_plays_its_seeds_and_drops_the_known_from_the_middle_on() -> None:
    assert survivors("similar", 0.49) == [["jazz", "hop"]]
    assert survivors("similar", 0.5) == [[]]


def test_what_is_forgotten_depends_on_how_long_the_history_is() -> None:
    for days, gap in ((1000, 60), (120, 20), (10, 7)):
        listener = Listener(first_at=days_ago(days))
        assert forgotten_since(listener, NOW) == (NOW - timedelta(days=gap), gap)


# --- cap, diversity, dial -----------------------------------------------------------------------


def test_the_cap_counts_guests() -> None:
    facts = table(fact("a", "Ann"), fact("b", "Bob", "Ann"), fact("c", "Cid", "Ann"), fact("d"))
    assert ArtistCap(facts, 2)(candidates(*facts)).track_ids == ("a", "b", "d")
    assert ArtistCap(facts, 1)(candidates(*facts)).track_ids == ("a", "d")


def test_diversity_takes_one_of_each_camp_first() -> None:
    loud, quiet = (0.9,) * 7, (0.1,) * 7
    facts = table(
        *(fact(f"l{i}", genres=("metal",), sound=loud) for i in range(3)),
        *(fact(f"q{i}", genres=("folk",), sound=quiet) for i in range(3)),
    )
    three = candidates("l0", "l1", "l2", "q0", "q1", "q2")
    assert Diversify(facts, 2, relevance=0.3)(three).track_ids == ("l0", "q0")
    assert Diversify(facts, 3, relevance=1.0)(three).track_ids == ("l0", "l1", "l2")
    assert len(Diversify(facts, 99)(three)) == 6


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=25))
def test_lazy_diversity_is_plain_mmr(rows: list[tuple[int, int]]) -> None:
    facts = table(
        *(fact(f"t{i:02}", f"A{artist}", sound=(x / 9,) * 7) for i, (artist, x) in enumerate(rows))
    )
    pool, close = candidates(*facts), Closeness()
    picked: list[str] = []
    scores = dict(zip(pool.track_ids, pool.scores, strict=True))
    low, high = min(scores.values()), max(scores.values())
    worth = {t: (s - low) / (high - low) if high > low else 1.0 for t, s in scores.items()}
    while len(picked) < min(8, len(rows)):
        value = {
            t: 0.75 * worth[t]
            - (1 - 0.75) * max((close(facts[t], facts[p]) for p in picked), default=0.0)
            for t in facts
            if t not in picked
        }
        picked.append(min(value, key=lambda t: (-value[t], t)))
    assert list(Diversify(facts, 8)(pool).track_ids) == picked


@pytest.mark.parametrize("seed", range(3))
def test_the_dial_moves_from_the_known_and_popular_to_the_far(seed: int) -> None:
    facts = table(
        *(
            fact(
                f"t{i:03}",
                f"artist {i % 40}",
                popularity=float((i * 37 + seed * 11) % 100),
                sound=(((i * 13 + seed) % 100) / 100,) * 7,
            )
            for i in range(200)
        )
    )
    known = frozenset(f"artist {n}" for n in range(20))
    popular, familiar = [], []
    for tenth in range(11):
        dial = Dial(facts, tenth / 10, by_any_of(facts, known), favourites=["t007"])
        chosen, _ = Chooser(facts, 30, 2, dial)([candidates(*facts)], [30])
        rows = [facts[track_id] for track_id in chosen.track_ids]
        popular.append(sum(row.popularity or 0 for row in rows))
        familiar.append(sum(not known.isdisjoint(row.artist_keys) for row in rows))
    assert popular[0] > popular[5] > popular[10]
    assert familiar[0] > familiar[5] > familiar[10]
    assert all(now <= before + 2 for before, now in pairwise(familiar))


def test_the_dial_in_the_middle_changes_nothing() -> None:
    facts = table(fact("a", popularity=1.0), fact("b", popularity=99.0))
    assert Dial(facts, 0.5)(candidates("a", "b")) == candidates("a", "b")


# --- order --------------------------------------------------------------------------------------


def test_the_order_opens_with_the_best_and_goes_on_smoothly() -> None:
    facts = table(
        *(
            fact(f"t{i}", sound=(0.5, energy, 0.5, 0.5, 0.5, 0.5, 0.5), tempo=100 + 40 * energy)
            for i, energy in enumerate((0.5, 0.9, 0.1, 0.6, 0.8, 0.7))
        )
    )
    assert Flow(facts, haste=0.0)(candidates(*facts)).track_ids == (
        "t0",
        "t3",
        "t5",
        "t4",
        "t1",
        "t2",
    )


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_no_artist_twice_in_a_row_where_that_can_be_had(artists: list[int]) -> None:
    facts = table(*(fact(f"t{i:02}", f"A{artist}") for i, artist in enumerate(artists)))
    ordered = Flow(facts)(candidates(*facts))
    assert sorted(ordered.track_ids) == sorted(facts)
    names = [facts[track_id].artists[0] for track_id in ordered.track_ids]
    repeats = sum(one == two for one, two in pairwise(names))
    most = max(Counter(names).values())
    assert repeats == max(0, 2 * most - len(names) - 1)


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=30, unique=True
    )
)
def test_duets_are_kept_apart_too(pairs: list[tuple[int, int]]) -> None:
    facts = table(*(fact(f"t{i:02}", *{f"A{a}", f"A{b}"}) for i, (a, b) in enumerate(pairs)))
    capped = ArtistCap(facts, 2)(candidates(*facts))
    ordered = Flow(facts)(capped)
    assert sorted(ordered.track_ids) == sorted(capped.track_ids)
    if len(capped) >= 8:
        rows = [facts[track_id].artist_keys for track_id in ordered.track_ids]
        assert not any(set(one) & set(two) for one, two in pairwise(rows))


# --- sharing out --------------------------------------------------------------------------------


def test_shares_are_whole_and_complete() -> None:
    assert shares(30, [0.7, 0.3]) == (21, 9)
    assert shares(1, [0.5, 0.5]) == (0, 1)
    assert sum(shares(7, [1, 1, 1])) == 7


def test_a_part_that_runs_short_is_filled_by_the_other() -> None:
    facts = table(*(fact(f"k{i}") for i in range(9)), fact("n0"))
    known = candidates(*(f"k{i}" for i in range(9)))
    chosen, given_ = Chooser(facts, 6, 2, Dial(facts, 0.5))([known, candidates("n0")], [3, 3])
    assert given_ == (5, 1)
    assert len(chosen) == 6
