"""Facts as arrays say what facts one by one say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.features.catalogue import Catalogue
from segue.features.nearness import first_of_each, within_cap
from segue.features.sheet import FactSheet, RowSheet
from segue.flows.facts_at import facts_at
from segue.playlists.facts import facts_of
from segue.playlists.filters import song_keys
from segue.recommenders.kept_names import load_names, save_names
from tests.tiny import tracks

_AUDIO = {
    "danceability": 0.5,
    "energy": 0.25,
    "loudness": -15.0,
    "acousticness": 1.0,
    "instrumentalness": 0.0,
    "valence": 0.75,
    "tempo": 130.0,
}


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        tracks(
            [
                {"track_id": "t1", "title": "One", "artists": ["Ann", "Bob"], "artist": "Ann, Bob"},
                {"track_id": "t2", "title": "One (Live)", "artists": ["bob"], "genres": ["jazz"]},
                {"track_id": "t3", "title": "  ", "artists": ["Cid"], **_AUDIO},
                {"track_id": "t4", "title": "Two", "artists": None, "artist": "Dan"},
                {"track_id": "t5", "title": "Two", "artists": ["Ann", "ANN"], "year": 1999},
                {"track_id": "t6", "title": None, "artists": [], "artist": None, "popularity": 7.0},
            ]
        )
    )


def test_facts_by_row_are_those_of_the_table(catalogue: Catalogue) -> None:
    rows = np.array([4, 0, 2, 1, 3, 5])
    expected = facts_of(catalogue.tracks)
    assert facts_at(catalogue, rows) == {
        track_id: expected[track_id] for track_id in catalogue.ids(rows)
    }


def test_two_tracks_share_a_song_where_their_keys_say_so(catalogue: Catalogue) -> None:
    facts = facts_of(catalogue.tracks)
    owner, songs = catalogue.song_keys.songs_at(np.arange(len(catalogue)))
    for one, track in enumerate(facts.values()):
        for two, other in enumerate(facts.values()):
            if track.title and other.title:
                shared = bool(set(songs[owner == one]) & set(songs[owner == two]))
                assert shared == bool(set(song_keys(track)) & set(song_keys(other)))


def test_what_can_be_shown_has_a_title_and_an_artist(catalogue: Catalogue) -> None:
    sheet = RowSheet(catalogue, np.arange(6))
    assert sheet.showable.tolist() == [True, True, False, True, True, False]


def test_both_sheets_say_the_same(catalogue: Catalogue) -> None:
    facts = list(facts_of(catalogue.tracks).values())
    by_row, by_fact = RowSheet(catalogue, np.arange(6)), FactSheet(facts)
    for name in ("sound", "tempo", "popularity", "listeners"):
        np.testing.assert_allclose(getattr(by_row, name), getattr(by_fact, name), rtol=1e-6)
    for name in ("artists", "genres"):
        ours, theirs = getattr(by_row, name), getattr(by_fact, name)
        assert np.bincount(ours[0], minlength=6).tolist() == (
            np.bincount(theirs[0], minlength=6).tolist()
        )


def test_names_are_kept(catalogue: Catalogue, tmp_path: Path) -> None:
    save_names(tmp_path, catalogue.song_keys)
    kept = load_names(tmp_path)
    assert kept is not None
    assert tuple(kept.artists.names) == tuple(catalogue.song_keys.artists.names)
    rows = np.arange(6)
    for found, expected in zip(
        kept.songs_at(rows), catalogue.song_keys.songs_at(rows), strict=True
    ):
        assert found.tolist() == expected.tolist()
    assert load_names(tmp_path / "older") is None


@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True), max_size=20),
    st.integers(1, 3),
)
def test_caps_and_firsts_are_those_of_a_loop(lists: list[list[int]], most: int) -> None:
    owner = np.array([place for place, held in enumerate(lists) for _ in held], np.int64)
    codes = np.array([code for held in lists for code in held], np.int64)
    count, kept = dict.fromkeys(range(6), 0), []
    seen: set[int] = set()
    fresh = []
    for place, held in enumerate(lists):
        if all(count[code] < most for code in held):
            kept.append(place)
            for code in held:
                count[code] += 1
        if seen.isdisjoint(held):
            fresh.append(place)
        seen.update(held)
    assert within_cap((owner, codes), len(lists), most) == kept
    assert first_of_each((owner, codes), len(lists)) == fresh


def test_the_best_liked_genre_by_sets_is_that_of_each_track(catalogue: Catalogue) -> None:
    place, sets = catalogue.genres.distinct()
    liked = np.array([0.5] * len(catalogue.genres.names))
    by_set = sets.highest_at(np.arange(len(sets)), liked)[place]
    assert by_set.tolist() == catalogue.genres.highest_at(np.arange(6), liked).tolist()
    assert len(sets) == 2
