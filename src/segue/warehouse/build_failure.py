"""The last build that failed, remembered until one succeeds."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from segue.errors import StorageError, WarehouseError
from segue.warehouse.storage import make_folder, storing, write_atomically

__all__ = ["BuildFailure", "forget_failure", "note_failure", "read_failure"]

_FILE: Final = "failed.json"


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """Why there is no newer snapshot.

    Args:
        at: When the build was begun, aware.
        message: What happened.
        cure: What to do about it; may be empty.
    """

    at: datetime
    message: str
    cure: str


def note_failure(folder: Path, error: WarehouseError, now: datetime) -> None:
    """Remember that a build failed, if the disk lets us.

    Args:
        folder: Of the snapshots.
        error: Why.
        now: Aware.
    """
    told = {"at": now.isoformat(), "message": error.message, "cure": error.cure}
    with suppress(StorageError), storing(folder):
        make_folder(folder)
        write_atomically(folder / _FILE, json.dumps(told, indent=1).encode())


def forget_failure(folder: Path) -> None:
    """A build has succeeded."""
    with suppress(OSError):
        (folder / _FILE).unlink(missing_ok=True)


def read_failure(folder: Path) -> BuildFailure | None:
    """The failure, if the last build failed."""
    try:
        told = json.loads((folder / _FILE).read_bytes())
        return BuildFailure(datetime.fromisoformat(told["at"]), told["message"], told["cure"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
