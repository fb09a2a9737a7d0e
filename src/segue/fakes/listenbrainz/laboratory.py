"""The laboratory (labs.api.listenbrainz.org): what is alike, and Spotify ids of recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from segue.fakes.fake_service import Page, RefusedError
from segue.fakes.messages import Answer, Request, as_json

if TYPE_CHECKING:
    from segue.fakes.listenbrainz.server import FakeListenBrainz

__all__ = ["ARTIST_ALGORITHM", "RECORDING_ALGORITHM", "Laboratory"]

ARTIST_ALGORITHM: Final = (
    "session_based_days_7500_session_300_contribution_5_threshold_10_limit_100_filter_True_skip_30"
)
"""The one name of an algorithm that similar-artists takes; they change in time."""

RECORDING_ALGORITHM: Final = (
    "session_based_days_7500_session_300_contribution_5_threshold_15_limit_50_skip_30"
    "_top_n_listeners_1000"
)
"""The one that similar-recordings takes."""

_MOST: Final = re.compile(r"_limit_(\d+)")


class Laboratory:
    """/similar-artists/json, /similar-recordings/json, /spotify-id-from-mbid/json."""

    def __init__(self, service: FakeListenBrainz) -> None:
        self._service = service

    def pages(self) -> Sequence[tuple[str, str, Page]]:
        """What can be asked: in the query, or as a list of objects in a body."""
        return tuple(
            (method, f"/{name}/json", page)
            for name, page in (
                ("similar-artists", self._artists),
                ("similar-recordings", self._recordings),
                ("spotify-id-from-mbid", self._spotify_ids),
            )
            for method in ("GET", "POST")
        )

    def _artists(self, request: Request) -> Answer:
        music, rows = self._service.music, []
        for mbid in self._asked(request, "artist_mbids", ARTIST_ALGORITHM):
            if mbid not in music.artists:
                continue
            for other, share in music.similar_artists(mbid)[: _limit(ARTIST_ALGORITHM)]:
                rows.append(
                    {
                        "artist_mbid": other,
                        "name": music.artists[other].name,
                        "comment": "",
                        "type": "Group",
                        "gender": None,
                        "score": int(share * 10_000),
                        "reference_mbid": mbid,
                    }
                )
        return as_json(rows)

    def _recordings(self, request: Request) -> Answer:
        music, rows = self._service.music, []
        for mbid in self._asked(request, "recording_mbids", RECORDING_ALGORITHM):
            track = music.by_recording.get(mbid)
            if track is None or not music.knows("listenbrainz", track):
                continue
            for other, share in music.similar_tracks(track)[: _limit(RECORDING_ALGORITHM)]:
                rows.append(
                    {
                        "recording_mbid": music.mbid("recording", other.id),
                        "recording_name": other.name,
                        "artist_credit_name": other.artists[0].name,
                        "[artist_credit_mbids]": [
                            music.mbid("artist", a.id) for a in other.artists
                        ],
                        "release_name": other.album.name,
                        "release_mbid": music.mbid("release", other.album.id),
                        "caa_id": None,
                        "caa_release_mbid": None,
                        "score": int(share * 1_000),
                        "reference_mbid": mbid,
                    }
                )
        return as_json(rows)

    def _spotify_ids(self, request: Request) -> Answer:
        music, rows = self._service.music, []
        for mbid in self._asked(request, "recording_mbid"):
            track = music.by_recording.get(mbid)
            told: dict[str, Any] = {"recording_mbid": mbid, "spotify_track_ids": []}
            if track is not None:
                told |= {"artist_name": track.artists[0].name, "track_name": track.name}
                told |= {"release_name": track.album.name, "spotify_track_ids": [track.id]}
            rows.append(told)
        return as_json(rows)

    def _asked(self, request: Request, name: str, algorithm: str = "") -> list[str]:
        if request.method == "POST":
            try:
                told = json.loads(request.body)
                asked = [(one.get(name, []), one.get("algorithm", "")) for one in told]
            except (ValueError, AttributeError, TypeError) as error:
                raise RefusedError(400, "send a list of objects") from error
        else:
            asked = [(request.every(name), request.query.get("algorithm", ""))]
        if any(given != algorithm for _, given in asked if algorithm):
            raise RefusedError(400, f"Input should be '{algorithm}'")
        found = [one for many, _ in asked for one in ([many] if isinstance(many, str) else many)]
        if not found:
            raise RefusedError(400, f"{name}: field required")
        return found


def _limit(algorithm: str) -> int:
    found = _MOST.search(algorithm)
    return int(found.group(1)) if found else 100
