"""The lake: every raw fact that was ever imported, as Parquet files that manifests name."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.warehouse.connection import connect
from segue.warehouse.intact import RESTORE, require_intact
from segue.warehouse.lake_import import LakeImport, Subject
from segue.warehouse.lake_lock import exclusive
from segue.warehouse.lake_manifest import Commit, FileAccount, LakeFile, read_manifest
from segue.warehouse.lake_staging import Group
from segue.warehouse.storage import storing

__all__ = ["Commit", "FileAccount", "Lake", "LakeFile", "LakeImport"]

_log = logging.getLogger(__name__)
_OURS = re.compile(r"\d{8}-\d{8}T\d{6}Z-\d+\.parquet")
_MOST_WRITERS = 4


class Lake:
    """Append-only tables under one folder; see docs/architecture.md for its files.

    Args:
        folder: The lake's folder; made by the first import.
        threads: Threads for writing; 0 means one for each core, at most four.
        memory_limit: Memory that hashing may use, such as "1GB".
        on_step: Told the name of each step of a commit as it is done.

    >>> lake = Lake(Path("/data/segue/lake"))                        # doctest: +SKIP
    >>> with lake.writing(), lake.begin("history", Path("a.zip"), user_id="me", name="") as new:
    ...     new.file("plays.json", "spotify_export")
    ...     new.stage("plays.json", chunk)
    ...     commit = new.commit(now)
    """

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 0,
        memory_limit: str = "1GB",
        on_step: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.folder = folder.absolute()
        self.threads = threads or min(os.cpu_count() or 1, _MOST_WRITERS)
        self.memory_limit = memory_limit
        self.on_step = on_step
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def scratch(self) -> Path:
        """A folder for temporary files of an import; emptied with the leftovers."""
        return self.folder / "staging" / "unpacked"

    def commits(self) -> tuple[Commit, ...]:
        """Every import, oldest first.

        Raises:
            WarehouseError: A manifest is damaged.
        """
        paths = sorted((self.folder / "commits").glob("[0-9]*.json"))
        return tuple(read_manifest(path, self.folder) for path in paths)

    def files(self, table: str) -> tuple[LakeFile, ...]:
        """The files of one table, in the order of their commits."""
        return tuple(
            file for commit in self.commits() for file in commit.files if file.table == table
        )

    def rows(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of a small table, with `row_id` and `file_no`, in the order of their commits.

        Args:
            columns: Only these of the table's own columns; all by default.

        Raises:
            WarehouseError: A file is missing or damaged.
        """
        own = LAKE_TABLES[table].schema
        names = [c.ROW_ID, *(own.names if columns is None else columns)]
        whole = own.insert(0, pa.field(c.ROW_ID, pa.int64(), nullable=False))
        number = pa.field(c.FILE_NO, pa.int64(), nullable=False)
        schema = pa.schema([whole.field(name) for name in names])
        parts = [schema.append(number).empty_table()]
        for n, file in enumerate(self.files(table)):
            require_intact(file)
            try:
                with pq.ParquetFile(file.path) as opened:
                    part = opened.read(names, use_threads=False).select(names).cast(schema)
            except (OSError, pa.ArrowException, KeyError, ValueError) as error:
                raise WarehouseError(
                    f"the lake's file {file.path} cannot be read: {error}", cure=RESTORE
                ) from error
            parts.append(part.append_column(number, pa.array([n] * part.num_rows, pa.int64())))
        return pa.concat_tables(parts)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, and sweep away what killed imports left behind.

        Raises:
            BusyError: Another import is under way.
            StorageError: The lake may not be written.
            WarehouseError: A manifest is damaged; nothing is swept then.
        """
        with exclusive(self.folder / "lock"):
            with storing(self.folder):
                self._sweep()
            try:
                with connect(config=self._config()) as self._connection:
                    yield
            finally:
                self._connection = None
                shutil.rmtree(self.folder / "staging", ignore_errors=True)

    def begin(self, kind: str, source: Path, *, user_id: str, name: str) -> LakeImport:
        """Start an import, inside `writing`.

        Args:
            kind: "history", "catalogue", "crowd" or "feedback".
            source: The input that the user named; the lake's folder where there is none.
            user_id: Whose history it is.
            name: Name of the catalogue or crowd.
        """
        if self._connection is None:
            raise WarehouseError("an import was begun outside of Lake.writing()")
        commits = self.commits()
        number = 1 + (int(commits[-1].commit_id.split("-")[0]) if commits else 0)

        def known(group: Group) -> list[LakeFile]:
            return [
                file
                for commit in commits
                for file in commit.files
                if group.table is not None
                and (file.table, file.partition, file.user_id)
                == (group.table.name, group.partition, group.user_id)
            ]

        return LakeImport(
            self.folder,
            Subject(kind, source.absolute(), user_id, name),
            number=number,
            known=known,
            threads=self.threads,
            connection=self._connection,
            on_step=self.on_step,
        )

    def _config(self) -> dict[str, Any]:
        spill = str(self.folder / "staging" / "spill")
        return {"threads": 1, "memory_limit": self.memory_limit, "temp_directory": spill}

    def _sweep(self) -> None:
        """Remove what no manifest names: staged files, and files moved before a manifest."""
        shutil.rmtree(self.folder / "staging", ignore_errors=True)
        commits = self.commits()
        named = {file.path for commit in commits for file in commit.files}
        named.update(path for commit in commits for path in commit.rejects)
        for draft in (self.folder / "commits").glob(".*.draft"):
            draft.unlink(missing_ok=True)
        for table in (*LAKE_TABLES, "rejects"):
            for path in (self.folder / table).rglob("*.parquet"):
                if _OURS.fullmatch(path.name) and path not in named:
                    _log.info("removing %s, left by an import that did not finish", path.name)
                    path.unlink(missing_ok=True)
