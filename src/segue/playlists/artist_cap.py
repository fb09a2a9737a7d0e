"""A step that lets no artist fill the playlist."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from segue.music.candidates import Candidates
from segue.playlists.facts import Facts

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
        count: Counter[str] = Counter()
        rows = []
        for row, track_id in enumerate(candidates.track_ids):
            artists = self.facts[track_id].artist_keys
            if all(count[artist] < self.most for artist in artists):
                count.update(artists)
                rows.append(row)
        return candidates.take(rows)
