"""What every warehouse does in the same way: load the lake, match tracks, run dbt, export marts."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from segue.errors import WarehouseError
from segue.music.lake_tables import LAKE_TABLES
from segue.music.marts import MARTS
from segue.progress import Progress
from segue.warehouse import raw_sql
from segue.warehouse.base import BuildReport, LoadReport, RawFile, Rules
from segue.warehouse.dbt_runner import DbtProject, DbtResult
from segue.warehouse.intact import RESTORE
from segue.warehouse.lake_lock import exclusive
from segue.warehouse.loading import Checked, checked, plan_load
from segue.warehouse.raw_sql import Dialect
from segue.warehouse.snapshot_export import export_marts
from segue.warehouse.storage import storing, sync_folder
from segue.warehouse.track_matching import TrackMatching

__all__ = ["Session", "SqlWarehouse", "lake_layout"]

_log = logging.getLogger(__name__)
_LAYOUT = "3"
"""Raise when the raw tables change: they are then made again from the lake."""


class Session(Protocol):
    """A connection to a warehouse: the little that each of them does in its own way.

    Statements use `?` for parameters. Every method may raise the errors of its driver inside
    `guarded`, which turns them into ours.
    """

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; its rows, none where it has none."""

    def insert_rows(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, of which there is at least one, to a table of the raw schema."""

    def query_arrow(self, sql: str) -> pa.Table:
        """The answer to a query as Arrow."""

    def transaction(self) -> AbstractContextManager[None]:
        """What happens inside happens as a whole, or not at all."""

    def guarded(self, doing: str) -> AbstractContextManager[None]:
        """Turn the driver's errors into WarehouseError and its kinds; `doing` says what failed."""

    def insert_files(self, table: str, batch: Sequence[Checked]) -> int:
        """Add the rows of lake files that the loads ask for to a raw table; how many they were.

        Raises:
            WarehouseError: A file cannot be read; its columns are of other types.
        """

    def replace_table(self, table: str, rows: pa.Table) -> None:
        """Make a table of the raw schema anew with these rows."""

    def settle(self) -> None:
        """After loading: what the planner of queries needs to know, if anything."""

    def export(self, query: str, schema: pa.Schema, path: Path) -> int:
        """Write the answer to a query as a Parquet file, in bounded memory; its number of rows."""

    def close(self) -> None:
        """Let go of everything; twice is fine."""


class SqlWarehouse(ABC):
    """Base of the warehouses: an adapter says how to open a session, and how dbt gets there.

    The lake is the truth: whatever is wrong in the raw schema, it is made again from the lake.

    Args:
        folder: Holds dbt's files and the lock of builds on this machine; made when needed.
        threads: Threads for dbt and the driver, 1 or more.
        rules: What counts as a play, and how alike two titles must be.
    """

    name: ClassVar[str]
    dialect: ClassVar[Dialect]

    def __init__(self, folder: Path, *, threads: int, rules: Rules | None = None) -> None:
        self.folder = folder.absolute()
        self.threads = threads
        self.rules = rules or Rules()
        self._session: Session | None = None
        self._held = False
        self._notes: list[str] = []

    @property
    @abstractmethod
    def where(self) -> str:
        """The place of the marts in words, without any secret: a file, or a server."""

    @abstractmethod
    def _open(self) -> Session:
        """A session whose raw schema is there and of today's layout.

        Raises:
            BusyError: Somebody else builds here.
            WarehouseError: The warehouse cannot be reached or is not fit.
        """

    @abstractmethod
    def _dbt_output(self) -> dict[str, Any]:
        """The output of dbt's profile, without a secret; asked for once a session is open."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove raw tables and marts, so that nothing of them can be read any more."""

    def _dbt_environment(self) -> dict[str, str]:
        """What the environment holds while dbt runs: secrets go here."""
        return {}

    # --- what the protocol promises -------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the warehouse; everything else happens inside.

        Raises:
            BusyError: Another build is under way.
            StorageError: The folder cannot be written.
            WarehouseError: The warehouse cannot be reached or is not fit.
        """
        with exclusive(self.folder / "lock", "build"):
            self._held = True
            try:
                self._connect()
                yield
                self._dbt.wait()
            except Exception:
                self._dbt.wait()  # while dbt starts, the environment is not as it was
                raise
            finally:
                self._held = False
                self._close()

    def load(self, table: str, files: Sequence[RawFile]) -> LoadReport:
        """Bring a raw table up to date with the lake; all or nothing.

        Args:
            table: Its name in `segue.music.lake_tables`.
            files: All files of the table. Pieces that were loaded before are skipped; where one
                of them is gone, the table is loaded anew.

        Raises:
            WarehouseError: A file is missing, damaged, or not what the lake says it is.
        """
        session = self._connect()
        with session.guarded(f"loading {table}"), session.transaction():
            loaded = session.query(
                "select piece, file_no, n_rows from raw.loads where table_name = ?", [table]
            )
            plan = plan_load(((str(name), int(at), int(rows)) for name, at, rows in loaded), files)
            if plan.anew:
                _log.info("%s: the lake has changed, loading it anew", table)
                session.query(f"delete from raw.{table}")
                session.query("delete from raw.loads where table_name = ?", [table])
            notes: list[tuple[Any, ...]] = []
            for batch in checked(plan.loads, threads=self.threads):
                notes.extend(self._load_files(session, table, batch))
            if notes:
                session.insert_rows("loads", notes)
        return LoadReport(table, rows=plan.rows, files=len(plan.loads))

    def build(self, progress: Progress) -> BuildReport:
        """Match tracks, run dbt (models and tests).

        Raises:
            WarehouseError: A model or a test failed; the message names it.
        """
        seconds: dict[str, float] = {}
        self._prepare()
        with _timed(seconds, "match"):
            progress.start("matching tracks")
            self.match()
            progress.done()
        with _timed(seconds, "dbt"):
            shaped = self._shape(progress)
        session = self._connect()
        with session.guarded("reading the marts"):
            return BuildReport(
                snapshot="",
                rows=_rows(session),
                matches=_matches(session),
                coverage=_coverage(session),
                tests=shaped.tests,
                seconds=seconds,
                warehouse=self.where,
                notes=tuple(self._notes),
            )

    def _prepare(self) -> None:
        """Before tracks are matched: begin with what is slow to start."""
        self._dbt.prepare()

    def _shape(self, progress: Progress) -> DbtResult:
        """Make the marts and test them: the second half of a build."""
        return self._dbt.run(("build", "--exclude-resource-type=unit_test"), progress)

    def match(self) -> None:
        """Find the track of every reference that was loaded: the first half of a build."""
        session = self._connect()
        with session.guarded("matching tracks"):
            threshold = self.rules.fuzzy_threshold
            TrackMatching(session, self.dialect, fuzzy_threshold=threshold).update()

    def read(self, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
        """A mart as Arrow, in the schema of `segue.music.marts`."""
        schema = MARTS[table]
        wanted = [schema.field(name) for name in columns or schema.names]
        session = self._connect()
        with session.guarded(f"reading {table}"):
            found = session.query_arrow(raw_sql.select_mart(self.dialect, table, columns))
        return found.cast(pa.schema(wanted))

    def export(self, folder: Path, previous: Path | None = None) -> Mapping[str, int]:
        """Write every mart into an empty folder; see `segue.warehouse.snapshot_export`."""
        session = self._connect()
        with session.guarded("exporting the marts"):
            return export_marts(session, self.dialect, folder, previous, threads=self.threads)

    def is_damaged(self, error: WarehouseError) -> bool:
        """Whether an error says that what is kept is damaged; a server mends itself."""
        del error
        return False

    def clear(self) -> None:
        """Remove all that was loaded and made, what dbt wrote on this machine included.

        Raises:
            StorageError: A file cannot be removed.
            WarehouseError: The warehouse did not do it.
        """
        self._require_held()
        self._dbt.wait()
        with storing(self.folder):
            self._remove()
            if (self.folder / "dbt").exists():
                shutil.rmtree(self.folder / "dbt")
            sync_folder(self.folder)

    # --- the connection -------------------------------------------------------------------------

    def _variables(self) -> dict[str, Any]:
        """What dbt is told."""
        rules = asdict(self.rules)
        del rules["fuzzy_threshold"]
        return rules

    @cached_property
    def _dbt(self) -> DbtProject:
        return DbtProject(
            output=self._dbt_output,
            environment=self._dbt_environment,
            folder=self.folder / "dbt",
            variables=self._variables(),
        )

    def _connect(self) -> Session:
        self._require_held()
        if self._session is None:
            self._session = self._open()
        return self._session

    def _require_held(self) -> None:
        if not self._held:
            raise WarehouseError("the warehouse was used outside of writing()")

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    # --- raw tables -----------------------------------------------------------------------------

    def _load_files(
        self, session: Session, table: str, batch: Sequence[Checked]
    ) -> list[tuple[Any, ...]]:
        """Load some files; returns what raw.loads is to remember of them."""
        loads = [one.load for one in batch]
        rows, wanted = session.insert_files(table, batch), sum(load.rows for load in loads)
        if rows != wanted:
            raise WarehouseError(
                f"{rows:,} rows came out of {len(loads):,} files of the lake, not {wanted:,}:"
                f" {loads[0].file.path} and the next ones",
                cure=RESTORE,
            )
        return [
            (table, place, name, piece_rows, load.file.commit_id)
            for load in loads
            for name, place, piece_rows in load.loaded
        ]


def lake_layout() -> str:
    """Changes whenever a lake table does: raw tables of another layout are made again."""
    tables = "\n".join(f"{name}: {table.schema}" for name, table in LAKE_TABLES.items())
    return f"{_LAYOUT}-{hashlib.blake2b(tables.encode(), digest_size=8).hexdigest()}"


def _rows(session: Session) -> dict[str, int]:
    return {mart: int(session.query(f"select count(*) from marts.{mart}")[0][0]) for mart in MARTS}


def _matches(session: Session) -> dict[str, int]:
    found = session.query(raw_sql.MATCHES_BY_METHOD)
    return {str(method): int(count) for method, count in found}


def _coverage(session: Session) -> float | None:
    if not session.query("select 1 from raw.catalogue limit 1"):
        return None
    [(found,)] = session.query(raw_sql.COVERAGE)
    return None if found is None else float(found)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
