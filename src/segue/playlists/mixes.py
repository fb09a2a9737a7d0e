"""The four sorts of playlist: which recommenders each listens to, and what may be in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from segue.music.query import Mix

__all__ = ["KNOWN_FROM", "Known", "Part", "parts_of"]

Known = Literal["out", "only", "any"]

KNOWN_FROM: Final = 0.5
"""From this setting of the dial on, "similar" leaves out tracks that the user knows."""

_NEWNESS: Final = 1.5
_NEARBY: Final = {"als": 1.0, "session_knn": 1.0, "content": 0.5}
_AROUND: Final = {"content": 1.0, "session_knn": 1.0, "als": 0.7}
_FORGOTTEN: Final = {"rediscover": 1.0}
_FAMILIAR: Final = {"repeats": 1.0, "rediscover": 0.2}
_RANKED: Final = "hybrid"
_OURS: Final = {_RANKED, "popular", "most_played", *_NEARBY, *_AROUND, *_FORGOTTEN, *_FAMILIAR}


@dataclass(frozen=True, slots=True)
class Part:
    """One share of a playlist: the tracks that come about in one way.

    Args:
        mix: The mix that recommenders are asked for.
        weights: Recommender -> weight in the blend.
        others: Weight of recommenders that no mix knows: plug-ins.
        fallback: Recommenders to fall back on, in order, while there are too few tracks.
        known: Tracks that the user knows are left "out", are the "only" ones, or "any" may be in.
        share: Share of the playlist, 0 … 1.
        loved: Only what was played often and not for long.
        habit: What the user plays these days anyway.
        ranked: Where there is a second stage that asks all recommenders itself, it alone is asked.
        led: Whether a recommender elsewhere that leads is asked before all others.
    """

    mix: Mix
    weights: Mapping[str, float]
    known: Known
    others: float = 0.0
    fallback: tuple[str, ...] = ()
    share: float = 1.0
    loved: bool = False
    habit: bool = False
    ranked: bool = False
    led: bool = False

    def weights_among(self, recommenders: Collection[str]) -> dict[str, float]:
        """How much the word of each of these counts."""
        if self.ranked and _RANKED in recommenders:
            return {_RANKED: 1.0}
        return {name: self.weight(name) for name in recommenders}

    def alone(self, recommender: str) -> Part:
        """The same part with one recommender's word only."""
        return replace(
            self, weights={recommender: 1.0}, others=0.0, fallback=(), ranked=False, led=False
        )

    def weight(self, recommender: str) -> float:
        """How much a recommender's word counts, 0 or more."""
        if recommender in self.fallback:
            return 0.0
        return self.weights.get(recommender, 0.0 if recommender in _OURS else self.others)


def parts_of(mix: Mix, adventurous: float) -> tuple[Part, ...]:
    """What a mix is made of.

    discover    only what the user does not know; popular tracks where nothing else is known
    rediscover  only what the user loved once and has not played for long
    daily       favourites, and more discoveries the higher the dial: a sixth of all at 0.3, as
                in real listening, none at 0 and all at 1
    similar     around the seeds; what the user knows is welcome on the near half of the dial

    Args:
        adventurous: 0 … 1, the dial.
    """
    discoveries = Part(
        "discover", _NEARBY, "out", others=0.5, fallback=("popular",), ranked=True, led=True
    )
    if mix == "discover":
        return (discoveries,)
    if mix == "rediscover":
        return (Part(mix, _FORGOTTEN, "only", loved=True),)
    if mix == "similar":
        known: Known = "any" if adventurous < KNOWN_FROM else "out"
        return (Part(mix, _AROUND, known, others=0.5, led=True),)
    new = replace(discoveries, share=adventurous**_NEWNESS)
    favourites = Part(mix, _FAMILIAR, "only", share=1 - new.share, habit=True, ranked=True)
    return (favourites, new)
