"""A stand-in for a Subsonic server such as Navidrome: a library of songs, and playlists of them."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

from segue.fakes.catalogue import Track
from segue.fakes.clock import Clock, iso
from segue.fakes.fake_service import FakeService, Page, RefusedError
from segue.fakes.messages import Answer, Request, as_json
from segue.fakes.open_music import OpenMusic

__all__ = ["FakeSubsonic", "SongList"]

Given = Mapping[str, list[str]]

_VERSION: Final = "1.16.1"
_MISSING, _WRONG_LOGIN, _FORBIDDEN, _NOT_FOUND = 10, 40, 50, 70


@dataclass
class SongList:
    """A playlist on the server."""

    id: str
    name: str
    owner: str
    made_at: datetime
    changed_at: datetime
    comment: str = ""
    public: bool = False
    songs: list[str] = field(default_factory=list)


class FakeSubsonic(FakeService):
    """/rest/…, by the version and the extensions that Navidrome speaks; always with status 200.

    Args:
        users: Names and passwords.
    """

    limit = (1_000, 1.0)

    def __init__(
        self,
        music: OpenMusic | None = None,
        *,
        clock: Clock | None = None,
        requests: int | None = None,
        port: int = 0,
        users: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(music, clock=clock, requests=requests, port=port)
        self.users = dict(users or {"ann": "secret"})
        self.playlists: dict[str, SongList] = {}
        self._numbers = itertools.count(1)

    @cached_property
    def songs(self) -> dict[str, Track]:
        """The tracks of which there is a file, by the server's own id."""
        return {
            self.song_id(track): track
            for track in self.music.tracks
            if self.music.knows("subsonic", track)
        }

    def song_id(self, track: Track) -> str:
        """The server's own id of a track."""
        digest = hashlib.md5(track.id.encode(), usedforsecurity=False)
        return digest.hexdigest()

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked: in the query or as a form, with “.view” or without."""
        return (("GET", "/rest/{name}", self._ask), ("POST", "/rest/{name}", self._ask))

    def route_of(self, request: Request) -> str:
        """The call that is made."""
        return request.path.removesuffix(".view")

    def refusal(self, error: RefusedError) -> Answer:
        """Within an answer, unless a fault stands before the server."""
        if not error.code:
            return Answer(error.status, error.message.encode(), error.headers)
        told = {"error": {"code": error.code, "message": error.message}}
        return as_json({"subsonic-response": {"status": "failed", **_HEAD, **told}})

    def too_many(self, seconds: int) -> RefusedError:
        """What stands before a server says it; the server itself has no limit."""
        return RefusedError(429, "Too Many Requests", retry_after=str(seconds))

    def _ask(self, request: Request) -> Answer:
        given: dict[str, list[str]] = {}
        for name, value in (*request.pairs, *parse_qsl(request.body.decode("utf-8", "replace"))):
            given.setdefault(name, []).append(value)
        user = self._signed_in(given)
        if _one(given, "f") != "json":
            raise RefusedError(406, "ask for f=json; this stand-in has no XML")
        call = self._calls.get(request.words["name"].removesuffix(".view"))
        if call is None:
            raise RefusedError(404, "404 page not found")
        return as_json({"subsonic-response": {"status": "ok", **_HEAD, **call(user, given)}})

    def _signed_in(self, given: Given) -> str:
        for name in ("u", "v", "c"):
            if name not in given:
                raise _failed(_MISSING, f"missing parameter: '{name}'")
        user, password = given["u"][-1], self.users.get(given["u"][-1])
        shown, salt = _one(given, "t"), _one(given, "s")
        plain = _one(given, "p")
        if plain.startswith("enc:"):
            plain = bytes.fromhex(plain.removeprefix("enc:")).decode()
        if password is None:
            raise _failed(_WRONG_LOGIN, "Wrong username or password")
        digest = hashlib.md5(f"{password}{salt}".encode(), usedforsecurity=False).hexdigest()
        if not (
            (shown and salt and hmac.compare_digest(shown, digest))
            or (plain and hmac.compare_digest(plain.encode(), password.encode()))
        ):
            raise _failed(_WRONG_LOGIN, "Wrong username or password")
        return user

    @cached_property
    def _calls(self) -> Mapping[str, Callable[[str, Given], dict[str, Any]]]:
        return {
            "ping": lambda user, given: {},
            "getOpenSubsonicExtensions": lambda user, given: {
                "openSubsonicExtensions": [{"name": "formPost", "versions": [1]}]
            },
            "getPlaylists": self._list,
            "getPlaylist": self._read,
            "createPlaylist": self._create,
            "updatePlaylist": self._update,
            "deletePlaylist": self._delete,
            "search3": self._search,
            "getSong": lambda user, given: {"song": self._song(self._known(_need(given, "id")))},
        }

    def _list(self, user: str, given: Given) -> dict[str, Any]:
        del given
        seen = [one for one in self.playlists.values() if one.public or one.owner == user]
        return {"playlists": {"playlist": [self._head(one) for one in seen]}}

    def _read(self, user: str, given: Given) -> dict[str, Any]:
        return {"playlist": self._told(self._seen(user, _need(given, "id")))}

    def _create(self, user: str, given: Given) -> dict[str, Any]:
        """Make one, or give an old one other songs when its id is named."""
        songs = [self._known(song) for song in given.get("songId", [])]
        now = self.clock.now()
        if "playlistId" in given:
            playlist = self._own(user, given["playlistId"][-1])
            playlist.songs, playlist.changed_at = songs, now
            playlist.name = _one(given, "name") or playlist.name
        else:
            identifier = f"playlist-{next(self._numbers)}"
            playlist = SongList(identifier, _need(given, "name"), user, now, now, songs=songs)
            self.playlists[identifier] = playlist
        return {"playlist": self._told(playlist)}

    def _update(self, user: str, given: Given) -> dict[str, Any]:
        playlist = self._own(user, _need(given, "playlistId"))
        more = [self._known(song) for song in given.get("songIdToAdd", [])]
        gone = {_whole(place) for place in given.get("songIndexToRemove", [])}
        kept = [song for n, song in enumerate(playlist.songs) if n not in gone]
        playlist.songs = kept + more
        playlist.name = _one(given, "name") or playlist.name
        playlist.comment = _one(given, "comment") if "comment" in given else playlist.comment
        if "public" in given:
            playlist.public = _one(given, "public") == "true"
        playlist.changed_at = self.clock.now()
        return {}

    def _delete(self, user: str, given: Given) -> dict[str, Any]:
        del self.playlists[self._own(user, _need(given, "id")).id]
        return {}

    def _search(self, user: str, given: Given) -> dict[str, Any]:
        del user
        words = _one(given, "query").strip('"').casefold().split()
        count = _whole(_one(given, "songCount") or "20")
        offset = _whole(_one(given, "songOffset") or "0")
        found = [
            song
            for song, track in self.songs.items()
            if all(word in _words(track) for word in words)
        ]
        page = found[offset : offset + count]
        return {"searchResult3": {"song": [self._song(song) for song in page]} if page else {}}

    def _seen(self, user: str, identifier: str) -> SongList:
        found = self.playlists.get(identifier)
        if found is None or not (found.public or found.owner == user):
            raise _failed(_NOT_FOUND, "playlist not found")
        return found

    def _own(self, user: str, identifier: str) -> SongList:
        found = self._seen(user, identifier)
        if found.owner != user:
            raise _failed(_FORBIDDEN, "User is not authorized for the given operation")
        return found

    def _known(self, song: str) -> str:
        if song not in self.songs:
            raise _failed(_NOT_FOUND, "Song not found")
        return song

    def _head(self, playlist: SongList) -> dict[str, Any]:
        length = sum(self.songs[song].duration_ms for song in playlist.songs) // 1000
        return {
            "id": playlist.id,
            "name": playlist.name,
            "comment": playlist.comment,
            "owner": playlist.owner,
            "public": playlist.public,
            "songCount": len(playlist.songs),
            "duration": length,
            "created": iso(playlist.made_at, with_ms=True),
            "changed": iso(playlist.changed_at, with_ms=True),
        }

    def _told(self, playlist: SongList) -> dict[str, Any]:
        rows = [self._song(song) for song in playlist.songs]
        return {**self._head(playlist), **({"entry": rows} if rows else {})}

    def _song(self, song: str) -> dict[str, Any]:
        track = self.songs[song]
        artist = track.artists[0].name
        return {
            "id": song,
            "isDir": False,
            "title": track.name,
            "album": track.album.name,
            "artist": artist,
            "track": track.track_number,
            "year": int(track.album.released[:4]),
            "genre": self.music.tags(track.artists[0])[0][0],
            "contentType": "audio/flac",
            "suffix": "flac",
            "duration": track.duration_ms // 1000,
            "path": f"{artist}/{track.album.name}/{track.track_number:02d} {track.name}.flac",
            "type": "music",
            "isrc": [track.isrc],
            "musicBrainzId": self.music.mbid("recording", track.id),
        }


_HEAD: Final = {
    "version": _VERSION,
    "type": "navidrome",
    "serverVersion": "0.58.0 (stand-in)",
    "openSubsonic": True,
}


def _failed(code: int, message: str) -> RefusedError:
    return RefusedError(200, message, code)


def _one(given: Given, name: str) -> str:
    return given.get(name, [""])[-1]


def _need(given: Given, name: str) -> str:
    if not _one(given, name):
        raise _failed(_MISSING, f"missing parameter: '{name}'")
    return _one(given, name)


def _whole(told: str) -> int:
    if not told.isdecimal():
        raise _failed(_MISSING, f"no whole number: '{told}'")
    return int(told)


def _words(track: Track) -> str:
    return f"{track.name} {track.album.name} {track.artists[0].name}".casefold()
