"""ListenBrainz exports: a file of listens a month, or the older single list."""

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

__all__ = ["ListenBrainz"]

_LISTENS_NAME = re.compile(r"(?:^|/)listens/(?:.*/)?[^/]+\.jsonl?$", re.IGNORECASE)
_OTHER_NAME = re.compile(r"(?:^|/)(?:user|feedback|pinned_recordings?)\.jsonl?$", re.IGNORECASE)
_API_ANSWER = re.compile(r'^\{\s*"payload"\s*:')


class ListenBrainz:
    """Listens as ListenBrainz exports them, and as its API answers."""

    name: ClassVar[str] = "listenbrainz"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "ListenBrainz export"

    def claims(self, file: InputFile) -> bool:
        """Whether it is a file of listens, by its place in the export or by its first record."""
        if _OTHER_NAME.search(file.name):
            return False
        if _LISTENS_NAME.search(file.name):
            return True
        head = head_text(file)
        return '"listened_at"' in head and '"track_metadata"' in head

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The listens of the file.

        Raises:
            SourceError: Not JSON, cut off, or JSON of something else.
        """
        within = "payload.listens" if _API_ANSWER.match(head_text(file)) else ""
        with file.on_disk() as path:
            yield from json_chunks(
                read_records(file, path, within),
                file,
                options,
                source=self.name,
                expected="track_metadata",
                heard=_heard,
            )


def _heard(listen: dict[str, Any]) -> Heard:
    track = _object(listen.get("track_metadata"))
    more = _object(track.get("additional_info"))
    mapped = _object(track.get("mbid_mapping"))
    credit = mapped.get("artists")
    credited = credit if isinstance(credit, list) else []
    artists = names_of([_object(artist).get("artist_credit_name") for artist in credited])
    address = text_of(more.get("origin_url"))
    return Heard(
        time=text_of(listen.get("listened_at")),
        title=text_of(track.get("track_name")) or text_of(mapped.get("recording_name")),
        artist=text_of(track.get("artist_name")),
        artists=artists or names_of(more.get("artist_names")),
        album=text_of(track.get("release_name")),
        spotify_uri=text_of(more.get("spotify_id"))
        or (address if address and "spotify" in address else None),
        # what the player said comes before what ListenBrainz guessed from the names
        recording_mbid=text_of(more.get("recording_mbid")) or text_of(mapped.get("recording_mbid")),
        isrc=text_of(more.get("isrc")),
        duration_ms=number_of(more.get("duration_ms")) or number_of(more.get("duration"), 1000),
        ms_played=number_of(more.get("ms_played")) or number_of(more.get("duration_played"), 1000),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
