"""The step behind `--adventurous`: from the familiar to the far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from segue.features.nearness import nearness_to, places_among
from segue.music.candidates import Candidates
from segue.playlists.facts import Facts, TrackFacts

__all__ = ["Dial"]

_GENRE, _SOUND = 0.4, 0.6


@dataclass(frozen=True, slots=True)
class Dial:
    """Moves weight between what a user would expect and what they would not.

    How familiar a track is, 0 … 1, is the mean of three: whether the user knows one of its
    artists, how popular it is among the candidates, and how near it is to the user's favourites.
    The score changes by reach × (1 − 2 × adventurous) × (familiarity − ½): at 0 the familiar gain,
    at 1 the far, at ½ nothing changes. Since the change is linear in the setting, the mean
    familiarity of the best tracks can only fall while it grows.

    Args:
        adventurous: 0 … 1.
        known_artists: Artists the user has heard, in normal form.
        favourites: Tracks that stand for the user's taste; none: nearness does not count.
        reach: The most that familiarity can move a score; scores themselves are 0 … 1.
    """

    facts: Facts = field(repr=False)
    adventurous: float
    known_artists: frozenset[str] = field(default=frozenset(), repr=False)
    favourites: Sequence[TrackFacts] = field(default=(), repr=False)
    reach: float = 0.8

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """The same candidates under scores that the dial moved."""
        tracks = [self.facts[track_id] for track_id in candidates.track_ids]
        lean = self.reach * (1 - 2 * self.adventurous)
        moved = [
            score + lean * (familiar - 0.5)
            for score, familiar in zip(candidates.scores, self.familiarity(tracks), strict=True)
        ]
        return candidates.with_scores(moved)

    def familiarity(self, tracks: Sequence[TrackFacts]) -> list[float]:
        """How familiar each of the tracks is beside the others, 0 … 1."""
        popular = popularity(tracks)
        near = places_among(_nearness(tracks, self.favourites))
        known = [not self.known_artists.isdisjoint(track.artist_keys) for track in tracks]
        return [sum(three) / 3 for three in zip(known, popular, near, strict=True)]


def popularity(tracks: Sequence[TrackFacts]) -> list[float]:
    """How popular each track is among these, 0 … 1: by catalogue, by crowd, or the mean of both."""
    by_catalogue = places_among([track.popularity for track in tracks])
    by_crowd = places_among(
        [float(track.listeners) if track.listeners else None for track in tracks]
    )
    return [
        (one + other) / 2
        if track.popularity is not None and track.listeners
        else (one if track.popularity is not None else other)
        for track, one, other in zip(tracks, by_catalogue, by_crowd, strict=True)
    ]


def _nearness(tracks: Sequence[TrackFacts], favourites: Sequence[TrackFacts]) -> list[float | None]:
    """Mean closeness to the favourites nearest to it, so that a wide taste has several homes."""
    if not favourites:
        return [None] * len(tracks)
    near = nearness_to(
        [(track.sound, track.genres) for track in tracks],
        [(other.sound, other.genres) for other in favourites],
        sound=_SOUND,
        genre=_GENRE,
        nearest=max(1, len(favourites) // 5),
    )
    return [
        mean if track.sound or track.genres else None
        for track, mean in zip(tracks, near, strict=True)
    ]
