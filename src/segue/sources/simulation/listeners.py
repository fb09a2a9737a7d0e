"""The simulated people: how they listen, what they like, and how that drifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.settings import HABITS, Habit, SimulationSettings
from segue.sources.simulation.world import World

__all__ = ["PERIOD_DAYS", "SLOTS", "Listener", "draw_listener", "planned_plays", "user_rng"]

SLOTS: Final = 8
"""Scenes that a listener is into at a time."""

PERIOD_DAYS: Final = 30
"""Taste drifts from one period of this length to the next."""

_CROWD_ODDS: Final = (0.36, 0.20, 0.20, 0.24, 0.0, 0.0)  # in the order of HABITS
_COUNTRIES: Final = (
    ("US", -6), ("GB", 0), ("DE", 1), ("BR", -3), ("MX", -6), ("FR", 1), ("ES", 1), ("SE", 1),
    ("NL", 1), ("PL", 1), ("JP", 9), ("KR", 9), ("AU", 10), ("CA", -5), ("IN", 5), ("NG", 1),
)  # fmt: skip
_COUNTRY_ODDS: Final = np.array([22, 9, 9, 8, 7, 7, 5, 4, 4, 4, 4, 3, 4, 5, 3, 2.0])


@dataclass(frozen=True, slots=True)
class Listener:
    """One person; every number is drawn around what is typical of the habit.

    Args:
        index: Number of the user, from 0. user_id: its name in every file.
        habit: Kind of listener. country: ISO code. utc_offset_h: local time, hours east.
        plays: Streams that are planned, before those that come to nothing.
        novelty: Chance that a free choice is something never heard, 0 … 1.
        keeps: Chance that something newly heard is ever thought of again, 0 … 1.
        swings: How much novelty differs from session to session, on the logistic scale.
        memory: Shares of choices by exponential recency, by power law, and by all of the past.
        recent_plays: Scale of the exponential recency, in plays.
        decay: Exponent of the power law: chance of an old play to be repeated is age ** -decay.
        past_tracks, past_plays, past_slope: The time before the simulation: so many tracks known,
            so many plays of them, with Zipf exponent past_slope.
        boredom: How much a recent play lowers the wish for the same track; boredom_days: until
            that has worn off to a third.
        fatigue: The same for all plays of the last weeks: what was played to death rests.
        spacing: Plays before the same track may come again in one session.
        loop: Chance to play the same track again at once.
        album, artist: Shares of stretches that follow an album, or an artist.
        stretch: Mean length of a stretch of one mind, in plays.
        session: Mean length of a session, in plays.
        impatience: Logit of the chance to skip a track of middling affinity.
        pickiness: How strongly affinity decides what is chosen.
        mainstream: Share of discoveries drawn by popularity rather than off the beaten track.
        wander: Share of discoveries from outside the listener's own scenes.
        mood: Where between calm and lively the listener is at home, 0 … 1.
        scenes: Scene of each period and slot, int16, shape (n_periods, SLOTS).
        shares: Weight of each, float32, same shape, rows sum to 1.
        key: A private number that fixes which tracks the listener happens to like.
    """

    index: int
    user_id: str
    habit: Habit
    country: str
    utc_offset_h: int
    plays: int
    novelty: float
    keeps: float
    swings: float
    memory: tuple[float, float, float]
    recent_plays: float
    decay: float
    past_tracks: int
    past_plays: int
    past_slope: float
    boredom: float
    boredom_days: float
    fatigue: float
    spacing: int
    loop: float
    album: float
    artist: float
    stretch: float
    session: float
    impatience: float
    pickiness: float
    mainstream: float
    wander: float
    mood: float
    scenes: npt.NDArray[np.int16]
    shares: npt.NDArray[np.float32]
    key: int


@dataclass(frozen=True, slots=True)
class _Typical:
    """The middle of each parameter for one habit."""

    novelty: float
    memory: tuple[float, float, float]
    recent_days: float
    decay: float
    past_tracks: int
    past_plays: float  # for each past track
    past_slope: float
    boredom: float
    boredom_days: float
    fatigue: float
    spacing: int
    loop: float
    album: float
    artist: float
    mainstream: float
    wander: float
    keeps: float = 1.0
    swings: float = 0.8
    pickiness: float = 0.5


_TYPICAL: Final[dict[Habit, _Typical]] = {
    "mixed": _Typical(
        novelty=0.21, memory=(0.25, 0.40, 0.35), recent_days=5, decay=0.7, past_tracks=220,
        past_plays=8, past_slope=1.0, boredom=0.25, boredom_days=1.5, fatigue=0.05, spacing=1000,
        loop=0.004, album=0.14, artist=0.12, mainstream=0.5, wander=0.20,
    ),
    "binger": _Typical(
        novelty=0.18, memory=(0.96, 0.035, 0.005), recent_days=4, decay=0.8, past_tracks=120,
        past_plays=3, past_slope=0.7, boredom=0.02, boredom_days=0.3, fatigue=0.12, spacing=7,
        loop=0.05, album=0.22, artist=0.20, mainstream=0.6, wander=0.2,
    ),
    "loyalist": _Typical(
        novelty=0.25, memory=(0.002, 0.008, 0.99), recent_days=10, decay=0.3, past_tracks=1500,
        past_plays=20, past_slope=0.9, boredom=3.0, boredom_days=6.0, fatigue=0.02, spacing=1000,
        loop=0.0, album=0.06, artist=0.06, mainstream=0.6, wander=0.25,
    ),
    "explorer": _Typical(
        novelty=0.34, memory=(0.30, 0.50, 0.20), recent_days=6, decay=0.8, past_tracks=300,
        past_plays=4, past_slope=0.9, boredom=0.4, boredom_days=2.0, fatigue=0.03, spacing=1000,
        loop=0.002, album=0.22, artist=0.10, mainstream=0.25, wander=0.35,
    ),
    "rotator": _Typical(
        novelty=0.38, memory=(0.35, 0.02, 0.63), recent_days=33, decay=0.4, past_tracks=48,
        past_plays=7.8, past_slope=0.28, boredom=3.0, boredom_days=8.4, fatigue=0.028, spacing=60,
        loop=0.0, album=0.17, artist=0.12, mainstream=0.5, wander=0.39, keeps=0.6, swings=1.85,
        pickiness=4.4,
    ),
    "regular": _Typical(
        novelty=0.353, memory=(0.808, 0.19, 0.002), recent_days=7.3, decay=0.86, past_tracks=37,
        past_plays=6.1, past_slope=1.0, boredom=0.23, boredom_days=4.1, fatigue=0.033, spacing=60,
        loop=0.0, album=0.06, artist=0.07, mainstream=0.5, wander=0.38, keeps=0.025, swings=2.2,
        pickiness=0.39,
    ),
}  # fmt: skip


def user_rng(seed: int, index: int) -> np.random.Generator:
    """The generator of one user: nobody else's draws, nor their order, can change it."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0x115, index])))


def planned_plays(settings: SimulationSettings) -> npt.NDArray[np.int64]:
    """Streams planned for each user, int64, shape (users,): few listen a lot, most less."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([settings.seed, 0x91A])))
    spread = 0.75
    drawn = np.exp(spread * rng.standard_normal(settings.users) - spread**2 / 2)
    plays = settings.plays_per_user * np.clip(drawn, 0.03, 8.0)
    plays[: settings.histories] = settings.history_plays
    return np.asarray(np.maximum(10, np.rint(plays)), np.int64)


def draw_listener(
    index: int, plays: int, *, settings: SimulationSettings, world: World, rng: np.random.Generator
) -> Listener:
    """Draw one person.

    Args:
        index: Number of the user.
        plays: Streams or plays wanted; what will be lost on the way is added here.
    """
    own = index < settings.histories
    drawn_habit = HABITS[int(np.searchsorted(np.cumsum(_CROWD_ODDS), rng.random()))]
    habit = settings.habits[index % len(settings.habits)] if own else drawn_habit
    typical = _TYPICAL[habit]
    z = rng.standard_normal(16)
    country, offset = _COUNTRIES[
        int(np.searchsorted(np.cumsum(_COUNTRY_ODDS / _COUNTRY_ODDS.sum()), rng.random()))
    ]
    active = min(1.5, (plays / 1500) ** 0.5)  # who listens little knows less
    past_tracks = max(15, int(typical.past_tracks * active * np.exp(0.3 * z[0])))
    scenes, shares = _taste(settings, world, habit, rng)
    weights = np.array(typical.memory) * np.exp(0.25 * z[1:4])
    weights /= weights.sum()
    loss = _LOSS_EXPORT[habit] if own else _LOSS_CROWD[habit]
    recent_days = typical.recent_days * float(np.exp(0.25 * z[5]))
    return Listener(
        index=index,
        user_id=f"user_{index:06d}",
        habit=habit,
        country=country,
        utc_offset_h=offset,
        plays=int(plays * loss),
        novelty=_bent(typical.novelty, 0.25 * z[4]),
        keeps=typical.keeps,
        swings=typical.swings,
        memory=(float(weights[0]), float(weights[1]), float(weights[2])),
        recent_plays=max(20.0, recent_days * plays / settings.days),
        decay=float(np.clip(typical.decay + 0.1 * z[6], 0.05, 1.6)),
        past_tracks=past_tracks,
        past_plays=int(past_tracks * typical.past_plays),
        past_slope=typical.past_slope,
        boredom=typical.boredom * float(np.exp(0.2 * z[7])),
        boredom_days=typical.boredom_days,
        fatigue=typical.fatigue * float(np.exp(0.3 * z[7])),
        spacing=typical.spacing,
        loop=typical.loop * float(np.exp(0.4 * z[8])),
        album=_bent(typical.album, 0.4 * z[9]),
        artist=_bent(typical.artist, 0.4 * z[10]),
        stretch=4.0 + 5.0 * float(rng.random()),
        session=float(np.clip(11 * np.exp(0.30 * z[11]) * active**0.3, 4, 40)),
        impatience=-0.8 + 0.45 * float(z[12]),
        pickiness=typical.pickiness * (0.7 + 0.6 * float(rng.random())),
        mainstream=_bent(typical.mainstream, 0.5 * z[13]),
        wander=_bent(typical.wander, 0.4 * z[15]),
        mood=float(np.clip(0.5 + 0.17 * z[14], 0.1, 0.9)),
        scenes=scenes,
        shares=shares,
        key=int(rng.integers(0, 2**62)),
    )


_LOSS_EXPORT: Final[dict[Habit, float]] = {
    "mixed": 1.25,
    "binger": 1.16,
    "loyalist": 1.18,
    "explorer": 1.15,
    "rotator": 1.25,
    "regular": 1.25,
}
_LOSS_CROWD: Final[dict[Habit, float]] = {
    "mixed": 1.48,
    "binger": 1.38,
    "loyalist": 1.38,
    "explorer": 1.36,
    "rotator": 1.45,
    "regular": 1.45,
}
"""Planned over written: repeats that come too soon and, for the crowd, skips are not written."""


def _bent(share: float, shift: float) -> float:
    """A share moved by a normal deviate on the logistic scale."""
    return float(1 / (1 + (1 / share - 1) * np.exp(-shift)))


_DRIFT: Final[dict[Habit, tuple[float, float]]] = {
    "mixed": (0.02, 0.18),
    "binger": (0.04, 0.30),
    "loyalist": (0.004, 0.06),
    "explorer": (0.04, 0.25),
    "rotator": (0.02, 0.18),
    "regular": (0.02, 0.18),
}
"""Chance that a scene is left for another in a period, and how far its share walks."""


def _taste(
    settings: SimulationSettings, world: World, habit: Habit, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Scenes and their shares for each period: a slow random walk with some sudden changes."""
    periods = settings.days // PERIOD_DAYS + 1
    jump, walk = _DRIFT[habit]
    leaves = rng.random((periods, SLOTS)) < jump
    leaves[0] = True
    scenes = np.zeros((periods, SLOTS), np.int16)
    scenes[leaves] = _scenes_near(world, int(leaves.sum()), rng)
    held = np.maximum.accumulate(np.where(leaves, np.arange(periods)[:, None], 0), axis=0)
    scenes = np.take_along_axis(scenes, held, axis=0)
    steps = walk * rng.standard_normal((periods, SLOTS))
    steps[0] = np.log(rng.gamma(1.0, 1.0, SLOTS) + 0.01)
    level = np.clip(np.cumsum(steps, axis=0), -6, 4)
    shares = np.exp(level)
    return scenes, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _scenes_near(world: World, n: int, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Scenes around one anchor, with some from anywhere; the first ones are all different.

    Drawing without replacement by adding Gumbel noise (Efraimidis and Spirakis, 2006, "Weighted
    random sampling with a reservoir").
    """
    weight = np.log(world.scene_weight) * 0.7  # large scenes are many circles, not one
    anchor = int(np.argmax(weight + rng.gumbel(size=len(weight))))
    apart = np.square(world.scene_place - world.scene_place[anchor]).sum(axis=1)
    near = weight - apart / 2.5
    near[anchor] += 2.0
    order = np.argsort(-(near + rng.gumbel(size=len(near))), kind="stable")
    far = np.argsort(-(weight + rng.gumbel(size=len(weight))), kind="stable")
    chosen = np.where(rng.random(len(order)) < 0.2, far, order)
    return chosen[np.arange(n) % len(chosen)].astype(np.int16)
