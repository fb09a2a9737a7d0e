"""A playlist as JSON, every known fact of every track: the shape of `recommend --json`."""

from __future__ import annotations

import json
from typing import ClassVar

from segue.music.playlist import Playlist
from segue.playlists.text_file import TextSink

__all__ = ["JsonFile"]


class JsonFile(TextSink):
    """Writes a playlist for programs."""

    name: ClassVar[str] = "json"

    def render(self, playlist: Playlist) -> str:
        """One JSON object, indented, UTF-8."""
        return json.dumps(playlist.as_dict(), ensure_ascii=False, indent=2) + "\n"
