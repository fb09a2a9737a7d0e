"""A playlist as extended M3U in UTF-8 (M3U8)."""

from __future__ import annotations

from typing import ClassVar

from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.links import one_line, spotify_url
from segue.playlists.text_file import TextSink

__all__ = ["M3u"]


class M3u(TextSink):
    """Writes a playlist for players; a track is its Spotify address, or else its name."""

    name: ClassVar[str] = "m3u"

    def render(self, playlist: Playlist) -> str:
        """#EXTM3U, #PLAYLIST, then two lines a track."""
        lines = ["#EXTM3U", f"#PLAYLIST:{one_line(playlist.title)}"]
        for track in playlist.tracks:
            lines += [f"#EXTINF:{_seconds(track)},{_name(track)}", _entry(track)]
        return "\n".join(lines) + "\n"


def _seconds(track: PlaylistTrack) -> int:
    """The format's word for an unknown length is -1."""
    return -1 if track.duration_ms is None else round(track.duration_ms / 1000)


def _name(track: PlaylistTrack) -> str:
    return one_line(f"{', '.join(track.artists)} - {track.title}")


def _entry(track: PlaylistTrack) -> str:
    """A name such as “#1 Crush” would read as a comment without the dot."""
    entry = spotify_url(track) or _name(track)
    return f"./{entry}" if entry.startswith("#") else entry
