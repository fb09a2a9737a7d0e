"""A block of listeners laid out as flat arrays: their sessions, rows and random draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.listeners import (
    PERIOD_DAYS,
    Listener,
    draw_listener,
    user_rng,
)
from segue.sources.simulation.schedule import Schedule, draw_schedule
from segue.sources.simulation.settings import SimulationSettings
from segue.sources.simulation.world import World

__all__ = ["ALBUM", "ARTIST", "FRESH", "LOOP", "REPEAT", "Block", "Draw", "draw_block"]

REPEAT, FRESH, ALBUM, ARTIST, LOOP = range(5)
"""What a row is: a choice from memory, a discovery, a stretch that goes on, the same again."""

_STEPS_CROWD: Final = 200
_STEPS_EXPORT: Final = 1500
_DAY_S: Final = 86_400

Reals = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]


class Draw:
    """Rows of the table of uniform draws; a row may serve two purposes that exclude each other."""

    BREAK = 0
    MODE = 1
    KIND = 2
    LAG = (3, 4, 5)
    NOISE = (6, 7, 8)
    SLOT = 9
    JITTER = 10
    PLACE = (11, 12, 13)
    SKIP = 14
    HEARD = 15
    GAP = 16
    LOOP = 17
    MISC = 18
    COUNT = 19


@dataclass(frozen=True, slots=True)
class Block:
    """Listeners and the rows (streams to come) of all of them, each listener's in order of time.

    Args:
        listeners: The people of the block.
        row_bounds: Listener u has rows row_bounds[u] to row_bounds[u + 1], int64.
        session_bounds: Its sessions, likewise, numbered through the block.
        session_start_s, session_restless: As in the schedules, end to end.
        user: Listener of each row, 0 is the first of the block, int32.
        session: Session of each row, int32.
        step: Rows of one step are chosen at once, from what was heard in the steps before, int16.
        kind: REPEAT, FRESH, ALBUM, ARTIST or LOOP, int8.
        head: Row that began the stretch, or, for a LOOP, the row that is played again, int64.
        day: Days since the simulation began, float32. mood: of the session, float32.
        period: Row of `taste_scenes` and `taste_shares`.
        draws: Uniform numbers, float32, shape (Draw.COUNT, n_rows).
        past_bounds: Tracks known from before: those of u are past_bounds[u] to …[u + 1].
        past_draws: Uniform numbers for them, float32, shape (8, n_past).
        past_play_bounds, past_play_draws: Plays before the simulation, float32, (n_past_plays,).
    """

    listeners: Sequence[Listener]
    row_bounds: Longs
    session_bounds: Longs
    session_start_s: Longs
    session_restless: Reals
    user: Ints
    session: Ints
    step: npt.NDArray[np.int16]
    kind: npt.NDArray[np.int8]
    head: Longs
    day: Reals
    mood: Reals
    period: Longs
    period_bounds: Longs
    taste_scenes: npt.NDArray[np.int16]
    taste_shares: Reals
    draws: Reals
    past_bounds: Longs
    past_draws: Reals
    past_play_bounds: Longs
    past_play_draws: Reals

    @property
    def n_rows(self) -> int:
        """Streams to come, in all."""
        return len(self.user)

    def of_listeners(self, name: str) -> Reals:
        """One parameter of every listener, float32."""
        return np.array([getattr(person, name) for person in self.listeners], np.float32)


def draw_block(
    indexes: Sequence[int], plays: Longs, *, settings: SimulationSettings, world: World
) -> Block:
    """Draw the people with these numbers, with all the chance they will ever need."""
    people: list[Listener] = []
    schedules: list[Schedule] = []
    rows, pasts, past_plays = [], [], []
    for index in indexes:
        rng = user_rng(settings.seed, index)
        person = draw_listener(index, int(plays[index]), settings=settings, world=world, rng=rng)
        people.append(person)
        schedules.append(draw_schedule(person, settings, rng))
        rows.append(rng.random((Draw.COUNT, person.plays), dtype=np.float32))
        pasts.append(rng.random((8, person.past_tracks), dtype=np.float32))
        past_plays.append(rng.random(person.past_plays, dtype=np.float32))
    return _lay_out(people, schedules, settings, draws=(rows, pasts, past_plays))


def _bounds(sizes: Sequence[int] | Longs) -> Longs:
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))])


def _lay_out(
    people: list[Listener],
    schedules: list[Schedule],
    settings: SimulationSettings,
    *,
    draws: tuple[list[Reals], list[Reals], list[Reals]],
) -> Block:
    rows = np.concatenate(draws[0], axis=1)
    row_bounds = _bounds([person.plays for person in people])
    session_bounds = _bounds([len(schedule.length) for schedule in schedules])
    start_s = np.concatenate([schedule.start_s for schedule in schedules])
    length = np.concatenate([schedule.length for schedule in schedules])
    session = np.repeat(np.arange(len(length), dtype=np.int32), length)
    user = np.repeat(np.arange(len(people), dtype=np.int32), np.diff(row_bounds))
    openness = np.concatenate([schedule.openness for schedule in schedules])[session]
    kind, head = _stretches(people, user, session, openness, rows)
    first_s = (settings.end_s // _DAY_S - settings.days) * _DAY_S
    day = ((start_s - first_s) / _DAY_S).astype(np.float32)
    periods = _bounds([len(person.shares) for person in people])
    last = np.diff(periods)[user] - 1
    period = periods[user] + np.clip(day[session].astype(np.int64) // PERIOD_DAYS, 0, last)
    return Block(
        listeners=people,
        row_bounds=row_bounds,
        session_bounds=session_bounds,
        session_start_s=start_s,
        session_restless=np.concatenate([schedule.restless for schedule in schedules]),
        user=user,
        session=session,
        step=_steps(people, settings, session_bounds)[session],
        kind=kind,
        head=head,
        day=day[session],
        mood=np.concatenate([schedule.mood for schedule in schedules])[session],
        period=period,
        period_bounds=periods,
        taste_scenes=np.concatenate([person.scenes for person in people]),
        taste_shares=np.concatenate([person.shares for person in people]),
        draws=rows,
        past_bounds=_bounds([person.past_tracks for person in people]),
        past_draws=np.concatenate(draws[1], axis=1),
        past_play_bounds=_bounds([person.past_plays for person in people]),
        past_play_draws=np.concatenate(draws[2]),
    )


def _steps(
    people: Sequence[Listener], settings: SimulationSettings, session_bounds: Longs
) -> npt.NDArray[np.int16]:
    """The step of each session: one each, or several sessions a step for who has very many."""
    steps = np.empty(int(session_bounds[-1]), np.int16)
    for u, person in enumerate(people):
        first, last = int(session_bounds[u]), int(session_bounds[u + 1])
        n = last - first
        most = _STEPS_EXPORT if person.index < settings.histories else _STEPS_CROWD
        steps[first:last] = np.arange(n) * min(n, most) // n
    return steps


def _stretches(
    people: Sequence[Listener], user: Ints, session: Ints, openness: Reals, draws: Reals
) -> tuple[npt.NDArray[np.int8], Longs]:
    """What each row is, and the row it follows from."""

    def each(name: str) -> Reals:
        return np.array([getattr(person, name) for person in people], np.float32)[user]

    rows = np.arange(len(user))
    starts = np.concatenate([[True], session[1:] != session[:-1]])
    begins = starts | (draws[Draw.BREAK] < 1 / each("stretch"))
    head = np.maximum.accumulate(np.where(begins, rows, 0))
    mode = draws[Draw.MODE][head]
    album, artist = each("album"), each("artist")
    novelty = 1 / (1 + (1 / each("novelty") - 1) * np.exp(-openness))
    kind = np.where(draws[Draw.KIND] < novelty, FRESH, REPEAT).astype(np.int8)
    goes_on = ~begins
    kind[goes_on & (mode < album)] = ALBUM
    kind[goes_on & (mode >= album) & (mode < album + artist)] = ARTIST
    loop = (draws[Draw.LOOP] < each("loop")) & goes_on
    kind[loop] = LOOP
    before = np.maximum.accumulate(np.where(loop, 0, rows))
    return kind, np.where(loop, before, head)
