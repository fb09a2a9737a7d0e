"""Listens: reported, read, and whose token it is."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from segue.fakes.fake_service import Page, RefusedError, whole
from segue.fakes.messages import Answer, Request, as_json

if TYPE_CHECKING:
    from segue.fakes.listenbrainz.server import FakeListenBrainz
    from segue.fakes.listenbrainz.state import Member

__all__ = ["Listens", "request_json"]

_AT_ONCE: Final = 1_000
_USUAL: Final = 25
_FIRST: Final = 1_033_430_400  # 1 October 2002, when Last.fm began
_AHEAD: Final = 60


class Listens:
    """/1/submit-listens, /1/user/{user}/listens and what belongs to them."""

    def __init__(self, service: FakeListenBrainz) -> None:
        self._service = service

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked."""
        return (
            ("POST", "/1/submit-listens", self._submit),
            ("GET", "/1/validate-token", self._validate),
            ("GET", "/1/user/{user}/listens", self._listens),
            ("GET", "/1/user/{user}/listen-count", self._count),
            ("GET", "/1/user/{user}/playing-now", self._playing_now),
        )

    def heard(self, member: Member, artist: str, title: str, at: int, **more: Any) -> None:
        """Let a member have heard something, as if a program had reported it."""
        told = {"artist_name": artist, "track_name": title, "additional_info": more}
        self._keep(member, {"listened_at": at, "track_metadata": told})

    def _submit(self, request: Request) -> Answer:
        member = self._service.member(request)
        told = request_json(request)
        kind, payload = told.get("listen_type"), told.get("payload")
        if kind not in ("single", "playing_now", "import"):
            raise RefusedError(400, "Invalid listen_type.")
        if not isinstance(payload, list) or not payload:
            raise RefusedError(400, "Payload is empty.")
        if len(payload) > (_AT_ONCE if kind == "import" else 1):
            raise RefusedError(400, "Too many listens in payload.")
        for listen in payload:
            self._check(listen, kind)
        if kind == "playing_now":
            member.now_playing = self._shown(member, payload[0])
        else:
            for listen in payload:
                self._keep(member, listen)
        return as_json({"status": "ok"})

    def _check(self, listen: Any, kind: str) -> None:
        told = listen.get("track_metadata") if isinstance(listen, dict) else None
        if not isinstance(told, dict):
            raise RefusedError(400, "JSON document does not contain required track_metadata.")
        if not all(isinstance(told.get(k), str) and told[k] for k in ("artist_name", "track_name")):
            raise RefusedError(400, "artist_name and track_name are required.")
        at = listen.get("listened_at")
        if kind == "playing_now":
            if at is not None:
                raise RefusedError(400, "playing_now must not have a listened_at.")
            return
        last = self._service.clock.now().timestamp() + _AHEAD
        if isinstance(at, bool) or not isinstance(at, int) or not _FIRST <= at <= last:
            raise RefusedError(400, f"Value for key listened_at is invalid: {at}")

    def _keep(self, member: Member, listen: dict[str, Any]) -> None:
        told = listen["track_metadata"]
        key = (listen["listened_at"], told["artist_name"], told["track_name"])
        member.listens.setdefault(key, self._shown(member, listen))

    def _shown(self, member: Member, listen: dict[str, Any]) -> dict[str, Any]:
        told = dict(listen["track_metadata"])
        names = f"{told['artist_name']}\0{told['track_name']}\0{told.get('release_name', '')}"
        digest = hashlib.md5(names.encode(), usedforsecurity=False)
        msid = str(uuid.UUID(bytes=digest.digest()))
        told["additional_info"] = {**told.get("additional_info", {}), "recording_msid": msid}
        music = self._service.music
        track = music.named(told["artist_name"], told["track_name"])
        if track is not None and music.knows("listenbrainz", track):
            told["mbid_mapping"] = {
                "recording_mbid": music.mbid("recording", track.id),
                "recording_name": track.name,
                "release_mbid": music.mbid("release", track.album.id),
                "artist_mbids": [music.mbid("artist", one.id) for one in track.artists],
                "artists": [
                    {
                        "artist_credit_name": one.name,
                        "artist_mbid": music.mbid("artist", one.id),
                        "join_phrase": "",
                    }
                    for one in track.artists
                ],
            }
        shown = {"user_name": member.name, "recording_msid": msid, "track_metadata": told}
        if "listened_at" in listen:
            made = int(self._service.clock.now().timestamp())
            return {**shown, "listened_at": listen["listened_at"], "inserted_at": made}
        return {**shown, "playing_now": True}

    def _validate(self, request: Request) -> Answer:
        try:
            found = self._service.asker(request)
        except RefusedError:
            return as_json({"code": 200, "message": "Token invalid.", "valid": False})
        if found is None:
            raise RefusedError(400, "You need to provide an Authorization token.")
        told = {"code": 200, "message": "Token valid.", "valid": True, "user_name": found.name}
        return as_json(told)

    def _listens(self, request: Request) -> Answer:
        member = self._service.named(request)
        count = whole(request, "count", _USUAL, _AT_ONCE)
        low = whole(request, "min_ts", -1) if "min_ts" in request.query else None
        high = whole(request, "max_ts", 0) if "max_ts" in request.query else None
        if low is not None and high is not None and low >= high:
            raise RefusedError(400, "max_ts should be greater than min_ts")
        newest_first = sorted(member.listens.values(), key=lambda one: -int(one["listened_at"]))
        fitting = [
            one
            for one in newest_first
            if (low is None or one["listened_at"] > low)
            and (high is None or one["listened_at"] < high)
        ]
        # From a moment on, the listens next to it come first, though still in falling order.
        forward = low is not None and high is None
        rows = (
            fitting[len(fitting) - count :] if forward and count < len(fitting) else fitting[:count]
        )
        every = [one["listened_at"] for one in newest_first]
        return as_json(
            {
                "payload": {
                    "count": len(rows),
                    "user_id": member.name,
                    "latest_listen_ts": max(every, default=0),
                    "oldest_listen_ts": min(every, default=0),
                    "listens": rows,
                }
            }
        )

    def _count(self, request: Request) -> Answer:
        return as_json({"payload": {"count": len(self._service.named(request).listens)}})

    def _playing_now(self, request: Request) -> Answer:
        member = self._service.named(request)
        rows = [] if member.now_playing is None else [member.now_playing]
        told = {"count": len(rows), "user_id": member.name, "playing_now": True, "listens": rows}
        return as_json({"payload": told})


def request_json(request: Request) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        told = json.loads(request.body)
    except ValueError as error:
        raise RefusedError(400, "Cannot parse JSON document.") from error
    if not isinstance(told, dict):
        raise RefusedError(400, "Cannot parse JSON document.")
    return told
