"""Playlists and their publication to a fake Spotify, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from segue.fakes.spotify import FakeSpotify
from segue.fakes.spotify.playlist import Playlist as Theirs
from segue.flows.spotify.household import Household
from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.published import PublishedLists
from segue.playlists.service_sink import ServiceSink
from segue.playlists.spotify_playlists import SpotifyPlaylists

__all__ = [
    "a_playlist",
    "a_track",
    "of_tracks",
    "spotify_service",
    "spotify_sink",
    "the_only_one",
    "uris_of",
]


def a_track(
    n: int,
    uri: str | None = None,
    *,
    title: str = "",
    artists: tuple[str, ...] = ("Band",),
    isrc: str | None = None,
    mbid: str | None = None,
) -> PlaylistTrack:
    """A track that can be told from others."""
    return PlaylistTrack(
        rank=n + 1,
        track_id=f"t{n:016x}",
        title=title or f"Song {n}",
        artists=artists,
        score=1.0,
        reason="because",
        sources=("content",),
        spotify_uri=uri,
        recording_mbid=mbid,
        isrc=isrc,
    )


def a_playlist(uris: Sequence[str], title: str = "Discover · 21 Nov 2026") -> Playlist:
    """Tracks with these URIs."""
    return of_tracks([a_track(n, uri) for n, uri in enumerate(uris)], title)


def of_tracks(tracks: Sequence[PlaylistTrack], title: str = "Discover") -> Playlist:
    """A playlist of a user's “discover” mix."""
    return Playlist(
        playlist_id="p0123456789abcdef",
        title=title,
        description="Tracks that are new to you.",
        user_id="ann",
        made_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        tracks=tuple(tracks),
        mix="discover",
    )


def uris_of(spotify: FakeSpotify, first: int, end: int) -> list[str]:
    """URIs of tracks that are there."""
    return [spotify.world.catalogue.track(n).uri for n in range(first, end)]


def spotify_service(house: Household) -> SpotifyPlaylists:
    """Spotify's playlists of the user “ann”."""
    api = house.api("ann", "publish")
    return SpotifyPlaylists(api, lambda: house.usage.by_purpose.get("publish", 0))


def spotify_sink(house: Household, home: Path, *, into: str = "") -> ServiceSink:
    """The sink of the user “ann”; a new one, as in a process of its own."""
    return ServiceSink(
        spotify_service(house), PublishedLists(home / "playlists" / "published"), into=into
    )


def the_only_one(spotify: FakeSpotify) -> Theirs:
    """The one playlist that there is."""
    (found,) = spotify.world.playlists.values()
    return found
