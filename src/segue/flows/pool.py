"""Asking the recommenders until enough tracks keep to the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from segue.features.catalogue import Catalogue
from segue.flows.listener import rows_of
from segue.music.candidates import Candidates
from segue.music.query import Query
from segue.playlists.blend import blend
from segue.playlists.facts import FACT_COLUMNS, TrackFacts, facts_of
from segue.playlists.filters import Filter, WithTitle, screen
from segue.playlists.mixes import Part
from segue.recommenders.base import Recommender

__all__ = ["Known", "Pool", "ask"]

_FIRST: Final = 500
_DEEPER: Final = 4
_ENOUGH: Final = 3
_DEEPEST: Final = 32_000


class Known:
    """What is known about tracks, looked up a batch at a time, each track once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.facts: dict[str, TrackFacts] = {}

    def look_up(self, track_ids: Sequence[str]) -> None:
        """Make sure that `facts` holds these tracks, as far as there are such."""
        missing = [track_id for track_id in track_ids if track_id not in self.facts]
        if missing:
            self.facts |= facts_of(rows_of(self.catalogue, missing, FACT_COLUMNS))


@dataclass(frozen=True)
class Pool:
    """What one part of a mix may choose from.

    Args:
        candidates: Tracks that keep to every rule, best first.
        cost: Rule -> tracks that it alone kept out.
        fallback: How many of the candidates come from a fallback.
    """

    candidates: Candidates = field(default_factory=Candidates)
    cost: Mapping[str, int] = field(default_factory=Counter)
    fallback: int = 0


def ask(
    part: Part,
    query: Query,
    size: int,
    *,
    recommenders: Mapping[str, Recommender],
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
) -> Pool:
    """Candidates for one part of a mix, all of which keep to its rules.

    The recommenders are asked deeper and deeper while too few of their tracks fit; then the part's
    fallbacks are asked, whose tracks come after all others.

    Args:
        part: Which recommenders, with what weights.
        query: What to ask them.
        size: Tracks wanted in the end; a multiple of it is looked for, to have a choice.
        filters_for: The rules, given all candidates (whose facts are known by then).
    """
    weights = part.weights_among(recommenders)
    pool = _deep(weights, query, _ENOUGH * size, recommenders, known, filters_for)
    for name in part.fallback:
        if len(pool.candidates) < size and name in recommenders:
            more = _deep({name: 1.0}, query, size, recommenders, known, filters_for)
            pool = _behind(pool, more)
    return pool


def _deep(
    weights: Mapping[str, float],
    query: Query,
    wanted: int,
    recommenders: Mapping[str, Recommender],
    known: Known,
    filters_for: Callable[[Candidates], Sequence[Filter]],
) -> Pool:
    used = sorted(name for name, weight in weights.items() if weight > 0)
    k = max(_FIRST, 2 * wanted)
    while True:
        parts = {name: recommenders[name].recommend(query, k) for name in used}
        blended = _about_seeds(blend(parts, weights), query)
        known.look_up(blended.track_ids)
        named = WithTitle(known.facts)(blended)
        screened = screen(named, filters_for(named))
        exhausted = all(len(part) < k for part in parts.values())
        if exhausted or len(screened.candidates) >= wanted or k >= _DEEPEST:
            return Pool(screened.candidates, screened.cost)
        k *= _DEEPER


def _about_seeds(candidates: Candidates, query: Query) -> Candidates:
    """For “similar”, what is near some other track of the user's is no answer."""
    if query.mix != "similar":
        return candidates
    near = {None, *query.seeds}
    return candidates.take(
        row
        for row, evidence in enumerate(candidates.evidence)
        if any(one.other_id in near for one in evidence)
    )


def _behind(pool: Pool, more: Pool) -> Pool:
    """The pool with the tracks of a fallback after its own."""
    have = set(pool.candidates.track_ids)
    new = more.candidates.take(
        row for row, track_id in enumerate(more.candidates.track_ids) if track_id not in have
    )
    floor = min(pool.candidates.scores, default=1.0)
    return Pool(
        Candidates(
            track_ids=pool.candidates.track_ids + new.track_ids,
            scores=pool.candidates.scores + tuple(floor * score / 2 for score in new.scores),
            sources=pool.candidates.sources + new.sources,
            evidence=pool.candidates.evidence + new.evidence,
        ),
        dict(Counter(pool.cost) + Counter(more.cost)),
        pool.fallback + len(new),
    )
