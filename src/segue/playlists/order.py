"""The step that puts chosen tracks into an order that is pleasant to listen to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from segue.music.candidates import Candidates
from segue.playlists.closeness import share_artist, shared_genres
from segue.playlists.facts import SOUND, Facts, TrackFacts

__all__ = ["Flow"]

_ENERGY = tuple(SOUND).index("energy")
_VALENCE = tuple(SOUND).index("valence")


@dataclass(frozen=True, slots=True)
class Flow:
    """Opens with the best track, then goes on with the nearest one, again and again.

    Near means alike in energy, tempo (on a logarithmic scale, since 60 to 120 is as far as 70 to
    140), mood and genre, with a little regard for the score, so that good tracks come early. Two
    tracks in a row share no artist as long as that can be had: an artist of whom so many are left
    that they could not be kept apart any more goes first.

    Args:
        haste: What a score that is higher by 1 is worth, in units of musical distance.
    """

    facts: Facts = field(repr=False)
    haste: float = 0.15

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """The same candidates in playing order; scores stay."""
        tracks = [self.facts[track_id] for track_id in candidates.track_ids]
        worth = _scaled(candidates.scores)
        left = sorted(range(len(tracks)), key=lambda row: (-worth[row], tracks[row].track_id))
        playing: list[int] = []
        remaining = Counter(artist for track in tracks for artist in track.artist_keys)
        while left:
            last = tracks[playing[-1]] if playing else None
            row = min(
                _allowed(left, tracks, last, remaining),
                key=lambda row: (self._cost(tracks[row], last, worth[row]), tracks[row].track_id),
            )
            left.remove(row)
            remaining.subtract(tracks[row].artist_keys)
            playing.append(row)
        return candidates.take(_apart(playing, tracks))

    def _cost(self, track: TrackFacts, last: TrackFacts | None, worth: float) -> float:
        if last is None:
            return -worth
        return _distance(track, last) - self.haste * worth


def _allowed(
    left: Sequence[int],
    tracks: Sequence[TrackFacts],
    last: TrackFacts | None,
    remaining: Counter[str],
) -> Sequence[int]:
    """The tracks that may come next: other artists than the last, crowded artists first."""
    other = [row for row in left if last is None or not share_artist(tracks[row], last)]
    crowd = {artist for artist, count in remaining.items() if 2 * count > len(left)}
    if crowd and (crowded := [r for r in other if not crowd.isdisjoint(tracks[r].artist_keys)]):
        return crowded
    return other or left


def _apart(playing: list[int], tracks: Sequence[TrackFacts]) -> list[int]:
    """Mend neighbours that share an artist by playing a stretch backwards, as in 2-opt.

    Croes 1958, "A method for solving traveling-salesman problems": turning round a stretch
    replaces the transitions at its two ends, and leaves all those within as smooth as before.
    """
    order = list(playing)

    def clash(one: int, two: int) -> bool:
        inside = 0 <= one < len(order) and 0 <= two < len(order)
        return inside and share_artist(tracks[order[one]], tracks[order[two]])

    for at in range(1, len(order)):
        if not clash(at - 1, at):
            continue
        later = ((at, end) for end in range(at + 1, len(order)))
        earlier = ((start, at - 1) for start in range(at - 2, -1, -1))
        for start, end in (*later, *earlier):
            if not clash(start - 1, end) and not clash(start, end + 1):
                order[start : end + 1] = reversed(order[start : end + 1])
                break
    return order


def _distance(one: TrackFacts, other: TrackFacts) -> float:
    """0 = goes on as before; about 1 = a hard cut. What is unknown is half a cut."""
    if one.sound and other.sound and one.tempo and other.tempo:
        sound = (
            abs(one.sound[_ENERGY] - other.sound[_ENERGY])
            + 0.5 * abs(one.sound[_VALENCE] - other.sound[_VALENCE])
            + 0.7 * min(1.0, abs(math.log2(one.tempo / other.tempo)))
        )
    else:
        sound = 0.5
    known = one.genres and other.genres
    return sound + 0.3 * (1 - shared_genres(one.genres, other.genres) if known else 0.5)


def _scaled(scores: Sequence[float]) -> list[float]:
    low, high = (min(scores), max(scores)) if scores else (0.0, 0.0)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
