"""How long one user waits for a playlist among a million tracks, on one core, everything warm."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.world import NOW, World, catalogue, training_data
from segue.features.catalogue import Catalogue
from segue.features.lessons import Lesson
from segue.flows.listener import Person, find_person
from segue.flows.make_models import make_models
from segue.flows.prepared import prepared
from segue.flows.recommend import playlist_for, recommend
from segue.flows.wishes import Wishes
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.music.query import Query
from segue.recommenders.base import Composed, Proposer
from segue.recommenders.bundle import Bundle, BundleStore
from segue.recommenders.content import Content
from segue.recommenders.hybrid import Hybrid

__all__ = ["HEAD", "home_of", "run", "waits"]

N_TRACKS: Final = 1_000_000
PEOPLE: Final = 200
PLAYS: Final = (2_000, 5_000, 10_000, 20_000)
LEARNERS: Final = 12
MODELS: Final = (
    "als",
    "content",
    "ease",
    "hybrid",
    "most_played",
    "popular",
    "rediscover",
    "sequential_rules",
    "session_knn",
)
"""What `segue train` trains without further settings."""
HEAD: Final = "| what | p50 | p90 | p99 | worst | CPU, p50 | CPU, p99 |"


@dataclass(frozen=True)
class Marts:
    """One user's marts in memory; what is not there is empty."""

    tables: dict[str, pa.Table]

    def read(
        self, mart: str, *, columns: Sequence[str] | None = None, filters: Any = None
    ) -> pa.Table:
        """A mart as Arrow."""
        table = self.tables.get(mart, MARTS[mart].empty_table())
        table = table if filters is None else table.filter(filters)
        return table.select(list(columns)) if columns else table


def run(n_tracks: int = N_TRACKS) -> list[str]:
    """Train once, then measure in a process of its own on one core."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = home_of(Path(folder), n_tracks)
        lines = waits(Path(folder), n_tracks)
    trained = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items() if value >= 1)
    return [*lines, "", f"Trained in {sum(seconds.values()):.0f} s ({trained})."]


def home_of(folder: Path, n_tracks: int) -> dict[str, float]:
    """Train all recommenders on a made-up world; name -> seconds."""
    world = World(n_tracks)
    tracks = catalogue(world)
    data = training_data(
        world,
        tracks,
        n_listeners=max(200, n_tracks // 20),
        n_pairs=5 * n_tracks,
        n_sessions=max(100, n_tracks // 10),
    )
    seconds: dict[str, float] = {}
    models = make_models(MODELS, seed=17, threads=0)
    for model in models:
        began = time.perf_counter()
        model.fit(data)
        if isinstance(model, Composed):
            model.with_parts({part.name: part for part in models})
        if isinstance(model, Hybrid):
            model.learn(_lessons(world, tracks))
        seconds[model.name] = time.perf_counter() - began
        print(f"{model.name}: {seconds[model.name]:.1f} s", file=sys.stderr, flush=True)
    BundleStore(folder / "models").publish(models, tracks, snapshot="bench", trained_at=NOW)
    return seconds


def waits(folder: Path, n_tracks: int) -> list[str]:
    """Measure on one core in a process of its own."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "bench.latency", str(folder), str(n_tracks)]

    def pin() -> None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])

    done = subprocess.run(
        command,
        env={**os.environ, **one},
        preexec_fn=pin,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()


def _lessons(world: World, tracks: Catalogue) -> list[Lesson]:
    """What some listeners played in past weeks, asked before each."""
    found = []
    for listener in range(LEARNERS):
        history = world.history(tracks.track_ids, 6_000, seed=10_000 + listener)
        for weeks in range(6, 0, -1):
            now = NOW - timedelta(weeks=weeks)
            at = history[c.PLAYED_AT]
            before = history.filter(pc.less(at, pa.scalar(now, at.type)))
            week = history.filter(pc.greater_equal(at, pa.scalar(now, at.type)))
            at = week[c.PLAYED_AT]
            week = week.filter(pc.less(at, pa.scalar(now + timedelta(weeks=1), at.type)))
            week = week.filter(week[c.COUNTED])
            rows = np.unique(tracks.rows(week[c.TRACK_ID].to_pylist()))
            finished = tracks.rows(week.filter(week[c.FINISHED])[c.TRACK_ID].to_pylist())
            query = Query(f"learner{listener}", now, history=before)
            found.append(Lesson(query, rows, np.isin(rows, finished)))
    return sorted(found, key=lambda lesson: lesson.query.now)


def _people(world: World, bundle: Bundle) -> list[tuple[Marts, Person]]:
    people = []
    for number in range(PEOPLE):
        user = f"user{number}"
        plays = world.history(bundle.catalogue.track_ids, PLAYS[number % len(PLAYS)], seed=number)
        last = pc.max(plays[c.PLAYED_AT]).as_py()
        users = pa.Table.from_pylist(
            [{c.USER_ID: user, c.LAST_PLAYED_AT: last}], schema=MARTS["users"]
        )
        owned = plays.append_column(c.USER_ID, pa.array([user] * len(plays)))
        marts = Marts({"plays": owned, "users": users})
        person = find_person(marts, bundle.catalogue, user_id=user, now=None, otherwise=NOW)
        people.append((marts, person))
    return people


def _measure(folder: Path, n_tracks: int) -> list[str]:
    began = time.perf_counter()
    bundle = BundleStore(folder / "models").current()
    opened = time.perf_counter() - began
    people = _people(World(n_tracks), bundle)
    wishes = Wishes()
    began = time.perf_counter()
    playlist_for(bundle, people[0][1], wishes)
    first = time.perf_counter() - began
    for _, person in people[1:6]:  # warm
        playlist_for(bundle, person, wishes)
    lines = [HEAD, "|---|---:|---:|---:|---:|---:|---:|"]
    lines.append(
        _row(
            "playlist of 30, the listener in memory",
            [_timed(lambda p=p: playlist_for(bundle, p, wishes)) for _, p in people],  # type: ignore[misc]  # each its own
        )
    )
    lines += _ahead(bundle, [person for _, person in people], wishes)
    lines.append(
        _row(
            "the same, the listener read from the marts",
            [
                _timed(
                    lambda m=m, p=p: recommend(  # type: ignore[misc]  # each its own
                        bundle=bundle, snapshot=m, user_id=p.user_id, wishes=wishes
                    )
                )
                for m, p in people
            ],
        )
    )
    queries = [Query(p.user_id, p.now, history=p.history) for _, p in people[:60]]
    for name, model in sorted(bundle.recommenders.items()):
        if isinstance(model, Proposer):
            taken = [
                _timed(lambda q=q, m=model: m.propose(q, 500))  # type: ignore[misc]  # each its own
                for q in queries
            ]
            lines.append(_row(f"{name} proposes 500, the history read", taken))
    lines.append("")
    lines += _found(bundle, queries[:30])
    lines.append(f"{n_tracks:,} tracks; {PEOPLE} listeners of {PLAYS[0]:,} to {PLAYS[-1]:,} plays.")
    lines.append(f"Bundle opened in {opened:.2f} s; the first playlist took {first:.2f} s.")
    return lines


def _ahead(bundle: Bundle, people: Sequence[Person], wishes: Wishes) -> list[str]:
    """Listeners that are kept between playlists: asked otherwise before, and asked ahead."""
    otherwise, ahead = [], []
    for person in people:
        kept = prepared(bundle, replace(person, history=person.history.slice(0)))
        playlist_for(bundle, kept.person, replace(wishes, size=wishes.size // 2))
        otherwise.append(_timed(partial(playlist_for, bundle, kept.person, wishes)))
        later = kept.at(person.now + timedelta(hours=1))
        ahead.append(_timed(partial(playlist_for, bundle, later, wishes)))
    return [
        _row("the same, the listener kept from a playlist of half the size", otherwise),
        _row("the same, the recommenders asked ahead, an hour later", ahead),
    ]


def _found(bundle: Bundle, queries: Sequence[Query]) -> list[str]:
    """How much of an exact search the one search that is not exact finds."""
    content = bundle.recommenders["content"]
    if not isinstance(content, Content) or content.cells_ is None:
        return []
    exact = copy.copy(content)
    exact.cells_ = None
    shares = [
        np.isin(exact.propose(query, 500)[0], content.propose(query, 500)[0]).mean()
        for query in queries
    ]
    return [
        f"Of the 500 tracks that an exact search finds, `content` finds {np.mean(shares):.1%} "
        f"(the worst of {len(queries)} listeners: {np.min(shares):.1%})."
    ]


def _timed(action: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds: on a busy machine they differ by what others took."""
    began = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def _row(what: str, seconds: Sequence[tuple[float, float]]) -> str:
    wall, cpu = zip(*seconds, strict=True)
    marks = [*np.percentile(wall, (50, 90, 99, 100)), *np.percentile(cpu, (50, 99))]
    return f"| {what} | {' | '.join(f'{1000 * mark:.1f} ms' for mark in marks)} |"


if __name__ == "__main__":
    print("\n".join(_measure(Path(sys.argv[1]), int(sys.argv[2]))))
