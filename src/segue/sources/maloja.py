"""Exports of Maloja, the self-hosted scrobble server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.json_records import read_records
from segue.sources.json_scrobbles import (
    Heard,
    head_text,
    json_chunks,
    names_of,
    number_of,
    text_of,
)

__all__ = ["Maloja"]

_NAME = re.compile(r"(?:^|/)maloja[^/]*\.json$", re.IGNORECASE)
_STAMP = re.compile(r'"maloja"\s*:')
_ANSWER = re.compile(r'"list"\s*:')


class Maloja:
    """Scrobbles as Maloja exports them (`maloja_export_….json`), and as its API answers."""

    name: ClassVar[str] = "maloja"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Maloja export"

    def claims(self, file: InputFile) -> bool:
        """Whether it is an export of Maloja, by its name or by its fields."""
        if _NAME.search(file.name):
            return True
        head = head_text(file)
        if not head.startswith("{") or '"scrobbles"' not in head:
            return False
        fields = '"time"' in head and '"artists"' in head and '"title"' in head
        return fields or _STAMP.search(head) is not None

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The scrobbles of the file.

        Raises:
            SourceError: Not JSON, cut off, or JSON of something else.
        """
        head = head_text(file)
        within = "scrobbles"
        if head.startswith("["):
            within = ""
        elif '"scrobbles"' not in head and _ANSWER.search(head):
            within = "list"
        with file.on_disk() as path:
            yield from json_chunks(
                read_records(file, path, within),
                file,
                options,
                source=self.name,
                expected="time",
                heard=_heard,
            )


def _heard(scrobble: dict[str, Any]) -> Heard:
    # before version 3 the fields of the track stood in the scrobble itself
    nested = scrobble.get("track")
    track = nested if isinstance(nested, dict) else scrobble
    return Heard(
        time=text_of(scrobble.get("time")),
        title=text_of(track.get("title")),
        artists=names_of(track.get("artists")),
        album=_album(track.get("album")),
        recording_mbid=text_of(track.get("mbid")),
        duration_ms=number_of(track.get("length"), 1000),
        ms_played=number_of(scrobble.get("duration"), 1000) or None,
    )


def _album(album: Any) -> str | None:
    if isinstance(album, dict):
        return text_of(album.get("albumtitle")) or text_of(album.get("name"))
    return text_of(album)
