"""Tracks on their way into a playlist, with scores and the evidence for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import TypeVar

__all__ = ["Candidates", "Evidence", "joined"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts that put a track among the candidates; a reason sentence is made of them only.

    Args:
        kind: What sort of evidence it is, one of
            "rediscovered"  you played it often, and not for long (plays, finishes, month, last_at)
            "favourite"     you play it a lot these days (plays, days = window, last_at)
            "saved"         you saved it and hardly played it (plays)
            "close"         it sounds like other_id (features = the nearest ones, genres shared)
            "after"         it is played next to other_id in sessions (listeners = sessions)
            "like_you"      people who play other_id (or its artist) play it (listeners)
            "liked"         you said that you like it (last_at = when)
            "popular"       it is popular (plays or listeners, window days; genre if within one)
            "alike"         a service calls it like other_id (service)
            "like_artist"   a service calls its artist like that of other_id (service)
            "told"          a service recommends it to you (service)
            "artist"        an artist you know, a track you do not (plays = of the artist, artist)
        other_id: The track it is near, after or from; always one the user knows or gave as seed.
        plays, finishes, skips: Counts of the user.
        listeners: Counts of others.
        days: A window or a gap in days.
        month: First day of the month that holds at least half of the plays, if one does.
        last_at: The last time the user played it.
        features: Audio features in which the two tracks are nearest, nearest first.
        genres: Genres the two tracks share.
        artist: The artist the evidence is about, if not the track's own.
        liked: Whether the user said that they like other_id.
        service: Who says so, such as “ListenBrainz”.
    """

    kind: str
    other_id: str | None = None
    plays: int | None = None
    finishes: int | None = None
    skips: int | None = None
    listeners: int | None = None
    days: int | None = None
    month: datetime | None = None
    last_at: datetime | None = None
    features: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    artist: str | None = None
    liked: bool = False
    service: str | None = None

    def of_other(self, *, plays: int | None, liked: bool) -> Evidence:
        """The same with what the user did with `other_id`."""
        return Evidence(  # written out: `replace` asks for every field by its name
            self.kind,
            self.other_id,
            plays,
            self.finishes,
            self.skips,
            self.listeners,
            self.days,
            self.month,
            self.last_at,
            self.features,
            self.genres,
            self.artist,
            liked,
            self.service,
        )


@dataclass(frozen=True, slots=True)
class Candidates:
    """Immutable, ordered: best first.

    Args:
        track_ids: One id a candidate, no id twice.
        scores: Higher is better; comparable within one `Candidates` only.
        sources: Recommender names that proposed each track, strongest first.
        evidence: Evidence for each track, one for each of its sources, in the same order.
    """

    track_ids: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    sources: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[tuple[Evidence, ...], ...] = ()

    def __post_init__(self) -> None:
        sizes = {len(self.track_ids), len(self.scores), len(self.sources), len(self.evidence)}
        if len(sizes) != 1:
            raise ValueError(f"candidates: columns of different lengths {sizes}")

    def __len__(self) -> int:
        return len(self.track_ids)

    def take(self, rows: Iterable[int]) -> Candidates:
        """The candidates at these positions, in this order."""
        order = list(rows)
        if len(order) == len(self.track_ids) and order == list(range(len(order))):
            return self
        return Candidates(
            track_ids=_at(self.track_ids, order),
            scores=_at(self.scores, order),
            sources=_at(self.sources, order),
            evidence=_at(self.evidence, order),
        )

    def with_scores(self, scores: Sequence[float]) -> Candidates:
        """The same candidates under new scores, best first; ties go by track_id."""
        if len(scores) != len(self):
            raise ValueError("candidates: one score for each is wanted")
        falling = [-score for score in scores]
        order = sorted(range(len(self)), key=falling.__getitem__)
        if len(set(falling)) < len(falling):
            keys = list(zip(falling, self.track_ids, strict=True))
            order = sorted(range(len(self)), key=keys.__getitem__)
        taken = self.take(order)
        return Candidates(
            taken.track_ids, tuple(scores[i] for i in order), taken.sources, taken.evidence
        )


def _at(values: tuple[_T, ...], places: Sequence[int]) -> tuple[_T, ...]:
    """The values at some places; itemgetter does so without a loop in Python."""
    if len(places) < 2:
        return tuple(values[place] for place in places)
    found: tuple[_T, ...] = itemgetter(*places)(values)
    return found


def joined(first: Candidates, second: Candidates) -> Candidates:
    """One after the other; they have no track in common."""
    return Candidates(
        first.track_ids + second.track_ids,
        first.scores + second.scores,
        first.sources + second.sources,
        first.evidence + second.evidence,
    )
