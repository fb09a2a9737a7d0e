"""Spotify's library: what the listener saved, follows and banned."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

from segue.music import columns as c
from segue.music.lake_tables import LIBRARY, artist_ref
from segue.sources import reject_reasons as why
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.json_head import base_name, json_start
from segue.sources.json_records import read_records
from segue.sources.json_text import fault
from segue.sources.spotify_records import Entries, Named, moment, text_of

__all__ = ["SpotifyLibrary"]

_NAME = re.compile(r"yourlibrary.*\.json")
_START = re.compile(r'\{\s*"tracks"\s*:\s*\[\s*\{\s*"(artist|album|track|uri)"\s*:')
_CHUNK = 20_000

Row = dict[str, Any]


def _saved(kind: str, entry: Any) -> Row | str:
    if not isinstance(entry, dict):
        entry = {"uri": entry}
    track = Named.of(*(entry.get(key) for key in ("artist", "track", "album", "uri")))
    return track.fault or {c.KIND: kind, **track.columns()}


def _album(kind: str, entry: Any) -> Row | str:
    if not isinstance(entry, dict):
        return why.NOT_AN_OBJECT
    album, artist = text_of(entry.get("album") or entry.get("name")), text_of(entry.get("artist"))
    uri = text_of(entry.get("uri"))
    if not uri and not album:
        return why.MISSING_TITLE
    return {
        c.KIND: kind,
        # an album is no track: its own URI, or its names, only tell one album from another
        c.TRACK_REF: uri or f"id:album:{artist or ''}\x1f{album}",
        c.ARTIST: artist,
        c.ARTISTS: [artist] if artist else None,
        c.ALBUM: album,
    }


def _artist(kind: str, entry: Any) -> Row | str:
    name = text_of(entry.get("name") or entry.get("artist")) if isinstance(entry, dict) else None
    if name is None:
        return why.MISSING_ARTIST
    return {c.KIND: kind, c.TRACK_REF: artist_ref(name), c.ARTIST: name, c.ARTISTS: [name]}


def _rejected(reason: str, _entry: Any) -> Row | str:
    return reason


_SECTIONS: Final[dict[str, tuple[Callable[[str, Any], Row | str], str]]] = {
    "tracks": (_saved, "saved_track"),
    "bannedTracks": (_saved, "banned_track"),
    "albums": (_album, "saved_album"),
    "artists": (_artist, "followed_artist"),
    "bannedArtists": (_artist, "banned_artist"),
    "shows": (_rejected, why.PODCAST),
    "episodes": (_rejected, why.PODCAST),
    "audiobooks": (_rejected, why.AUDIOBOOK),
    "other": (_rejected, why.NOT_A_TRACK),
}


class SpotifyLibrary:
    """Reads `YourLibrary.json`: saved tracks and albums, followed artists, and what is banned.

    Podcasts, audiobooks and everything else a library may hold are rejected by name. Records are
    numbered through the file, section after section.
    """

    name: ClassVar[str] = "spotify_library"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Spotify library"

    def claims(self, file: InputFile) -> bool:
        """By its name, else by how it begins."""
        return bool(_NAME.match(base_name(file)) or _START.match(json_start(file)))

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """Saved things in file order.

        Raises:
            SourceError: The file is broken, or is JSON of something else.
        """
        entries = Entries(LIBRARY, file, {c.USER_ID: options.user_id, c.SOURCE: self.name})
        for section, things in _library(file).items():
            made, word = _SECTIONS.get(section, (_rejected, why.NOT_A_TRACK))
            for entry in things if isinstance(things, list) else ():
                row = made(word, entry)
                if isinstance(row, str):
                    entries.reject(row, entry)
                else:
                    added = entry.get("addedDate") if isinstance(entry, dict) else None
                    entries.keep({**row, c.ADDED_AT: moment(added)})
                if entries.held >= _CHUNK:
                    yield entries.chunk()
        yield entries.chunk()


def _library(file: InputFile) -> dict[str, Any]:
    with file.on_disk() as path:
        records = read_records(file, path)
        first = next(records, None)
        only = next(records, None) is None
    if not only or not isinstance(first, dict) or not any(key in first for key in _SECTIONS):
        raise fault(
            file,
            "is JSON of something else than a library",
            cure="Expected one object with “tracks”, “albums”, “artists”: check that it is"
            " YourLibrary.json as Spotify sent it.",
        )
    return first
