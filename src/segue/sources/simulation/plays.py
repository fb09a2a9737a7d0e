"""What became of each stream: heard or skipped, for how long, and when exactly."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.block import ALBUM, FRESH, LOOP, Block, Draw, draw_block
from segue.sources.simulation.memory import Choices, choose
from segue.sources.simulation.settings import SimulationSettings
from segue.sources.simulation.world import World

__all__ = ["COUNTED_MS", "Plays", "simulate_block"]

COUNTED_MS: Final = 30_000
"""From this many milliseconds on, a stream counts as a play."""

_SESSION_GAP_S: Final = 31 * 60  # sessions are further apart than the usual 30 minutes
_FAR: Final = 10**10  # more seconds than any two plays are apart
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Plays:
    """Streams of some users, sorted by user and time.

    Args:
        user: Number of the user, int32. session: its session, from 0, int32.
        position: Place in the session, from 0, int32.
        track: int32. ended_s: end of the stream, Unix seconds, int64.
        ms_played: int32, at most the track's duration. skipped: left by hand before the end.
        stopped: left before the end because the session ended.
        began: The first of a stretch: chosen by hand. known: earlier plays of the track, int32.
        luck: A uniform number for what else is to be decided, float32.
    """

    user: npt.NDArray[np.int32]
    session: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    ended_s: npt.NDArray[np.int64]
    ms_played: npt.NDArray[np.int32]
    skipped: npt.NDArray[np.bool_]
    stopped: npt.NDArray[np.bool_]
    began: npt.NDArray[np.bool_]
    known: npt.NDArray[np.int32]
    luck: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.user)

    @property
    def started_ms(self) -> npt.NDArray[np.int64]:
        """Start of each stream, Unix milliseconds."""
        return self.ended_s * 1000 - self.ms_played

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Long enough to be a play."""
        return self.ms_played >= COUNTED_MS

    def where(self, mask: npt.NDArray[np.bool_]) -> Plays:
        """The streams under the mask; positions within the sessions are counted anew."""
        kept = {item.name: getattr(self, item.name)[mask] for item in fields(self)}
        kept["position"] = _positions(kept["user"], kept["session"])
        return Plays(**kept)


def simulate_block(
    indexes: range, plays: npt.NDArray[np.int64], *, settings: SimulationSettings, world: World
) -> tuple[Block, Plays]:
    """Everything that the users with these numbers play.

    Args:
        indexes: Numbers of the users.
        plays: Streams planned for each user of the simulation (not only of the block).
    """
    block = draw_block(indexes, plays, settings=settings, world=world)
    first_day = settings.end_s // _DAY_S - settings.days
    choices = choose(world, block, first_day)
    kept = choices.available & ~_too_soon(block, choices.track)
    return block, _play(block, choices, kept, settings=settings, world=world)


def _positions(
    user: npt.NDArray[np.int32], session: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    if not len(user):
        return np.zeros(0, np.int32)
    rows = np.arange(len(user))
    starts = np.concatenate([[True], (np.diff(session) != 0) | (np.diff(user) != 0)])
    return (rows - np.maximum.accumulate(np.where(starts, rows, 0))).astype(np.int32)


def _too_soon(block: Block, track: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Rows whose track was on a moment ago in the same session, unless looped on purpose."""
    key = block.session.astype(np.int64) * (int(track.max(initial=0)) + 1) + track
    order = np.argsort(key, kind="stable")
    same = np.concatenate([[False], np.diff(key[order]) == 0])
    apart = np.concatenate([[0], np.diff(order)])
    spacing = np.array([person.spacing for person in block.listeners])[block.user[order]]
    soon = np.zeros(len(track), np.bool_)
    soon[order] = same & (apart < spacing)
    return np.asarray(soon & (block.kind != LOOP))


def _play(
    block: Block,
    choices: Choices,
    kept: npt.NDArray[np.bool_],
    *,
    settings: SimulationSettings,
    world: World,
) -> Plays:
    rows = np.flatnonzero(kept)
    user, session = block.user[rows], block.session[rows]
    duration = world.discography.duration_ms[choices.track[rows]]
    skipped = _skipped(block, choices, rows)
    last = np.concatenate([np.diff(session) != 0, [True]])
    draws = block.draws[:, rows]
    stopped = last & ~skipped & (draws[Draw.MISC] < 0.4)
    ms = _heard(duration, skipped, stopped, draws[Draw.HEARD])
    ended = _clock(block, session, user, ms=ms, gap=_gaps(skipped, draws[Draw.GAP]))
    plays = Plays(
        user=np.array([person.index for person in block.listeners], np.int32)[user],
        session=(session - block.session_bounds[user]).astype(np.int32),
        position=_positions(user, session),
        track=choices.track[rows],
        ended_s=ended,
        ms_played=ms,
        skipped=skipped,
        stopped=stopped,
        began=block.head[rows] == rows,
        known=choices.known[rows],
        luck=draws[Draw.MISC],
    )
    return plays.where(ended < settings.end_s)


def _skipped(block: Block, choices: Choices, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Who skips: the impatient, in a restless hour, and what is new or not to their liking."""
    kind = block.kind[rows]
    logit = block.of_listeners("impatience")[block.user[rows]]
    logit = logit + block.session_restless[block.session[rows]]
    logit = logit - 1.15 * choices.affinity[rows]
    logit += 0.35 * (kind == FRESH) - 0.5 * (kind == ALBUM)
    logit[kind == LOOP] -= 2.0
    return np.asarray(block.draws[Draw.SKIP][rows] < 1 / (1 + np.exp(-logit)))


def _heard(
    duration: npt.NDArray[np.int32],
    skipped: npt.NDArray[np.bool_],
    stopped: npt.NDArray[np.bool_],
    draw: npt.NDArray[np.float32],
) -> npt.NDArray[np.int32]:
    """Milliseconds: most skips come within half a minute, the others anywhere."""
    early = 1500 - 9000 * np.log(1 - np.clip(draw / 0.68, 0, 0.97))
    late = 30_000 + (draw - 0.68) / 0.32 * np.maximum(0, 0.85 * duration - 30_000)
    partly = np.where(draw < 0.68, early, late)
    partly = np.where(stopped, (0.05 + 0.9 * draw) * duration, partly)
    cut = skipped | stopped
    return np.where(cut, np.minimum(partly, 0.95 * duration), duration).astype(np.int32)


def _gaps(skipped: npt.NDArray[np.bool_], draw: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Seconds of silence after a stream: mostly none, sometimes a pause of a few minutes."""
    pause = 15 + 400 * np.square((draw - 0.97) / 0.03)
    return np.where((draw > 0.97) & ~skipped, pause, draw * 2.2).astype(np.int64)


def _clock(
    block: Block,
    session: npt.NDArray[np.int32],
    user: npt.NDArray[np.int32],
    *,
    ms: npt.NDArray[np.int32],
    gap: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """When each stream ends: one after the other, sessions begin late where the last ran long."""
    n_sessions = len(block.session_start_s)
    took = -(-ms.astype(np.int64) // 1000)
    span = np.bincount(session, weights=took + gap, minlength=n_sessions).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(span + _SESSION_GAP_S)[:-1]])
    owner = np.repeat(np.arange(len(block.listeners)), np.diff(block.session_bounds))
    slack = block.session_start_s - before + owner * _FAR
    start = np.maximum.accumulate(slack) - owner * _FAR + before
    run = np.cumsum(took + gap)
    starts = np.concatenate([[True], np.diff(session) != 0])
    base = np.maximum.accumulate(np.where(starts, run - took - gap, 0))
    return np.asarray(start[session] + run - base - gap)
