"""What the lake remembers of each import: the manifest, which makes its files count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from segue.errors import WarehouseError
from segue.music.account import Account
from segue.warehouse.base import Piece
from segue.warehouse.lake_store import LakeStore

__all__ = [
    "COMPACTION",
    "Commit",
    "FileAccount",
    "LakeFile",
    "RejectFile",
    "commit_of",
    "manifest_bytes",
    "manifest_of",
    "parse_manifest",
]

COMPACTION: Final = "compaction"
"""The kind of a commit that puts files together and brings no rows."""

_VERSION: Final = 2
_OF_SHARED_FILES: Final = 3
"""The version of a manifest that names shared files: who does not know them must not read it."""
_READABLE: Final = (1, _VERSION, _OF_SHARED_FILES)
_FILES_A_COMMIT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RejectFile:
    """A Parquet file with rejected rows.

    Args:
        name: Its path within the lake.
        crc32: Of its bytes; None in manifests that do not tell.
    """

    name: str
    store: LakeStore = field(compare=False, repr=False)
    crc32: int | None = None

    @property
    def path(self) -> Path:
        """Where it can be read on this machine."""
        return self.store.local(self.name, self.crc32)

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"{self.store.where}/{self.name}"


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One Parquet file of the lake: `row_id`, then the table's columns.

    Args:
        table: Name of its table.
        name: Its path within the lake, unique for all time.
        rows: Number of rows.
        commit_id: The commit that wrote it.
        number: Of the file within its commit, from 1.
        partition: Value of the table's partition column, the same in all its rows.
        user_id: Value of the `user_id` column, the same in all its rows; empty without one, and
            in shared files.
        users: How many users share the file; 0 where all rows are of one, or the table has none.
        year: Of the table's date column, in UTC, the same in all its rows; empty without one, and
            in files that were written before years were told apart.
        first: Earliest value of the date column; None where nobody noted it.
        last: Latest value of the date column.
        size: In bytes; None in manifests that do not tell.
        crc32: Of its bytes; None in manifests that do not tell.
        merged: The pieces of a file that was put together of several.
    """

    table: str
    name: str
    rows: int
    commit_id: str
    number: int
    partition: str
    store: LakeStore = field(compare=False, repr=False)
    user_id: str = ""
    users: int = 0
    year: str = ""
    first: datetime | None = None
    last: datetime | None = None
    size: int | None = None
    crc32: int | None = None
    merged: tuple[Piece, ...] = ()

    @property
    def path(self) -> Path:
        """Where it can be read on this machine, fetched if need be."""
        return self.store.local(self.name, self.crc32)

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"{self.store.where}/{self.name}"

    @property
    def shared(self) -> bool:
        """Whether it holds rows of several users; its rows say whose they are."""
        return self.users > 0

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What imports wrote and this file holds."""
        if self.merged:
            return self.merged
        commit = int(self.commit_id.split("-")[0])
        place = commit * _FILES_A_COMMIT + self.number
        return (Piece(PurePosixPath(self.name).stem, place, self.rows),)

    def may_hold(self, first: datetime | None, last: datetime | None) -> bool:
        """Whether rows with a date of this span can be in it."""
        if first is None or last is None or self.first is None or self.last is None:
            return True
        return self.first <= last and first <= self.last


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
        number: Of the commit, from 1; none is given twice.
        commit_id: Sorts in the order of commits.
        made_at: Aware UTC.
        kind: "history", "catalogue", "crowd", "feedback", "events", or COMPACTION.
        input: What was imported, absolute; for feedback the lake's folder.
        user_id: Whose history; also set, and without meaning, for other kinds.
        name: Name of the catalogue or crowd.
        files: The lake files that it added; none when every row was known.
        rejects: Parquet files with its rejected rows.
        accounts: One for each file that was read.
        broken: Files that could not be read and were skipped, as asked.
        ignored: Files that no source recognised.
        replaced: Names of files that do not count any more from here on.
        token: Of whoever wrote it; tells two writers with the same number apart.
    """

    number: int
    commit_id: str
    made_at: datetime
    kind: str
    input: Path
    user_id: str
    name: str
    files: tuple[LakeFile, ...]
    rejects: tuple[RejectFile, ...]
    accounts: tuple[FileAccount, ...]
    broken: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    token: str = ""

    @property
    def total(self) -> Account:
        """The account of the whole input."""
        return sum((file.account for file in self.accounts), Account())

    @property
    def manifest(self) -> str:
        """The name of its manifest; commits of version 1 have their time in it as well."""
        return f"commits/{self.commit_id if not self.token else f'{self.number:08d}'}.json"

    @property
    def names(self) -> Iterator[str]:
        """Names of all files that it brought."""
        yield from (file.name for file in self.files)
        yield from (file.name for file in self.rejects)

    def numbered(self, number: int) -> Commit:
        """The same commit as the one with this number."""
        commit_id = f"{number:08d}-{self.made_at:%Y%m%dT%H%M%SZ}"
        files = tuple(replace(file, commit_id=commit_id) for file in self.files)
        return replace(self, number=number, commit_id=commit_id, files=files)


def manifest_of(commit: Commit) -> dict[str, Any]:
    """The manifest as JSON-ready values; paths are within the lake, so that it can be moved."""
    return {
        "version": _OF_SHARED_FILES if any(file.shared for file in commit.files) else _VERSION,
        "number": commit.number,
        "commit_id": commit.commit_id,
        "made_at": commit.made_at.isoformat(),
        "kind": commit.kind,
        "input": {"path": str(commit.input), "name": commit.input.name},
        "user_id": commit.user_id,
        "name": commit.name,
        "token": commit.token,
        "total": commit.total.as_dict(),
        "files": [_file_entry(file) for file in commit.files],
        "rejects": [{"path": file.name, "crc32": file.crc32} for file in commit.rejects],
        "accounts": [file.as_dict() for file in commit.accounts],
        "broken": list(commit.broken),
        "ignored": list(commit.ignored),
        "replaced": list(commit.replaced),
    }


def manifest_bytes(commit: Commit) -> bytes:
    """The manifest as it is written."""
    # Names of files may hold lone surrogates; escaped JSON carries them through.
    return json.dumps(manifest_of(commit), indent=1).encode()


def _file_entry(file: LakeFile) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "table": file.table,
        "path": file.name,
        "number": file.number,
        "rows": file.rows,
        "partition": file.partition,
        "user_id": file.user_id,
        "year": file.year,
        "first": file.first.isoformat() if file.first else None,
        "last": file.last.isoformat() if file.last else None,
        "bytes": file.size,
        "crc32": file.crc32,
    }
    if file.shared:
        entry["users"] = file.users
    if file.merged:
        entry["pieces"] = [[piece.name, piece.place, piece.rows] for piece in file.merged]
    return entry


def parse_manifest(content: bytes, place: str) -> dict[str, Any]:
    """A manifest's JSON, checked as far as `commit_of` relies on it.

    Raises:
        WarehouseError: It cannot be read; nothing is guessed from a damaged manifest.
    """
    try:
        found = json.loads(content)
        if not isinstance(found, dict):
            raise ValueError("it holds something else")
        return found
    except ValueError as error:
        raise _damaged(place, error) from error


def commit_of(manifest: dict[str, Any], place: str, store: LakeStore) -> Commit:
    """The import that a manifest describes.

    Args:
        place: Where the manifest is, in words.
        store: Where its files are.

    Raises:
        WarehouseError: Something is missing, or it is of a newer version.
    """
    try:
        return _commit(manifest, store)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(place, error) from error


def _damaged(place: str, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"the manifest {place} cannot be read ({error})",
        cure="Restore it from a backup, or move it away to undo that import.",
    )


def _commit(manifest: dict[str, Any], store: LakeStore) -> Commit:
    if manifest["version"] not in _READABLE:
        raise ValueError(
            f"it is of version {manifest['version']}, this Segue reads {_READABLE[-1]}"
        )
    commit_id = manifest["commit_id"]
    return Commit(
        number=int(commit_id.split("-")[0]),
        commit_id=commit_id,
        made_at=datetime.fromisoformat(manifest["made_at"]),
        kind=manifest["kind"],
        input=Path(manifest["input"]["path"]),
        user_id=manifest["user_id"],
        name=manifest["name"],
        files=tuple(_file(entry, commit_id, store) for entry in manifest["files"]),
        rejects=tuple(_rejects(entry, store) for entry in manifest["rejects"]),
        accounts=tuple(_file_account(entry) for entry in manifest["accounts"]),
        broken=tuple(manifest["broken"]),
        ignored=tuple(manifest["ignored"]),
        replaced=tuple(manifest.get("replaced", ())),
        token=manifest.get("token", ""),
    )


def _file(entry: dict[str, Any], commit_id: str, store: LakeStore) -> LakeFile:
    name = entry["path"]
    # Manifests of version 1 tell the number in the file's name only.
    number = entry.get("number") or int(PurePosixPath(name).stem.split("-")[-1])
    return LakeFile(
        table=entry["table"],
        name=name,
        rows=entry["rows"],
        commit_id=commit_id,
        number=number,
        partition=entry["partition"],
        store=store,
        user_id=entry["user_id"],
        users=entry.get("users", 0),
        year=entry.get("year", ""),
        first=_time(entry.get("first")),
        last=_time(entry.get("last")),
        size=entry.get("bytes"),
        crc32=entry.get("crc32"),
        merged=tuple(Piece(*piece) for piece in entry.get("pieces", ())),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _rejects(entry: str | dict[str, Any], store: LakeStore) -> RejectFile:
    if isinstance(entry, str):  # version 1
        return RejectFile(entry, store)
    return RejectFile(entry["path"], store, entry["crc32"])


def _file_account(entry: dict[str, Any]) -> FileAccount:
    account = Account(
        read=entry["read"],
        kept=entry["kept"],
        duplicate=entry["duplicate"],
        rejected=entry["rejected"],
        forgotten=entry.get("forgotten", 0),
    )
    return FileAccount(entry["file"], entry["source"], account)
