"""A step that lets no artist fill the playlist."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from segue.music.candidates import Candidates
from segue.playlists.facts import Facts, sheet_of

__all__ = ["ArtistCap"]


@dataclass(frozen=True, slots=True)
class ArtistCap:
    """Keeps the best few tracks of every artist.

    Every credited artist counts, guests too: who asks for two tracks of an artist does not want to
    hear a third as a duet. The cap is hard, like a filter.

    Args:
        most: Most tracks on which one artist may be credited.
    """

    facts: Facts = field(repr=False)
    most: int

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """The candidates within the cap, in their order."""
        tracks: list[list[int]] = [[] for _ in candidates.track_ids]
        owner, codes = sheet_of(self.facts, candidates.track_ids).artists
        for row, artist in zip(owner.tolist(), codes.tolist(), strict=True):
            tracks[row].append(artist)
        count: Counter[int] = Counter()
        full: set[int] = set()
        rows = []
        for row, artists in enumerate(tracks):
            if full.isdisjoint(artists):
                rows.append(row)
                for artist in artists:
                    count[artist] += 1
                    if count[artist] >= self.most:
                        full.add(artist)
        return candidates.take(rows)
