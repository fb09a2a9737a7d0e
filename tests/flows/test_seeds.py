"""Which track somebody means."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from segue.errors import UnknownTrackError
from segue.flows.seeds import resolve_seed
from tests import tiny

SPOTIFY = "6rqhFgbbKwnb9MLmUQDhG6"
SHELF: list[tuple[str, str | None, str, dict[str, Any]]] = [
    ("t00000000000000a1", "Alison", "Slowdive", {"spotify_uri": f"spotify:track:{SPOTIFY}"}),
    ("t00000000000000a2", "Hallelujah", "Jeff Buckley", {"plays": 3}),
    ("t00000000000000a3", "Hallelujah", "Leonard Cohen", {}),
    ("t00000000000000a4", "Jóga", "Björk", {}),
    ("t00000000000000a5", "Don't Stop Me Now - Remastered 2011", "Queen", {}),
    ("t00000000000000a6", "Under Pressure", "Queen, David Bowie", {}),
    ("t00000000000000a7", "99 Luftballons", "NENA", {}),
    ("t00000000000000a8", "東京", "くるり", {}),
    ("t00000000000000a9", "Go", "Moby", {}),
    ("t00000000000000b1", "A - B", "C", {}),
    ("t00000000000000b2", None, "Nobody", {}),
    ("t00000000000000b3", "Stand by Me", "Ben E. King", {}),
    ("t00000000000000b4", "!!!", "!!!", {}),
    ("t00000000000000b5", "(I Can't Get No) Satisfaction", "The Rolling Stones", {}),
]


@pytest.fixture(scope="module")
def tracks() -> pa.Table:
    return tiny.tracks(
        {
            "track_id": track_id,
            "title": title,
            "artist": artist,
            "artists": artist.split(", "),
            **more,
        }
        for track_id, title, artist, more in SHELF
    )


@pytest.mark.parametrize(
    ("text", "track_id"),
    [
        ("t00000000000000a1", "a1"),
        (f"spotify:track:{SPOTIFY}", "a1"),
        (f"https://open.spotify.com/track/{SPOTIFY}?si=abc123", "a1"),
        (f"https://open.spotify.com/intl-de/track/{SPOTIFY}", "a1"),
        (SPOTIFY, "a1"),
        ("Slowdive - Alison", "a1"),
        ("slowdive – ALISON", "a1"),
        ("Alison - Slowdive", "a1"),
        ("“Alison” by Slowdive", "a1"),
        ("alison", "a1"),
        ("Jeff Buckley - Hallelujah", "a2"),
        ("Leonard Cohen - hallelujah", "a3"),
        ("Bjork - Joga", "a4"),
        ("Björk — Jóga", "a4"),
        ("Queen - Don’t Stop Me Now", "a5"),
        ("dont stop me now", "a5"),
        ("David Bowie - Under Pressure", "a6"),
        ("Queen & David Bowie - Under Pressure", "a6"),
        ("Nena - 99 luftbalons", "a7"),
        ("くるり - 東京", "a8"),
        ("東京", "a8"),
        ("Go", "a9"),
        ("C - A - B", "b1"),
        ("Stand By Me", "b3"),
        ("Ben E King - Stand by Me", "b3"),
        ("!!! - !!!", "b4"),
        ("Rolling Stones - Satisfaction", "b5"),
        ("Slowdive - Alisson", "a1"),
    ],
)
def test_ways_to_name_a_track(tracks: pa.Table, text: str, track_id: str) -> None:
    assert resolve_seed(text, tracks) == f"t00000000000000{track_id}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "Nobody knows - this one",
        "spotify:track:0000000000000000000000",
        "https://open.spotify.com/track/0000000000000000000000",
        "t0000000000000fff",
        "-",
        "Slowdive - ",
    ],
)
def test_what_nobody_can_mean(tracks: pa.Table, text: str) -> None:
    with pytest.raises(UnknownTrackError) as caught:
        resolve_seed(text, tracks)
    assert caught.value.asked == text.strip() or caught.value.asked == text
    assert caught.value.cure


def test_several_artists_sing_it(tracks: pa.Table) -> None:
    with pytest.raises(UnknownTrackError) as caught:
        resolve_seed("Hallelujah", tracks)
    assert "several tracks match “Hallelujah”" in str(caught.value)
    assert caught.value.cure == (
        "Did you mean “Jeff Buckley - Hallelujah” or “Leonard Cohen - Hallelujah”?"
    )


def test_a_near_miss_is_shown_not_taken(tracks: pa.Table) -> None:
    with pytest.raises(UnknownTrackError, match="Did you mean “Slowdive - Alison”"):
        resolve_seed("Slowdive - Allisyn", tracks)


def test_another_spotify_id_of_a_track_is_looked_up(tracks: pa.Table) -> None:
    other = f"spotify:track:{SPOTIFY[::-1]}"
    known = {other: "t00000000000000a7"}
    assert resolve_seed(other, tracks, by_ref=known.get) == "t00000000000000a7"


def test_an_empty_catalogue() -> None:
    with pytest.raises(UnknownTrackError):
        resolve_seed("Slowdive - Alison", tiny.tracks([]))


def test_one_of_many_titles_that_share_a_word() -> None:
    random.seed(5)
    rows = [
        {"track_id": f"t{i:05}", "title": f"Love {i}", "artist": f"B{i}", "artists": [f"B{i}"]}
        for i in range(5_000)
    ]
    random.shuffle(rows)
    assert resolve_seed("love 4711", tiny.tracks(rows)) == "t04711"
    assert resolve_seed("B4711 - Love 4711", tiny.tracks(rows)) == "t04711"
