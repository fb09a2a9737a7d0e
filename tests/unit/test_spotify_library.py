"""Spotify's library and playlists: what is kept, and that every entry is accounted for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.sources.base import FileSource
from segue.sources.spotify_library import SpotifyLibrary
from segue.sources.spotify_playlists import SpotifyPlaylists
from tests.contracts.source_contract import read_all
from tests.support import BytesFile

URI = "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"
ITEM = {"trackName": "One", "artistName": "Ann", "albumName": "First", "trackUri": URI}


def read(source: FileSource, name: str, content: Any) -> tuple[list[Any], list[Any]]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    chunks = read_all(source, BytesFile(name, data))
    rows = [row for chunk in chunks for row in chunk.rows.to_pylist()]
    return rows, [reject for chunk in chunks for reject in chunk.rejects.to_pylist()]


def library(content: Any) -> tuple[list[Any], list[Any]]:
    return read(SpotifyLibrary(), "YourLibrary.json", content)


def playlists(content: Any) -> tuple[list[Any], list[Any]]:
    return read(SpotifyPlaylists(), "Playlist1.json", content)


def playlist(*items: Any, name: Any = "Mine") -> dict[str, Any]:
    return {"name": name, "lastModifiedDate": "2024-03-01", "items": list(items)}


def test_a_library_section_by_section() -> None:
    rows, rejects = library(
        {
            "tracks": [{"artist": "Ann", "album": "First", "track": "One", "uri": URI}],
            "albums": [{"artist": "Ann", "album": "First", "uri": "spotify:album:1"}],
            "shows": [{"name": "Talk"}],
            "episodes": [{"name": "Pilot"}],
            "bannedTracks": [{"artist": "Bob", "album": "B", "track": "Two", "uri": None}],
            "artists": [{"name": "Ann", "uri": "spotify:artist:1"}],
            "bannedArtists": [{"name": "Bob"}],
            "other": ["spotify:playlist:1"],
            "newThings": [1],
        }
    )
    assert [(row["kind"], row["track_ref"], row["title"], row["artist"]) for row in rows] == [
        ("saved_track", URI, "One", "Ann"),
        ("saved_album", "spotify:album:1", None, "Ann"),
        ("banned_track", "name:Bob\x1fTwo", "Two", "Bob"),
        ("followed_artist", "artist:Ann", None, "Ann"),
        ("banned_artist", "artist:Bob", None, "Bob"),
    ]
    assert rows[0]["spotify_uri"] == URI
    assert [(reject["row"], reject["reason"]) for reject in rejects] == [
        (3, "podcast"),
        (4, "podcast"),
        (8, "not_a_track"),
        (9, "not_a_track"),
    ]


@pytest.mark.parametrize(
    ("section", "entry", "reason"),
    [
        ("tracks", {"artist": "Ann"}, "missing_title"),
        ("tracks", {"track": "One"}, "missing_artist"),
        ("tracks", {}, "no_track"),
        ("tracks", None, "no_track"),
        ("tracks", 5, "no_track"),
        ("albums", {"artist": "Ann"}, "missing_title"),
        ("albums", "x", "not_an_object"),
        ("artists", {"uri": "spotify:artist:1"}, "missing_artist"),
        ("artists", None, "missing_artist"),
    ],
)
def test_entries_of_a_library_that_name_nothing(section: str, entry: Any, reason: str) -> None:
    rows, rejects = library({section: [entry]})
    assert rows == []
    assert [reject["reason"] for reject in rejects] == [reason]


def test_a_saved_track_may_be_an_id_alone() -> None:
    assert library({"tracks": [URI]})[0][0]["track_ref"] == URI


def test_an_empty_library_is_no_fault() -> None:
    assert library({"tracks": [], "artists": None}) == ([], [])


@pytest.mark.parametrize("content", [[], [1], {"hello": 1}, [{"tracks": []}] * 2])
def test_a_library_of_something_else_is_refused(content: Any) -> None:
    with pytest.raises(SourceError, match="something else than a library") as told:
        library(content)
    assert "YourLibrary" in told.value.cure


def test_playlists_keep_order_and_date() -> None:
    rows, rejects = playlists(
        {
            "playlists": [
                playlist(
                    {"track": ITEM, "addedDate": "2024-02-01"}, {"track": ITEM}, name="R&amp;B"
                ),
                playlist({"track": {**ITEM, "trackName": 1999}}, name="R&B"),
                playlist(name="Empty"),
            ]
        }
    )
    assert rejects == []
    assert [(row["playlist"], row["position"], row["title"]) for row in rows] == [
        ("R&B", 0, "One"),
        ("R&B", 1, "One"),
        ("R&B (2)", 0, "1999"),
    ]
    assert rows[0]["added_at"] == datetime(2024, 2, 1, tzinfo=UTC)
    assert rows[1]["added_at"] is None
    assert rows[0]["spotify_uri"] == URI


def test_what_is_no_track_keeps_its_place_and_is_accounted_for() -> None:
    rows, rejects = playlists(
        {
            "playlists": [
                playlist(
                    {"track": None, "episode": {"episodeName": "Pilot", "secret": "x"}},
                    {"track": None, "audiobook": {"audiobookName": "Emma"}},
                    {"track": None, "localTrack": {"uri": "spotify:local:Ann::Home+Tape:90"}},
                    {"track": None, "episode": None, "localTrack": None},
                    {"track": {"trackName": "One", "artistName": None}},
                    None,
                    {"track": ITEM, "episode": None},
                ),
                "nothing",
            ]
        }
    )
    assert [(row["position"], row["track_ref"]) for row in rows] == [
        (2, "name:Ann\x1fHome Tape"),
        (6, URI),
    ]
    assert [(reject["row"], reject["reason"]) for reject in rejects] == [
        (1, "podcast"),
        (2, "audiobook"),
        (4, "no_track"),
        (5, "missing_artist"),
        (6, "not_an_object"),
        (8, "not_an_object"),
    ]
    assert json.loads(rejects[0]["raw"]) == {"episodeName": "Pilot"}


def test_the_older_layout_of_playlists() -> None:
    old = {"playlists": [{"name": "Old", "tracks": [ITEM, {**ITEM, "trackUri": None}]}]}
    assert [row["track_ref"] for row in playlists(old)[0]] == [URI, "name:Ann\x1fOne"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"hello": []}', "no list “playlists”"),
        (b'{"playlists": {}}', "no list “playlists”"),
        (b'{"playlists": [{"name": "x"', "not complete"),
        (b"[1]", "no list “playlists”"),
    ],
)
def test_playlists_of_something_else_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        playlists(content)


def test_who_claims_what() -> None:
    songs, lists = SpotifyLibrary(), SpotifyPlaylists()
    for name in ("YourLibrary.json", "a/yourlibrary (1).json", "YourLibrary1.json"):
        assert songs.claims(BytesFile(name, b""))
        assert not lists.claims(BytesFile(name, b""))
    for name in ("Playlist1.json", "x/playlist12.json", "Playlist1 (2).json"):
        assert lists.claims(BytesFile(name, b""))
        assert not songs.claims(BytesFile(name, b""))
    named = b'{"tracks": [{"artist": "Ann", "track": "One"}]}'
    assert songs.claims(BytesFile("saved.json", named))
    begun = b'{"playlists": [{"name": "Mine", "lastModifiedDate": "2024-03-01"}]}'
    assert lists.claims(BytesFile("mine.json", begun))
    for stranger in (b'{"playlists": [{"pid": 1, "tracks": []}]}', b'{"playlist": {}}'):
        assert not lists.claims(BytesFile("playlist.json", stranger))


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.lists(st.none(), max_size=2)
)
THINGS = ODD | st.dictionaries(
    st.sampled_from(["artist", "track", "name", "uri", "album", "trackName", "artistName"]), ODD
)
ITEMS = THINGS | st.dictionaries(
    st.sampled_from(["track", "episode", "localTrack", "audiobook", "addedDate"]), THINGS
)


@settings(deadline=None, max_examples=60)
@given(st.lists(THINGS, max_size=6), st.lists(THINGS, max_size=6), st.lists(ITEMS, max_size=8))
def test_every_entry_is_accounted_for_whatever_it_holds(
    tracks: list[Any], others: list[Any], items: list[Any]
) -> None:
    rows, rejects = library({"tracks": tracks, "artists": others, "albums": others})
    assert len(rows) + len(rejects) == len(tracks) + 2 * len(others)
    rows, rejects = playlists({"playlists": [playlist(*items)]})
    assert len(rows) + len(rejects) == len(items)
