"""The fake Spotify's tracks, albums and artists, and how they are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.fakes.ids import id_of, number_of
from segue.fakes.spotify import Catalogue, FakeSpotify
from tests.fake_spotify import the_app, the_user
from tests.spotify_client import SpotifyClient


@pytest.fixture
def client(spotify: FakeSpotify) -> SpotifyClient:
    """A user who granted nothing but access."""
    return SpotifyClient.of(spotify, the_app(spotify), the_user(spotify), "streaming")


@given(number=st.integers(0, 10**15), kind=st.sampled_from(["track", "album", "artist"]))
def test_an_id_is_read_back(number: int, kind: str) -> None:
    made = id_of(kind, number)
    assert len(made) == 22
    assert number_of(kind, made) == number
    assert number_of("playlist", made) is None


def test_a_catalogue_is_the_same_for_a_seed() -> None:
    one, same, other = Catalogue(100), Catalogue(1_000_000), Catalogue(100, seed=1)
    assert [track.name for track in one][:90] == [same.track(n).name for n in range(90)]
    assert [track.name for track in one] != [track.name for track in other]
    assert len({track.isrc for track in one}) == len({track.id for track in one}) == 100
    assert same.get(same.track(999_999).id) == same.track(999_999)
    assert one.get(same.track(999_999).id) is None


def test_tracks_albums_and_artists_are_asked_for_one_at_a_time(
    spotify: FakeSpotify, client: SpotifyClient
) -> None:
    track = spotify.world.catalogue.track(42)
    told = client.get(f"/tracks/{track.id}")
    assert (told["name"], told["external_ids"]) == (track.name, {"isrc": track.isrc})
    gone = {"popularity", "preview_url", "available_markets", "linked_from", "is_playable"}
    assert not gone & set(told)
    album = client.get(f"/albums/{told['album']['id']}")
    assert track.id in [one["id"] for one in album["tracks"]["items"]]
    assert client.get(f"/albums/{album['id']}/tracks", limit=2)["total"] == 10
    artist = told["artists"][0]["id"]
    assert "genres" not in client.get(f"/artists/{artist}")
    albums = client.get(f"/artists/{artist}/albums", limit=10)["items"]
    assert album["id"] in [one["id"] for one in albums]
    assert client.fails("GET", f"/artists/{artist}/albums", limit=20) == (400, "Invalid limit")
    assert client.fails("GET", "/tracks/nothing")[0] == 404


def test_a_market_has_not_all(spotify: FakeSpotify, client: SpotifyClient) -> None:
    track = spotify.world.catalogue.track(24)
    assert client.get(f"/tracks/{track.id}", market="GB")["is_playable"] is True
    the_user(spotify).country = "SE"
    told = client.get(f"/tracks/{track.id}", market="GB")  # the user's own country counts
    assert (told["is_playable"], told["restrictions"]) == (False, {"reason": "market"})
    assert client.get("/search", q=f"isrc:{track.isrc}", type="track")["tracks"]["items"] == []
    spotify.world.catalogue.withdraw(track.id)
    assert client.fails("GET", f"/tracks/{track.id}")[0] == 404


def test_a_track_is_found_by_isrc_and_by_names(spotify: FakeSpotify, client: SpotifyClient) -> None:
    added = spotify.world.catalogue.add("Déjà Vu (Live)", "Somebody Else", isrc="GBAYE6800011")
    other = spotify.world.catalogue.track(7)

    def found(query: str) -> list[str]:
        rows = client.get("/search", q=query, type="track", limit=10)["tracks"]["items"]
        return [row["id"] for row in rows]

    assert found("isrc:GBAYE6800011") == [added.id]
    assert found('track:"deja vu" artist:somebody else') == [added.id]
    assert found("deja live somebody") == [added.id]
    assert found(f"track:{other.name} artist:{other.artists[0].name}")[0] == other.id
    assert found("isrc:GBAYE6800099") == []
    told = client.get("/search", q=other.artists[0].name, type="artist,album,playlist,show")
    assert told["artists"]["items"][0]["name"] == other.artists[0].name
    assert len(told["albums"]["items"]) > 1
    assert told["shows"]["total"] == 0


def test_search_gives_ten_at_most(client: SpotifyClient) -> None:
    assert client.fails("GET", "/search", q="a", type="track", limit=11) == (400, "Invalid limit")
    assert client.fails("GET", "/search", q="a", type="song")[0] == 400
    assert client.fails("GET", "/search", q=" ", type="track")[0] == 400
    assert client.fails("GET", "/search", q="a", type="track", offset=1001)[0] == 400
    page = client.get("/search", q="year:1970-2030", type="track")["tracks"]
    assert (len(page["items"]), page["total"]) == (5, 2_000)
    assert "offset=5" in page["next"]
