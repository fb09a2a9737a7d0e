"""A step that picks tracks which are good by themselves and different from one another."""

from __future__ import annotations

from dataclasses import dataclass, field

from segue.features.nearness import varied
from segue.music.candidates import Candidates
from segue.playlists.closeness import Closeness
from segue.playlists.facts import Facts, sheet_of

__all__ = ["Diversify"]


@dataclass(frozen=True, slots=True)
class Diversify:
    """Picks `size` tracks by maximal marginal relevance, best first.

    Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking for reordering
    documents and producing summaries": the next track maximises relevance × score − (1 −
    relevance) × closeness to the nearest track picked so far. Scores are brought to 0 … 1 first.

    Args:
        size: Tracks to pick at most.
        relevance: 0 … 1; 1 leaves the order as it is.
        closeness: How alike two tracks are.
    """

    facts: Facts = field(repr=False)
    size: int
    relevance: float = 0.75
    closeness: Closeness = field(default_factory=Closeness)

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """At most `size` of the candidates, in the order they were picked; scores stay."""
        order = sorted(range(len(candidates)), key=candidates.track_ids.__getitem__)
        scaled = _scaled(candidates.scores)
        near = self.closeness
        picked = varied(
            sheet_of(self.facts, [candidates.track_ids[row] for row in order]),
            [self.relevance * scaled[row] for row in order],
            self.size,
            relevance=self.relevance,
            weights=(near.artist, near.genre, near.sound),
        )
        return candidates.take(order[place] for place in picked)


def _scaled(scores: tuple[float, ...]) -> list[float]:
    if not scores:
        return []
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
