"""The step behind “less of this”: what is near an unwanted track comes less often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from segue.music.candidates import Candidates
from segue.playlists.closeness import Closeness
from segue.playlists.facts import Facts, TrackFacts, look_up

__all__ = ["Softer"]

_NEAR: Final = Closeness()
_MOST: Final = 20
_REACH: Final = 0.5
_OF_ARTIST: Final = 0.25


@dataclass(frozen=True, slots=True)
class Softer:
    """Lowers the score of tracks near those that the user wants less of; leaves none out.

    A track as near as can be loses half of its score, and one that has half in common an eighth:
    the loss is ½ × closeness² × how much the word still counts. Of tracks by an artist of whom
    less was asked for, a quarter of the score is left.

    Args:
        less: Tracks to hear less of with how much that counts, 0 … 1; the first 20 are looked at.
        artists: Artists to hear less of, in normal form.
    """

    facts: Facts = field(repr=False)
    less: Sequence[tuple[TrackFacts, float]] = field(default=(), repr=False)
    artists: frozenset[str] = field(default=frozenset(), repr=False)

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """The same candidates under scores, 0 or more, that were lowered."""
        if not self.less and not self.artists:
            return candidates
        look_up(self.facts, candidates.track_ids)
        return candidates.with_scores(
            [
                score * self._left(self.facts[track_id])
                for track_id, score in zip(candidates.track_ids, candidates.scores, strict=True)
            ]
        )

    def _left(self, track: TrackFacts) -> float:
        """The share of its score that a track keeps, 0 … 1."""
        loss = max((w * _NEAR(track, other) ** 2 for other, w in self.less[:_MOST]), default=0.0)
        by_artist = 1.0 if self.artists.isdisjoint(track.artist_keys) else _OF_ARTIST
        return by_artist * (1.0 - _REACH * loss)
