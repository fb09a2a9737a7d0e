"""A Subsonic server, such as Navidrome, as a destination of playlists."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final

from segue.errors import ServiceDownError, ServiceError
from segue.music.names import song_key
from segue.music.playlist import PlaylistTrack
from segue.playlists.edits import Add, Edit, Put
from segue.playlists.service_base import Head, Item
from segue.services.json_service import JsonService

__all__ = ["SubsonicPlaylists"]

_VERSION: Final = "1.16.1"
_STATUSES: Final = {10: 400, 40: 401, 41: 401, 42: 401, 43: 401, 44: 401, 50: 403, 70: 404}
_MISSING: Final = 404
_FOUND: Final = 20


class SubsonicPlaylists:
    """One user's playlists at a Subsonic server; an item's key is the server's id of a song.

    Args:
        service: Asks.
        user: The user's name there.
        password: Only a digest of it with a salt goes over the line.
        purpose: What requests count for.
    """

    name: str = "subsonic"
    searches: int = 1_000

    def __init__(self, service: JsonService, user: str, password: str, *, purpose: str) -> None:
        self._service = service
        self._user = user
        self._password = password
        self._purpose = purpose

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests

    def head(self, remote_id: str) -> Head | None:
        """One playlist; None: it is not there."""
        told = self._read(remote_id)
        return None if told is None else _head(told)

    def own(self) -> Iterator[Head]:
        """Playlists of the user, without those of others that are public."""
        told = self._ask("getPlaylists").get("playlists") or {}
        for one in told.get("playlist") or []:
            if str(one.get("owner", self._user)).casefold() == self._user.casefold():
                yield _head(one)

    def create(self, title: str, description: str) -> Head:
        """A new, empty playlist; the server takes the description afterwards only."""
        del description
        told = self._ask("createPlaylist", ("name", title)).get("playlist")
        if not isinstance(told, dict):
            raise ServiceDownError(
                "the Subsonic server did not say which playlist it made",
                service="Subsonic",
                unsure=True,
                cure="Run it again: the playlist is found by its title.",
            )
        return _head(told)

    def describe(self, remote_id: str, title: str, description: str) -> None:
        """Another title and description."""
        given = (("playlistId", remote_id), ("name", title), ("comment", description))
        self._ask("updatePlaylist", *given, repeatable=True)

    def items(self, remote_id: str) -> list[Item]:
        """Songs in order."""
        return [_item(one) for one in (self._read(remote_id) or {}).get("entry") or []]

    def plan(self, have: Sequence[str], want: Sequence[str]) -> tuple[Edit, ...]:
        """All songs at once: the server takes any number of them."""
        return () if list(have) == list(want) else (Put(tuple(want)),)

    def edit(self, remote_id: str, edit: Edit) -> None:
        """Do one edit."""
        match edit:
            case Put(keys):
                songs = keys
            case Add(keys, at):
                there = [item.key for item in self.items(remote_id)]
                songs = (*there[:at], *keys, *there[at:])
            case _:
                raise ValueError(f"a Subsonic server has no such edit: {edit}")
        given = (("songId", key) for key in songs)
        self._ask("createPlaylist", ("playlistId", remote_id), *given, repeatable=True)

    def key(self, track: PlaylistTrack) -> str | None:
        """None: a server has ids of its own."""
        del track
        return None

    def look_for(self, track: PlaylistTrack) -> str | None:
        """By artist and title; the same recording before another one of the same song."""
        if not (track.artists and track.title):
            return None
        words = f"{track.artists[0]} {track.title}"
        given = (("query", words), ("songCount", str(_FOUND)), ("artistCount", "0"))
        told = self._ask("search3", *given, ("albumCount", "0"), repeatable=True)
        found = (told.get("searchResult3") or {}).get("song") or []
        song = song_key(track.artists[0], track.title)
        fitting = [
            one for one in found if song_key(_text(one, "artist"), _text(one, "title")) == song
        ]
        fitting.sort(key=lambda one: not _same_recording(one, track))
        return _text(fitting[0], "id") or None if fitting else None

    def is_unknown(self, error: ServiceError) -> bool:
        """Whether a write was refused for songs that are not there."""
        return error.status == _MISSING and "song" in error.message.lower()

    def address(self, remote_id: str) -> str:
        """The playlist's id: how a server's pages are called is its own affair."""
        return f"playlist {remote_id} on the Subsonic server"

    def _read(self, remote_id: str) -> dict[str, Any] | None:
        try:
            told = self._ask("getPlaylist", ("id", remote_id), repeatable=True).get("playlist")
        except ServiceError as error:
            if error.status == _MISSING:
                return None
            raise
        return told if isinstance(told, dict) else None

    def _ask(
        self, call: str, *given: tuple[str, str], repeatable: bool | None = None
    ) -> dict[str, Any]:
        """One call, as a form, so that nothing of it is in a server's log of addresses."""
        salt = secrets.token_hex(8)
        # The digest is the protocol's own (Subsonic API 1.13).
        digest = hashlib.md5(f"{self._password}{salt}".encode(), usedforsecurity=False).hexdigest()
        who = (("u", self._user), ("t", digest), ("s", salt))
        about = (("v", _VERSION), ("c", "segue"), ("f", "json"))
        reads = call.startswith("get")
        told = self._service.ask(
            "POST",
            f"/rest/{call}.view",
            purpose=self._purpose,
            form=(*who, *about, *given),
            repeatable=reads if repeatable is None else repeatable,
        )
        answer = told.get("subsonic-response") if isinstance(told, dict) else None
        if not isinstance(answer, dict):
            raise self._service.refuse("this is no Subsonic server", 400, "Is its address right?")
        if answer.get("status") != "ok":
            error = answer.get("error") or {}
            status = _STATUSES.get(int(error.get("code") or 0), 400)
            raise self._service.refuse(
                f"{call}: {error.get('message') or 'no reason told'}", status
            )
        return answer


def _head(told: dict[str, Any]) -> Head:
    total = told.get("songCount")
    return Head(
        remote_id=_text(told, "id"),
        title=_text(told, "name"),
        description=_text(told, "comment"),
        total=total if isinstance(total, int) else None,
    )


def _item(told: dict[str, Any]) -> Item:
    artist = _text(told, "artist")
    return Item(_text(told, "id"), _text(told, "title"), (artist,) if artist else (), _isrc(told))


def _isrc(told: dict[str, Any]) -> str:
    found = told.get("isrc")
    return str(found[0]) if isinstance(found, list) and found else ""


def _same_recording(told: dict[str, Any], track: PlaylistTrack) -> bool:
    by_isrc = bool(track.isrc) and _isrc(told).upper() == (track.isrc or "").upper()
    return by_isrc or (
        bool(track.recording_mbid) and _text(told, "musicBrainzId") == track.recording_mbid
    )


def _text(told: dict[str, Any], name: str) -> str:
    return str(told.get(name) or "")
