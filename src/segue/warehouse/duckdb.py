"""The warehouse in one DuckDB file: raw tables loaded from the lake, marts shaped by dbt."""

from __future__ import annotations

import glob
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import BusyError, StorageError, WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.music.marts import MARTS
from segue.progress import Progress
from segue.warehouse import matching, raw_sql
from segue.warehouse.base import BuildReport, LoadReport, RawFile, Rules
from segue.warehouse.connection import QUIET, connect
from segue.warehouse.dbt_runner import DbtProject
from segue.warehouse.intact import RESTORE, require_intact
from segue.warehouse.lake_lock import exclusive
from segue.warehouse.storage import storing, sync_folder

__all__ = ["DuckDBWarehouse"]

_log = logging.getLogger(__name__)
_LAYOUT: Final = "1"
"""Raise when the raw tables change: an older warehouse file is then made again from the lake."""


class DuckDBWarehouse:
    """One file, private to builds; everybody else reads snapshots.

    The lake is the truth: whatever is wrong with the file, it is thrown away and made again.

    Args:
        path: The database file; its folder is made when needed and holds dbt's files too.
        memory_limit: Memory DuckDB may use, such as "1GB"; beyond it, it spills to the folder.
        threads: Threads DuckDB and dbt may use; 0 means all cores.
        rules: What counts as a play, and how alike two titles must be.

    >>> warehouse = DuckDBWarehouse(Path("/data/segue/warehouse/segue.duckdb"))  # doctest: +SKIP
    >>> with warehouse.writing():
    ...     for table in LAKE_TABLES:
    ...         warehouse.load(table, lake.files(table))
    ...     report = warehouse.build(progress)
    """

    name: ClassVar[str] = "duckdb"

    def __init__(
        self,
        path: Path,
        *,
        memory_limit: str = "1GB",
        threads: int = 0,
        rules: Rules | None = None,
    ) -> None:
        self.path = path.absolute()
        self.memory_limit = memory_limit
        self.threads = threads or os.cpu_count() or 1
        self.rules = rules or Rules()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._held = False
        self._dbt = DbtProject(
            output=self._dbt_output(),
            folder=self.path.parent / "dbt",
            variables=self._variables(),
        )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the warehouse; everything else happens inside.

        Raises:
            BusyError: Another build is under way.
            StorageError: The folder cannot be written.
        """
        with exclusive(self.path.parent / "lock", "build"):
            self._held = True
            try:
                yield
                self._dbt.wait()
            except Exception:
                self._dbt.wait()  # while dbt starts, the environment is not as it was
                raise
            finally:
                self._held = False
                self._close()
                shutil.rmtree(self._spill, ignore_errors=True)

    def load(self, table: str, files: Sequence[RawFile]) -> LoadReport:
        """Bring a raw table up to date with the lake; all or nothing.

        Args:
            table: Its name in `segue.music.lake_tables`.
            files: All files of the table, in commit order. Those that were loaded before are
                skipped; where one of them is gone or another stands in its place, the table is
                loaded anew.

        Raises:
            WarehouseError: A file is missing, damaged, or not what the lake says it is.
        """
        connection = self._connect()
        self._dbt.prepare()  # it starts while the lake is loaded and tracks are matched
        loaded = connection.execute(
            "select path, rows from raw.loads where table_name = ? order by file_no", [table]
        ).fetchall()
        wanted = [(str(file.path), file.rows) for file in files]
        with self._guarded(f"loading {table}"), _transaction(connection):
            if loaded != wanted[: len(loaded)]:
                _log.info("%s: the lake has changed, loading it anew", table)
                connection.execute(f"delete from raw.{table}")
                connection.execute("delete from raw.loads where table_name = ?", [table])
                loaded = []
            fresh = files[len(loaded) :]
            for number, file in enumerate(fresh, start=len(loaded)):
                self._load_file(connection, table, number, file)
        return LoadReport(table, rows=sum(file.rows for file in fresh), files=len(fresh))

    def build(self, progress: Progress) -> BuildReport:
        """Match tracks, run dbt (models and tests).

        Raises:
            WarehouseError: A model or a test failed; the message names it.
        """
        seconds: dict[str, float] = {}
        with _timed(seconds, "match"), self._guarded("matching tracks"):
            progress.start("matching tracks")
            self._match(self._connect())
            progress.done()
        with _timed(seconds, "dbt"):
            self._close()  # dbt opens the file itself
            shaped = self._dbt.run(("build", "--exclude-resource-type=unit_test"), progress)
        return BuildReport(
            snapshot="",
            rows=self._rows(),
            matches=self._matches(),
            coverage=self._coverage(),
            tests=shaped.tests,
            seconds=seconds,
        )

    def read(self, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
        """A mart as Arrow, in the schema of `segue.music.marts`."""
        schema = MARTS[table]
        wanted = [schema.field(name) for name in columns or schema.names]
        with self._guarded(f"reading {table}"):
            found = self._connect().execute(raw_sql.select_mart(table, columns)).to_arrow_table()
        return found.cast(pa.schema(wanted))

    def export(self, folder: Path) -> Mapping[str, int]:
        """Write every mart as `<mart>.parquet` into `folder`; returns row counts."""
        connection = self._connect()
        rows: dict[str, int] = {}
        with self._guarded("exporting the marts"):
            for mart in MARTS:
                target = str(folder / f"{mart}.parquet").replace("'", "''")
                answer = connection.execute(
                    f"copy ({raw_sql.select_mart(mart, ordered=True)}) to '{target}'"
                    " (format parquet, compression zstd, row_group_size 100000)"
                ).fetchone()
                rows[mart] = int(answer[0]) if answer else 0
        return rows

    def clear(self) -> None:
        """Remove the database file, with what it spilled and what dbt wrote beside it.

        Raises:
            StorageError: A file cannot be removed.
        """
        self._require_held()
        self._dbt.wait()
        self._close()
        folder = self.path.parent
        with storing(folder):
            for path in folder.glob(f"{glob.escape(self.path.name)}*"):
                path.unlink()
            for made in (self._spill, folder / "dbt"):
                if made.exists():
                    shutil.rmtree(made)
            sync_folder(folder)

    # --- raw tables -----------------------------------------------------------------------------

    def _load_file(
        self, connection: duckdb.DuckDBPyConnection, table: str, number: int, file: RawFile
    ) -> None:
        require_intact(file)
        try:
            there = set(pq.read_schema(file.path).names)
            known = [name for name in (c.ROW_ID, *LAKE_TABLES[table].schema.names) if name in there]
            answer = connection.execute(
                f"insert into raw.{table} by name select {', '.join(known)}, {number} as file_no"
                " from read_parquet(?, hive_partitioning = false)",
                [raw_sql.no_glob(file.path)],
            ).fetchone()
        except (duckdb.Error, pa.ArrowException) as error:
            raise WarehouseError(
                f"the lake's file {file.path} cannot be read: {_first_line(error)}",
                cure=RESTORE,
            ) from error
        rows = int(answer[0]) if answer else 0
        if rows != file.rows:
            raise WarehouseError(
                f"the lake's file {file.path} holds {rows:,} rows, not {file.rows:,}",
                cure=RESTORE,
            )
        connection.execute(
            "insert into raw.loads values (?, ?, ?, ?, ?)",
            [table, number, str(file.path), rows, file.commit_id],
        )

    def _match(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Fill raw.track_refs, raw.track_matches and raw.artist_names, if anything has changed."""
        state = self._state(connection)
        known = connection.execute("select value from raw.about where name = 'matched'").fetchone()
        if known == (state,):
            return
        with _transaction(connection):
            connection.execute(raw_sql.TRACK_REFS)
            refs = connection.execute(raw_sql.REFS_TO_MATCH).to_arrow_table()
            names = connection.execute(raw_sql.ARTIST_NAMES).fetchall()
            matches = matching.match_tracks(
                refs.cast(matching.REFS), fuzzy_threshold=self.rules.fuzzy_threshold
            )
            artists = matching.match_artists(name for (name,) in names)
            for table, rows in (("track_matches", matches), ("artist_names", artists)):
                connection.register("matched_rows", rows)
                connection.execute(
                    f"create or replace table raw.{table} as select * from matched_rows"
                )
                connection.unregister("matched_rows")
            connection.execute("delete from raw.about where name = 'matched'")
            connection.execute("insert into raw.about values ('matched', ?)", [state])

    def _state(self, connection: duckdb.DuckDBPyConnection) -> str:
        """What matching depends on, as a hash: the loaded files and the threshold."""
        files = connection.execute(
            "select table_name, path, rows from raw.loads order by table_name, file_no"
        ).fetchall()
        return hashlib.blake2b(
            repr((files, self.rules.fuzzy_threshold)).encode(), digest_size=16
        ).hexdigest()

    # --- the report -----------------------------------------------------------------------------

    def _rows(self) -> dict[str, int]:
        return {mart: self._number(f"select count(*) from marts.{mart}") for mart in MARTS}

    def _matches(self) -> dict[str, int]:
        found = self._connect().execute(raw_sql.MATCHES_BY_METHOD).fetchall()
        return {str(method): int(count) for method, count in found}

    def _coverage(self) -> float | None:
        if not self._number("select count(*) from raw.catalogue"):
            return None
        found = self._connect().execute(raw_sql.COVERAGE).fetchone()
        return None if found is None or found[0] is None else float(found[0])

    def _number(self, sql: str) -> int:
        found = self._connect().execute(sql).fetchone()
        return int(found[0]) if found else 0

    # --- the file -------------------------------------------------------------------------------

    @property
    def _spill(self) -> Path:
        return self.path.parent / "spill"

    def _config(self) -> dict[str, Any]:
        return {
            "memory_limit": self.memory_limit,
            "threads": self.threads,
            "temp_directory": str(self._spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }

    def _dbt_output(self) -> dict[str, Any]:
        return {
            "type": "duckdb",
            "path": str(self.path),
            "schema": "main",
            "threads": min(self.threads, 4),
            "config_options": self._config(),
            "settings": {"TimeZone": "UTC", **QUIET},
        }

    def _variables(self) -> dict[str, float]:
        rules = asdict(self.rules)
        del rules["fuzzy_threshold"]
        return rules

    def _connect(self) -> duckdb.DuckDBPyConnection:
        self._require_held()
        if self._connection is None:
            self._connection = self._opened()
        return self._connection

    def _require_held(self) -> None:
        if not self._held:
            raise WarehouseError("the warehouse was used outside of writing()")

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """The file, made anew if it is damaged or of an older layout."""
        connection = self._try_open()
        if connection is None:
            for leftover in self.path.parent.glob(f"{self.path.name}*"):
                leftover.unlink()
            connection = self._try_open()
        if connection is None:
            raise WarehouseError(
                f"{self.path} cannot be made", cure="Remove the folder it is in and build again."
            )
        return connection

    def _try_open(self) -> duckdb.DuckDBPyConnection | None:
        """The file with its raw tables; None if it must be made anew."""
        is_new = not self.path.exists()
        try:
            connection = connect(str(self.path), config=self._config())
        except duckdb.IOException as error:
            if "lock" in str(error):
                raise BusyError(
                    f"another program has {self.path} open",
                    cure="Close it, then build again.",
                ) from error
            if is_new:
                raise StorageError(
                    f"{self.path} cannot be written: {error}",
                    cure="Free some space or choose another SEGUE_HOME.",
                ) from error
            _log.warning("the warehouse file is damaged and is made anew: %s", error)
            return None
        except duckdb.Error as error:
            _log.warning("the warehouse file is damaged and is made anew: %s", error)
            return None
        if is_new:
            _create(connection)
        elif not _fits(connection):
            connection.close()
            _log.info("the warehouse is of an older layout and is made anew from the lake")
            return None
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _guarded(self, doing: str) -> Iterator[None]:
        """Turn DuckDB's errors into ours."""
        try:
            yield
        except duckdb.Error as error:
            text = _first_line(error)
            if isinstance(error, duckdb.IOException) or "No space left" in text:
                raise StorageError(
                    f"{doing} failed: {text}",
                    cure="Free some space, or choose another SEGUE_HOME, and build again.",
                ) from error
            if isinstance(error, duckdb.OutOfMemoryException):
                raise WarehouseError(
                    f"{doing} needs more than {self.memory_limit} of memory: {text}",
                    cure="Raise the setting memory_limit and build again.",
                ) from error
            raise WarehouseError(f"{doing} failed: {text}") from error


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    with _transaction(connection):
        connection.execute("create schema raw")
        for name, table in LAKE_TABLES.items():
            connection.register("empty_rows", table.schema.empty_table())
            connection.execute(
                f"create table raw.{name} as"
                f" select 0::bigint as {c.ROW_ID}, *, 0::integer as file_no from empty_rows limit 0"
            )
            connection.unregister("empty_rows")
        connection.execute(
            "create table raw.loads (table_name text, file_no integer, path text, rows bigint,"
            " commit_id text, primary key (table_name, path))"
        )
        connection.execute("create table raw.about (name text primary key, value text)")
        connection.execute("insert into raw.about values ('layout', ?)", [_layout()])


def _fits(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        found = connection.execute("select value from raw.about where name = 'layout'").fetchone()
    except duckdb.Error:
        return False
    return found == (_layout(),)


def _layout() -> str:
    """Changes whenever a lake table does."""
    tables = "\n".join(f"{name}: {table.schema}" for name, table in LAKE_TABLES.items())
    return f"{_LAYOUT}-{hashlib.blake2b(tables.encode(), digest_size=8).hexdigest()}"


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(" .")


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("begin")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
