"""Covers: the same for the same tracks, another for others, and small enough for Spotify."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.fakes.spotify import FakeSpotify
from segue.flows.cover import Hung, hang_cover
from segue.flows.destinations import published_lists
from segue.flows.spotify.household import Household
from segue.flows.wiring import Wiring
from segue.music.playlist import Playlist
from segue.playlists.cover import LARGEST_BYTES, cover_drawing, cover_image
from segue.playlists.published import Note
from segue.services.spotify.accounts import SCOPES
from segue.settings import load_settings
from tests.published import a_playlist, spotify_sink, the_only_one, uris_of
from tests.spotify_household import household, signed_in

CALM: Final = {"energy": 0.2, "valence": 0.2, "acousticness": 0.9, "danceability": 0.3}
LOUD: Final = {"energy": 0.9, "valence": 0.8, "acousticness": 0.0, "danceability": 0.9}


def test_a_cover_is_a_small_jpeg_and_always_the_same() -> None:
    made = cover_image([CALM, LOUD] * 15, "Discover · 21 Nov 2026", seed="p1")
    assert made.startswith(b"\xff\xd8\xff")
    assert made.endswith(b"\xff\xd9")
    assert len(made) < LARGEST_BYTES
    assert made == cover_image([CALM, LOUD] * 15, "Discover · 21 Nov 2026", seed="p1")


def test_other_tracks_titles_and_seeds_make_other_covers() -> None:
    drawn = {
        cover_drawing(features, title, seed=seed)
        for features in ([CALM] * 9, [LOUD] * 9, [CALM] * 8 + [LOUD])
        for title in ("", "Calm")
        for seed in ("a", "b")
    }
    assert len(drawn) == 12


def test_quiet_sad_music_has_stars_and_a_moon_and_loud_happy_music_a_sun() -> None:
    night, day = cover_drawing([CALM] * 9), cover_drawing([LOUD] * 9)
    assert 'mask="url(#moon)"' in night
    assert night.count("<circle") > 20
    assert 'mask="url(#moon)"' not in day
    assert day.count("<circle") < 5


def test_tracks_of_unknown_sound_are_a_record() -> None:
    assert "<path" not in cover_drawing([{}, {"energy": None}, {"tempo": 120.0}], "Lost tapes")
    assert "<path" in cover_drawing([{}, CALM])
    assert cover_image([], "").startswith(b"\xff\xd8")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(list(CALM)),
            st.none() | st.floats(allow_nan=True, allow_infinity=True),
        ),
        max_size=60,
    ),
    st.text(max_size=80),
)
def test_whatever_comes_is_drawn(features: list[dict[str, Any]], title: str) -> None:
    drawn = cover_drawing(features, title, seed=title)
    root = ET.fromstring(drawn.encode("utf-8", "replace"))  # well formed
    texts = [element for element in root.iter() if element.tag.endswith("}text")]
    assert len(texts) <= 3
    assert "nan" not in drawn.partition("<text")[0]
    assert "inf" not in drawn.partition("<text")[0]


# --- at Spotify ---------------------------------------------------------------------------------


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    return Wiring(load_settings(home=tmp_path, user_id="ann", secrets={"store": "file"}))


@pytest.fixture
def house(spotify: FakeSpotify, wiring: Wiring) -> Household:
    return signed_in(household(spotify, wiring.home), who="alice")


def _publish(house: Household, wiring: Wiring, playlist: Playlist) -> None:
    """As `segue publish` does."""
    made = spotify_sink(house, wiring.home).publish(playlist)
    note = Note(remote_id=made.remote_id)
    lists = published_lists(wiring.home, "ann")
    with lists.alone("spotify"):
        lists.write("spotify", playlist.playlist_id, note)


def test_a_cover_is_uploaded_once_and_again_when_it_changes(
    spotify: FakeSpotify, wiring: Wiring, house: Household
) -> None:
    playlist = a_playlist(uris_of(spotify, 0, 3))

    def hung(title: str = playlist.title, **more: Any) -> Hung:
        listed = a_playlist(uris_of(spotify, 0, 3), title)
        return hang_cover(wiring, listed, house.api("ann", "publish"), user_id="ann", **more)

    assert hung().state == "refused"  # not published yet
    _publish(house, wiring, playlist)
    assert hung(dry_run=True) == Hung("planned")
    assert hung() == Hung("uploaded")
    first = the_only_one(spotify).cover
    assert first
    asked = house.usage.by_purpose
    assert hung() == Hung("same")
    assert house.usage.by_purpose == asked
    assert hung("Another title") == Hung("uploaded")
    assert the_only_one(spotify).cover not in (b"", first)


def test_without_the_scope_the_playlist_is_published_without_a_cover(
    spotify: FakeSpotify, wiring: Wiring
) -> None:
    world = spotify.world
    world.rules.rotates = "never"
    few = [scope for scope in SCOPES if scope != "ugc-image-upload"]
    token = world.grant(world.apps["the-app"], world.users["alice"], few)
    house = household(spotify, wiring.home, {"SPOTIFY_REFRESH_TOKEN": token})
    playlist = a_playlist(uris_of(spotify, 0, 3))
    _publish(house, wiring, playlist)
    hung = hang_cover(wiring, playlist, house.api("ann", "publish"), user_id="ann")
    assert hung.state == "refused"
    assert "scope" in hung.why.lower() or "may not" in hung.why.lower(), hung.why
    assert the_only_one(spotify).cover == b""
