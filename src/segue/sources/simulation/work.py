"""The long work of a simulation, cut into pieces that any process can do: exports and shards."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from segue.errors import SegueError
from segue.sources.simulation.crowd_file import CrowdFile
from segue.sources.simulation.export_file import write_export
from segue.sources.simulation.listeners import planned_plays
from segue.sources.simulation.plays import simulate_block
from segue.sources.simulation.settings import SimulationSettings
from segue.sources.simulation.statistics import Statistics, Tally, statistics
from segue.sources.simulation.truth_file import TRUTH_SCHEMA, habits_of, truth_table
from segue.sources.simulation.world import World, build_world

__all__ = [
    "Export",
    "Known",
    "Part",
    "Shard",
    "exports_written",
    "shards_of",
    "shards_written",
]

_BLOCK_PLAYS: Final = 400_000  # about 300 MB while it lasts

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Known:
    """What every process knows: the settings, the music, and how much each user will play."""

    settings: SimulationSettings
    world: World
    plays: npt.NDArray[np.int64]

    def tally(self) -> Tally:
        """An empty tally for this world."""
        return Tally(self.world.n_tracks, self.world.discography.n_artists)


@dataclass(frozen=True, slots=True)
class Export:
    """One user's export: where it is, its measures, and what is true of the user."""

    user_id: str
    path: Path
    statistics: Statistics
    truth: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of the crowd: where it and its truth go, and whose plays are in it."""

    path: Path
    truth: Path
    users: range


@dataclass(frozen=True, slots=True)
class Part:
    """Some users of the crowd, written: how many, their plays, and what was measured."""

    users: int
    plays: int
    tally: Tally


def exports_written(known: Known, folder: Path) -> Iterator[Export]:
    """Write the exports of the first users, in order."""
    indexes = range(known.settings.histories)
    return _each(partial(_write_export, folder=folder), indexes, len(indexes), known)


def shards_of(known: Known, folder: Path) -> list[Shard]:
    """The files of the crowd: one beside the catalogue, or a folder of several."""
    crowd = range(known.settings.histories, known.settings.users)
    parts = list(_runs(crowd, known.plays, known.settings.shard_plays))
    if len(parts) == 1:
        return [Shard(folder / "crowd.parquet", folder / "truth.parquet", parts[0])]
    return [
        Shard(
            folder / "crowd" / f"part-{number:05d}.parquet",
            folder / "truth" / f"part-{number:05d}.parquet",
            users,
        )
        for number, users in enumerate(parts)
    ]


def shards_written(known: Known, shards: list[Shard]) -> Iterator[Part]:
    """Write the shards; parts come as they are done, in order."""
    for shard in shards:
        shard.path.parent.mkdir(exist_ok=True)
        shard.truth.parent.mkdir(exist_ok=True)
    if known.settings.workers == 1 or len(shards) == 1:
        for shard in shards:
            yield from _blocks_written(shard, known)
        return
    yield from _each(_write_shard, shards, len(shards), known)


def _each(
    work: Callable[[Item, Known], Result], items: Iterable[Item], n: int, known: Known
) -> Iterator[Result]:
    """Do the work for every item, here or in other processes."""
    workers = min(known.settings.workers, n)
    if workers <= 1:
        for item in items:
            yield work(item, known)
        return
    try:
        with ProcessPoolExecutor(
            workers, get_context("spawn"), _get_to_know, (known.settings,)
        ) as pool:
            try:
                with _not_interrupted():
                    results = pool.map(partial(_do, work), items)
                yield from results
            except BaseException:  # nobody waits for what they still do
                for worker in active_children():
                    worker.terminate()
                raise
    except BrokenProcessPool as error:
        raise SegueError(
            "a process of the simulation was ended from outside, perhaps for want of memory",
            cure="Simulate again with fewer workers.",
        ) from error


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """Processes begun in here ignore Ctrl-C: this one hears it, and ends them."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_with_parent() -> None:
    """A killed parent cannot tell its workers to stop; without this they would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Here:
    """What this worker process knows; the world is built once a process, not sent."""

    known: Known


def _get_to_know(settings: SimulationSettings) -> None:
    Thread(target=_leave_with_parent, daemon=True).start()
    _Here.known = Known(settings, build_world(settings), planned_plays(settings))


def _do(work: Callable[[Item, Known], Result], item: Item) -> Result:
    return work(item, _Here.known)


def _write_export(index: int, known: Known, *, folder: Path) -> Export:
    settings, world = known.settings, known.world
    block, streams = simulate_block(
        range(index, index + 1), known.plays, settings=settings, world=world
    )
    person = block.listeners[0]
    path = folder / "histories" / person.user_id / "my_spotify_data.zip"
    path.parent.mkdir(parents=True)
    rows = write_export(path, person, streams, world=world, seed=settings.seed)
    taste = truth_table([person], world).drop_columns(["user_id", "habit"]).to_pylist()
    return Export(
        user_id=person.user_id,
        path=path,
        statistics=statistics(streams, world.n_tracks, world.discography.track_artist),
        truth={"rows": rows, "habits": habits_of(person), "taste": taste},
    )


def _write_shard(shard: Shard, known: Known) -> Part:
    users, plays, tally = 0, 0, known.tally()
    for part in _blocks_written(shard, known):
        users, plays = users + part.users, plays + part.plays
        tally.merge(part.tally)
    return Part(users, plays, tally)


def _blocks_written(shard: Shard, known: Known) -> Iterator[Part]:
    """Write one shard, a block of users at a time: that bounds the memory."""
    truth = pq.ParquetWriter(shard.truth, TRUTH_SCHEMA, compression="zstd")
    with truth, CrowdFile(shard.path, known.world) as file:
        for users in _runs(shard.users, known.plays, _BLOCK_PLAYS):
            block, streams = simulate_block(
                users, known.plays, settings=known.settings, world=known.world
            )
            truth.write_table(truth_table(block.listeners, known.world))
            tally = known.tally()
            tally.add(streams)
            yield Part(len(users), file.write(streams), tally)


def _runs(users: range, plays: npt.NDArray[np.int64], most: int) -> Iterator[range]:
    """Runs of users whose planned plays are at most `most`, or one user with more."""
    start, total = users.start, 0
    for user in users:
        if user > start and total + int(plays[user]) > most:
            yield range(start, user)
            start, total = user, 0
        total += int(plays[user])
    if start < users.stop:
        yield range(start, users.stop)
