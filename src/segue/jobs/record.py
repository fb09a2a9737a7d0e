"""The sign of life of one job: a small file that its process holds, and writes in place.

The process holds a lock on the file, inherited at its birth, which the system lets go of however
the process ends: that is how others know whether it lives, and no number of a process that was
given to another one misleads them. The file has its full size before the job begins, so that how
a job ended can be written down on a full disk.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from segue.errors import StorageError
from segue.own_folder import own_folder

__all__ = [
    "LifeRecord",
    "create",
    "here",
    "lives",
    "read",
    "seen_at",
    "unwritable",
    "wish_path",
    "write",
]

_BYTES: Final = 4096
"""One page: what is written in one piece is read in one piece."""

_MOST_WORDS: Final = 400


@dataclass(frozen=True, slots=True)
class LifeRecord:
    """What a process says of itself.

    Args:
        pid: Its number; 0: it has not begun.
        place: Where that is its number, see `here`; empty: not known.
        started_us: When it began, in microseconds since 1970; 0: not yet.
        progress: How much of its present stage is done, 0 to 1.
        words: That stage in a few words.
        exit_code: How it ended; None: it has not said.
        ended_us: When.
    """

    pid: int = 0
    place: str = ""
    started_us: int = 0
    progress: float | None = None
    words: str = ""
    exit_code: int | None = None
    ended_us: int = 0


def create(path: Path) -> int:
    """Make the file and hold it; its handle, to be given to the process and closed here.

    Raises:
        StorageError: The disk is full, or cannot be written.
    """
    try:
        own_folder(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        os.posix_fallocate(handle, 0, _BYTES)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write(handle, LifeRecord())
    except OSError as error:
        os.close(handle)
        path.unlink(missing_ok=True)
        raise unwritable(path, error) from error
    return handle


def unwritable(path: Path, error: OSError) -> StorageError:
    """A fault of the disk, in words."""
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}; no job was begun",
        cure="Free space or mend permissions, then try again.",
    )


def write(handle: int, record: LifeRecord) -> None:
    """Say something else; nothing is allocated."""
    told = asdict(record) | {"words": record.words[:_MOST_WORDS]}
    os.pwrite(handle, json.dumps(told).encode().ljust(_BYTES), 0)


def read(path: Path) -> LifeRecord:
    """What the process said last; nothing, where the file is gone or is not one of these."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_BYTES))
    except (OSError, ValueError):
        return LifeRecord()
    return _record(told) if isinstance(told, dict) else LifeRecord()


def _record(told: dict[str, Any]) -> LifeRecord:
    known = {field.name: told[field.name] for field in fields(LifeRecord) if field.name in told}
    return LifeRecord(**known)


def lives(path: Path) -> bool:
    """Whether the process, or somebody who is about to begin it, holds the file."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def here() -> str:
    """Among which processes a number means one: those of this container, until the machine stops.

    Empty: the system does not say.
    """
    try:
        run = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{run}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def wish_path(path: Path) -> Path:
    """Where the process is told to end by whoever cannot reach it with a signal."""
    return path.with_suffix(".end")


def seen_at(path: Path) -> datetime | None:
    """When the process last said anything; None: the file is gone."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    except OSError:
        return None
