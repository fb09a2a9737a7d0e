"""How tracks are chosen: from memory, by recency and habit, or newly found.

A choice from memory copies one of the listener's earlier plays, so what was played often and
lately is played again. Copying a play of age a (in plays) with probability proportional to
a ** -d is choice by the base-level activation of ACT-R, the sum of age ** -d over all earlier
plays (Anderson and Schooler, 1991, "Reflections of the environment in memory"); copying any
earlier play with equal chance gives Simon's rich-get-richer process (Simon, 1955, "On a class of
skew distribution functions"). A listener mixes both with an exponentially fading recency. Three
copies are drawn, and the one that fits best (affinity, mood, not yet worn out) is played.

Listeners of a block walk in step: step s of everybody is one round of array operations. Nothing
that one listener does depends on another, so the result does not depend on the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.block import ALBUM, ARTIST, FRESH, LOOP, REPEAT, Block, Draw
from segue.sources.simulation.taste import Taste, power_law
from segue.sources.simulation.world import World

__all__ = ["Choices", "choose"]

Reals = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]

_COHERENCE = np.float32(1.3)  # how much a session's mood weighs against affinity
_REST = np.float32(1 / 45)  # a track that was worn out is fresh again after some such days


@dataclass(frozen=True, slots=True)
class Choices:
    """What each row plays.

    Args:
        track: int32. known: earlier plays of the track by the listener, int32.
        affinity: float32. available: whether the track was out by then.
    """

    track: Ints
    known: Ints
    affinity: Reals
    available: npt.NDArray[np.bool_]


class _Memory:
    """What the listeners of a block have heard: one entry a track, and the plays in order.

    Entry and play ranges of a listener begin with those from before the simulation; row r owns
    the entry that it would make if it is a discovery.
    """

    def __init__(self, block: Block) -> None:
        n_past, n_past_plays = np.diff(block.past_bounds), np.diff(block.past_play_bounds)
        rows = np.arange(block.n_rows)
        self.past_entry = np.arange(block.past_bounds[-1]) + np.repeat(
            block.row_bounds[:-1], n_past
        )
        self.own_entry = rows + block.past_bounds[1:][block.user]
        self.past_play = np.arange(block.past_play_bounds[-1]) + np.repeat(
            block.row_bounds[:-1], n_past_plays
        )
        self.own_play = rows + block.past_play_bounds[1:][block.user]
        self.first_play = (block.row_bounds + block.past_play_bounds)[:-1]
        n = int(block.past_bounds[-1]) + block.n_rows
        self.track = np.zeros(n, np.int32)
        self.affinity = np.zeros(n, np.float32)
        self.mood = np.zeros(n, np.float32)
        self.count = np.zeros(n, np.int32)
        self.heat = np.zeros(n, np.float32)
        self.wear = np.zeros(n, np.float32)
        self.heard_day = np.zeros(n, np.float32)
        self.lost = np.zeros(n, np.float32)
        self.plays = np.zeros(int(block.past_play_bounds[-1]) + block.n_rows, np.int64)
        self._open_table(np.diff(block.row_bounds) + n_past)

    def _open_table(self, sizes: Longs) -> None:
        """A table from (listener, track) to entry that may forget, but never mistakes."""
        bits = np.ceil(np.log2(4.0 * sizes + 64)).astype(np.int64)
        self._shift = (32 - bits).astype(np.uint32)
        self._first = np.concatenate([[0], np.cumsum(1 << bits)[:-1]])
        self._entry = np.full(int((1 << bits).sum()), -1, np.int64)

    def _slot(self, user: Ints, track: Ints) -> Longs:
        with np.errstate(over="ignore"):
            mixed = (track.astype(np.uint32) + np.uint32(1)) * np.uint32(2654435761)
        return np.asarray(self._first[user] + (mixed >> self._shift[user]))

    def find(self, user: Ints, track: Ints) -> Longs:
        """The entry of each track with its listener, or -1."""
        entry = self._entry[self._slot(user, track)]
        return np.where((entry >= 0) & (self.track[entry] == track), entry, -1)

    def add(self, user: Ints, track: Ints, entry: Longs) -> Longs:
        """Make entries for tracks not found; where two rows bring the same track, one wins."""
        self.track[entry] = track
        slot = self._slot(user, track)
        self._entry[slot] = entry
        winner = self._entry[slot]
        return np.where(self.track[winner] == track, winner, entry)


def choose(world: World, block: Block, first_day: int) -> Choices:
    """Let the listeners of a block choose a track for every row.

    Args:
        first_day: First day of the simulation, days since 1970-01-01.
    """
    taste = Taste(world, block, first_day)
    memory = _Memory(block)
    _remember_past(world, block, taste, memory)
    walk = _Walk(world, block, taste, memory)
    for step in range(int(block.step.max()) + 1):
        walk.take(step)
    track = memory.track[walk.entry]
    return Choices(
        track=track,
        known=walk.known,
        affinity=memory.affinity[walk.entry],
        available=taste.released(track, block.day),
    )


def _remember_past(world: World, block: Block, taste: Taste, memory: _Memory) -> None:
    """Fill in what was known before: the better liked, the more often played."""
    n_past = np.diff(block.past_bounds)
    user = np.repeat(np.arange(len(n_past), dtype=np.int32), n_past)
    draws = block.past_draws
    period = block.period_bounds[user]
    day = np.zeros(len(user), np.float32)
    track = taste.discover(user, period, day, mood=draws[6], draws=draws[:6])[0]
    affinity = taste.affinity(user, period, track)
    order = np.lexsort((-affinity, user))
    track, affinity = track[order], affinity[order]
    entry = memory.add(user, track, memory.past_entry)
    memory.affinity[memory.past_entry] = affinity
    memory.mood[memory.past_entry] = world.mood[track]
    plays = np.diff(block.past_play_bounds)
    who = np.repeat(np.arange(len(plays)), plays)
    rank = power_law(
        block.past_play_draws,
        n_past[who].astype(np.float32),
        _not_one(block.of_listeners("past_slope"))[who],
    )
    heard = entry[block.past_bounds[who] + rank.astype(np.int64) - 1]
    memory.plays[memory.past_play] = heard
    memory.count[:] = np.bincount(heard, minlength=len(memory.count))


def _not_one(exponent: Reals) -> Reals:
    return np.where(np.abs(exponent - 1) < 0.01, np.float32(1.01), exponent)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of some kinds in the order of their steps; step s has bounds[s] to bounds[s + 1]."""

    row: Longs
    bounds: Longs

    def at(self, step: int) -> slice:
        return slice(int(self.bounds[step]), int(self.bounds[step + 1]))


def _rows(block: Block, kinds: tuple[int, ...]) -> _Rows:
    chosen = np.flatnonzero(np.isin(block.kind, kinds))
    order = np.argsort(block.step[chosen], kind="stable")
    n_steps = int(block.step.max()) + 1
    sizes = np.bincount(block.step[chosen], minlength=n_steps)
    return _Rows(chosen[order], np.concatenate([[0], np.cumsum(sizes)]))


class _Walk:
    """All that can be known before the first step, and one method that takes a step."""

    def __init__(self, world: World, block: Block, taste: Taste, memory: _Memory) -> None:
        self._world, self._block, self._taste, self._memory = world, block, taste, memory
        self.entry = np.zeros(block.n_rows, np.int64)
        self.known = np.zeros(block.n_rows, np.int32)
        self._all = _rows(block, (REPEAT, FRESH, ALBUM, ARTIST, LOOP))
        self._repeat = _rows(block, (REPEAT,))
        self._fresh = _rows(block, (FRESH,))
        self._onward = _rows(block, (ALBUM, ARTIST))
        self._loop = _rows(block, (LOOP,))
        self._boredom = block.of_listeners("boredom")
        self._fade = 1 / block.of_listeners("boredom_days")
        self._fatigue = block.of_listeners("fatigue")
        self._copied = self._copies(self._repeat.row, Draw.LAG)
        all_kept = block.of_listeners("keeps").min() >= 1
        self._instead = None if all_kept else self._copies(np.arange(block.n_rows), Draw.LAG[:1])[0]
        self._liking = self._likings()
        self._found = self._finds()

    def take(self, step: int) -> None:
        """Choose for all rows of one step, then remember what was heard."""
        self._take_repeats(self._repeat.at(step))
        fresh = self._fresh.at(step)
        rows = self._fresh.row[fresh]
        if len(rows):
            self._take_tracks(rows, self._found[:, fresh])
        rows = self._onward.row[self._onward.at(step)]
        if len(rows):
            track = self._onward_tracks(rows)
            self._take_tracks(rows, track[None])
        rows = self._loop.row[self._loop.at(step)]
        self.entry[rows] = self.entry[self._block.head[rows]]
        self._remember(self._all.row[self._all.at(step)])

    def _copies(self, rows: Longs, lags: tuple[int, ...]) -> Longs:
        """Positions of earlier plays for each row, as many as there are rows of draws."""
        block = self._block
        user = block.user[rows]
        # what was heard before the step, which begins at the step's first row of this listener
        change = np.concatenate([[True], block.step[1:] != block.step[:-1]])
        change[block.row_bounds[:-1]] = True
        first = np.maximum.accumulate(np.where(change, np.arange(block.n_rows), 0))
        heard = (self._memory.own_play[first] - self._memory.first_play[block.user])[rows]
        upper = heard.astype(np.float32)
        near, power = (
            np.array([person.memory[i] for person in block.listeners], np.float32)[user]
            for i in (0, 1)
        )
        scale = block.of_listeners("recent_plays")[user]
        decay = _not_one(block.of_listeners("decay"))[user]
        copied = np.empty((len(lags), len(rows)), np.int64)
        for k, draw_row in enumerate(lags):
            draw = block.draws[draw_row][rows]
            lag = _lag(draw, upper, near=near, power=power, scale=scale, decay=decay)
            copied[k] = self._memory.first_play[user] + heard - lag
        return copied

    def _likings(self) -> Reals:
        """The chance part of the worth of each candidate: Gumbel noise over pickiness."""
        block, rows = self._block, self._repeat.row
        pickiness = block.of_listeners("pickiness")[block.user[rows]]
        draws = block.draws[list(Draw.NOISE)][:, rows]
        gumbel = -np.log(-np.log(np.clip(draws, 1e-6, 1 - 1e-6)))
        return np.asarray(gumbel / pickiness, np.float32)

    def _finds(self) -> Ints:
        block, rows = self._block, self._fresh.row
        draws = np.empty((6, len(rows)), np.float32)
        draws[0] = block.draws[Draw.SLOT][block.head[rows]]  # a stretch stays in its scene
        for k, row in enumerate((Draw.JITTER, Draw.NOISE[0], *Draw.PLACE), start=1):
            draws[k] = block.draws[row][rows]
        return self._taste.discover(
            block.user[rows],
            block.period[rows],
            block.day[rows],
            mood=block.mood[rows],
            draws=draws,
        )

    def _take_repeats(self, part: slice) -> None:
        rows = self._repeat.row[part]
        if not len(rows):
            return
        memory, block = self._memory, self._block
        user, day, mood = block.user[rows], block.day[rows], block.mood[rows]
        boredom, fade = self._boredom[user], self._fade[user]
        entry = memory.plays[self._copied[:, part]]
        since = memory.heard_day[entry] - day
        worth = self._liking[:, part] + memory.affinity[entry]
        worth -= boredom * memory.heat[entry] * np.exp(since * fade)
        worth -= self._fatigue[user] * memory.wear[entry] * np.exp(since * _REST)
        worth -= _COHERENCE * np.abs(memory.mood[entry] - mood)
        best = np.argmax(worth, axis=0)
        self.entry[rows] = entry[best, np.arange(len(rows))]

    def _take_tracks(self, rows: Longs, tracks: Ints) -> None:
        """Play the first of the tracks in each column that is new, or the last of them."""
        memory, block = self._memory, self._block
        user, track = block.user[rows], tracks[0].copy()
        entry = memory.find(user, track)
        for other in tracks[1:]:
            again = np.flatnonzero(entry >= 0)
            track[again] = other[again]
            entry[again] = memory.find(user[again], track[again])
        new = np.flatnonzero(entry < 0)
        if len(new):
            track, user, made = track[new], user[new], memory.own_entry[rows[new]]
            entry[new] = memory.add(user, track, made)
            memory.affinity[made] = self._taste.affinity(user, block.period[rows[new]], track)
            memory.mood[made] = self._world.mood[track]
            memory.lost[made] = self._taste.lost(user, track)
        self.entry[rows] = entry

    def _onward_tracks(self, rows: Longs) -> Ints:
        """The next track of the album, or one more by the artist, that the stretch began with."""
        block, disc = self._block, self._world.discography
        head = block.head[rows]
        began = self._memory.track[self.entry[head]]
        artist = disc.track_artist[began]
        first = disc.artist_bounds[artist]
        size = disc.artist_bounds[artist + 1] - first
        album_first = disc.album_bounds[disc.track_album[began]]
        from_start = block.draws[Draw.PLACE[0]][head] < 0.6
        ahead = (rows - head).astype(np.int32)
        onward = np.where(from_start, album_first + ahead - 1, began + ahead)
        drawn = (block.draws[list(Draw.PLACE[:2])][:, rows] * size).astype(np.int32)
        pair = first + np.minimum(drawn, size - 1)
        better = np.where(
            self._world.quality[pair[0]] >= self._world.quality[pair[1]], pair[0], pair[1]
        )
        album = block.kind[rows] == ALBUM
        return np.where(album, first + (onward - first) % size, better).astype(np.int32)

    def _remember(self, rows: Longs) -> None:
        memory, block = self._memory, self._block
        entry, day = self.entry[rows], block.day[rows]
        self.known[rows] = memory.count[entry]
        memory.plays[memory.own_play[rows]] = self._lasting(rows, entry)
        fade = self._fade[block.user[rows]]
        since = memory.heard_day[entry] - day
        memory.heat[entry] = memory.heat[entry] * np.exp(since * fade) + 1
        memory.wear[entry] = memory.wear[entry] * np.exp(since * _REST) + 1
        memory.heard_day[entry] = day
        memory.count[entry] += 1

    def _lasting(self, rows: Longs, entry: Longs) -> Longs:
        """What may be copied later: for what leaves no trace, something remembered instead."""
        if self._instead is None:
            return entry
        remembered = self._memory.plays[self._instead[rows]]
        return np.where(self._memory.lost[entry] > 0, remembered, entry)


def _lag(
    draw: Reals, upper: Reals, *, near: Reals, power: Reals, scale: Reals, decay: Reals
) -> Longs:
    """How many plays back to copy: exponential, power law or uniform; one draw decides all."""
    lag = np.empty(len(draw), np.float64)
    by_near = draw < near
    by_power = ~by_near & (draw < near + power)
    by_all = ~by_near & ~by_power
    inner = draw[by_near] / near[by_near]
    span = scale[by_near]
    lag[by_near] = -span * np.log(1 - inner * (1 - np.exp(-upper[by_near] / span)))
    inner = (draw[by_power] - near[by_power]) / power[by_power]
    lag[by_power] = power_law(inner, upper[by_power], decay[by_power]) - 1
    used = near[by_all] + power[by_all]
    lag[by_all] = (draw[by_all] - used) / (1 - used) * upper[by_all]
    return np.clip(lag.astype(np.int64) + 1, 1, upper.astype(np.int64))
