"""What ListenBrainz works out: popularity, recommendations, radio, names to ids."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from segue.fakes.catalogue import Track
from segue.fakes.fake_service import Page, RefusedError, whole
from segue.fakes.listenbrainz.listens import request_json
from segue.fakes.listenbrainz.playlists import jspf
from segue.fakes.listenbrainz.state import SharedPlaylist
from segue.fakes.messages import Answer, Request, as_json

if TYPE_CHECKING:
    from segue.fakes.listenbrainz.server import FakeListenBrainz

__all__ = ["Facts"]

_AT_ONCE: Final = 1_000
_RADIO: Final = 50


class Facts:
    """/1/popularity, /1/cf/recommendation, /1/explore/lb-radio, /1/metadata."""

    def __init__(self, service: FakeListenBrainz) -> None:
        self._service = service

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked."""
        return (
            ("POST", "/1/popularity/recording", self._of_recordings),
            ("POST", "/1/popularity/artist", self._of_artists),
            ("GET", "/1/popularity/top-recordings-for-artist/{mbid}", self._top),
            ("GET", "/1/cf/recommendation/user/{user}/recording", self._recommended),
            ("GET", "/1/explore/lb-radio", self._radio),
            ("GET", "/1/metadata/lookup/?", self._lookup),
            ("GET", "/1/metadata/recording/?", self._metadata),
        )

    def _of_recordings(self, request: Request) -> Answer:
        by_recording = self._service.music.by_recording
        return as_json(
            [
                {"recording_mbid": mbid, **self._counts([by_recording.get(mbid)])}
                for mbid in _ids(request_json(request), "recording")
            ]
        )

    def _of_artists(self, request: Request) -> Answer:
        by_artist = self._service.music.by_artist
        return as_json(
            [
                {"artist_mbid": mbid, **self._counts(by_artist.get(mbid, []))}
                for mbid in _ids(request_json(request), "artist")
            ]
        )

    def _counts(self, tracks: Sequence[Track | None]) -> dict[str, int | None]:
        music = self._service.music
        known = [t for t in tracks if t is not None and music.knows("listenbrainz", t)]
        total = sum(music.listens(track) for track in known)
        users = total // 12 + 1 if known else None
        return {"total_listen_count": total if known else None, "total_user_count": users}

    def _top(self, request: Request) -> Answer:
        self._service.member(request)
        music, mbid = self._service.music, request.words["mbid"]
        _ids({"artist_mbids": [mbid]}, "artist")
        tracks = sorted(music.by_artist.get(mbid, []), key=music.listens, reverse=True)
        return as_json([{**self._row(track), **self._counts([track])} for track in tracks])

    def _row(self, track: Track) -> dict[str, Any]:
        music = self._service.music
        return {
            "recording_mbid": music.mbid("recording", track.id),
            "recording_name": track.name,
            "artist_name": track.artists[0].name,
            "artist_mbids": [music.mbid("artist", one.id) for one in track.artists],
            "release_name": track.album.name,
            "release_mbid": music.mbid("release", track.album.id),
            "length": track.duration_ms,
        }

    def _recommended(self, request: Request) -> Answer:
        member = self._service.named(request)
        count, offset = whole(request, "count", 25, _AT_ONCE), whole(request, "offset", 0)
        if member.recommended is None:
            return Answer(204)
        rows = [
            {"recording_mbid": mbid, "score": score, "latest_listened_at": None}
            for mbid, score in member.recommended[offset : offset + count]
        ]
        return as_json(
            {
                "payload": {
                    "mbids": rows,
                    "entity": "recording",
                    "user_name": member.name,
                    "last_updated": int(self._service.clock.now().timestamp()),
                    "count": len(rows),
                    "total_mbid_count": len(member.recommended),
                    "offset": offset,
                }
            }
        )

    def _radio(self, request: Request) -> Answer:
        member, music = self._service.member(request), self._service.music
        prompt, mode = request.query.get("prompt", ""), request.query.get("mode", "")
        if mode not in ("easy", "medium", "hard") or not prompt:
            raise RefusedError(400, "The prompt and a mode of easy, medium or hard are required.")
        kind, _, words = prompt.partition(":")
        wanted = words.strip("()").casefold()
        tracks = [
            track
            for track in music.tracks
            if (kind == "tag" and wanted in dict(music.tags(track.artists[0])))
            or (kind == "artist" and wanted == track.artists[0].name.casefold())
        ]
        if kind not in ("tag", "artist"):
            raise RefusedError(400, f"Cannot parse prompt: {prompt}")
        found = SharedPlaylist(
            mbid=str(uuid.uuid5(uuid.NAMESPACE_URL, prompt)),
            title=f"LB Radio for {prompt}",
            creator=member.name,
            made_at=self._service.clock.now(),
            recordings=[music.mbid("recording", track.id) for track in tracks[:_RADIO]],
        )
        return as_json({"payload": {"jspf": jspf(self._service, found), "feedback": []}})

    def _lookup(self, request: Request) -> Answer:
        artist, title = (request.query.get(k, "") for k in ("artist_name", "recording_name"))
        if not artist or not title:
            raise RefusedError(400, "artist_name and recording_name are required")
        music = self._service.music
        track = music.named(artist, title)
        if track is None or not music.knows("listenbrainz", track):
            return as_json({})
        row = self._row(track)
        return as_json({**row, "artist_credit_name": row.pop("artist_name")})

    def _metadata(self, request: Request) -> Answer:
        music = self._service.music
        mbids = _ids({"recording_mbids": request.every("recording_mbids")}, "recording")
        inc, found = request.query.get("inc", "").split(), {}
        for mbid in mbids:
            track = music.by_recording.get(mbid)
            if track is None or not music.knows("listenbrainz", track):
                continue
            told: dict[str, Any] = {"recording": {"name": track.name, "length": track.duration_ms}}
            if "artist" in inc:
                told["artist"] = {"name": track.artists[0].name, "artists": []}
            if "tag" in inc:
                votes = music.tags(track.artists[0])
                tags = [{"tag": name, "count": count // 10} for name, count in votes]
                told["tag"] = {"artist": tags, "recording": []}
            if "release" in inc:
                told["release"] = {"name": track.album.name, "year": int(track.album.released[:4])}
            found[mbid] = told
        return as_json(found)


def _ids(told: dict[str, Any], kind: str) -> list[str]:
    """The ids of a request, which have to be ids, and not too many."""
    name = f"{kind}_mbids"
    mbids = told.get(name)
    if not isinstance(mbids, list) or not mbids:
        raise RefusedError(400, f"At least one valid {kind}_mbid must be present.")
    if len(mbids) > _AT_ONCE:
        raise RefusedError(
            400, f"Maximum number of {name} that can be fetched at once is {_AT_ONCE}"
        )
    for mbid in mbids:
        try:
            uuid.UUID(mbid)
        except (ValueError, AttributeError, TypeError) as error:
            raise RefusedError(400, f"{kind}_mbid {mbid} is not valid.") from error
    return mbids
