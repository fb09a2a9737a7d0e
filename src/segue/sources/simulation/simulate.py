"""Simulates a world and its listeners, and writes it in the formats that the sources read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from segue.progress import Progress
from segue.sources.simulation.catalogue_file import write_catalogue
from segue.sources.simulation.crowd_file import CrowdFile
from segue.sources.simulation.export_file import write_export
from segue.sources.simulation.folder import KIND, MARK, made_whole
from segue.sources.simulation.listeners import planned_plays
from segue.sources.simulation.plays import simulate_block
from segue.sources.simulation.settings import SimulationSettings
from segue.sources.simulation.statistics import Statistics, Tally, statistics
from segue.sources.simulation.truth_file import TRUTH_SCHEMA, habits_of, truth_table
from segue.sources.simulation.world import World, build_world

__all__ = ["SimulationReport", "simulate"]

_BLOCK_PLAYS: Final = 400_000  # about 300 MB while it lasts
_TRUTH: Final = "truth.json"


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What a simulation wrote.

    Args:
        out: The folder. catalogue: its catalogue file.
        crowd: The crowd's Parquet files, in order; empty when everybody has an export.
        histories: user_id -> the user's export zip.
        tracks, catalogue_rows, crowd_users, crowd_plays: How many.
        crowd_statistics: Measures of the crowd's streams; None without a crowd.
        history_statistics: user_id -> measures of the user's streams.
    """

    out: Path
    catalogue: Path
    crowd: tuple[Path, ...]
    histories: Mapping[str, Path]
    tracks: int
    catalogue_rows: int
    crowd_users: int
    crowd_plays: int
    crowd_statistics: Statistics | None
    history_statistics: Mapping[str, Statistics]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, paths relative to `out`."""
        values = asdict(self)
        values["out"] = str(self.out)
        values["catalogue"] = str(self.catalogue.relative_to(self.out))
        values["crowd"] = [str(path.relative_to(self.out)) for path in self.crowd]
        values["histories"] = {
            user: str(path.relative_to(self.out)) for user, path in self.histories.items()
        }
        crowd = self.crowd_statistics
        values["crowd_statistics"] = crowd.as_dict() if crowd else None
        values["history_statistics"] = {
            user: measures.as_dict() for user, measures in self.history_statistics.items()
        }
        return values


def simulate(settings: SimulationSettings, out: Path, progress: Progress) -> SimulationReport:
    """Simulate a world, its listeners and their plays, and write all of it to `out`.

    `out` appears whole or not at all; a simulation that is there is replaced, anything else is
    refused. The same settings write the same bytes, whatever the number of workers.

    Args:
        settings: How large, how long, from which seed.
        out: A folder that is new, empty, or an earlier simulation.
        progress: Told of every stage.

    Raises:
        ConfigError: `out` holds something else.
        BusyError: Another run is writing to `out`.
        StorageError: The disk is full or `out` cannot be written.

    >>> report = simulate(settings, Path("demo"), Silent())     # doctest: +SKIP
    >>> report.histories["user_000000"]                         # doctest: +SKIP
    Path("demo/histories/user_000000/my_spotify_data.zip")
    """
    with made_whole(out) as folder:
        progress.start("world", settings.tracks, "tracks")
        world = build_world(settings)
        progress.advance(settings.tracks)
        progress.done(f"{settings.tracks:,} tracks by {world.discography.n_artists:,} artists")
        report = _write(settings, world, folder, progress)
    return _moved(report, folder, out.expanduser().absolute())


def _write(
    settings: SimulationSettings, world: World, folder: Path, progress: Progress
) -> SimulationReport:
    catalogue = folder / f"catalogue.{settings.catalogue}"
    rows = write_catalogue(world, catalogue, progress)
    plays = planned_plays(settings)
    histories, told = _write_histories(settings, plays, world, folder=folder, progress=progress)
    crowd, tally, crowd_plays = _write_crowd(settings, plays, world, folder, progress)
    measures = {user: item["statistics"] for user, item in told.items()}
    report = SimulationReport(
        out=folder,
        catalogue=catalogue,
        crowd=tuple(crowd),
        histories=histories,
        tracks=world.n_tracks,
        catalogue_rows=rows,
        crowd_users=settings.users - settings.histories,
        crowd_plays=crowd_plays,
        crowd_statistics=tally.statistics(world.discography.track_artist) if crowd else None,
        history_statistics=measures,
    )
    truth = {user: item["truth"] for user, item in told.items()}
    _write_json(folder / _TRUTH, {"users": truth})
    told_report = {name: value for name, value in report.as_dict().items() if name != "out"}
    mark = {"kind": KIND, "settings": settings.as_dict(), "report": told_report}
    _write_json(folder / MARK, mark)
    return report


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _moved(report: SimulationReport, folder: Path, out: Path) -> SimulationReport:
    """The report with its paths where the files are now."""

    def at(path: Path) -> Path:
        return out / path.relative_to(folder)

    return SimulationReport(
        out=out,
        catalogue=at(report.catalogue),
        crowd=tuple(at(path) for path in report.crowd),
        histories={user: at(path) for user, path in report.histories.items()},
        tracks=report.tracks,
        catalogue_rows=report.catalogue_rows,
        crowd_users=report.crowd_users,
        crowd_plays=report.crowd_plays,
        crowd_statistics=report.crowd_statistics,
        history_statistics=report.history_statistics,
    )


def _write_histories(
    settings: SimulationSettings,
    plays: npt.NDArray[np.int64],
    world: World,
    *,
    folder: Path,
    progress: Progress,
) -> tuple[dict[str, Path], dict[str, dict[str, Any]]]:
    """An export for each of the first users, and what is true of them."""
    paths: dict[str, Path] = {}
    told: dict[str, dict[str, Any]] = {}
    if not settings.histories:
        return paths, told
    progress.start("histories", settings.histories, "users")
    for index in range(settings.histories):
        block, streams = simulate_block(
            range(index, index + 1), plays, settings=settings, world=world
        )
        person = block.listeners[0]
        path = folder / "histories" / person.user_id / "my_spotify_data.zip"
        path.parent.mkdir(parents=True)
        rows = write_export(path, person, streams, world=world, seed=settings.seed)
        taste = truth_table([person], world).drop_columns(["user_id", "habit"]).to_pylist()
        paths[person.user_id] = path
        told[person.user_id] = {
            "statistics": statistics(streams, world.n_tracks, world.discography.track_artist),
            "truth": {"rows": rows, "habits": habits_of(person), "taste": taste},
        }
        progress.advance(1)
    progress.done(f"{settings.histories:,} exports")
    return paths, told


@dataclass(frozen=True, slots=True)
class _Shard:
    """One file of the crowd: where it goes and whose plays are in it."""

    path: Path
    truth: Path
    users: range


def _shards(
    settings: SimulationSettings, plays: npt.NDArray[np.int64], folder: Path
) -> list[_Shard]:
    crowd = range(settings.histories, settings.users)
    parts = list(_runs(crowd, plays, settings.shard_plays))
    if len(parts) == 1:
        return [_Shard(folder / "crowd.parquet", folder / "truth.parquet", parts[0])]
    return [
        _Shard(
            folder / "crowd" / f"part-{number:05d}.parquet",
            folder / "truth" / f"part-{number:05d}.parquet",
            users,
        )
        for number, users in enumerate(parts)
    ]


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


def _write_crowd(
    settings: SimulationSettings,
    plays: npt.NDArray[np.int64],
    world: World,
    folder: Path,
    progress: Progress,
) -> tuple[list[Path], Tally, int]:
    shards = _shards(settings, plays, folder)
    tally = Tally(world.n_tracks, world.discography.n_artists)
    written = 0
    if not shards:
        return [], tally, written
    for parent in {shard.path.parent for shard in shards} | {s.truth.parent for s in shards}:
        parent.mkdir(exist_ok=True)
    progress.start("crowd", settings.users - settings.histories, "users")
    for rows, part, users in _shards_written(settings, plays, world, shards):
        written += rows
        if part is not None:
            tally.merge(part)
        progress.advance(users)
    progress.done(f"{written:,} plays")
    return [shard.path for shard in shards], tally, written


_Step = tuple[int, Tally | None, int]


def _shards_written(
    settings: SimulationSettings,
    plays: npt.NDArray[np.int64],
    world: World,
    shards: list[_Shard],
) -> Iterator[_Step]:
    """Write the shards, here or in other processes; yields rows, a tally and users as they come."""
    if settings.workers == 1 or len(shards) == 1:
        for shard in shards:
            yield from _blocks_written(settings, plays, world, shard)
        return
    workers = min(settings.workers, len(shards))
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_enter_world, initargs=(settings,)
    ) as pool:
        yield from pool.map(_write_shard, shards)


def _blocks_written(
    settings: SimulationSettings, plays: npt.NDArray[np.int64], world: World, shard: _Shard
) -> Iterator[_Step]:
    truth = pq.ParquetWriter(shard.truth, TRUTH_SCHEMA, compression="zstd")
    with truth, CrowdFile(shard.path, world) as file:
        for users in _runs(shard.users, plays, _BLOCK_PLAYS):
            block, streams = simulate_block(users, plays, settings=settings, world=world)
            truth.write_table(truth_table(block.listeners, world))
            tally = Tally(world.n_tracks, world.discography.n_artists)
            tally.add(streams)
            yield file.write(streams), tally, len(users)


class _Here:
    """What a worker process knows."""

    settings: SimulationSettings
    world: World
    plays: npt.NDArray[np.int64]


def _enter_world(settings: SimulationSettings) -> None:
    _Here.settings, _Here.world = settings, build_world(settings)
    _Here.plays = planned_plays(settings)


def _write_shard(shard: _Shard) -> _Step:
    rows, users = 0, 0
    total = Tally(_Here.world.n_tracks, _Here.world.discography.n_artists)
    for written, tally, people in _blocks_written(_Here.settings, _Here.plays, _Here.world, shard):
        rows, users = rows + written, users + people
        if tally is not None:
            total.merge(tally)
    return rows, total, users
