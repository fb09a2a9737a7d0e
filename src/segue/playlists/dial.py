"""The step behind `--adventurous`: from the familiar to the far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from segue.features.nearness import familiarity
from segue.music.candidates import Candidates
from segue.playlists.facts import Facts, sheet_of

__all__ = ["Dial", "by_any_of"]


def by_any_of(facts: Facts, artists: frozenset[str]) -> Callable[[Sequence[str]], list[bool]]:
    """Tells which of some tracks credit any of these artists, in normal form."""
    return lambda ids: [not artists.isdisjoint(facts[one].artist_keys) for one in ids]


def _nobody(track_ids: Sequence[str]) -> list[bool]:
    return [False] * len(track_ids)


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
        knows: Tells which of some tracks are by artists that the user has heard.
        favourites: Ids of tracks that stand for the user's taste, the facts of which are known;
            none: nearness does not count.
        reach: The most that familiarity can move a score; scores themselves are 0 … 1.
    """

    facts: Facts = field(repr=False)
    adventurous: float
    knows: Callable[[Sequence[str]], Sequence[bool]] = field(default=_nobody, repr=False)
    favourites: Sequence[str] = field(default=(), repr=False)
    reach: float = 0.8

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """The same candidates under scores that the dial moved."""
        lean = self.reach * (1 - 2 * self.adventurous)
        moved = [
            score + lean * (familiar - 0.5)
            for score, familiar in zip(
                candidates.scores, self.familiarity(candidates.track_ids), strict=True
            )
        ]
        return candidates.with_scores(moved)

    def familiarity(self, track_ids: Sequence[str]) -> list[float]:
        """How familiar each of the tracks is beside the others, 0 … 1."""
        both = sheet_of(self.facts, [*track_ids, *self.favourites])
        tracks = both.take(range(len(track_ids)))
        favourites = both.take(range(len(track_ids), len(both)))
        familiar: list[float] = familiarity(tracks, favourites, self.knows(track_ids)).tolist()
        return familiar
