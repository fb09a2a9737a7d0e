"""A playlist as CSV for spreadsheets and for services that import tables."""

from __future__ import annotations

import csv
import io
from typing import ClassVar, Final

from segue.music import columns as c
from segue.music.playlist import Playlist, PlaylistTrack
from segue.playlists.links import one_line
from segue.playlists.text_file import TextSink

__all__ = ["CsvFile"]

HEADER: Final = (
    c.RANK,
    c.TITLE,
    c.ARTISTS,
    c.ALBUM,
    c.YEAR,
    c.DURATION_MS,
    c.TRACK_ID,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
    c.ISRC,
    c.SCORE,
    c.REASON,
    "sources",
)
_FORMULA: Final = tuple("=+-@＝＋－＠")


class CsvFile(TextSink):
    """Writes one row a track under a header; several artists or sources are joined by “; ”."""

    name: ClassVar[str] = "csv"

    def render(self, playlist: Playlist) -> str:
        """Rows in the playlist's order, lines ending in a line feed."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_row(track) for track in playlist.tracks)
        return text.getvalue()


def _row(track: PlaylistTrack) -> list[str | int | float | None]:
    return [
        track.rank,
        _cell(track.title),
        _cell("; ".join(track.artists)),
        _cell(track.album),
        track.year,
        track.duration_ms,
        _cell(track.track_id),
        _cell(track.spotify_uri),
        _cell(track.recording_mbid),
        _cell(track.isrc),
        round(track.score, 6),
        _cell(track.reason),
        _cell("; ".join(track.sources)),
    ]


def _cell(text: str | None) -> str | None:
    """Text that no spreadsheet takes for a formula: such a cell gets an apostrophe in front."""
    line = None if text is None else one_line(text)
    return f"'{line}" if line and line.startswith(_FORMULA) else line
