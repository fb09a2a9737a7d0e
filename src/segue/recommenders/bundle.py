"""Trained recommenders on disk: one folder named by its content, published by one rename."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from segue.errors import BusyError, NotReadyError, StorageError
from segue.features.catalogue import Catalogue
from segue.features.track_search import TrackSearch, track_search
from segue.music import columns as c
from segue.own_folder import own_folder
from segue.recommenders.base import Composed, Recommender, StoredRecommender
from segue.recommenders.kept_names import load_columns, load_names, save_columns, save_names
from segue.recommenders.kept_search import load_search, save_search

__all__ = ["Bundle", "BundleStore", "load_model"]

_FORMAT: Final = 1
_GROUP: Final = "segue.recommenders"
_TRACKS: Final = "tracks.arrow"
_NAMES: Final = "track_names"
_COLUMNS: Final = "track_columns"
_SEARCH: Final = "track_search"
_OF_TRACKS: Final = (_TRACKS, _NAMES, _COLUMNS, _SEARCH)
_MANIFEST: Final = "bundle.json"
_POINTER: Final = "current"
_STAGING: Final = ".publishing-"
_NAME: Final = re.compile("[0-9a-f]{16}")
_KEPT: Final = 2
_EDGE: Final = 1 << 18
_BLOCK: Final = 1 << 22
_CURE: Final = "Run `segue train`."


@dataclass(frozen=True)
class Bundle:
    """Everything a playlist is made from, as of one training.

    Args:
        name: Hash of the content: the same models of the same tracks have the same name.
        snapshot: Name of the snapshot that was learned from.
        trained_at: When it was first published, aware UTC.
        catalogue: The tracks, memory-mapped.
        recommenders: Name -> recommender, in alphabetical order.
        search: The tracks by their words; None: the bundle was written without.
    """

    name: str
    snapshot: str
    trained_at: datetime
    catalogue: Catalogue
    recommenders: Mapping[str, Recommender]
    search: TrackSearch | None = None


class BundleStore:
    """The bundles of one data home; the newest two are kept.

    Args:
        folder: Where they are, `$SEGUE_HOME/models`; made when something is published.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def publish(
        self,
        recommenders: Iterable[StoredRecommender],
        catalogue: Catalogue,
        *,
        snapshot: str,
        trained_at: datetime,
    ) -> Bundle:
        """Write a bundle and make it the current one; readers see the old one until then.

        Raises:
            StorageError: The disk is full or the folder cannot be written; nothing changed.
            BusyError: Another training is publishing at this moment.
        """
        try:
            with self._alone():
                name = self._write(list(recommenders), catalogue, snapshot, trained_at)
                self._prune(name)
        except OSError as error:
            raise _storage_error(error, self.folder) from error
        return self._open(name)

    def current(self) -> Bundle:
        """The published bundle, memory-mapped.

        Raises:
            NotReadyError: Nothing has been trained here, or what was is damaged.
        """
        name = self._pointed()
        try:
            return self._open(name)
        except NotReadyError:
            if self._pointed() == name:
                raise
            return self._open(self._pointed())  # replaced and pruned while we looked

    def names(self) -> tuple[str, ...]:
        """What is published now, then what was published before, the newest first.

        Raises:
            NotReadyError: Nothing has been trained here.
        """
        current = self._pointed()
        others = [one for one in self.folder.iterdir() if _NAME.fullmatch(one.name)]
        others.sort(key=lambda one: one.stat().st_mtime_ns, reverse=True)
        return (current, *(one.name for one in others if one.name != current))

    def open(self, name: str) -> Bundle:
        """One of the bundles, memory-mapped.

        Raises:
            NotReadyError: It is damaged or gone.
        """
        return self._open(name)

    def verify(self, name: str, rest: Callable[[], object] = lambda: None) -> None:
        """Read all of a bundle and compare it with what was written; a gigabyte takes seconds.

        Opening looks at the edges of each file only.

        Args:
            rest: Called after each piece of it.

        Raises:
            NotReadyError: A file is not as it was written.
        """
        folder = self.folder / name
        manifest = _manifest(folder)
        _check(folder, manifest)
        for relative, facts in manifest["files"].items():
            try:
                whole = _digest(folder / relative, rest)
            except OSError as error:
                raise _damaged(folder / relative, "cannot be read") from error
            if whole != facts["sha256"]:
                raise _damaged(folder / relative, "was changed after it was written")

    @property
    def empty(self) -> bool:
        """Whether nothing was ever published here."""
        return not (self.folder / _POINTER).exists()

    def clear(self) -> None:
        """Remove every bundle, the published one first of all.

        Raises:
            BusyError: A training is publishing at this moment.
            StorageError: They cannot be removed.
        """
        if not self.folder.exists():
            return
        try:
            with self._alone():
                (self.folder / _POINTER).unlink(missing_ok=True)
                for path in self.folder.iterdir():
                    if path.is_dir():
                        shutil.rmtree(path)
                    elif path.name != "lock":
                        path.unlink()
                _to_disk(self.folder)
        except OSError as error:
            raise _storage_error(error, self.folder) from error

    def sizes(self, name: str) -> dict[str, int]:
        """Recommender -> bytes of its files; the tracks count as "tracks"."""
        total: dict[str, int] = {}
        for relative, facts in _manifest(self.folder / name)["files"].items():
            owner = relative.split("/")[0]
            owner = "tracks" if owner in _OF_TRACKS else owner
            total[owner] = total.get(owner, 0) + facts["bytes"]
        return total

    def _pointed(self) -> str:
        try:
            name = (self.folder / _POINTER).read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            message = f"nothing has been trained in {self.folder} yet"
            raise NotReadyError(message, cure=_CURE) from error
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(self.folder / _POINTER, "cannot be read") from error
        if not name or Path(name).name != name:
            raise _damaged(self.folder / _POINTER, "names no bundle")
        return name

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One publisher at a time; the lock goes with the process that holds it."""
        own_folder(self.folder)
        with (self.folder / "lock").open("a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError(
                    f"another training is writing to {self.folder}",
                    cure="Wait for it to end, then run the command again.",
                ) from error
            yield

    def _write(
        self,
        recommenders: list[StoredRecommender],
        catalogue: Catalogue,
        snapshot: str,
        trained_at: datetime,
    ) -> str:
        for left in self.folder.glob(f"{_STAGING}*"):  # by a publisher that was killed
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.folder))
        try:
            _write_tracks(staging / _TRACKS, catalogue)
            (staging / _NAMES).mkdir()
            save_names(staging / _NAMES, catalogue.song_keys)
            (staging / _COLUMNS).mkdir()
            save_columns(staging / _COLUMNS, catalogue.to_keep())
            (staging / _SEARCH).mkdir()
            save_search(staging / _SEARCH, track_search(catalogue))
            for model in recommenders:
                (staging / model.name).mkdir()
                model.save(staging / model.name)
            name = _seal(staging, sorted(m.name for m in recommenders), snapshot, trained_at)
            self._place(staging, name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return name

    def _place(self, staging: Path, name: str) -> None:
        target = self.folder / name
        if target.exists() and not _whole(target):
            shutil.rmtree(target)
        if not target.exists():
            staging.rename(target)
        pointer = self.folder / f"{_STAGING}pointer"
        pointer.write_text(name + "\n", encoding="utf-8")
        _to_disk(pointer)
        pointer.replace(self.folder / _POINTER)
        _to_disk(self.folder)

    def _prune(self, current: str) -> None:
        """Remove all but the newest bundles; a reader that has one open keeps its files."""
        # by their names: one that was being removed when its remover was killed has no manifest
        bundles = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        others = [path for path in bundles if path.name != current]
        others.sort(key=lambda p: (p.stat().st_mtime_ns, p.name), reverse=True)
        for old in others[_KEPT - 1 :]:
            shutil.rmtree(old, ignore_errors=True)

    def _open(self, name: str) -> Bundle:
        folder = self.folder / name
        manifest = _manifest(folder)
        _check(folder, manifest)
        try:
            names, columns = load_names(folder / _NAMES), load_columns(folder / _COLUMNS)
            catalogue = Catalogue(_read_tracks(folder / _TRACKS), names, columns)
            models = {
                name: load_model(name, folder, catalogue) for name in manifest["recommenders"]
            }
            for model in models.values():
                if isinstance(model, Composed):
                    model.with_parts(models)
            trained_at = datetime.fromisoformat(manifest["trained_at"])
            search = load_search(folder / _SEARCH)
            return Bundle(name, manifest["snapshot"], trained_at, catalogue, models, search)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise _damaged(folder, f"cannot be used ({error})") from error


def _write_tracks(path: Path, catalogue: Catalogue) -> None:
    table = catalogue.tracks.combine_chunks()
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _read_tracks(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    if c.TRACK_ID not in table.column_names:
        raise ValueError(f"{path.name} has no column {c.TRACK_ID}")
    return table


@cache
def _installed() -> EntryPoints:
    """Every recommender there is; looking through all that is installed takes a while."""
    return entry_points(group=_GROUP)


def load_model(name: str, folder: Path, catalogue: Catalogue) -> Recommender:
    """A model that was saved in a folder of its name, memory-mapped.

    Raises:
        NotReadyError: It is not installed here.
    """
    found = [entry for entry in _installed() if entry.name == name]
    if not found:
        raise NotReadyError(
            f"bundle {folder} needs the recommender “{name}”, which is not installed here",
            cure=f"Install the package it comes from, or: {_CURE}",
        )
    model: Recommender = found[0].load().load(folder / name, catalogue)
    return model


def _seal(folder: Path, recommenders: list[str], snapshot: str, trained_at: datetime) -> str:
    """Write the manifest, flush all to disk, and return the name that the content has."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    files: dict[str, Any] = {}
    digest = hashlib.sha256(f"{_FORMAT}\n{snapshot}\n{recommenders}\n".encode())
    for path in paths:
        relative = path.relative_to(folder).as_posix()
        with path.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{relative} {whole}\n".encode())
        files[relative] = {"bytes": path.stat().st_size, "edges": _edges(path), "sha256": whole}
    manifest = {
        "format": _FORMAT,
        "snapshot": snapshot,
        "trained_at": trained_at.astimezone(UTC).isoformat(),
        "recommenders": recommenders,
        "files": files,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True)
    (folder / _MANIFEST).write_text(text, encoding="utf-8")
    for path in [*paths, folder / _MANIFEST, *(p for p in folder.iterdir() if p.is_dir()), folder]:
        _to_disk(path)
    return digest.hexdigest()[:16]


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    try:
        manifest: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _damaged(path, "is missing") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, "cannot be read") from error
    wanted = {"format", "snapshot", "trained_at", "recommenders", "files"}
    whole = isinstance(manifest, dict) and wanted <= manifest.keys()
    if not whole or not isinstance(manifest["files"], dict):
        raise _damaged(path, "is not the list of a bundle")
    if manifest["format"] != _FORMAT:
        message = f"bundle {folder} was written by another version of Segue"
        raise NotReadyError(message, cure=_CURE)
    return dict(manifest)


def _check(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Sizes and edges of every file: finds what is missing, cut or overwritten, at no wait."""
    for relative, facts in manifest["files"].items():
        path = folder / relative
        try:
            size = path.stat().st_size
            if size != facts["bytes"]:
                reason = f"has {size:,} bytes where {facts['bytes']:,} were written"
                raise _damaged(path, reason)
            if _edges(path) != facts["edges"]:
                raise _damaged(path, "was changed after it was written")
        except FileNotFoundError as error:
            raise _damaged(path, "is missing") from error
        except (OSError, KeyError, TypeError) as error:
            raise _damaged(path, "cannot be read") from error


def _whole(folder: Path) -> bool:
    try:
        _check(folder, _manifest(folder))
    except NotReadyError:
        return False
    return True


def _digest(path: Path, rest: Callable[[], object]) -> str:
    """SHA-256 of a file, in large blocks: for each, a thread needs Python's lock twice."""
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            digest.update(block[:size])
            rest()
    return digest.hexdigest()


def _edges(path: Path) -> int:
    """CRC-32 of the first and last quarter of a megabyte."""
    with path.open("rb") as file:
        value = zlib.crc32(file.read(_EDGE))
        if path.stat().st_size > _EDGE:
            file.seek(max(_EDGE, path.stat().st_size - _EDGE))
            value = zlib.crc32(file.read(), value)
    return value


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(path: Path, reason: str) -> NotReadyError:
    return NotReadyError(f"trained models are damaged: {path} {reason}", cure=_CURE)


def _storage_error(error: OSError, folder: Path) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what, cure = "the disk is full", "Free some space, then run the command again."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        what, cure = "the folder cannot be written", "Make it writable, or set SEGUE_HOME."
    else:
        what, cure = str(error), "Check the disk, then run the command again."
    return StorageError(f"models cannot be saved in {folder}: {what}", cure=cure)
