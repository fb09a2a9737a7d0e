"""How alike two tracks are, from 0 to 1, by what is known about both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from segue.playlists.facts import TrackFacts

__all__ = ["Closeness", "share_artist", "shared_genres", "sound_closeness"]


@dataclass(frozen=True, slots=True)
class Closeness:
    """A weighted mean of artist, genre and sound; what is unknown on one side does not count.

    Args:
        artist: Weight of a shared artist, credited in any place.
        genre: Weight of shared genres (Jaccard).
        sound: Weight of near audio features.
    """

    artist: float = 0.4
    genre: float = 0.25
    sound: float = 0.35

    def __call__(self, one: TrackFacts, other: TrackFacts) -> float:
        """0 = nothing in common, 1 = alike in everything known."""
        shared = share_artist(one, other)
        total, weight = self.artist * shared, self.artist
        if one.genres and other.genres:
            total += self.genre * shared_genres(one.genres, other.genres)
            weight += self.genre
        if one.sound and other.sound:
            total += self.sound * sound_closeness(one.sound, other.sound)
            weight += self.sound
        return total / weight if weight else 0.0


def share_artist(one: TrackFacts, other: TrackFacts) -> bool:
    """Whether somebody is credited on both, in any place."""
    return not frozenset(one.artist_keys).isdisjoint(other.artist_keys)


@lru_cache(maxsize=1 << 15)
def shared_genres(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Shared genres over all genres of the two (Jaccard 1912), 0 … 1."""
    if one == other:
        return 1.0
    common = len(set(one).intersection(other))
    return common / (len(one) + len(other) - common)


def sound_closeness(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """1 for the same sound, 0 from half the scale apart on (root mean square), 0 … 1."""
    apart = math.dist(one, other) / math.sqrt(len(one))
    return max(0.0, 1.0 - 2.0 * apart)
