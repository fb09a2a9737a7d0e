"""Restore: a backup becomes the data home, or its rows join those that are there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from segue.errors import WarehouseError
from segue.flows.home_parts import LAKE, PARTS, lake_parts
from segue.progress import Progress
from segue.warehouse.archive_file import room_for
from segue.warehouse.archive_format import About, ArchivedFile
from segue.warehouse.archive_reader import read_archive
from segue.warehouse.home_journal import STAGED
from segue.warehouse.home_lock import HomeLock
from segue.warehouse.home_swap import ASIDE, StagedFiles, occupied, staging, swap
from segue.warehouse.lake_folder import LakeFolder

__all__ = ["RestoreReport", "occupied", "restore"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What came out of a backup.

    Args:
        home: Where to.
        about: What the backup says of itself.
        files: What it holds.
        aside: Where the old home is now; None where there was none.
        seconds: How long it took.
    """

    home: Path
    about: About
    files: tuple[ArchivedFile, ...]
    aside: Path | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "home": str(self.home),
            "backup": self.about.as_dict(),
            "files": len(self.files),
            "bytes": sum(file.bytes for file in self.files),
            "aside": None if self.aside is None else str(self.aside),
            "seconds": round(self.seconds, 3),
        }


def restore(
    lock: HomeLock,
    stream: BinaryIO,
    archive: Path,
    *,
    replace: bool,
    size: int | None,
    progress: Progress,
    now: datetime,
    on_step: Callable[[str], None] = lambda step: None,
) -> RestoreReport:
    """Make a backup the data home; killed at any point, the home is the old one or the new one.

    Everything is read and verified before anything that is there is touched. An old home is put
    aside whole, into a folder of the home, and stays there.

    Args:
        lock: Our place in the home.
        stream: The archive, read forward only.
        archive: Its name.
        replace: Whether a home that holds something may be put aside.
        size: Of the archive, when it is known.
        on_step: Told the name of each step of the exchange as it is done.

    Raises:
        BusyError: Other commands are at work in the home.
        WarehouseError: The home holds something, or the backup is damaged, of a newer Segue, or
            not to be trusted; the home is as it was.
        StorageError: The disk is full or cannot be written; the home is as it was.
    """
    began = time.perf_counter()
    home = lock.home
    with lock.alone("restore"):
        there = occupied(home)
        if there and not replace:
            raise _not_empty(home, there)
        if size is not None:
            room_for(home / STAGED, size)
        aside = _free_name(home, now)
        with staging(home) as staged:
            about, files = taken(stream, archive, staged, size=size, progress=progress)
            progress.start("Putting it into its place")
            swap(home, aside=aside, keep=bool(there), on_step=on_step)
            progress.done()
    _log.info("restored %d files", len(files))
    kept = home / aside if there else None
    return RestoreReport(home, about, files, kept, time.perf_counter() - began)


def taken(
    stream: BinaryIO, archive: Path, staged: StagedFiles, *, size: int | None, progress: Progress
) -> tuple[About, tuple[ArchivedFile, ...]]:
    """Read a backup into a staging folder, and check that it is whole and makes sense.

    Raises:
        WarehouseError: It is not what was written, or this Segue cannot read its lake.
    """
    progress.start("Reading the backup", size, "bytes")
    about, files = read_archive(
        stream, archive, parts=PARTS, taker=staged, advance=progress.advance
    )
    _check_lake(staged.folder / LAKE, archive)
    progress.done(f"{len(files):,} files, all as they were written")
    return about, files


def _check_lake(lake: Path, archive: Path) -> None:
    try:
        parts = lake_parts(LakeFolder(lake))
    except WarehouseError as error:
        raise WarehouseError(
            f"the lake in {archive} cannot be used: {error.message}; nothing was restored",
            cure="Use a Segue as new as the one that wrote the backup, or another backup.",
        ) from error
    # what was put together with other files is named still, but counts no more
    named = [file.path.partition("/")[2] for file in parts.files]
    missing = [name for name in named if not (lake / name).is_file()]
    if missing:
        raise WarehouseError(
            f"{archive} does not hold {missing[0]}, which an import in it names;"
            " nothing was restored",
            cure="Use another backup.",
        )


def _not_empty(home: Path, there: Sequence[str]) -> WarehouseError:
    return WarehouseError(
        f"the data home {home} is not empty: it holds {', '.join(there)}",
        cure="--replace puts it aside and restores; --merge adds the rows that are not there;"
        " or name another folder with --home.",
    )


def _free_name(home: Path, now: datetime) -> str:
    name = f"{ASIDE}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    number = 1
    while (home / name).exists():
        number += 1
        name = f"{name.partition('_')[0]}_{number}"
    return name
