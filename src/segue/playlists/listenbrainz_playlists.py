"""ListenBrainz as a destination of playlists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from segue.errors import ServiceDownError, ServiceError
from segue.music.names import song_key
from segue.music.playlist import PlaylistTrack
from segue.playlists.difference import AT_ONCE
from segue.playlists.edits import Add, Cut, Edit
from segue.playlists.service_base import Head, Item
from segue.services.json_service import JsonService

__all__ = ["ListenBrainzPlaylists", "middle"]

_MBID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RECORDING: Final = "https://musicbrainz.org/recording/"
_OF_PLAYLIST: Final = "https://musicbrainz.org/doc/jspf#playlist"
_MISSING: Final = 404
_PAGE: Final = 100


class ListenBrainzPlaylists:
    """One user's playlists at ListenBrainz; an item's key is the MusicBrainz id of its recording.

    Args:
        service: Asks, with the user's token.
        user: The user's name there.
        purpose: What requests count for.
    """

    name: str = "listenbrainz"
    searches: int = 30

    def __init__(self, service: JsonService, user: str, purpose: str) -> None:
        self._service = service
        self._user = user
        self._purpose = purpose

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests

    def head(self, remote_id: str) -> Head | None:
        """One playlist; None: it is not there."""
        told = self._read(remote_id)
        return None if told is None else _head(told, total=len(_tracks(told)))

    def own(self) -> Iterator[Head]:
        """Playlists that the user made."""
        offset = 0
        while True:
            told = self._ask(
                "GET",
                f"/1/user/{quote(self._user, safe='')}/playlists",
                query={"count": _PAGE, "offset": offset},
            )
            found = told.get("playlists") or []
            for one in found:
                if (playlist := _playlist(one)) is not None:
                    yield _head(playlist, total=None)
            offset += _PAGE
            if len(found) < _PAGE:
                return

    def create(self, title: str, description: str) -> Head:
        """A new, empty playlist that only the user sees."""
        extension = {_OF_PLAYLIST: {"public": False}}
        body = {"title": title, "annotation": description, "extension": extension, "track": []}
        told = self._ask("POST", "/1/playlist/create", body={"playlist": body})
        made = told.get("playlist_mbid")
        if not isinstance(made, str):
            raise ServiceDownError(
                "ListenBrainz did not say which playlist it made",
                service="ListenBrainz",
                unsure=True,
                cure="Run it again: the playlist is found by the mark in its description.",
            )
        return Head(made, title, description, total=0)

    def describe(self, remote_id: str, title: str, description: str) -> None:
        """Another title and description."""
        body = {"title": title, "annotation": description}
        self._ask("POST", f"/1/playlist/edit/{remote_id}", body={"playlist": body}, repeatable=True)

    def items(self, remote_id: str) -> list[Item]:
        """Recordings in order."""
        return [_item(one) for one in _tracks(self._read(remote_id) or {})]

    def plan(self, have: Sequence[str], want: Sequence[str]) -> tuple[Edit, ...]:
        """Add what is new in the middle, then cut what was there."""
        return middle(have, want)

    def edit(self, remote_id: str, edit: Edit) -> None:
        """Do one edit."""
        path = f"/1/playlist/{remote_id}/item"
        match edit:
            case Add(keys, at):
                rows = [{"identifier": [_RECORDING + key]} for key in keys]
                self._ask("POST", f"{path}/add/{at}", body={"playlist": {"track": rows}})
            case Cut(start, length):
                self._ask("POST", f"{path}/delete", body={"index": start, "count": length})
            case _:
                raise ValueError(f"ListenBrainz has no such edit: {edit}")

    def key(self, track: PlaylistTrack) -> str | None:
        """The id of its recording, if that can be one."""
        mbid = (track.recording_mbid or "").lower()
        return mbid if _MBID.fullmatch(mbid) else None

    def look_for(self, track: PlaylistTrack) -> str | None:
        """By artist and title."""
        if not (track.artists and track.title):
            return None
        names = {"artist_name": track.artists[0], "recording_name": track.title}
        told = self._ask("GET", "/1/metadata/lookup/", query=names)
        mbid = str(told.get("recording_mbid") or "").lower()
        found = song_key(str(told.get("artist_credit_name")), str(told.get("recording_name")))
        same = found == song_key(track.artists[0], track.title)
        return mbid if same and _MBID.fullmatch(mbid) else None

    def is_unknown(self, error: ServiceError) -> bool:
        """Never: it takes any id."""
        del error
        return False

    def address(self, remote_id: str) -> str:
        """Where people see the playlist."""
        return f"https://listenbrainz.org/playlist/{remote_id}"

    def _read(self, remote_id: str) -> dict[str, Any] | None:
        if not _MBID.fullmatch(remote_id.lower()):
            return None
        try:
            return _playlist(self._ask("GET", f"/1/playlist/{remote_id}"))
        except ServiceError as error:
            if error.status == _MISSING:
                return None
            raise

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        told = self._service.ask(method, path, purpose=self._purpose, **more)
        return told if isinstance(told, dict) else {}


def middle(have: Sequence[str], want: Sequence[str], at_once: int = AT_ONCE) -> tuple[Edit, ...]:
    """Edits where items are cut by their places: beginning and end stay, the middle is replaced.

    What is new is added before the old is cut, so that nothing that stays is ever missing.

    >>> middle(["a", "b", "c"], ["a", "x", "c"])
    (Add(keys=('x',), at=1), Cut(start=2, length=1))
    """
    least = min(len(have), len(want))
    first = next((n for n in range(least) if have[n] != want[n]), least)
    rest = least - first
    last = next((n for n in range(rest) if have[-1 - n] != want[-1 - n]), rest)
    new, old = list(want[first : len(want) - last]), len(have) - last - first
    adds = [Add(tuple(new[at : at + at_once]), first + at) for at in range(0, len(new), at_once)]
    return (*adds, Cut(first + len(new), old)) if old else tuple(adds)


def _playlist(told: Any) -> dict[str, Any] | None:
    found = told.get("playlist") if isinstance(told, dict) else None
    return found if isinstance(found, dict) else None


def _tracks(playlist: dict[str, Any]) -> list[dict[str, Any]]:
    found = playlist.get("track")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _head(playlist: dict[str, Any], *, total: int | None) -> Head:
    return Head(
        remote_id=str(playlist.get("identifier", "")).rstrip("/").rpartition("/")[2],
        title=str(playlist.get("title") or ""),
        description=str(playlist.get("annotation") or ""),
        total=total,
    )


def _item(row: dict[str, Any]) -> Item:
    told = row.get("identifier")
    identifier = str((told or [""])[0] if isinstance(told, list) else told)
    mbid = identifier.rstrip("/").rpartition("/")[2].lower()
    artist = str(row.get("creator") or "")
    return Item(
        key=mbid if _MBID.fullmatch(mbid) else "",
        title=str(row.get("title") or ""),
        artists=(artist,) if artist else (),
    )
