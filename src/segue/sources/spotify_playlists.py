"""Spotify's playlists, as the account data holds them."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

from segue.music import columns as c
from segue.music.lake_tables import PLAYLIST_ITEMS
from segue.sources import reject_reasons as why
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.json_head import base_name, json_start
from segue.sources.json_records import read_records
from segue.sources.spotify_records import Entries, Named, moment, text_of

__all__ = ["SpotifyPlaylists"]

_NAME = re.compile(r"playlist\d+\b.*\.json")
_START = re.compile(r'\{\s*"playlists"\s*:\s*\[')
_SPOTIFY = re.compile(r'"(trackUri|lastModifiedDate|localTrack|numberOfFollowers)"\s*:')
_CHUNK = 20_000


class SpotifyPlaylists:
    """Reads `Playlist1.json` and its siblings: what is in which playlist, in which order.

    Local files are kept by their names. Episodes, audiobooks and entries that name nothing are
    rejected, and keep their place in the order. Records are numbered through the file.
    """

    name: ClassVar[str] = "spotify_playlists"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Spotify playlists"

    def claims(self, file: InputFile) -> bool:
        """By its name, or by how it begins."""
        start = json_start(file)
        begins = _START.match(start) and _SPOTIFY.search(start)
        return bool(_NAME.match(base_name(file)) or begins)

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """Entries in file order.

        Raises:
            SourceError: The file is broken, or is JSON of something else.
        """
        entries = Entries(PLAYLIST_ITEMS, file, {c.USER_ID: options.user_id, c.SOURCE: self.name})
        seen: Counter[str] = Counter()
        with file.on_disk() as path:
            for playlist in read_records(file, path, within="playlists"):
                if not isinstance(playlist, dict):
                    entries.reject(why.NOT_AN_OBJECT, playlist)
                    continue
                name = _unique(text_of(playlist.get("name")) or "Untitled", seen)
                things = playlist.get("items") or playlist.get("tracks")
                for position, item in enumerate(things if isinstance(things, list) else ()):
                    _account(entries, item, {c.PLAYLIST: name, c.POSITION: position})
                    if entries.held >= _CHUNK:
                        yield entries.chunk()
        yield entries.chunk()


def _unique(name: str, seen: Counter[str]) -> str:
    """Spotify allows two playlists of one name; here the second becomes "name (2)"."""
    plain = html.unescape(name)
    seen[plain] += 1
    return plain if seen[plain] == 1 else f"{plain} ({seen[plain]})"


def _account(entries: Entries, item: Any, place: dict[str, Any]) -> None:
    if not isinstance(item, dict):
        entries.reject(why.NOT_AN_OBJECT, item)
        return
    thing = item.get("track") or item.get("localTrack") or (item if "trackName" in item else None)
    if not isinstance(thing, dict):
        reason = next((word for key, word in _SPOKEN.items() if item.get(key)), why.NO_TRACK)
        spoken = next((item[key] for key in _SPOKEN if item.get(key)), None)
        entries.reject(reason, spoken if isinstance(spoken, dict) else {})
        return
    uri = thing.get("trackUri") or thing.get("uri")
    names = (thing.get(key) for key in ("artistName", "trackName", "albumName"))
    track = Named.of(*names, uri)
    if track.fault:
        entries.reject(track.fault, thing)
    else:
        entries.keep({**place, **track.columns(), c.ADDED_AT: moment(item.get("addedDate"))})


_SPOKEN = {"episode": why.PODCAST, "audiobook": why.AUDIOBOOK}
