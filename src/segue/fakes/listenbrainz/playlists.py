"""Playlists as JSPF: made, read, changed item by item, deleted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from segue.fakes.fake_service import Page, RefusedError, whole
from segue.fakes.listenbrainz.listens import request_json
from segue.fakes.listenbrainz.state import SharedPlaylist
from segue.fakes.messages import Answer, Request, as_json

if TYPE_CHECKING:
    from segue.fakes.listenbrainz.server import FakeListenBrainz

__all__ = ["Playlists", "jspf"]

_AT_ONCE: Final = 100
_RECORDING: Final = "https://musicbrainz.org/recording/"
_PLAYLIST: Final = "https://listenbrainz.org/playlist/"
_OF_PLAYLIST: Final = "https://musicbrainz.org/doc/jspf#playlist"
_OF_TRACK: Final = "https://musicbrainz.org/doc/jspf#track"


class Playlists:
    """What is below /1/playlist."""

    def __init__(self, service: FakeListenBrainz) -> None:
        self._service = service

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked."""
        return (
            ("POST", "/1/playlist/create", self._create),
            ("POST", "/1/playlist/edit/{mbid}", self._edit),
            ("GET", "/1/playlist/{mbid}", self._read),
            ("POST", "/1/playlist/{mbid}/item/add", self._add),
            ("POST", "/1/playlist/{mbid}/item/add/{offset}", self._add),
            ("POST", "/1/playlist/{mbid}/item/move", self._move),
            ("POST", "/1/playlist/{mbid}/item/delete", self._take_out),
            ("POST", "/1/playlist/{mbid}/delete", self._delete),
            ("GET", "/1/user/{user}/playlists", self._list),
        )

    def _create(self, request: Request) -> Answer:
        member, told = self._service.member(request), _playlist(request)
        made = SharedPlaylist(
            mbid=str(uuid.uuid4()),
            title=_title(told),
            creator=member.name,
            made_at=self._service.clock.now(),
            annotation=str(told.get("annotation", "")),
            public=_is_public(told),
            recordings=_recordings(told),
        )
        self._service.playlists[made.mbid] = made
        return as_json({"status": "ok", "playlist_mbid": made.mbid})

    def _edit(self, request: Request) -> Answer:
        playlist, told = self._own(request), _playlist(request)
        if "title" in told:
            playlist.title = _title(told)
        playlist.annotation = str(told.get("annotation", playlist.annotation))
        if "extension" in told:
            playlist.public = _is_public(told)
        return as_json({"status": "ok"})

    def _read(self, request: Request) -> Answer:
        return as_json(jspf(self._service, self._seen(request)))

    def _list(self, request: Request) -> Answer:
        member, asker = self._service.named(request), self._service.asker(request)
        count, offset = whole(request, "count", 25, 1_000), whole(request, "offset", 0)
        every = [
            one
            for one in self._service.playlists.values()
            if one.creator == member.name and (one.public or asker is member)
        ]
        told = [jspf(self._service, one, tracks=False) for one in every[offset : offset + count]]
        return as_json(
            {"count": len(told), "offset": offset, "playlist_count": len(every), "playlists": told}
        )

    def _add(self, request: Request) -> Answer:
        playlist = self._own(request)
        more = _recordings(_playlist(request))
        if len(more) > _AT_ONCE:
            raise RefusedError(400, f"You may only add max {_AT_ONCE} recordings per call.")
        told = request.words.get("offset", str(len(playlist.recordings)))
        if not told.isdecimal() or int(told) > len(playlist.recordings):
            raise RefusedError(400, "Offset must be a positive integer.")
        playlist.recordings[int(told) : int(told)] = more
        return as_json({"status": "ok"})

    def _move(self, request: Request) -> Answer:
        playlist, told = self._own(request), request_json(request)
        first, to, count = (_place(told, name) for name in ("from", "to", "count"))
        if told.get("mbid") not in playlist.recordings[first : first + 1]:
            raise RefusedError(400, "move instruction mbid is not at that place.")
        moved = playlist.recordings[first : first + count]
        rest = playlist.recordings[:first] + playlist.recordings[first + count :]
        playlist.recordings = rest[:to] + moved + rest[to:]
        return as_json({"status": "ok"})

    def _take_out(self, request: Request) -> Answer:
        playlist, told = self._own(request), request_json(request)
        first, count = _place(told, "index"), _place(told, "count")
        del playlist.recordings[first : first + count]
        return as_json({"status": "ok"})

    def _delete(self, request: Request) -> Answer:
        del self._service.playlists[self._own(request).mbid]
        return as_json({"status": "ok"})

    def _seen(self, request: Request) -> SharedPlaylist:
        mbid = request.words["mbid"]
        try:
            uuid.UUID(mbid)
        except ValueError as error:
            raise RefusedError(400, "Provided playlist ID is invalid.") from error
        found, asker = self._service.playlists.get(mbid), self._service.asker(request)
        if found is None or not (found.public or (asker and asker.name == found.creator)):
            raise RefusedError(404, f"Cannot find playlist: {mbid}")
        return found

    def _own(self, request: Request) -> SharedPlaylist:
        member, found = self._service.member(request), self._seen(request)
        if member.name != found.creator:
            raise RefusedError(403, "You are not allowed to change this playlist.")
        return found


def jspf(service: FakeListenBrainz, playlist: SharedPlaylist, *, tracks: bool = True) -> Any:
    """A playlist as it is told."""
    told: dict[str, Any] = {
        "creator": playlist.creator,
        "title": playlist.title,
        "identifier": f"{_PLAYLIST}{playlist.mbid}",
        "date": playlist.made_at.isoformat(),
        "extension": {_OF_PLAYLIST: {"public": playlist.public, "creator": playlist.creator}},
        "track": [],
    }
    if playlist.annotation:
        told["annotation"] = playlist.annotation
    for mbid in playlist.recordings if tracks else ():
        track = service.music.by_recording.get(mbid)
        row: dict[str, Any] = {"identifier": [f"{_RECORDING}{mbid}"]}
        if track is not None:
            row |= {"title": track.name, "creator": track.artists[0].name}
            row |= {"album": track.album.name, "duration": track.duration_ms}
        row["extension"] = {_OF_TRACK: {"added_by": playlist.creator, "added_at": told["date"]}}
        told["track"].append(row)
    return {"playlist": told}


def _playlist(request: Request) -> dict[str, Any]:
    told = request_json(request).get("playlist")
    if not isinstance(told, dict):
        raise RefusedError(400, "JSPF playlist must contain a playlist element.")
    return told


def _title(told: dict[str, Any]) -> str:
    if not told.get("title"):
        raise RefusedError(400, "JSPF playlist must contain a title element.")
    return str(told["title"])


def _is_public(told: dict[str, Any]) -> bool:
    said = told.get("extension", {}).get(_OF_PLAYLIST, {}).get("public", True)
    return said in (True, "true")


def _recordings(told: dict[str, Any]) -> list[str]:
    return [_recording(n, track) for n, track in enumerate(told.get("track", []))]


def _recording(n: int, track: Any) -> str:
    told = track.get("identifier") if isinstance(track, dict) else None
    identifier = (told or [None])[0] if isinstance(told, list) else told
    if not isinstance(identifier, str) or not identifier.startswith(_RECORDING):
        raise RefusedError(400, f"JSPF playlist track {n} must have a recording as identifier.")
    try:
        return str(uuid.UUID(identifier.removeprefix(_RECORDING)))
    except ValueError as error:
        raise RefusedError(400, f"JSPF playlist track {n} has no valid identifier.") from error


def _place(told: dict[str, Any], name: str) -> int:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RefusedError(400, f"'{name}' must be a positive integer.")
    return value
