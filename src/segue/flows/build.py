"""From the lake to a published snapshot: load, match, shape, export, publish."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from segue.errors import BusyError, NotReadyError, WarehouseError
from segue.music.lake_tables import LAKE_TABLES
from segue.progress import Progress
from segue.warehouse.base import BuildReport, RawFile, Warehouse
from segue.warehouse.build_failure import forget_failure, note_failure
from segue.warehouse.snapshots import SnapshotStore

__all__ = ["HasFiles", "build"]

_log = logging.getLogger(__name__)


class HasFiles(Protocol):
    """The lake, as far as a build needs it."""

    def files(self, table: str) -> Sequence[RawFile]:
        """The Parquet files of a lake table, in commit order."""


def build(
    *,
    lake: HasFiles,
    warehouse: Warehouse,
    snapshots: SnapshotStore,
    progress: Progress,
    now: datetime,
    replay: bool = False,
) -> BuildReport:
    """Bring the warehouse up to date with the lake and publish its marts.

    A build that fails or is killed leaves the last snapshot as it was, and the next one heals.

    Args:
        lake: Where the raw facts are.
        warehouse: Shapes them.
        snapshots: Where the marts are published.
        progress: Told of every stage.
        now: Aware; becomes part of the snapshot's name.
        replay: Throw the warehouse away first, and make everything again from the lake.

    Returns:
        What was made, with the seconds that each stage took.

    Raises:
        NotReadyError: Nothing was imported yet.
        BusyError: Another build is under way.
        WarehouseError: A lake file is damaged, or a dbt model or test failed.
        StorageError: The disk is full or cannot be written.
    """
    files = {table: lake.files(table) for table in LAKE_TABLES}
    if not any(files.values()):
        raise NotReadyError(
            "there is nothing to build from yet",
            cure="Run `segue import my_spotify_data.zip` first, or `segue demo` to try it out.",
        )
    if replay:
        with warehouse.writing():
            warehouse.clear()
    try:
        report = _build(
            files=files, warehouse=warehouse, snapshots=snapshots, progress=progress, now=now
        )
    except BusyError:
        raise
    except WarehouseError as error:
        note_failure(snapshots.folder, error, now)
        raise
    forget_failure(snapshots.folder)
    return report


def _build(
    *,
    files: Mapping[str, Sequence[RawFile]],
    warehouse: Warehouse,
    snapshots: SnapshotStore,
    progress: Progress,
    now: datetime,
) -> BuildReport:
    with warehouse.writing():
        started = time.perf_counter()
        try:
            _load(warehouse, files, progress)
            loaded = time.perf_counter()
            report = warehouse.build(progress)
        except WarehouseError as error:
            if not warehouse.is_damaged(error):
                raise
            progress.start("the warehouse is damaged: making it again from the lake")
            progress.done()
            warehouse.clear()
            _load(warehouse, files, progress)
            loaded = time.perf_counter()
            report = warehouse.build(progress)
        built = time.perf_counter()
        rows: dict[str, int] = {}

        def write(folder: Path) -> None:
            rows.update(warehouse.export(folder, snapshots.reusable()))

        progress.start("publishing")
        snapshot = snapshots.publish(write, now=now)
        progress.done(snapshot.name)
    seconds = {
        "load": loaded - started,
        **report.seconds,
        "publish": time.perf_counter() - built,
    }
    _log.info("built %s: %s plays in %.1f s", snapshot.name, rows["plays"], sum(seconds.values()))
    return replace(report, snapshot=snapshot.name, rows=rows, seconds=seconds)


def _load(warehouse: Warehouse, files: Mapping[str, Sequence[RawFile]], progress: Progress) -> None:
    progress.start("loading the lake", total=len(files), unit="tables")
    rows = 0
    for table, of_table in files.items():
        rows += warehouse.load(table, of_table).rows
        progress.advance()
    progress.done(f"{rows:,} new rows")
