"""The step that puts chosen tracks into an order that is pleasant to listen to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from segue.features.nearness import jumps, same_artist
from segue.music.candidates import Candidates
from segue.playlists.facts import Facts, sheet_of

__all__ = ["Flow"]


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
        ids, worth = candidates.track_ids, _scaled(candidates.scores)
        tracks = sheet_of(self.facts, ids)
        cuts: list[list[float]] = jumps(tracks).tolist()
        clashes: list[list[bool]] = same_artist(tracks).tolist()
        artists: list[list[int]] = [[] for _ in ids]
        for row, artist in zip(*(each.tolist() for each in tracks.artists), strict=True):
            artists[row].append(artist)
        left = sorted(range(len(ids)), key=lambda row: (-worth[row], ids[row]))
        playing: list[int] = []
        remaining = Counter(artist for of_track in artists for artist in of_track)
        while left:
            free = _allowed(left, clashes[playing[-1]] if playing else None, artists, remaining)
            cut = cuts[playing[-1]] if playing else None
            costs = [
                -worth[row] if cut is None else cut[row] - self.haste * worth[row] for row in free
            ]
            row = min(zip(costs, map(ids.__getitem__, free), free, strict=True))[2]
            left.remove(row)
            remaining.subtract(artists[row])
            playing.append(row)
        return candidates.take(_apart(playing, clashes))


def _allowed(
    left: Sequence[int],
    clash: Sequence[bool] | None,
    artists: Sequence[Sequence[int]],
    remaining: Counter[int],
) -> Sequence[int]:
    """The tracks that may come next: other artists than the last, crowded artists first."""
    other = [row for row in left if not clash[row]] if clash else left
    if 2 * max(remaining.values(), default=0) <= len(left):
        return other or left
    crowd = {artist for artist, count in remaining.items() if 2 * count > len(left)}
    if crowded := [row for row in other if not crowd.isdisjoint(artists[row])]:
        return crowded
    return other or left


def _apart(playing: list[int], clashes: Sequence[Sequence[bool]]) -> list[int]:
    """Mend neighbours that share an artist by playing a stretch backwards, as in 2-opt.

    Croes 1958, "A method for solving traveling-salesman problems": turning round a stretch
    replaces the transitions at its two ends, and leaves all those within as smooth as before.
    """
    order = list(playing)

    def clash(one: int, two: int) -> bool:
        inside = 0 <= one < len(order) and 0 <= two < len(order)
        return inside and clashes[order[one]][order[two]]

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


def _scaled(scores: Sequence[float]) -> list[float]:
    low, high = (min(scores), max(scores)) if scores else (0.0, 0.0)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
