"""Simulates a world and its listeners, and writes it in the formats that the sources read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from segue.progress import Progress
from segue.sources.simulation.catalogue_file import write_catalogue
from segue.sources.simulation.folder import KIND, MARK, made_whole
from segue.sources.simulation.listeners import planned_plays
from segue.sources.simulation.settings import SimulationSettings
from segue.sources.simulation.statistics import Statistics, Tally
from segue.sources.simulation.work import Export, Known, exports_written, shards_of, shards_written
from segue.sources.simulation.world import World, build_world

__all__ = ["SimulationReport", "simulate"]

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
    return _moved(report, folder, out.expanduser().resolve())


def _write(
    settings: SimulationSettings, world: World, folder: Path, progress: Progress
) -> SimulationReport:
    catalogue = folder / f"catalogue.{settings.catalogue}"
    rows = write_catalogue(world, catalogue, progress)
    plays = planned_plays(settings)
    known = Known(settings, world, plays)
    exports = _write_exports(known, folder, progress)
    crowd, tally, crowd_plays = _write_crowd(known, folder, progress)
    report = SimulationReport(
        out=folder,
        catalogue=catalogue,
        crowd=tuple(crowd),
        histories={export.user_id: export.path for export in exports},
        tracks=world.n_tracks,
        catalogue_rows=rows,
        crowd_users=settings.users - settings.histories,
        crowd_plays=crowd_plays,
        crowd_statistics=tally.statistics(world.discography.track_artist) if crowd else None,
        history_statistics={export.user_id: export.statistics for export in exports},
    )
    _write_json(folder / _TRUTH, {"users": {item.user_id: item.truth for item in exports}})
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


def _write_exports(known: Known, folder: Path, progress: Progress) -> list[Export]:
    """An export for each of the first users."""
    n = known.settings.histories
    if not n:
        return []
    progress.start("histories", n, "users")
    exports = []
    for export in exports_written(known, folder):
        exports.append(export)
        progress.advance(1)
    progress.done(f"{n:,} exports")
    return exports


def _write_crowd(known: Known, folder: Path, progress: Progress) -> tuple[list[Path], Tally, int]:
    """The crowd's files, what was measured in them, and how many plays they hold."""
    settings, tally, written = known.settings, known.tally(), 0
    shards = shards_of(known, folder)
    if not shards:
        return [], tally, written
    progress.start("crowd", settings.users - settings.histories, "users")
    for part in shards_written(known, shards):
        written += part.plays
        tally.merge(part.tally)
        progress.advance(part.users)
    progress.done(f"{written:,} plays")
    return [shard.path for shard in shards], tally, written
