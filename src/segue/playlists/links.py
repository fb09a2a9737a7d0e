"""Addresses of a track on other services, and text that is safe on one line."""

from __future__ import annotations

import re

from segue.music.playlist import PlaylistTrack

__all__ = ["musicbrainz_url", "one_line", "spotify_url"]

_SPOTIFY_TRACK = re.compile(r"spotify:track:([0-9A-Za-z]{1,64})")
_MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def spotify_url(track: PlaylistTrack) -> str | None:
    """Where the track can be opened on Spotify; None when no Spotify id is known."""
    found = _SPOTIFY_TRACK.fullmatch(track.spotify_uri or "")
    return f"https://open.spotify.com/track/{found[1]}" if found else None


def musicbrainz_url(track: PlaylistTrack) -> str | None:
    """The recording's address on MusicBrainz; None when no valid id is known."""
    mbid = track.recording_mbid or ""
    return f"https://musicbrainz.org/recording/{mbid.lower()}" if _MBID.fullmatch(mbid) else None


def one_line(text: str) -> str:
    """The text without control characters and line breaks of any kind."""
    return _CONTROL.sub(" ", text).strip()
