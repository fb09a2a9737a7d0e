"""The form of a backup: a plain tar of files, what they are listed last, then a hash of it all.

    segue-backup.json    {"format": 1, "segue": "0.1.0", "made_at": …, …}; first
    lake/…, segue.toml … the files, in any order
    files.json           [{"path": …, "bytes": …, "sha256": …}, …], in the order of the files
    sha256               of every byte of the archive before this member, as 64 hex digits; last

Any tar program can list and unpack it. The headers are exactly those that `header` makes, so that
reading can make them again and compare: whatever else a tar may hold (links, devices, sparse
files, paths that lead elsewhere) is not a backup. Nothing is compressed, since nearly all of it is
Parquet, which is already; so nothing can unpack to more than it is.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from segue.errors import WarehouseError

__all__ = [
    "ABOUT",
    "BLOCK",
    "DIGEST",
    "END",
    "FILES",
    "FORMAT",
    "About",
    "ArchivedFile",
    "check_path",
    "damaged",
    "header",
    "padding",
]

FORMAT: Final = 1
"""Raise when an older Segue could not restore what is written."""

ABOUT: Final = "segue-backup.json"
FILES: Final = "files.json"
DIGEST: Final = "sha256"
BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
_OWN: Final = {ABOUT, FILES, DIGEST}
_LONGEST_PATH: Final = 4096
_LAST_SECOND: Final = 8**11 - 1  # that fits into a header
_ONLY_OLD: Final = "Use another backup; what this one holds is not trusted."


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself before anything else.

    Args:
        segue: Version of the Segue that wrote it.
        made_at: Aware UTC.
        parts: What it holds: top-level names of the home.
        facts: More for people: counts of commits and rows.
        format: Of the archive.
    """

    segue: str
    made_at: datetime
    parts: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "format": self.format,
            "segue": self.segue,
            "made_at": self.made_at.astimezone(UTC).isoformat(),
            "parts": list(self.parts),
            "facts": self.facts,
        }


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One file of a backup, path relative to the home with “/” between its parts."""

    path: str
    bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"path": self.path, "bytes": self.bytes, "sha256": self.sha256}


def header(path: str, size: int, made_at: datetime) -> bytes:
    """The tar header of a member, with the extended header that long names and sizes need."""
    info = tarfile.TarInfo(path)
    info.size = size
    info.mode = 0o600
    info.mtime = min(max(0, int(made_at.timestamp())), _LAST_SECOND)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """What follows content of this size up to the next block."""
    return bytes(-size % BLOCK)


def check_path(path: str, parts: tuple[str, ...], archive: Path) -> None:
    """Refuse a path that is not plainly below one of the parts of a home.

    Raises:
        WarehouseError: It leads elsewhere, or is none of the parts.
    """
    pieces = path.split("/")
    fault = ""
    if path in _OWN:
        fault = "comes twice"
    elif len(path) > _LONGEST_PATH or "\0" in path:
        fault = "is no path of a data home"
    elif any(piece in ("", ".", "..") for piece in pieces) or PurePosixPath(path).is_absolute():
        fault = "leads out of the data home"
    elif pieces[0] not in parts:
        fault = "does not belong into a data home"
    if fault:
        raise WarehouseError(f"{archive} cannot be restored: {path!r} {fault}", cure=_ONLY_OLD)


def damaged(archive: Path, what: str) -> WarehouseError:
    """The archive is not what was written."""
    return WarehouseError(
        f"{archive} is damaged: {what}; nothing of it was used",
        cure="Copy it again from where it is kept, or use an older backup.",
    )
