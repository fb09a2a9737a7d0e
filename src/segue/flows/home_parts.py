"""What a data home is made of: what is kept of it in a backup, and where each part lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segue.warehouse.archive_writer import FileOnDisk, InMemory, ToArchive
from segue.warehouse.lake_folder import LakeFolder
from segue.warehouse.lake_log import LakeLog
from segue.warehouse.lake_manifest import Commit, manifest_bytes

__all__ = ["EXPERIMENTS", "LAKE", "MODELS", "PARTS", "PLAYLISTS", "SETTINGS", "SNAPSHOTS", "TUNING"]
__all__ += ["LakeParts", "kept_files", "lake_parts", "made_files"]

LAKE: Final = "lake"
SETTINGS: Final = "segue.toml"
EXPERIMENTS: Final = "experiments"
TUNING: Final = "tuning"
PLAYLISTS: Final = "playlists"
SNAPSHOTS: Final = "snapshots"
MODELS: Final = "models"

PARTS: Final = (LAKE, SETTINGS, EXPERIMENTS, TUNING, PLAYLISTS, SNAPSHOTS, MODELS)
"""Names in a home that may be in a backup."""

_POINTER: Final = "current"


@dataclass(frozen=True, slots=True)
class LakeParts:
    """The lake at one moment: its commits, and their manifests after the files that count."""

    commits: tuple[Commit, ...]
    files: tuple[ToArchive, ...]


def lake_parts(lake: Path) -> LakeParts:
    """All that a lake holds now; what is imported from here on is not among it.

    Files come before the manifests that name them.

    Raises:
        WarehouseError: A manifest is damaged.
    """
    state = LakeLog(LakeFolder(lake)).state()
    named = [(file.name, file.crc32) for file in state.files]
    named += [(file.name, file.crc32) for commit in state.commits for file in commit.rejects]
    files = [FileOnDisk(f"{LAKE}/{name}", lake / name, crc32) for name, crc32 in named]
    manifests = [
        InMemory(f"{LAKE}/{commit.manifest}", manifest_bytes(commit)) for commit in state.commits
    ]
    return LakeParts(state.commits, (*files, *manifests))


def kept_files(home: Path) -> Iterator[FileOnDisk]:
    """Experiments, logs of trials and playlists: what could not be made again."""
    for part in (EXPERIMENTS, TUNING, PLAYLISTS):
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
