"""What the lake remembers of each import: the manifest, which makes its files count."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from segue.errors import WarehouseError
from segue.music.account import Account
from segue.warehouse.base import Piece

__all__ = ["Commit", "FileAccount", "LakeFile", "read_manifest", "write_manifest"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One Parquet file of the lake: `row_id`, then the table's columns.

    Args:
        table: Name of its table.
        path: Absolute.
        rows: Number of rows.
        commit_id: The import that wrote it.
        partition: Value of the table's partition column, the same in all its rows.
        user_id: Value of the `user_id` column, the same in all its rows; empty without one.
        crc32: Of its bytes; None in manifests that do not tell.
    """

    table: str
    path: Path
    rows: int
    commit_id: str
    partition: str
    user_id: str = ""
    crc32: int | None = None

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What imports wrote and this file holds."""
        commit, part = self.path.stem.split("-")[0], self.path.stem.split("-")[-1]
        return (Piece(self.path.stem, int(commit) * 1_000_000 + int(part), self.rows),)


@dataclass(frozen=True, slots=True)
class FileAccount:
    """What became of the rows of one file of an input.

    Args:
        file: Its name within the input.
        source: Name of the source that read it.
        account: Its rows, counted.
    """

    file: str
    source: str
    account: Account

    def as_dict(self) -> dict[str, Any]:
        """The account as JSON-ready values."""
        return {"file": self.file, "source": self.source, **self.account.as_dict()}


@dataclass(frozen=True, slots=True)
class Commit:
    """One import, as its manifest tells it.

    Args:
        commit_id: Sorts in the order of commits.
        made_at: Aware UTC.
        kind: "history", "catalogue", "crowd" or "feedback".
        input: What was imported, absolute; for feedback the lake's folder.
        user_id: Whose history; also set, and without meaning, for other kinds.
        name: Name of the catalogue or crowd.
        files: The lake files that it added; none when every row was known.
        rejects: Parquet files with its rejected rows.
        accounts: One for each file that was read.
        broken: Files that could not be read and were skipped, as asked.
        ignored: Files that no source recognised.
    """

    commit_id: str
    made_at: datetime
    kind: str
    input: Path
    user_id: str
    name: str
    files: tuple[LakeFile, ...]
    rejects: tuple[Path, ...]
    accounts: tuple[FileAccount, ...]
    broken: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def total(self) -> Account:
        """The account of the whole input."""
        return sum((file.account for file in self.accounts), Account())


def write_manifest(commit: Commit, lake: Path) -> bytes:
    """The manifest as JSON; paths are relative to the lake, so that it can be moved."""
    manifest = {
        "version": _VERSION,
        "commit_id": commit.commit_id,
        "made_at": commit.made_at.isoformat(),
        "kind": commit.kind,
        "input": {"path": str(commit.input), "name": commit.input.name},
        "user_id": commit.user_id,
        "name": commit.name,
        "total": commit.total.as_dict(),
        "files": [
            {
                "table": file.table,
                "path": file.path.relative_to(lake).as_posix(),
                "rows": file.rows,
                "partition": file.partition,
                "user_id": file.user_id,
                "crc32": file.crc32,
            }
            for file in commit.files
        ],
        "rejects": [path.relative_to(lake).as_posix() for path in commit.rejects],
        "accounts": [file.as_dict() for file in commit.accounts],
        "broken": list(commit.broken),
        "ignored": list(commit.ignored),
    }
    # Names of files may hold lone surrogates; escaped JSON carries them through.
    return json.dumps(manifest, indent=1).encode()


def read_manifest(path: Path, lake: Path) -> Commit:
    """The import that a manifest describes.

    Raises:
        WarehouseError: It cannot be read; nothing is guessed from a damaged manifest.
    """
    try:
        return _commit(json.loads(path.read_bytes()), lake)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"the manifest {path} cannot be read ({error})",
            cure="Restore it from a backup, or move it away to undo that import.",
        ) from error


def _commit(manifest: dict[str, Any], lake: Path) -> Commit:
    if manifest["version"] != _VERSION:
        raise ValueError(f"it is of version {manifest['version']}, this Segue reads {_VERSION}")
    commit_id = manifest["commit_id"]
    files = tuple(
        LakeFile(
            table=file["table"],
            path=lake / file["path"],
            rows=file["rows"],
            commit_id=commit_id,
            partition=file["partition"],
            user_id=file["user_id"],
            crc32=file.get("crc32"),
        )
        for file in manifest["files"]
    )
    return Commit(
        commit_id=commit_id,
        made_at=datetime.fromisoformat(manifest["made_at"]),
        kind=manifest["kind"],
        input=Path(manifest["input"]["path"]),
        user_id=manifest["user_id"],
        name=manifest["name"],
        files=files,
        rejects=tuple(lake / name for name in manifest["rejects"]),
        accounts=tuple(_file_account(entry) for entry in manifest["accounts"]),
        broken=tuple(manifest["broken"]),
        ignored=tuple(manifest["ignored"]),
    )


def _file_account(entry: dict[str, Any]) -> FileAccount:
    account = Account(
        read=entry["read"],
        kept=entry["kept"],
        duplicate=entry["duplicate"],
        rejected=entry["rejected"],
        forgotten=entry.get("forgotten", 0),
    )
    return FileAccount(entry["file"], entry["source"], account)
