"""Several recommenders' candidates as one list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from segue.music.candidates import Candidates, Evidence

__all__ = ["blend"]

_FLATNESS: Final = 60.0

_Said = dict[str, tuple[float, Evidence]]


def blend(parts: Mapping[str, Candidates], weights: Mapping[str, float]) -> Candidates:
    """One list in which a track gains from every recommender that proposed it.

    A recommender gives a track its weight times the mean of two numbers in 0 … 1: the track's
    place, 61 / (60 + place) as in reciprocal rank fusion (Cormack, Clarke and Büttcher 2009,
    "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods"), and its
    score between the recommender's lowest and highest. Place alone forgets how sure a recommender
    is; score alone lets one outlier flatten all others.

    Args:
        parts: Recommender -> its candidates, best first.
        weights: Recommender -> weight; without one, or at 0, a part is left out.

    Returns:
        Best first, ties by track_id; scores 0 … 1; the sources of each track strongest first,
        with the evidence of every one of them.
    """
    used = {name: weights.get(name, 0.0) for name in parts if weights.get(name, 0.0) > 0}
    if len(used) == 1:
        return _alone(parts[next(iter(used))])
    said: dict[str, _Said] = {}
    gains: dict[str, float] = {}
    for name in sorted(used):
        _add(parts[name], used[name], said, gains)
    total = sum(used.values())
    scores = {track: gain / total for track, gain in gains.items()}
    order = sorted(scores, key=lambda track: (-scores[track], track))
    ranked = [sorted(said[track].items(), key=_strongest_first) for track in order]
    return Candidates(
        track_ids=tuple(order),
        scores=tuple(scores[track] for track in order),
        sources=tuple(tuple(name for name, _ in by) for by in ranked),
        evidence=tuple(tuple(evidence for _, (_, evidence) in by) for by in ranked),
    )


def _alone(part: Candidates) -> Candidates:
    """The same for one recommender, whose sources and evidence stay as they are."""
    scores = tuple(
        [
            ((_FLATNESS + 1) / (_FLATNESS + 1 + place) + level) / 2
            for place, level in enumerate(_levels(part.scores))
        ]
    )
    # places tell all apart, so that the order stays
    return replace(part, scores=scores)


def _strongest_first(named: tuple[str, tuple[float, Evidence]]) -> tuple[float, str]:
    name, (gain, _) = named
    return -gain, name


def _add(part: Candidates, weight: float, said: dict[str, _Said], gains: dict[str, float]) -> None:
    levels = _levels(part.scores)
    for place, track in enumerate(part.track_ids):
        level = levels[place]
        gain = weight * ((_FLATNESS + 1) / (_FLATNESS + 1 + place) + level) / 2
        gains[track] = gains.get(track, 0.0) + gain
        by = said.setdefault(track, {})
        for name, evidence in zip(part.sources[place], part.evidence[place], strict=True):
            if name not in by or by[name][0] < gain:
                by[name] = (gain, evidence)
            gain *= 0.999  # a part that is a blend itself keeps the order of its sources


def _levels(scores: Sequence[float]) -> list[float]:
    """Each score between the lowest and the highest, 0 … 1; 0 where it is not finite."""
    finite = list(filter(math.isfinite, scores))
    # halves, since the span of two finite numbers need not be finite
    low, high = (min(finite) / 2, max(finite) / 2) if finite else (0.0, 0.0)
    span = high - low
    if len(finite) == len(scores) and span > 0:
        return [(score / 2 - low) / span for score in scores]
    top = [(score / 2 - low) / span if span > 0 else 1.0 for score in finite]
    found = iter(top)
    return [next(found) if math.isfinite(score) else 0.0 for score in scores]
