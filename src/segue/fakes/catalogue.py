"""Invented artists, albums and tracks: the same for a seed, as many as wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from segue.fakes.ids import id_of, looks_like_an_id, number_of

__all__ = ["Album", "Artist", "Catalogue", "Track"]

_SYLLABLES: Final = tuple(first + then for first in "bdfklmnprstv" for then in "aeiou")
_TRACKS_PER_ALBUM: Final = 10
_ALBUMS_PER_ARTIST: Final = 2
_SOME: Final = 25  # each 25th track cannot be played in SCARCE

SCARCE: Final = "SE"
"""The market in which each 25th track is missing."""


@dataclass(frozen=True, slots=True)
class Artist:
    """Who performs."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Album:
    """What tracks are on; `number` is its place in the catalogue, -1 for one that was added."""

    id: str
    name: str
    artists: tuple[Artist, ...]
    released: str
    total_tracks: int
    number: int = -1


@dataclass(frozen=True, slots=True)
class Track:
    """A recording as it is sold; `missing_in` holds the markets that do not have it."""

    id: str
    name: str
    artists: tuple[Artist, ...]
    album: Album
    track_number: int
    duration_ms: int
    explicit: bool
    isrc: str
    missing_in: frozenset[str] = frozenset()
    is_local: bool = False

    @property
    def uri(self) -> str:
        """Its Spotify URI."""
        return f"spotify:track:{self.id}"

    def is_playable(self, market: str) -> bool:
        """Whether a market has it."""
        return market not in self.missing_in


@dataclass
class Catalogue:
    """All there is to hear.

    Args:
        size: How many invented tracks.
        seed: Another seed, other names and durations; ids stay.
        invents: Take every well-formed track id for a track, and make up what it is.
        added: Tracks that tests added, by id.
        changed: Invented tracks that are not as they were made.
        gone: Ids of tracks that are there no more.
        relinked: Ids of tracks that are shown as other ones, when a market is asked for.
    """

    size: int = 2_000
    seed: int = 0
    invents: bool = False
    added: dict[str, Track] = field(default_factory=dict)
    changed: dict[str, Track] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    relinked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._made = lru_cache(maxsize=50_000)(self._make)

    def __len__(self) -> int:
        return self.size + len(self.added)

    def __iter__(self) -> Iterator[Track]:
        for number in range(self.size):
            if (track := self.get(id_of("track", number))) is not None:
                yield track
        yield from (track for track in self.added.values() if track.id not in self.gone)

    def track(self, number: int) -> Track:
        """The invented track with a number from 0."""
        if not 0 <= number < self.size:
            raise IndexError(number)
        found = self._made(number)
        return self.changed.get(found.id, found)

    def get(self, track_id: str) -> Track | None:
        """The track with an id; None when there is none, or none any more."""
        if track_id in self.gone:
            return None
        if track_id in self.added:
            return self.added[track_id]
        number = number_of("track", track_id)
        if number is not None and number < self.size:
            return self.track(number)
        return self._invented(track_id) if self.invents and looks_like_an_id(track_id) else None

    def by_uri(self, uri: str) -> Track | None:
        """The track with a URI; None when there is none."""
        kind, _, track_id = uri.removeprefix("spotify:").partition(":")
        return self.get(track_id) if kind == "track" else None

    def album(self, album_id: str) -> Album | None:
        """The album with an id."""
        number = number_of("album", album_id)
        if number is not None and number * _TRACKS_PER_ALBUM < self.size:
            return self._album(number)
        return next((t.album for t in self.added.values() if t.album.id == album_id), None)

    def artist(self, artist_id: str) -> Artist | None:
        """The artist with an id."""
        number = number_of("artist", artist_id)
        if number is not None and number < self._n_artists():
            return self._artist(number)
        every = (artist for track in self.added.values() for artist in track.artists)
        return next((artist for artist in every if artist.id == artist_id), None)

    def tracks_of(self, album: Album) -> list[Track]:
        """The tracks of an album, in order."""
        if album.number < 0:
            return [track for track in self.added.values() if track.album.id == album.id]
        first = album.number * _TRACKS_PER_ALBUM
        return [self.track(number) for number in range(first, first + album.total_tracks)]

    def albums_of(self, artist: Artist) -> list[Album]:
        """The albums of an artist."""
        number = number_of("artist", artist.id)
        if number is not None and number < self._n_artists():
            first = number * _ALBUMS_PER_ARTIST
            last = min(first + _ALBUMS_PER_ARTIST, -(-self.size // _TRACKS_PER_ALBUM))
            return [self._album(one) for one in range(first, last)]
        found = {t.album.id: t.album for t in self.added.values() if artist in t.album.artists}
        return list(found.values())

    def add(
        self, name: str, artist: str, *, track_id: str = "", isrc: str = "", **more: int
    ) -> Track:
        """Add a track that a test wants; an album of one track comes with it.

        Args:
            name: Its title.
            artist: Who performs it; the same name is the same artist.
            track_id: Its id; default: made from the names.
            isrc: Its ISRC; default: made from the id.
            more: `duration_ms`, when it matters.
        """
        identifier = track_id or _id_from("track", name, artist)
        by = Artist(_id_from("artist", artist), artist)
        album = Album(_id_from("album", name, artist), name, (by,), "2020-01-01", 1)
        track = Track(
            id=identifier,
            name=name,
            artists=(by,),
            album=album,
            track_number=1,
            duration_ms=more.get("duration_ms", 200_000),
            explicit=False,
            isrc=isrc or f"QZZ9920{int(_digest(identifier)[:8], 16) % 100_000:05d}",
        )
        self.added[identifier] = track
        return track

    def withdraw(self, track_id: str, *markets: str) -> None:
        """Take a track out of some markets, or, without any, out of the catalogue."""
        found = self.get(track_id)
        if found is None or not markets:
            self.gone.add(track_id)
            return
        kept = self.added if track_id in self.added else self.changed
        kept[track_id] = replace(found, missing_in=found.missing_in | set(markets))

    def _n_artists(self) -> int:
        return -(-self.size // (_TRACKS_PER_ALBUM * _ALBUMS_PER_ARTIST))

    def _artist(self, number: int) -> Artist:
        return Artist(id_of("artist", number), self._words("artist", number, 2))

    def _album(self, number: int) -> Album:
        chance = self._chance("album", number)
        return Album(
            id=id_of("album", number),
            name=self._words("album", number, 2),
            artists=(self._artist(number // _ALBUMS_PER_ARTIST),),
            released=f"{1970 + chance % 55}-{1 + chance % 12:02d}-{1 + chance % 28:02d}",
            total_tracks=min(_TRACKS_PER_ALBUM, self.size - number * _TRACKS_PER_ALBUM),
            number=number,
        )

    def _make(self, number: int) -> Track:
        album = self._album(number // _TRACKS_PER_ALBUM)
        chance = self._chance("track", number)
        artists = album.artists
        if number % 7 == 6 and self._n_artists() > 1:  # with a guest
            guest = self._artist(chance % self._n_artists())
            artists = artists if guest in artists else (*artists, guest)
        registrant = f"F{_LETTERS[number // 100_000 // 26 % 26]}{_LETTERS[number // 100_000 % 26]}"
        return Track(
            id=id_of("track", number),
            name=self._words("track", number, 1 + chance % 3),
            artists=artists,
            album=album,
            track_number=1 + number % _TRACKS_PER_ALBUM,
            duration_ms=120_000 + chance % 240_000,
            explicit=chance % 10 == 0,
            isrc=f"QZ{registrant}{album.released[2:4]}{number % 100_000:05d}",
            missing_in=frozenset({SCARCE} if number % _SOME == _SOME - 1 else ()),
        )

    def _invented(self, track_id: str) -> Track:
        chance = int(_digest(track_id)[:12], 16)
        album = self._album(chance % max(1, self.size // _TRACKS_PER_ALBUM))
        made = self._make(chance % max(1, self.size))
        return replace(made, id=track_id, name=f"Track {track_id[:6]}", album=album)

    def _words(self, kind: str, number: int, words: int) -> str:
        chance = self._chance(kind, number)
        found = []
        for _ in range(words):
            word = ""
            for _ in range(2 + chance % 2):
                chance, which = divmod(chance, len(_SYLLABLES))
                word += _SYLLABLES[which]
            found.append(word.capitalize())
        return " ".join(found)

    def _chance(self, kind: str, number: int) -> int:
        return int(_digest(str(self.seed), kind, str(number))[:16], 16)


_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _id_from(kind: str, *parts: str) -> str:
    # Far above every number that the invented ones have.
    return id_of(kind, 10**12 + int(_digest(*parts)[:16], 16))
