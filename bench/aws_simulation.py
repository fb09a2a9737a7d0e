"""A million people listening at once, second by second: what their events ask of each shard.

`python -m bench aws_simulation` needs no account: users are spread over shards as Kinesis does
(MD5 of the partition key), play tracks whose lengths vary, and report the end of one together with
the beginning of the next. What that needs and costs is arithmetic: see `aws_sizing`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from bench.aws_sizing import HABITS, LIVE, Sizing, bill, sized

__all__ = ["Spread", "costs", "needs", "run", "spread"]

_USERS = 1_000_000
_SECONDS = 120
_SPREAD = 0.35
"""Of a track's length: the standard deviation of its logarithm."""

_LIMIT = 1_000
"""Records a second that a shard takes."""

_PER_ASKED_S = 1_800.0
"""Somebody who listens asks for a list each half hour."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What shards have to take.

    Args:
        mean: Events a second, of all shards together.
        busiest: Events in the busiest second of the busiest shard.
        above: Share of (shard, second) with more than a shard takes.
    """

    shards: int
    mean: float
    busiest: int
    above: float


def spread(users: int, shards: int, *, seed: int = 0) -> Spread:
    """Let users listen for two minutes.

    Each is somewhere in a track when it begins. What a shard refuses is sent again by the player a
    second later, which is not played here: the question is how often that happens.
    """
    rng = np.random.default_rng(seed)
    shard = _shards_of(users, shards)
    counts = np.zeros((shards, _SECONDS), np.int64)
    # whoever looks in finds long tracks more often than they are begun: each as often as it is long
    lengths = HABITS.track_s * rng.lognormal(_SPREAD**2 / 2, _SPREAD, users)
    at = rng.random(users) * lengths
    while len(at):
        inside = at < _SECONDS
        at, shard = at[inside], shard[inside]
        np.add.at(counts, (shard, at.astype(np.int64)), int(HABITS.events_a_play))
        at = at + HABITS.track_s * rng.lognormal(-(_SPREAD**2) / 2, _SPREAD, len(at))
    return Spread(
        shards, counts.sum() / _SECONDS, int(counts.max()), float((counts > _LIMIT).mean())
    )


def _shards_of(users: int, shards: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The shard of each user: Kinesis cuts the space of MD5 into equal parts."""
    heads = [
        int.from_bytes(hashlib.md5(b"user%07d" % n, usedforsecurity=False).digest()[:4], "big")
        for n in range(users)
    ]
    return np.array(heads, np.int64) * shards >> 32


def run() -> list[str]:
    """Tables in Markdown."""
    now = _now()
    lines = [
        f"{_USERS:,} people: {now.events:,.0f} events and {now.asked:,.0f} questions a second",
        "",
        "| shards | events/s each | busiest second of a shard | seconds with more than it takes |",
        "|---|---|---|---|",
    ]
    for shards in (10, 12, 16, now.shards):
        found = spread(_USERS, shards)
        lines.append(
            f"| {shards} | {found.mean / shards:,.0f} | {found.busiest:,} | {found.above:.2%} |"
        )
    lines += ["", *needs(), "", *costs()]
    return lines


def _now() -> Sizing:
    events = _USERS / HABITS.track_s * HABITS.events_a_play
    return sized(events, _USERS / _PER_ASKED_S, habits=LIVE)


def needs() -> list[str]:
    """What a million people at once need."""
    now = _now()
    return [
        "| what | needed |",
        "|---|---|",
        f"| shards | {now.shards} |",
        f"| batches of a shard at once (`parallel`) | {now.parallel} |",
        f"| functions at once: profiles | {now.profiles:,} |",
        f"| functions at once: hot | {now.hot:,} |",
        f"| functions at once: serve | {now.serve:,} |",
        f"| DynamoDB: write units, read units a second | {now.writes:,.0f}, {now.reads:,.0f} |",
        f"| requests of the API a second | {now.requests:,.0f} |",
    ]


def costs() -> list[str]:
    """A month for 1, 1,000 and a million users, and with a million at once all day."""
    found = {}
    for name, users, always in (
        ("1 user", 1, False),
        ("1,000 users", 1_000, False),
        ("1,000,000 users", 1_000_000, False),
        ("1,000,000 at once, always", 1_000_000, True),
    ):
        a_day = HABITS.plays_a_day * HABITS.events_a_play * HABITS.days_of_listening / 30.4
        events = users * (HABITS.events_a_play / HABITS.track_s if always else a_day / 86_400)
        asked = users * (1 / _PER_ASKED_S if always else HABITS.asked_a_day / 2 / 86_400)
        peak, habits = (1.0, LIVE) if always else (HABITS.evening, HABITS)
        sizing = sized(events * peak, asked * peak, habits=habits)
        found[name] = bill(events, asked, users, sizing, habits=habits)
    parts = next(iter(found.values())).parts
    return [
        "| dollars a month | " + " | ".join(found) + " |",
        "|---" * (len(found) + 1) + "|",
        *(
            f"| {part} | " + " | ".join(f"{one.parts[part]:,.2f}" for one in found.values()) + " |"
            for part in parts
        ),
        "| **together** | " + " | ".join(f"{one.total:,.2f}" for one in found.values()) + " |",
    ]
