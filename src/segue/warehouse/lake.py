"""The lake: every raw fact that was ever imported, as Parquet files that manifests name."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.progress import Progress, Silent
from segue.warehouse.connection import connect
from segue.warehouse.intact import RESTORE, require_intact
from segue.warehouse.lake_check import Fault, LakeStatus, check, status_of
from segue.warehouse.lake_compaction import CompactionReport, compact, due
from segue.warehouse.lake_folder import LakeFolder
from segue.warehouse.lake_import import LakeImport, Subject
from segue.warehouse.lake_log import LakeLog, LakeState
from segue.warehouse.lake_manifest import Commit, FileAccount, LakeFile
from segue.warehouse.lake_store import LakeStore
from segue.warehouse.lake_sweep import sweep
from segue.warehouse.loading import PIECE

__all__ = ["GRACE", "Commit", "FileAccount", "Lake", "LakeFile", "LakeImport"]

_log = logging.getLogger(__name__)
_MOST_WRITERS: Final = 4

GRACE: Final = timedelta(hours=24)
"""How long files stay that nothing names: a build may be reading them, an import writing them."""


class Lake:
    """Append-only tables in a folder or elsewhere; see docs/architecture.md for its files.

    Args:
        store: Where the files are; a path means a folder, made by the first import.
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
        store: LakeStore | Path,
        *,
        threads: int = 0,
        memory_limit: str = "1GB",
        on_step: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.store: LakeStore = LakeFolder(store) if isinstance(store, Path) else store
        self.threads = threads or min(os.cpu_count() or 1, _MOST_WRITERS)
        self.memory_limit = memory_limit
        self.on_step = on_step
        self.log = LakeLog(self.store)
        self._staging: Path | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def folder(self) -> Path:
        """A folder on this machine: the lake's own, or the one of its cache."""
        return self.store.folder

    @property
    def scratch(self) -> Path:
        """A folder for temporary files of an import; emptied with the leftovers."""
        return (self._staging or self.folder / "staging") / "unpacked"

    def state(self) -> LakeState:
        """Every commit, and the files that count now.

        Raises:
            WarehouseError: A manifest is damaged.
            StorageError: The lake cannot be read.
        """
        return self.log.state()

    def commits(self) -> tuple[Commit, ...]:
        """Every commit, oldest first: imports, feedback, and files put together.

        Raises:
            WarehouseError: A manifest is damaged.
        """
        return self.state().commits

    def files(self, table: str) -> tuple[LakeFile, ...]:
        """The files of one table, in the order of their commits."""
        return tuple(file for file in self.state().files if file.table == table)

    def rows(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of a small table, with `row_id` and `file_no`, in the order of their imports.

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
        parts += [_rows(file, schema).cast(parts[0].schema) for file in self.files(table)]
        return pa.concat_tables(parts).sort_by([(c.FILE_NO, "ascending")])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be allowed to write: in a folder as the only one, elsewhere beside others.

        What killed imports left in a folder is swept away.

        Raises:
            BusyError: Another import is under way, and the lake is a folder.
            StorageError: The lake may not be written.
            WarehouseError: A manifest is damaged; nothing is swept then.
        """
        with self.store.writing() as self._staging:
            if self.store.shared:
                self.state()  # whoever cannot reach it learns so before a long import, not after
            else:
                sweep(self.log)
            try:
                with connect(config=self._config()) as self._connection:
                    yield
            finally:
                self._connection = None
                self._staging = None

    def begin(self, kind: str, source: Path, *, user_id: str, name: str) -> LakeImport:
        """Start an import, inside `writing`.

        Args:
            kind: "history", "catalogue", "crowd", "feedback" or "events".
            source: The input that the user named; the lake's folder where there is none.
            user_id: Whose history it is; empty where it is of several users.
            name: Name of the catalogue or crowd.
        """
        if self._connection is None or self._staging is None:
            raise WarehouseError("an import was begun outside of Lake.writing()")
        return LakeImport(
            self.log,
            self._staging,
            subject=Subject(kind, source.absolute(), user_id, name),
            token=secrets.token_hex(8),
            threads=self.threads,
            connection=self._connection,
            on_step=self.on_step,
        )

    # --- upkeep ---------------------------------------------------------------------------------

    def compaction_is_due(self, *, files: int) -> bool:
        """Whether somebody has this many small files of one source and year."""
        return due(self.state(), at_least=files)

    def compact(
        self,
        now: datetime,
        *,
        at_least: int = 2,
        grace: timedelta = GRACE,
        progress: Progress | None = None,
    ) -> CompactionReport:
        """Put small files together, and remove what nothing has named for some time.

        Args:
            now: Aware UTC.
            at_least: Leave alone what has fewer small files than this.
            grace: How long files stay that were replaced, or that no manifest names.
            progress: Told how many files have been put together.

        Raises:
            BusyError: An import is under way, and the lake is a folder.
            WarehouseError: A file is missing or damaged; the lake is as it was.
            StorageError: The lake cannot be written.
        """
        with self.store.writing() as staging:
            report = compact(
                self.log,
                staging,
                now=now,
                at_least=at_least,
                token=secrets.token_hex(8),
                on_step=self.on_step,
                progress=progress or Silent(),
            )
            removed = sweep(self.log, now=now, grace=grace)
        return report.having_removed(removed)

    def status(self, now: datetime) -> LakeStatus:
        """What there is: files, rows and bytes by table and source, small files, leftovers."""
        return status_of(self.log, now=now, grace=GRACE)

    def verify(self, progress: Progress | None = None) -> tuple[Fault, ...]:
        """Read every file that counts and compare it with its manifest; what is wrong."""
        return check(self.log, progress or Silent())

    def _config(self) -> dict[str, Any]:
        spill = str((self._staging or self.folder / "staging") / "spill")
        return {"threads": 1, "memory_limit": self.memory_limit, "temp_directory": spill}


def _rows(file: LakeFile, schema: pa.Schema) -> pa.Table:
    """Rows of a file with the place of their piece."""
    require_intact(file)
    places = np.array([piece.place for piece in file.pieces], np.int64)
    try:
        with pq.ParquetFile(file.path) as opened:
            if file.merged:
                wanted = [*schema.names, PIECE]
                found = opened.read(wanted, use_threads=False)
                numbers = places[found[PIECE].to_numpy()]
            else:
                found = opened.read(schema.names, use_threads=False)
                numbers = np.repeat(places, found.num_rows)
            part = found.select(schema.names).cast(schema)
    except (OSError, pa.ArrowException, KeyError, ValueError, IndexError) as error:
        raise WarehouseError(
            f"the lake's file {file.place} cannot be read: {error}", cure=RESTORE
        ) from error
    return part.append_column(c.FILE_NO, pa.array(numbers))
