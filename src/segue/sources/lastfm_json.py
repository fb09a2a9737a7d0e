"""Listening histories in JSON, as Last.fm's API answers and as exporters save it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.json_records import read_records
from segue.sources.json_scrobbles import Heard, head_text, json_chunks, text_of
from segue.sources.scrobbles import NOW_PLAYING

__all__ = ["LastfmJson"]

_SUFFIXES = (".json", ".jsonl", ".ndjson")
_HISTORY_NAME = re.compile(r"(?:^|/)(?:recent[-_ ]?tracks|last\.?fm)[^/]*$", re.IGNORECASE)
_LOVED_NAME = re.compile(r"loved[^/]*$", re.IGNORECASE)
_ONE_LIST = re.compile(r'^\{\s*"recenttracks"\s*:\s*\{(?:[^\[]*?)"track"\s*:\s*\[', re.DOTALL)
_SCROBBLES = re.compile(r'^\{[^\[]*?"scrobbles"\s*:\s*\[', re.DOTALL)
_NOT_NOW = ("", "false", "0")


class LastfmJson:
    """`recenttracks` of the API: one answer, a list of answers, or a list of tracks.

    The JSON of lastfmstats.com, {"username": …, "scrobbles": […]}, is read too.
    """

    name: ClassVar[str] = "lastfm"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Last.fm history (JSON)"

    def claims(self, file: InputFile) -> bool:
        """Whether it holds recent tracks; loved tracks look alike and are told by their name."""
        if not file.name.casefold().endswith(_SUFFIXES) or _LOVED_NAME.search(file.name):
            return False
        if _HISTORY_NAME.search(file.name):
            return True
        head = head_text(file)
        if '"lovedtracks"' in head:
            return False
        tracks = '"#text"' in head and ('"uts"' in head or '"nowplaying"' in head)
        stats = '"scrobbles"' in head and '"track"' in head and '"albumId"' in head
        return bool(head) and ('"recenttracks"' in head or tracks or stats)

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The plays of the file.

        Raises:
            SourceError: Not JSON, cut off, or JSON of something else.
        """
        head = head_text(file)
        within = ""
        if _ONE_LIST.match(head):
            within = "recenttracks.track"
        elif _SCROBBLES.match(head):
            within = "scrobbles"
        with file.on_disk() as path:
            yield from json_chunks(
                _tracks(read_records(file, path, within)),
                file,
                options,
                source=self.name,
                expected="artist",
                heard=_heard,
            )


def _tracks(values: Iterable[Any]) -> Iterator[Any]:
    """The tracks among tracks, answers of the API and lists of either."""
    for value in values:
        page = value.get("recenttracks", value) if isinstance(value, dict) else value
        inner = page.get("track") if isinstance(page, dict) else None
        if isinstance(page, list):
            yield from _tracks(page)
        elif isinstance(inner, list):
            yield from inner
        elif isinstance(inner, dict) and "artist" not in page:
            yield inner  # the API writes a list of one as the one
        else:
            yield page


def _heard(track: dict[str, Any]) -> Heard:
    attributes, date = track.get("@attr"), track.get("date")
    playing = text_of(attributes.get("nowplaying")) if isinstance(attributes, dict) else None
    dated = date if isinstance(date, dict) else {"uts": date}
    return Heard(
        fault=NOW_PLAYING if (playing or "").casefold() not in _NOT_NOW else None,
        time=text_of(dated.get("uts")) or text_of(track.get("uts")),
        spare_time=text_of(dated.get("#text")) or text_of(track.get("utc_time")),
        title=_name(track.get("name")) or _name(track.get("track")) or _name(track.get("title")),
        artist=_name(track.get("artist")),
        album=_name(track.get("album")),
        recording_mbid=text_of(track.get("mbid")) or text_of(track.get("track_mbid")),
    )


def _name(thing: Any) -> str | None:
    if isinstance(thing, dict):
        return text_of(thing.get("#text")) or text_of(thing.get("name"))
    return text_of(thing)
