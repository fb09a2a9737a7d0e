"""A step that lets no artist fill the playlist."""

from __future__ import annotations

from dataclasses import dataclass, field

from segue.features.nearness import within_cap
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
        artists = sheet_of(self.facts, candidates.track_ids).artists
        return candidates.take(within_cap(artists, len(candidates), self.most))
