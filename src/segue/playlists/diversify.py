"""A step that picks tracks which are good by themselves and different from one another."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from segue.music.candidates import Candidates
from segue.playlists.closeness import Closeness
from segue.playlists.facts import Facts, TrackFacts

__all__ = ["Diversify"]


@dataclass(frozen=True, slots=True)
class Diversify:
    """Picks `size` tracks by maximal marginal relevance, best first.

    Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking for reordering
    documents and producing summaries": the next track maximises relevance × score − (1 −
    relevance) × closeness to the nearest track picked so far. Scores are brought to 0 … 1 first.
    A track's value can only fall while others are picked, so it is brought up to date only when it
    comes to the top (Minoux 1978, "Accelerated greedy algorithms"); the result is the same.

    Args:
        size: Tracks to pick at most.
        relevance: 0 … 1; 1 leaves the order as it is.
        closeness: How alike two tracks are, 0 … 1.
    """

    facts: Facts = field(repr=False)
    size: int
    relevance: float = 0.75
    closeness: Callable[[TrackFacts, TrackFacts], float] = field(default_factory=Closeness)

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """At most `size` of the candidates, in the order they were picked; scores stay."""
        worth = [self.relevance * value for value in _scaled(candidates.scores)]
        tracks = [self.facts[track_id] for track_id in candidates.track_ids]
        nearest = [0.0] * len(candidates)
        compared = [0] * len(candidates)
        heap = [(-worth[row], candidates.track_ids[row], row) for row in range(len(candidates))]
        heapq.heapify(heap)
        picked: list[int] = []
        while heap and len(picked) < self.size:
            _, track_id, row = heap[0]
            if compared[row] == len(picked):
                heapq.heappop(heap)
                picked.append(row)
                continue
            for other in picked[compared[row] :]:
                nearest[row] = max(nearest[row], self.closeness(tracks[row], tracks[other]))
            compared[row] = len(picked)
            value = worth[row] - (1 - self.relevance) * nearest[row]
            heapq.heapreplace(heap, (-value, track_id, row))
        return candidates.take(picked)


def _scaled(scores: tuple[float, ...]) -> list[float]:
    if not scores:
        return []
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
