"""A folder of tables that appears whole: Parquet, CSV or JSON lines, with a manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from segue.errors import SinkError, StorageError, WarehouseError
from segue.warehouse.connection import connect
from segue.warehouse.export_sql import Format, told_as
from segue.warehouse.storage import storing, sync_file, sync_folder

__all__ = ["MANIFEST", "ExportWriter", "ExportedTable", "new_folder"]

MANIFEST: Final = "manifest.json"
_KIND: Final = "segue export"
_COPY: Final[Mapping[Format, str]] = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER true",
    "jsonl": "FORMAT json",
}


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """One file of an export.

    Args:
        name: Of the table.
        file: Its path within the export.
        rows: Its rows.
        bytes: Its size.
        sha256: Of its content, in hexadecimal.
        description: What a row is.
        columns: Name, type and description of each.
    """

    name: str
    file: str
    rows: int
    bytes: int
    sha256: str
    description: str
    columns: tuple[dict[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


class ExportWriter:
    """Writes tables into a folder, one file each.

    Args:
        folder: Where to.
        kind: Which format.
        memory_limit: DuckDB's; what does not fit spills into the folder.
        threads: DuckDB's; 0 means all cores.
    """

    def __init__(
        self, folder: Path, kind: Format, *, memory_limit: str = "1GB", threads: int = 0
    ) -> None:
        self.folder = folder
        self.kind: Format = kind
        config: dict[str, Any] = {"memory_limit": memory_limit}
        if threads:
            config["threads"] = threads
        self._connection = connect(config=config)
        self._connection.execute(f"SET temp_directory = {_text(str(folder / '.spill'))}")
        self._connection.execute("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
        shutil.rmtree(self.folder / ".spill", ignore_errors=True)

    def see(self, name: str, files: Sequence[Path], columns: Sequence[str]) -> None:
        """Know Parquet files as one table, in their order."""
        if not files:
            return
        listed = ", ".join(_text(_literally(path)) for path in files)
        chosen = ", ".join(f'"{column}"' for column in columns)
        self._connection.execute(
            f'CREATE OR REPLACE VIEW "{name}" AS SELECT {chosen}'
            f" FROM read_parquet([{listed}], union_by_name = true)"
        )

    def write(
        self,
        name: str,
        sql: str,
        schema: pa.Schema,
        *,
        parameters: Mapping[str, Any] | None = None,
        under: str = "",
        description: str = "",
        words: Mapping[str, str] | None = None,
    ) -> ExportedTable:
        """Write what a query answers as one file.

        Args:
            name: Of the table, and of the file.
            sql: Over the tables that were seen.
            schema: What it answers.
            parameters: Values of its $names.
            under: A folder for the file.
            description: What a row is.
            words: Column -> what it holds.

        Raises:
            StorageError: The disk is full or cannot be written.
            WarehouseError: A table cannot be read.
        """
        path = self.folder / under / f"{name}.{self.kind}"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        told = f"SELECT {told_as(schema, self.kind)} FROM ({sql})"
        try:
            done = self._connection.execute(
                f"COPY ({told}) TO {_text(str(path))} ({_COPY[self.kind]})", dict(parameters or {})
            ).fetchone()
        except duckdb.OutOfMemoryException as error:
            raise WarehouseError(
                f"writing {name} needs more memory than it may use",
                cure="Raise the setting memory_limit.",
            ) from error
        except duckdb.IOException as error:
            raise StorageError(
                f"{name} cannot be written: {str(error).splitlines()[0]}",
                cure="Free some space, or name another folder.",
            ) from error
        except duckdb.Error as error:
            raise WarehouseError(
                f"{name} cannot be read: {str(error).splitlines()[0]}", cure="Run `segue build`."
            ) from error
        path.chmod(0o600)
        sync_file(path)
        columns = tuple(
            {"name": f.name, "type": str(f.type), "description": (words or {}).get(f.name, "")}
            for f in schema
        )
        return ExportedTable(
            name=name,
            file=path.relative_to(self.folder).as_posix(),
            rows=int(done[0]) if done else 0,
            bytes=path.stat().st_size,
            sha256=_sha256(path),
            description=description,
            columns=columns,
        )

    def finish(self, facts: Mapping[str, Any], tables: Sequence[ExportedTable], page: str) -> None:
        """Write the manifest and the page."""
        manifest = {
            "kind": _KIND,
            "version": 1,
            **facts,
            "format": self.kind,
            "tables": [table.as_dict() for table in tables],
        }
        for name, text in (
            (MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"),
            ("README.md", page),
        ):
            path = self.folder / name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
            sync_file(path)


@contextmanager
def new_folder(folder: Path, *, replace: bool) -> Iterator[Path]:
    """A folder beside `folder` that takes its place at the end, in one moment, if all went well.

    Args:
        folder: May be missing or empty.
        replace: An earlier export may be there, and goes.

    Raises:
        SinkError: Something else is there.
        StorageError: The disk is full or cannot be written.
    """
    folder = folder.expanduser().absolute()
    _check_free(folder, replace)
    with storing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        draft = folder.with_name(f".{folder.name}.unfinished-{os.getpid()}")
        draft.mkdir(mode=0o700)
        try:
            yield draft
            for path in sorted(path for path in draft.rglob("*") if path.is_dir()):
                sync_folder(path)
            sync_folder(draft)
            _check_free(folder, replace)
            _take_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """What killed exports left behind; those of living ones stay."""
    for left in folder.parent.glob(f".{folder.name}.unfinished-*"):
        owner = left.name.rpartition("unfinished-")[2].partition("-")[0]
        if not (owner.isdigit() and Path(f"/proc/{owner}").exists()):
            shutil.rmtree(left, ignore_errors=True)


def _take_place(draft: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.unfinished-{os.getpid()}-before")
    if folder.is_dir() and any(folder.iterdir()):
        folder.rename(old)
    draft.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _check_free(folder: Path, replace: bool) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise SinkError(f"{folder} is no folder", cure="Name another one.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not _is_export(folder):
        raise SinkError(
            f"{folder} holds other files; nothing was written",
            cure="Name a folder that is empty or not there yet.",
        )
    if not replace:
        raise SinkError(
            f"{folder} holds an export already; nothing was written",
            cure="Give --force to replace it, or name another folder.",
        )


def _is_export(folder: Path) -> bool:
    """Whether nothing lies there but what an export of ours wrote."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["kind"] != _KIND:
            return False
        ours = {MANIFEST, "README.md", *(table["file"] for table in manifest["tables"])}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return files <= ours


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _literally(path: Path) -> str:
    """A path in which no mark stands for other names."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
