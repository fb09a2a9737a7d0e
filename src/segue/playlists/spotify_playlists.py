"""Spotify as a destination of playlists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from segue.errors import ServiceDownError, ServiceError
from segue.music.names import song_key
from segue.music.playlist import PlaylistTrack
from segue.playlists.difference import difference
from segue.playlists.edits import Add, Edit, Move, Put, Remove
from segue.playlists.service_base import Head, Item
from segue.services.spotify.api import AT_ONCE, SpotifyApi
from segue.services.spotify.records import ItemRow, PlaylistHead, TrackRecord

__all__ = ["SpotifyPlaylists", "spotify_item"]

_URI: Final = re.compile(r"spotify:track:[0-9A-Za-z]{22}")
_NAMEABLE: Final = re.compile(r"spotify:(track|episode):[0-9A-Za-z]+")
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_BAD: Final = 400
_LOOKED_AT: Final = 200
_MISSING: Final = 404


class SpotifyPlaylists:
    """One user's playlists at Spotify; an item's key is its URI.

    Args:
        api: Asks.
        asked: How many requests were made for this purpose until now.
    """

    name: str = "spotify"
    searches: int = 10

    def __init__(self, api: SpotifyApi, asked: Callable[[], int]) -> None:
        self._api = api
        self._asked = asked
        self._me = ""

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._asked()

    def head(self, remote_id: str) -> Head | None:
        """One playlist; None: it is not there."""
        try:
            found = self._api.playlist(remote_id)
        except ServiceError as error:
            if error.status == _MISSING:
                return None
            raise
        return None if found is None else _head(found)

    def own(self) -> Iterable[Head]:
        """Playlists of the user, without those they only follow."""
        self._me = self._me or self._api.me().user
        return (_head(one) for one in self._api.playlists() if one.owner == self._me)

    def create(self, title: str, description: str) -> Head:
        """A new, empty playlist."""
        made = self._api.create_playlist(title, description=description)
        if made is None:
            raise ServiceDownError(
                "Spotify did not say which playlist it made",
                service="Spotify",
                unsure=True,
                cure="Run it again: the playlist is found by the mark in its description.",
            )
        return _head(made)

    def describe(self, remote_id: str, title: str, description: str) -> None:
        """Another title and description."""
        self._api.change_playlist(remote_id, title=title, description=description)

    def items(self, remote_id: str) -> list[Item]:
        """Items in order; without a key for what is gone."""
        return [spotify_item(row) for row in self._api.playlist_items(remote_id)]

    def plan(self, have: Sequence[str], want: Sequence[str]) -> tuple[Edit, ...]:
        """Edits that lead from one list to the other; local files go only when all is written."""
        stuck = {uri for uri in have if not _NAMEABLE.fullmatch(uri)}
        return difference(have, want, at_once=AT_ONCE, stuck=stuck)

    def edit(self, remote_id: str, edit: Edit) -> None:
        """Do one edit."""
        match edit:
            case Put(keys):
                self._api.replace_items(remote_id, keys)
            case Add(keys, at):
                self._api.add_items(remote_id, keys, position=at)
            case Remove(keys):
                self._api.remove_items(remote_id, keys)
            case Move(start, before, length):
                self._api.move_items(remote_id, start, before=before, length=length)

    def key(self, track: PlaylistTrack) -> str | None:
        """Its URI, if that can be one."""
        uri = track.spotify_uri or ""
        return uri if _URI.fullmatch(uri) else None

    def look_for(self, track: PlaylistTrack) -> str | None:
        """By ISRC, then by artist and title; one that only sounds like it does not count."""
        isrc = (track.isrc or "").replace("-", "").upper()
        if _ISRC.fullmatch(isrc) and (found := _fitting(self._search(f"isrc:{isrc}"), track, isrc)):
            return found
        if not (track.artists and track.title):
            return None
        names = f"track:{_plain(track.title)} artist:{_plain(track.artists[0])}"
        return _fitting(self._search(names), track, isrc)

    def unplayable(self, remote_id: str, keys: Sequence[str]) -> frozenset[str]:
        """What is shown in grey: it is there, but not for this user's country.

        A track may be told under the id of another that stands for it there; so places count.
        """
        if len(keys) > _LOOKED_AT:
            return frozenset()  # as many requests as pages: too many for what it brings
        try:
            rows = list(self._api.playlist_items(remote_id, in_market=True))
        except ServiceError as error:
            if error.status == _BAD:  # it does not tell
                return frozenset()
            raise
        if len(rows) != len(keys):
            return frozenset()
        return frozenset(
            key
            for key, row in zip(keys, rows, strict=True)
            if row.track is not None and row.track.is_playable is False
        )

    def is_unknown(self, error: ServiceError) -> bool:
        """Whether a write was refused for items that are not there."""
        said = error.message.lower()
        about_items = ("non-existing", "invalid track", "invalid uri", "unsupported url")
        return error.status == _BAD and any(words in said for words in about_items)

    def address(self, remote_id: str) -> str:
        """Where people see the playlist."""
        return f"https://open.spotify.com/playlist/{remote_id}"

    def _search(self, words: str) -> list[TrackRecord]:
        return self._api.search_tracks(words)


def spotify_item(row: ItemRow) -> Item:
    """A row of a playlist or of the saved tracks."""
    track = row.track
    return Item("") if track is None else Item(track.uri, track.title, track.artists, track.isrc)


def _head(found: PlaylistHead) -> Head:
    return Head(found.playlist_id, found.title, found.description, found.snapshot_id, found.total)


def _fitting(found: Sequence[TrackRecord], track: PlaylistTrack, isrc: str) -> str | None:
    """The first that is the same recording or the same song."""
    song = song_key(track.artists[0], track.title) if track.artists else ""
    for one in found:
        same = bool(isrc) and one.isrc.upper() == isrc
        if not same and one.artists:
            same = song_key(one.artists[0], one.title) == song
        if same and one.is_playable is not False and _URI.fullmatch(one.uri):
            return one.uri
    return None


def _plain(name: str) -> str:
    """Without what would be a field of the search."""
    return re.sub(r'[":]+', " ", name).strip()
