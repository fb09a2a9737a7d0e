"""A playlist as JSPF, the JSON form of XSPF (https://xspf.org/jspf), as ListenBrainz reads it."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any, ClassVar

from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.links import musicbrainz_url, spotify_url
from segue.playlists.text_file import TextSink

__all__ = ["Jspf"]


class Jspf(TextSink):
    """Writes a playlist for ListenBrainz and players; a track's annotation is its reason."""

    name: ClassVar[str] = "jspf"

    def render(self, playlist: Playlist) -> str:
        """One JSON object; what is unknown is left out, since JSPF has no null."""
        body = {
            "title": playlist.title,
            "creator": "Segue",
            "annotation": " ".join((playlist.description, *playlist.notes)),
            "identifier": f"urn:segue:playlist:{playlist.playlist_id}",
            "date": playlist.made_at.astimezone(UTC).isoformat(timespec="seconds"),
            "track": [_track(track) for track in playlist.tracks],
        }
        return json.dumps({"playlist": body}, ensure_ascii=False, indent=2) + "\n"


def _track(track: PlaylistTrack) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "location": _known(spotify_url(track)),
        "identifier": _known(
            musicbrainz_url(track), track.spotify_uri if spotify_url(track) else None
        ),
        "title": track.title,
        "creator": ", ".join(track.artists),
        "annotation": track.reason,
        "album": track.album,
        "duration": track.duration_ms,
    }
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _known(*addresses: str | None) -> list[str]:
    return [address for address in addresses if address]
