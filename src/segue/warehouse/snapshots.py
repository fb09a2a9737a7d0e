"""Published marts: folders of Parquet files, one folder current, never half written."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from segue.errors import NotReadyError, WarehouseError
from segue.music import columns as c
from segue.music.listening_marts import LISTENING_MARTS
from segue.music.marts import MARTS
from segue.warehouse.beside import tidy_beside
from segue.warehouse.lake_lock import exclusive
from segue.warehouse.snapshot_parts import MartFiles, read_index
from segue.warehouse.storage import (
    checksum,
    empty_folder,
    make_folder,
    storing,
    sync_file,
    sync_folder,
    write_atomically,
)

__all__ = ["Snapshot", "SnapshotStore"]

_POINTER: Final = "current"
_LOCK: Final = "lock"
_UNFINISHED: Final = ".unfinished-"
_NAME: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_TOGETHER: Final = 8
_KEPT: Final = 3
_BUILD: Final = "Run `segue build`."
_NEIGHBOURS: Final = "neighbours"
_LATER: Final = (*LISTENING_MARTS, _NEIGHBOURS)
"""Marts that an older Segue did not make."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One published set of marts.

    Args:
        name: When it was made and a hash of its content, such as 20260102T030405Z-1a2b3c4d.
        folder: Where its Parquet files are.
    """

    name: str
    folder: Path

    @property
    def made_at(self) -> datetime:
        """When it was published, to the second, aware UTC."""
        return datetime.strptime(self.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    @property
    def marts(self) -> tuple[str, ...]:
        """The names of its marts, in the order of `segue.music.marts`: an older Segue made fewer.

        Raises:
            WarehouseError: The index of the files is damaged.
        """
        told = read_index(self.folder)
        return tuple(mart for mart in MARTS if self._has(mart, told))

    def _has(self, mart: str, told: Mapping[str, MartFiles]) -> bool:
        expected = mart in told or mart not in _LATER
        return expected or (self.folder / f"{mart}.parquet").is_file()

    def rows(self, mart: str) -> int:
        """How many rows a mart has, without reading them.

        Raises:
            WarehouseError: A file is missing or damaged.
        """
        rows = 0
        for path in self.files(mart):
            try:
                rows += int(pq.read_metadata(path).num_rows)
            except (OSError, pa.ArrowInvalid) as error:
                raise _unreadable(path, error) from error
        return rows

    def files(self, mart: str) -> tuple[Path, ...]:
        """The Parquet files of a mart, in the order of its rows: one, or several if it is large.

        Raises:
            KeyError: There is no mart of this name in `segue.music.marts`.
            WarehouseError: The index of the files is damaged; an older Segue, which did not
                publish this mart, made the snapshot.
        """
        if mart not in MARTS:
            raise KeyError(mart)
        index = read_index(self.folder)
        if not self._has(mart, index):
            raise WarehouseError(
                f"the published snapshot has no {mart}: an older Segue made it", cure=_BUILD
            )
        told = index.get(mart)
        if told is None:
            return (self.folder / f"{mart}.parquet",)
        return tuple(self.folder / part.file for part in told.parts)

    def verify(self, rest: Callable[[], object] = lambda: None) -> None:
        """Read all files and compare them with what was written.

        Args:
            rest: Called after each piece of it.

        Raises:
            WarehouseError: A file is missing or damaged.
        """
        told = read_index(self.folder)
        for mart in self.marts:
            for path in self.files(mart):
                try:
                    pq.read_metadata(path)
                except (OSError, pa.ArrowInvalid) as error:
                    raise _unreadable(path, error) from error
                rest()
        for part in (part for files in told.values() for part in files.parts):
            path = self.folder / part.file
            try:
                same = checksum(path) == part.crc32
            except OSError as error:
                raise _unreadable(path, error) from error
            if not same:
                raise WarehouseError(f"{path} was changed after it was written", cure=_BUILD)
            rest()

    def read(
        self, mart: str, *, columns: Sequence[str] | None = None, filters: Any = None
    ) -> pa.Table:
        """A mart as Arrow, in the schema of `segue.music.marts`.

        Args:
            mart: Its name.
            columns: Only these columns, in this order; all by default.
            filters: Only the rows that fit: a `pyarrow.compute` expression, or a list of
                (column, operator, value). Files that cannot have such rows are not opened.

        Raises:
            WarehouseError: A file is missing or damaged.
        """
        wanted = list(MARTS[mart].names if columns is None else columns)
        if mart == _NEIGHBOURS and mart not in self.marts:  # nobody had asked for any
            return MARTS[mart].empty_table().select(wanted)
        files = self.files(mart)
        if mart == _NEIGHBOURS and c.TOLD_AT in wanted and not self._tells_when(files):
            rest = [name for name in wanted if name != c.TOLD_AT]
            told_at = pa.scalar(self.made_at, MARTS[mart].field(c.TOLD_AT).type)
            known = self.read(mart, columns=rest, filters=filters)
            times = pa.repeat(told_at, known.num_rows)
            return known.append_column(MARTS[mart].field(c.TOLD_AT), times).select(wanted)
        try:
            if len(files) == 1:
                table = pq.read_table(files[0], columns=wanted, filters=filters, partitioning=None)
            else:
                if isinstance(filters, list):
                    filters = pq.filters_to_expression(filters)
                table = self._together(mart).to_table(columns=wanted, filter=filters)
        except (OSError, pa.ArrowInvalid) as error:
            raise _unreadable(files[0] if len(files) == 1 else files[0].parent, error) from error
        return table.select(wanted).cast(pa.schema([MARTS[mart].field(name) for name in wanted]))

    def tables(self, mart: str, *, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The same, one file after the other: no more than one is in memory.

        Raises:
            WarehouseError: A file is missing or damaged.
        """
        wanted = list(MARTS[mart].names if columns is None else columns)
        schema = pa.schema([MARTS[mart].field(name) for name in wanted])
        for path in self.files(mart):
            try:
                table = pq.read_table(path, columns=wanted, partitioning=None)
            except (OSError, pa.ArrowInvalid) as error:
                raise _unreadable(path, error) from error
            yield table.select(wanted).cast(schema)

    def _tells_when(self, files: Sequence[Path]) -> bool:
        """Whether it tells when each likeness was told; an older Segue did not."""
        try:
            return all(c.TOLD_AT in pq.read_schema(file).names for file in files)
        except (OSError, pa.ArrowInvalid) as error:
            raise _unreadable(files[0], error) from error

    def _together(self, mart: str) -> ds.Dataset:
        """The parts of a mart, each with what is known of its rows without opening it."""
        told = read_index(self.folder)[mart]
        kind, disk, by = ds.ParquetFileFormat(), LocalFileSystem(), pc.field(told.by)
        parts = [
            kind.make_fragment(
                str(self.folder / part.file),
                disk,
                partition_expression=(by >= part.first) & (by <= part.last),
            )
            for part in told.parts
        ]
        return ds.FileSystemDataset(parts, MARTS[mart], kind, disk)


def _unreadable(path: Path, error: Exception) -> WarehouseError:
    return WarehouseError(f"{path} cannot be read: {error}", cure=_BUILD)


class SnapshotStore:
    """The snapshots of one data home: the last few, and a pointer to the published one.

    Args:
        folder: Holds `<name>/<mart>.parquet` and the pointer `current`; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """What is published now, then what was published before, the newest first.

        Raises:
            NotReadyError: Nothing was published yet.
            WarehouseError: The pointer names a snapshot that is gone.
        """
        current = self.current().name
        names = [path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return (current, *(name for name in sorted(names, reverse=True) if name != current))

    def called(self, name: str) -> Snapshot:
        """The snapshot of a name."""
        return Snapshot(name, self.folder / name)

    def current(self) -> Snapshot:
        """The published snapshot.

        Raises:
            NotReadyError: Nothing was published yet.
            WarehouseError: The pointer names a snapshot that is gone.
        """
        try:
            name = (self.folder / _POINTER).read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            raise NotReadyError("nothing has been built yet", cure=_BUILD) from error
        except (OSError, UnicodeDecodeError) as error:
            raise WarehouseError(
                f"{self.folder / _POINTER} cannot be read: {error}", cure=_BUILD
            ) from error
        snapshot = Snapshot(name, self.folder / name)
        if not name or Path(name).name != name or not snapshot.folder.is_dir():
            raise WarehouseError(f"the published snapshot “{name}” is missing", cure=_BUILD)
        return snapshot

    def reusable(self) -> Path | None:
        """The folder of the published snapshot, if there is one: a new one may share its files."""
        try:
            return self.current().folder
        except (NotReadyError, WarehouseError):
            return None

    def publish(self, write: Callable[[Path], object], *, now: datetime) -> Snapshot:
        """Write a new snapshot and make it the current one; readers see all of it or nothing.

        The previous ones stay for readers that still hold them; of all, the last three are kept.

        Args:
            write: Writes the files into the empty folder it is given.
            now: Aware; becomes part of the name.

        Raises:
            BusyError: Somebody else is publishing.
            StorageError: The disk is full or cannot be written; the old snapshot stays current.
        """
        with storing(self.folder):
            make_folder(self.folder)
        with exclusive(self.folder / _LOCK, "build"), storing(self.folder):
            self._sweep()
            return self._publish(write, now)

    def clear(self) -> None:
        """Remove every snapshot, the published one first of all.

        Raises:
            BusyError: Somebody is publishing.
            StorageError: They cannot be removed.
        """
        if not self.folder.exists():
            return
        with exclusive(self.folder / _LOCK, "build"), storing(self.folder):
            (self.folder / _POINTER).unlink(missing_ok=True)
            empty_folder(self.folder)

    def _publish(self, write: Callable[[Path], object], now: datetime) -> Snapshot:
        unfinished = self.folder / f"{_UNFINISHED}{os.getpid()}"
        unfinished.mkdir()
        try:
            write(unfinished)
            snapshot = self._named(now, _sync(unfinished))
            while snapshot.folder.exists() and _sums(snapshot.folder) != _sums(unfinished):
                now += timedelta(seconds=1)  # of the same second and content, but damaged since
                snapshot = self._named(now, snapshot.name[-8:])
            if not snapshot.folder.exists():
                unfinished.rename(snapshot.folder)
            name = snapshot.name
            write_atomically(self.folder / _POINTER, f"{name}\n".encode())
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._prune(name)
        return snapshot

    def _named(self, now: datetime, content: str) -> Snapshot:
        name = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{content}"
        return Snapshot(name, self.folder / name)

    def _prune(self, current: str) -> None:
        names = [path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        others = sorted((name for name in names if name != current), reverse=True)
        for name in others[_KEPT - 1 :]:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        tidy_beside(self.folder)

    def _sweep(self) -> None:
        """What killed builds left behind."""
        for path in self.folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(path)


def _sync(folder: Path) -> str:
    """Make sure that the files are on the disk; returns 8 hex digits of their content."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.blake2b(digest_size=4)
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode())
    sums = {part.file: part.crc32 for told in read_index(folder).values() for part in told.parts}
    with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="segue-sync") as pool:
        for crc32 in pool.map(lambda path: _on_disk(path, folder, sums), files):
            digest.update(crc32.to_bytes(4, "big"))
    for inner in {path.parent for path in files} | {folder}:
        sync_folder(inner)
    return digest.hexdigest()


def _sums(folder: Path) -> dict[str, int]:
    """CRC-32 of every file as it is now, by its name in the folder."""
    return {
        path.relative_to(folder).as_posix(): checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _on_disk(path: Path, folder: Path, sums: Mapping[str, int]) -> int:
    """CRC-32 of a file that is on the disk for sure; files of an older snapshot are already."""
    if path.stat().st_nlink == 1:
        sync_file(path)
    known = sums.get(path.relative_to(folder).as_posix())
    return checksum(path) if known is None else known
