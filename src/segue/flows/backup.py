"""Back up: one verified archive of all that a data home holds and could not make again."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import segue
from segue.errors import BusyError, NotReadyError, StorageError, WarehouseError
from segue.flows.home_parts import PARTS, SETTINGS, kept_files, lake_parts, made_files
from segue.flows.settings_secrets import without_secrets
from segue.progress import Progress
from segue.warehouse.archive_file import room_for, written_whole
from segue.warehouse.archive_format import About, ArchivedFile
from segue.warehouse.archive_reader import read_archive
from segue.warehouse.archive_writer import InMemory, ToArchive, write_archive
from segue.warehouse.lake_manifest import COMPACTION, Commit
from segue.warehouse.lake_store import LakeStore

__all__ = ["BackupReport", "Wanted", "backup", "backup_to_stream", "verify"]

_log = logging.getLogger(__name__)
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What is in a backup.

    Args:
        file: Where it is; None for a stream.
        about: What it says of itself.
        files: What it holds.
        bytes: Size of the archive; of a stream, of the files in it.
        seconds: How long it took, reading it back included.
        left_out: Settings that hold secrets and are not in it.
    """

    file: Path | None
    about: About
    files: tuple[ArchivedFile, ...]
    bytes: int
    seconds: float
    left_out: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "file": None if self.file is None else str(self.file),
            **self.about.as_dict(),
            "files": len(self.files),
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "left_out": list(self.left_out),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What goes into a backup beside what could not be made again.

    Args:
        with_models: The published snapshot and models.
        with_secrets: Settings that hold passwords.
    """

    with_models: bool = False
    with_secrets: bool = False


@dataclass(frozen=True, slots=True)
class _Content:
    """What goes into a backup."""

    about: About
    files: tuple[ToArchive, ...]
    size: int
    left_out: tuple[str, ...]


def backup(
    home: Path,
    target: Path,
    *,
    lake: LakeStore,
    what: Wanted,
    progress: Progress,
    now: datetime,
) -> BackupReport:
    """Write a backup beside its place, read it back, and only then give it its name.

    Imports and builds may go on meanwhile: the lake is taken as it was at one moment.

    Args:
        home: The data home.
        target: The file; in a folder that is named, a file that says the time.
        lake: Where its lake is kept.
        what: What goes in beside what cannot be made again.

    Raises:
        NotReadyError: There is nothing to back up.
        ConfigError: Something that is no backup has the name.
        StorageError: There is no room, or the place cannot be written; nothing is left there.
        WarehouseError: A file of the home is damaged.
    """
    began = time.perf_counter()
    if target.is_dir():
        target = target / f"segue-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"
    target = target.absolute()
    for attempt in range(1, _TRIES + 1):
        content = _content(home, lake, what, now)
        room_for(target, content.size)
        try:
            files = _write(content, target, progress)
            break
        except BusyError:  # merged into other files, or replaced by a build, in this very moment
            if attempt == _TRIES:
                raise
    report = BackupReport(
        target,
        content.about,
        files,
        target.stat().st_size,
        time.perf_counter() - began,
        content.left_out,
    )
    _log.info("backed up %d files, %d bytes", len(files), report.bytes)
    return report


def backup_to_stream(
    home: Path,
    out: BinaryIO,
    *,
    lake: LakeStore,
    what: Wanted,
    progress: Progress,
    now: datetime,
) -> BackupReport:
    """Write a backup into a pipe; nobody reads it back, so whoever gets it should verify it."""
    began = time.perf_counter()
    content = _content(home, lake, what, now)
    progress.start("Backing up", content.size, "bytes")
    try:
        files = write_archive(out, content.about, content.files, advance=progress.advance)
        out.flush()
    except OSError as error:
        raise StorageError(
            f"the backup could not be written to the end: {error.strerror or error}",
            cure="What has arrived is not whole: remove it and try again.",
        ) from error
    size = sum(file.bytes for file in files)
    progress.done(f"{len(files):,} files")
    seconds = time.perf_counter() - began
    return BackupReport(None, content.about, files, size, seconds, content.left_out)


def verify(
    stream: BinaryIO, archive: Path, *, size: int | None, progress: Progress
) -> BackupReport:
    """Read a whole backup and compare every byte with what was written; nothing is changed.

    Raises:
        WarehouseError: It is damaged, of a newer Segue, or no backup.
    """
    began = time.perf_counter()
    progress.start("Verifying", size, "bytes")
    read = 0

    def advance(amount: int) -> None:
        nonlocal read
        read += amount
        progress.advance(amount)

    about, files = read_archive(stream, archive, parts=PARTS, advance=advance)
    progress.done(f"{len(files):,} files are as they were written")
    return BackupReport(archive, about, files, read, time.perf_counter() - began)


def _write(content: _Content, target: Path, progress: Progress) -> tuple[ArchivedFile, ...]:
    written: tuple[ArchivedFile, ...] = ()

    def check(draft: Path) -> None:
        try:
            with draft.open("rb") as back:
                again = verify(back, target, size=content.size, progress=progress).files
        except WarehouseError:
            again = ()
        if again != written:
            raise StorageError(
                f"{target} does not read back as it was written; it was removed",
                cure="Name a place on another disk: this one cannot be trusted.",
            )

    with written_whole(target, check) as out:
        progress.start("Backing up", content.size, "bytes")
        written = write_archive(out, content.about, content.files, advance=progress.advance)
        progress.done(f"{len(written):,} files")
    return written


def _content(home: Path, lake: LakeStore, what: Wanted, now: datetime) -> _Content:
    parts = lake_parts(lake)
    files: list[ToArchive] = [*parts.files, *kept_files(home)]
    settings, left_out = _settings(home / SETTINGS, with_secrets=what.with_secrets)
    files += settings
    if what.with_models:
        files += made_files(home)
    if not files:
        raise NotReadyError(
            f"there is nothing to back up in {home} yet",
            cure="Run `segue import my_spotify_data.zip` first, or name another --home.",
        )
    held = tuple(part for part in PARTS if any(_part(file) == part for file in files))
    about = About(segue.__version__, now, held, _facts(parts.commits))
    return _Content(about, tuple(files), sum(file.size or 0 for file in files), left_out)


def _settings(path: Path, *, with_secrets: bool) -> tuple[list[ToArchive], tuple[str, ...]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return [], ()
    except (OSError, UnicodeDecodeError) as error:
        raise WarehouseError(
            f"{path} cannot be read: {error}", cure="Mend the file or move it away."
        ) from error
    kept, left_out = (text, ()) if with_secrets else without_secrets(text)
    if kept is None:
        return [], (f"{path.name} ({', '.join(left_out)})",)
    return [InMemory(path.name, kept.encode())], left_out


def _facts(commits: Sequence[Commit]) -> dict[str, Any]:
    return {
        "imports": sum(commit.kind != COMPACTION for commit in commits),
        "last_import": commits[-1].commit_id if commits else None,
        "rows": sum(commit.total.kept for commit in commits),
    }


def _part(file: ToArchive) -> str:
    return file.path.partition("/")[0]
