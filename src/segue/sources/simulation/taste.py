"""What listeners would like: affinity to tracks, and discoveries drawn from scenes and moods."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.block import Block
from segue.sources.simulation.identifiers import uniform_hash
from segue.sources.simulation.listeners import SLOTS
from segue.sources.simulation.world import MOODS, World

__all__ = ["Taste", "power_law"]

Reals = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]

_UNRELEASED: Final = np.float32(100.0)
_LOST: Final = np.float32(30.0)


class Taste:
    """Affinity and discovery for the listeners of one block.

    Affinity is about standard normal over what a listener meets: half scene, half chance that
    belongs to this listener and this track for ever, some quality, some mood.
    """

    def __init__(self, world: World, block: Block, first_day: int) -> None:
        self._world = world
        self._block = block
        self._first_day = first_day
        self._key = np.array([person.key for person in block.listeners], np.uint64)
        self._mood = block.of_listeners("mood")
        self._keeps = block.of_listeners("keeps")
        self._mainstream = block.of_listeners("mainstream")
        self._wander = block.of_listeners("wander")
        self._anywhere = np.cumsum(world.scene_weight)
        self._scene_of = world.scene_of
        self._day_of = world.discography.track_day

    def affinity(self, user: Ints, period: Longs, track: Ints) -> Reals:
        """How much each user likes each track, float32, shape of `track` (1-d)."""
        scene = self._scene_of[track]
        share = np.zeros(len(track), np.float32)
        for slot in range(SLOTS):
            here = self._block.taste_scenes[period, slot] == scene
            share += np.where(here, self._block.taste_shares[period, slot], np.float32(0))
        luck = uniform_hash(self._key[user] ^ (track.astype(np.uint64) << np.uint64(20)))
        chance = np.float32(0.42) * np.log(luck / (1 - luck))
        mood = 0.5 - 1.4 * np.abs(self._world.mood[track] - self._mood[user])
        fit = 1.2 * np.minimum(1.0, 2.5 * share) - 0.6
        return np.asarray(fit + chance + 0.22 * self._world.quality[track] + 0.5 * mood, np.float32)

    def lost(self, user: Ints, track: Ints) -> Reals:
        """What keeps a once heard track from being thought of again, float32: 0 for most."""
        luck = uniform_hash(~self._key[user] ^ (track.astype(np.uint64) << np.uint64(20)))
        return np.where(luck < self._keeps[user], np.float32(0), _LOST)

    def released(self, track: Ints, day: Reals) -> npt.NDArray[np.bool_]:
        """Whether each track was out on that day of the simulation."""
        return np.asarray(self._day_of[track] <= day.astype(np.int64) + self._first_day)

    def discover(self, user: Ints, period: Longs, day: Reals, *, mood: Reals, draws: Reals) -> Ints:
        """Tracks that each user might come across now, those likely to please first.

        Args:
            draws: Uniform, shape (6, n): scene, mood, popular or niche, and three places.

        Returns:
            int32, shape (3, n).
        """
        scene = self._scene(user, period, draws[0])
        cells = self._world.cells
        part = np.clip(mood + 0.5 * (draws[1] - 0.5), 0.0, 0.999) * MOODS
        cell = scene.astype(np.int64) * MOODS + part.astype(np.int64)
        low, high = cells.bounds[cell], cells.bounds[cell + 1]
        whole = low == high  # a small scene may lack a mood: then all of it will do
        low = np.where(whole, cells.bounds[scene * MOODS], low)
        high = np.where(whole, cells.bounds[(scene + 1) * MOODS], high)
        popular = draws[2] < self._mainstream[user]
        tracks = [_draw(cells.order, *self._sums(popular), low, high, place) for place in draws[3:]]
        worth = [
            self.affinity(user, period, track)
            - np.where(self.released(track, day), np.float32(0), _UNRELEASED)
            for track in tracks
        ]
        order = np.argsort(-np.stack(worth), axis=0, kind="stable")
        return np.take_along_axis(np.stack(tracks), order, axis=0)

    def _sums(
        self, popular: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return popular, self._world.cells.popular, self._world.cells.niche

    def _scene(self, user: Ints, period: Longs, draw: Reals) -> Longs:
        """A scene of the listener's, by its share in that period; now and then any scene."""
        wander = self._wander[user]
        home = (draw - wander) / (1 - wander)
        running = np.cumsum(self._block.taste_shares, axis=1)
        slot = np.zeros(len(draw), np.int64)
        for column in range(SLOTS - 1):
            slot += home > running[period, column]
        scene = self._block.taste_scenes[period, slot].astype(np.int64)
        anywhere = np.searchsorted(self._anywhere, draw / wander)
        return np.where(home < 0, np.minimum(anywhere, len(self._anywhere) - 1), scene)


def _draw(
    order: Ints,
    popular: npt.NDArray[np.bool_],
    by_weight: npt.NDArray[np.float64],
    by_root: npt.NDArray[np.float64],
    low: Longs,
    high: Longs,
    place: Reals,
) -> Ints:
    """One track from each range of positions, by weight or by its square root."""
    found = np.empty(len(low), np.int64)
    for mask, sums in ((popular, by_weight), (~popular, by_root)):
        first, last = low[mask], high[mask]
        target = sums[first] + place[mask] * (sums[last] - sums[first])
        found[mask] = np.clip(np.searchsorted(sums, target, side="right") - 1, first, last - 1)
    return order[found]


def power_law(draw: Reals, upper: Reals, exponent: Reals) -> Reals:
    """Numbers from 1 to `upper` with density x ** -exponent, by inversion; exponent is not 1."""
    rest = 1 - exponent
    top = np.power(upper.astype(np.float64) + 1, rest)
    return np.asarray(
        np.minimum(np.power((top - 1) * draw + 1, 1 / rest), upper.astype(np.float64)),
        np.float64,
    ).astype(np.float32)
