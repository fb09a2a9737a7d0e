"""Finding tracks by what people type."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.features.search_words import plain_words, plain_words_of
from segue.features.track_search import TrackSearch

TRACKS = [
    ("Beyoncé", "Halo", 0.9),
    ("AC/DC", "Back in Black", 0.8),
    ("Daft Punk", "One More Time", 0.7),
    ("Daft Punk", "Harder, Better, Faster, Stronger", 0.9),
    ("Simon & Garfunkel", "The Sound of Silence", 0.6),
    ("Disturbed", "The Sound of Silence", 0.8),
    ("P!nk", "So What", 0.5),
    ("Björk", "Jóga", 0.4),
    ("Adele", "Hello", 0.9),
    ("The Beatles", "Hello, Goodbye", 0.9),
    ("Karaoke Kings", "Hello (in the style of Adele)", 0.1),
    ("宇多田ヒカル", "First Love", 0.5),
    ("Кино", "Группа крови", 0.5),
    ("!!!", "Hello? Is This Thing On?", 0.1),
    (None, "Untitled", 0.0),
    ("Nobody", None, 1.0),
    ("Ed Sheeran", "÷", 0.3),
    ("Guns N' Roses", "Sweet Child O' Mine", 0.9),
]


@pytest.fixture(scope="module")
def search() -> TrackSearch:
    artists, titles, fame = zip(*TRACKS, strict=True)
    return TrackSearch.of(
        pa.array(artists, pa.string()), pa.array(titles, pa.string()), np.array(fame, np.float32)
    )


@pytest.mark.parametrize(
    ("typed", "artist", "title"),
    [
        ("beyonce halo", "Beyoncé", "Halo"),
        ("HALO beyoncé", "Beyoncé", "Halo"),
        ("beyonse hallo", "Beyoncé", "Halo"),
        ("back in blakc", "AC/DC", "Back in Black"),
        ("acdc", "AC/DC", "Back in Black"),
        ("ac/dc", "AC/DC", "Back in Black"),
        ("daftpunk more time", "Daft Punk", "One More Time"),
        ("daft pu", "Daft Punk", "Harder, Better, Faster, Stronger"),
        ("sound of silence", "Disturbed", "The Sound of Silence"),
        ("simon and garfunkel silence", "Simon & Garfunkel", "The Sound of Silence"),
        ("simon garfunkle", "Simon & Garfunkel", "The Sound of Silence"),
        ("pink so what", "P!nk", "So What"),
        ("bjork joga", "Björk", "Jóga"),
        ("hello", "Adele", "Hello"),
        ("hello adele", "Adele", "Hello"),
        ("helo godbye", "The Beatles", "Hello, Goodbye"),
        ("宇多田", "宇多田ヒカル", "First Love"),
        ("группа крови", "Кино", "Группа крови"),
        ("!!!", "!!!", "Hello? Is This Thing On?"),
        ("÷", "Ed Sheeran", "÷"),
        ("untitled", None, "Untitled"),
        ("sweet child of mine", "Guns N' Roses", "Sweet Child O' Mine"),
        ("guns and roses sweet child", "Guns N' Roses", "Sweet Child O' Mine"),
    ],
)
def test_what_is_meant_comes_first(
    search: TrackSearch, typed: str, artist: str | None, title: str
) -> None:
    hits = search.find(typed, 5)
    assert TRACKS[hits[0].row][:2] == (artist, title)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert 0 < hits[-1].score <= hits[0].score <= 100


@pytest.mark.parametrize("typed", ["", "   ", "qqqqqqq zzzz", "nobody", "\x00\x01", "́"])
def test_what_is_not_there_is_not_found(search: TrackSearch, typed: str) -> None:
    assert search.find(typed, 5) == []


def test_an_empty_index_and_no_wish() -> None:
    empty = TrackSearch.of(
        pa.array([], pa.string()), pa.array([], pa.string()), np.array([], np.float32)
    )
    assert empty.find("hello", 3) == []
    one = TrackSearch.of(pa.array(["a"]), pa.array(["b"]), np.zeros(1, np.float32))
    assert one.find("a b", 0) == []
    assert [hit.row for hit in one.find("a b", 3)] == [0]


def test_more_fit_than_are_wanted() -> None:
    n = 3_000
    many = TrackSearch.of(
        pa.array(["Ann"] * n),
        pa.array([f"Song {i}" for i in range(n)]),
        np.linspace(0, 1, n, dtype=np.float32),
    )
    assert [hit.row for hit in many.find("ann song", 3)] == [n - 1, n - 2, n - 3]
    assert many.find("song 1234 ann", 1)[0].row == 1234


LETTERS = st.characters(exclude_categories=["Cn", "Cs", "Co"], max_codepoint=0x2FFFF)


@given(st.text(LETTERS | st.sampled_from("aei ß&$!'’øÆ"), max_size=30))
def test_one_text_has_the_words_that_it_has_among_many(text: str) -> None:
    assert plain_words(pa.array([text]))[0].as_py() == plain_words_of(text)


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=8), st.text())
def test_anything_may_be_indexed_and_typed(names: list[tuple[str, str]], typed: str) -> None:
    search = TrackSearch.of(
        pa.array([artist for artist, _ in names], pa.string()),
        pa.array([title for _, title in names], pa.string()),
        np.zeros(len(names), np.float32),
    )
    assert all(0 <= hit.row < len(names) for hit in search.find(typed, 5))
    for artist, title in names:
        spoken = plain_words_of(f"{artist} {title}")
        if plain_words_of(title) and any(sign.isalnum() for sign in spoken):
            assert search.find(f"{artist} {title}", len(names))
