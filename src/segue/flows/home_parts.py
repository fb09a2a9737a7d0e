"""What a data home is made of: what is kept of it in a backup, and where each part lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from segue.events.sqlite_copy import copied
from segue.warehouse.archive_writer import FileOnDisk, InMemory, ToArchive
from segue.warehouse.lake_log import LakeLog
from segue.warehouse.lake_manifest import Commit, manifest_bytes
from segue.warehouse.lake_store import LakeStore

__all__ = [
    "ACCESS",
    "AHEAD",
    "CONSUMED",
    "EVENTS",
    "EVENT_LOG",
    "EXPERIMENTS",
    "JOBS",
    "KEYS",
    "LAKE",
    "MODELS",
    "PARTS",
    "PASSWORDS",
    "PLAYLISTS",
    "RECOMMENDED",
    "SECRETS",
    "SERVICES",
    "SETTINGS",
    "SNAPSHOTS",
    "STATE",
    "TEMPLATES",
    "TUNING",
    "UPDATE",
    "UPLOADS",
]
__all__ += ["LakeParts", "kept_files", "lake_parts", "made_files", "playlists_of"]

LAKE: Final = "lake"
SETTINGS: Final = "segue.toml"
EXPERIMENTS: Final = "experiments"
TUNING: Final = "tuning"
PLAYLISTS: Final = "playlists"
EVENTS: Final = "events"
EVENT_LOG: Final = "events.sqlite"
CONSUMED: Final = "consumers.sqlite"
RECOMMENDED: Final = "recommended.sqlite"
AHEAD: Final = "ahead"
ACCESS: Final = "access"
KEYS: Final = "keys.sqlite"
PASSWORDS: Final = "passwords.json"
SECRETS: Final = "secrets"
SERVICES: Final = "services"
STATE: Final = "services.sqlite"
JOBS: Final = "jobs"
UPDATE: Final = "update"
SNAPSHOTS: Final = "snapshots"
UPLOADS: Final = "uploads"
MODELS: Final = "models"
TEMPLATES: Final = "templates"

PARTS: Final = (
    LAKE,
    SETTINGS,
    EXPERIMENTS,
    TUNING,
    PLAYLISTS,
    EVENTS,
    TEMPLATES,
    SNAPSHOTS,
    MODELS,
)
"""Names in a home that may be in a backup. API keys may not: a backup brings back what it holds,
and a key that was revoked since must stay so. Tokens of foreign services may not either: a backup
may end up anywhere."""

_POINTER: Final = "current"


def playlists_of(home: Path, user_id: str) -> Path:
    """The folder of what is remembered of one user's playlists elsewhere."""
    return home / PLAYLISTS / f"u-{quote(user_id, safe='')}"


@dataclass(frozen=True, slots=True)
class LakeParts:
    """The lake at one moment: its commits, and their manifests after the files that count."""

    commits: tuple[Commit, ...]
    files: tuple[ToArchive, ...]


@dataclass(frozen=True, slots=True)
class _InLake:
    """A file of the lake, wherever that is kept."""

    path: str
    store: LakeStore
    name: str
    size: int | None
    crc32: int | None

    @contextmanager
    def opened(self) -> Iterator[tuple[BinaryIO, int]]:
        """A copy of its own, where it is kept elsewhere."""
        with self.store.fresh(self.name) as path, FileOnDisk(self.path, path).opened() as found:
            yield found


def lake_parts(store: LakeStore) -> LakeParts:
    """All that a lake holds now; what is imported from here on is not among it.

    Files come before the manifests that name them. Files that were put together with others are
    not among them any more.

    Raises:
        WarehouseError: A manifest is damaged.
        StorageError: The lake cannot be read.
    """
    state = LakeLog(store).state()
    manifests = [
        InMemory(f"{LAKE}/{commit.manifest}", manifest_bytes(commit)) for commit in state.commits
    ]
    files: list[ToArchive] = [
        _InLake(f"{LAKE}/{file.name}", store, file.name, file.size, file.crc32)
        for file in state.files
    ]
    files += [
        _InLake(f"{LAKE}/{file.name}", store, file.name, None, file.crc32)
        for commit in state.commits
        for file in commit.rejects
    ]
    return LakeParts(state.commits, (*files, *manifests))


@dataclass(frozen=True, slots=True)
class _EventLog:
    """The event log, whatever is written to it meanwhile."""

    path: str
    file: Path
    crc32: int | None = None

    @property
    def size(self) -> int | None:
        """Of the log, about that of its copy."""
        return FileOnDisk(self.path, self.file).size

    @contextmanager
    def opened(self) -> Iterator[tuple[BinaryIO, int]]:
        """A copy of one moment."""
        with copied(self.file) as copy, FileOnDisk(self.path, copy).opened() as found:
            yield found


def kept_files(home: Path) -> Iterator[ToArchive]:
    """What could not be made again: experiments, trials, playlists, templates and events."""
    for name in (CONSUMED, EVENT_LOG, RECOMMENDED):  # no consumer ahead of the log
        if (log := home / EVENTS / name).exists():
            yield _EventLog(f"{EVENTS}/{name}", log)
    for part in (EXPERIMENTS, TUNING, PLAYLISTS, TEMPLATES):
        yield from _below(home, home / part)


def made_files(home: Path) -> Iterator[FileOnDisk]:
    """The published snapshot and the published models: what could be made again, with time."""
    for part in (SNAPSHOTS, MODELS):
        pointer = home / part / _POINTER
        try:
            name = pointer.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        yield from _below(home, home / part / Path(name).name)
        yield FileOnDisk(f"{part}/{_POINTER}", pointer)


def _below(home: Path, folder: Path) -> Iterator[FileOnDisk]:
    """Every plain file in a folder, without locks and what is only half written."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(home).parts)
        if path.is_file() and not path.is_symlink() and not hidden and path.name != "lock":
            yield FileOnDisk(path.relative_to(home).as_posix(), path)
