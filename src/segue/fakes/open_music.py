"""What open music services know of an invented catalogue: ids, tags, likeness, sound, listeners."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from segue.fakes.catalogue import Artist, Catalogue, Track

__all__ = ["TAGS", "OpenMusic"]

TAGS: Final = (
    "ambient",
    "blues",
    "chamber pop",
    "dream pop",
    "electronic",
    "folk",
    "funk",
    "hip hop",
    "indie rock",
    "jazz",
    "krautrock",
    "metal",
    "neo-soul",
    "post-punk",
    "shoegaze",
    "techno",
)
"""Every tag that is given."""

_NAMES: Final = uuid.UUID("6f0b1f5e-6d3a-4c7e-9a55-52f0a3f1b001")
_TAGS_EACH: Final = 3


class OpenMusic:
    """The same facts for every service, so that what one says fits what another says.

    Args:
        catalogue: Which tracks there are; it is looked through once, so let it be small.
        misses: Which share of the tracks a service has never heard of; another one each.
        fame: How many times as often as usual everything is played.
    """

    def __init__(
        self, catalogue: Catalogue | None = None, *, misses: float = 0.1, fame: float = 1.0
    ) -> None:
        self.catalogue = Catalogue(400) if catalogue is None else catalogue
        self._misses = misses
        self._fame = fame

    def mbid(self, kind: str, of: str) -> str:
        """The MusicBrainz id of a “recording”, “artist” or “release” with a Spotify id."""
        return str(uuid.uuid5(_NAMES, f"{kind} {of}"))

    def knows(self, service: str, track: Track) -> bool:
        """Whether a service has heard of a track."""
        return _chance(service, track.id) >= self._misses

    @cached_property
    def tracks(self) -> list[Track]:
        """All of them."""
        return list(self.catalogue)

    @cached_property
    def by_recording(self) -> dict[str, Track]:
        """MusicBrainz id of a recording to its track."""
        return {self.mbid("recording", track.id): track for track in self.tracks}

    @cached_property
    def by_isrc(self) -> dict[str, Track]:
        """ISRC to its track."""
        return {track.isrc: track for track in self.tracks}

    @cached_property
    def by_artist(self) -> dict[str, list[Track]]:
        """MusicBrainz id of an artist to what they play first on."""
        found: dict[str, list[Track]] = {}
        for track in self.tracks:
            found.setdefault(self.mbid("artist", track.artists[0].id), []).append(track)
        return found

    @cached_property
    def artists(self) -> dict[str, Artist]:
        """MusicBrainz id to artist."""
        return {mbid: tracks[0].artists[0] for mbid, tracks in self.by_artist.items()}

    def named(self, artist: str, title: str) -> Track | None:
        """The track with these names, in any case."""
        return self._by_names.get((artist.casefold(), title.casefold()))

    def artist_named(self, name: str) -> str:
        """The MusicBrainz id of an artist by name, in any case; empty: there is none."""
        return self._by_artist_name.get(name.casefold(), "")

    @cached_property
    def _by_names(self) -> dict[tuple[str, str], Track]:
        return {
            (track.artists[0].name.casefold(), track.name.casefold()): track
            for track in self.tracks
        }

    @cached_property
    def _by_artist_name(self) -> dict[str, str]:
        return {artist.name.casefold(): mbid for mbid, artist in self.artists.items()}

    def tags(self, artist: Artist) -> list[tuple[str, int]]:
        """What listeners call an artist, with votes from 100 down."""
        first = int(_chance("tags", artist.id) * len(TAGS))
        return [(TAGS[(first + n * n) % len(TAGS)], 100 - 35 * n) for n in range(_TAGS_EACH)]

    def similar_artists(self, mbid: str) -> list[tuple[str, float]]:
        """Artists who share tags, with how much from 1 down, most alike first."""
        own = {name for name, _ in self.tags(self.artists[mbid])}
        found = [
            (other, len(own & {name for name, _ in self.tags(artist)}) / _TAGS_EACH)
            for other, artist in self.artists.items()
            if other != mbid
        ]
        return _best((other, share - _chance(mbid, other) / 10) for other, share in found if share)

    def similar_tracks(self, track: Track) -> list[tuple[Track, float]]:
        """Tracks by the same artist and by similar ones, with how much from 1 down."""
        mbid = self.mbid("artist", track.artists[0].id)
        near = [(mbid, 1.0), *self.similar_artists(mbid)[:10]]
        scored = {
            other.id: share - _chance(track.id, other.id) / 2
            for artist, share in near
            for other in self.by_artist[artist]
            if other.id != track.id
        }
        known = {other.id: other for artist, _ in near for other in self.by_artist[artist]}
        return [(known[name], score) for name, score in _best(scored.items())]

    def listens(self, track: Track) -> int:
        """How often all listeners played it."""
        return int(self._fame * 10 ** (1 + 4 * _chance("listens", track.id)))

    def sound(self, track: Track) -> dict[str, float]:
        """Its audio features; tracks with the same tags are near one another."""
        tag = self.tags(track.artists[0])[0][0]
        told = {
            name: round(0.7 * _chance(name, tag) + 0.3 * _chance(name, track.id), 4)
            for name in (
                "acousticness",
                "danceability",
                "energy",
                "instrumentalness",
                "liveness",
                "speechiness",
                "valence",
            )
        }
        loud, fast = _chance("loudness", tag), _chance("tempo", track.id)
        return {**told, "loudness": round(-20 + 18 * loud, 3), "tempo": round(70 + 100 * fast, 3)}


def _chance(*parts: str) -> float:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _best(scored: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))
