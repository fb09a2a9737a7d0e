"""Exports of Koito, the self-hosted scrobble server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.json_records import read_records
from segue.sources.json_scrobbles import Heard, head_text, json_chunks, number_of, text_of

__all__ = ["Koito"]

_NAME = re.compile(r"(?:^|/)koito[^/]*\.json$", re.IGNORECASE)


class Koito:
    """Listens as Koito exports them (`koito_export_….json`)."""

    name: ClassVar[str] = "koito"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Koito export"

    def claims(self, file: InputFile) -> bool:
        """Whether it is an export of Koito, by its name or by its fields."""
        if _NAME.search(file.name):
            return True
        head = head_text(file)
        fields = '"listened_at"' in head and '"aliases"' in head and '"artists"' in head
        return head.startswith("{") and '"listens"' in head and fields

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The listens of the file.

        Raises:
            SourceError: Not JSON, cut off, or JSON of something else.
        """
        with file.on_disk() as path:
            yield from json_chunks(
                read_records(file, path, "listens"),
                file,
                options,
                source=self.name,
                expected="listened_at",
                heard=_heard,
            )


def _heard(listen: dict[str, Any]) -> Heard:
    track, artists = listen.get("track"), listen.get("artists")
    credited = [a for a in artists if isinstance(a, dict)] if isinstance(artists, list) else []
    # the artist that the track belongs to comes first, guests keep their order
    credited.sort(key=lambda artist: artist.get("is_primary") is not True)
    found = track if isinstance(track, dict) else {}
    return Heard(
        time=text_of(listen.get("listened_at")),
        title=_name(found),
        artists=[name for name in map(_name, credited) if name] or None,
        album=_name(listen.get("album")),
        recording_mbid=text_of(found.get("mbid")),
        duration_ms=number_of(found.get("duration"), 1000),
    )


def _name(thing: Any) -> str | None:
    """The main name among the aliases of an artist, an album or a track."""
    aliases = thing.get("aliases") if isinstance(thing, dict) else None
    known = [a for a in aliases if isinstance(a, dict)] if isinstance(aliases, list) else []
    known.sort(key=lambda alias: alias.get("is_primary") is not True)
    return next((name for alias in known if (name := text_of(alias.get("alias")))), None)
