"""A playlist as a table for people."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, ClassVar

from segue.playlists.text_file import TextSink

if TYPE_CHECKING:
    from segue.music.playlist import Playlist

__all__ = ["TableFile", "playlist_table"]

NARROWEST = 40
WIDEST = 110
EVEN_WIDER = 10_000


class TableFile(TextSink):
    """The table as a text file."""

    name: ClassVar[str] = "table"

    def render(self, playlist: Playlist) -> str:
        """The table, a line for each track and each reason."""
        return playlist_table(playlist, wide=True) + "\n"


def playlist_table(playlist: Playlist, *, wide: bool = False) -> str:
    """Rank and track on one line, the reason below it; wrapped to the terminal's width.

    Args:
        wide: Do not wrap, for a file.
    """
    columns = shutil.get_terminal_size((100, 24)).columns
    width = EVEN_WIDER if wide else max(NARROWEST, min(WIDEST, columns))
    lines = [f"{playlist.title}  ({len(playlist.tracks)} tracks{_length(playlist)})", ""]
    for track in playlist.tracks:
        year = f"  ({track.year})" if track.year else ""
        name = f"{', '.join(track.artists)} – {track.title}{year}"
        lines += _wrapped(f"{track.rank:>3}  ", name, width)
        lines += _wrapped("     ", track.reason, width)
    lines += [line for note in playlist.notes for line in ("", *_wrapped("", note, width))]
    return "\n".join(lines)


def _wrapped(lead: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width=width, initial_indent=lead, subsequent_indent=" " * len(lead)
    ) or [lead.rstrip()]


def _length(playlist: Playlist) -> str:
    known = [track.duration_ms for track in playlist.tracks if track.duration_ms]
    if len(known) < len(playlist.tracks) or not known:
        return ""
    minutes = round(sum(known) / 60_000)
    hours, rest = divmod(minutes, 60)
    return f", {hours} h {rest:02d} min" if hours else f", {minutes} min"
