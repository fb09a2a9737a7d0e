"""The warehouse in one DuckDB file: raw tables loaded from the lake, marts shaped by dbt."""

from __future__ import annotations

import glob
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from segue.errors import BusyError, StorageError, WarehouseError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.progress import Progress
from segue.warehouse.base import Rules
from segue.warehouse.change_plan import ChangePlan, read_plan, write_plan
from segue.warehouse.change_run import FEW, built_before, may_follow, run_changes
from segue.warehouse.connection import QUIET, connect
from segue.warehouse.dbt_runner import DbtResult
from segue.warehouse.duckdb_sql import DUCKDB, no_glob
from segue.warehouse.intact import RESTORE
from segue.warehouse.kept_tallies import kept_tallies, updates
from segue.warehouse.loading import Checked
from segue.warehouse.raw_sql import Dialect
from segue.warehouse.settling import Settling
from segue.warehouse.snapshot_cut import Tally
from segue.warehouse.sql_warehouse import SqlWarehouse, lake_layout

__all__ = ["DuckDBSession", "DuckDBWarehouse", "create_raw"]

_log = logging.getLogger(__name__)
_ROWS_A_BATCH = 100_000
_PLAN_AT = 200_000
_PLAYS_AT_ONCE = 1_000_000
_FULL = ("No space left", "File too large", "quota")
_DAMAGE = ("Corrupt database file", "database has been invalidated", "Failed to load metadata")


class DuckDBWarehouse(SqlWarehouse):
    """One file, private to builds; everybody else reads snapshots.

    The lake is the truth: whatever is wrong with the file, it is thrown away and made again.

    Args:
        path: The database file; its folder is made when needed and holds dbt's files too.
        memory_limit: Memory DuckDB may use, such as "1GB"; beyond it, it spills to the folder.
        threads: Threads DuckDB and dbt may use; 0 means all cores.
        rules: What counts as a play, and how alike two titles must be.
        plan_at: From so many plays on a full build ends with the plan of the next one, which takes
            dbt two seconds.
        plays_at_once: A full build makes models of plays for users with so many together.

    >>> warehouse = DuckDBWarehouse(Path("/data/segue/warehouse/segue.duckdb"))  # doctest: +SKIP
    >>> with warehouse.writing():
    ...     for table in LAKE_TABLES:
    ...         warehouse.load(table, lake.files(table))
    ...     report = warehouse.build(progress)
    """

    name: ClassVar[str] = "duckdb"
    dialect: ClassVar[Dialect] = DUCKDB

    def __init__(
        self,
        path: Path,
        *,
        memory_limit: str = "1GB",
        threads: int = 0,
        rules: Rules | None = None,
        plan_at: int = _PLAN_AT,
        plays_at_once: int = _PLAYS_AT_ONCE,
    ) -> None:
        self.path = path.absolute()
        self._plays_at_once = plays_at_once
        self._plan_at = plan_at
        super().__init__(self.path.parent, threads=threads or os.cpu_count() or 1, rules=rules)
        self.memory_limit = memory_limit
        self._plan: ChangePlan | None = None

    @property
    def where(self) -> str:
        """The file."""
        return f"DuckDB, {self.path}"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the warehouse; everything else happens inside.

        Raises:
            BusyError: Another build is under way, or another program has the file open.
            StorageError: The folder cannot be written.
        """
        try:
            with super().writing():
                yield
        finally:
            shutil.rmtree(self._spill, ignore_errors=True)

    def is_damaged(self, error: WarehouseError) -> bool:
        """Whether DuckDB found that its file is not as it was written."""
        if _tells_of_damage(error.message):
            self._notes.append("The warehouse file was damaged, and was made again from the lake.")
            return True
        return False

    def _remove(self) -> None:
        self._close()
        for path in self.folder.glob(f"{glob.escape(self.path.name)}*"):
            path.unlink()
        if self._spill.exists():
            shutil.rmtree(self._spill)

    def _prepare(self) -> None:
        self._plan = self._find_plan()
        if self._plan is None:
            super()._prepare()

    def _find_plan(self) -> ChangePlan | None:
        """How to build only what has changed; None if everything must be built, which dbt does."""
        session = self._connect()
        with session.guarded("looking for what was built"):
            if not built_before(session):
                return None
        plan = read_plan(self._plan_file, made_from=self._dbt.made_from)
        if plan is None:
            plan = self._make_plan()
            session = self._connect()
        with session.guarded("looking for what was built"):
            return plan if may_follow(session, plan) else None

    def _make_plan(self) -> ChangePlan:
        self._close()  # dbt opens the file itself
        plan = self._dbt.plan()
        write_plan(self._plan_file, plan)
        return plan

    @property
    def _plan_file(self) -> Path:
        return self.folder / "dbt" / "changes.json"

    def _shape(self, progress: Progress) -> DbtResult:
        session = self._connect()
        with session.guarded("looking for what was built"):
            [(plays,)] = session.query("select count(*) from raw.plays")
            also = updates(session, self.dialect)
        if self._plan is not None:
            return run_changes(session, self._plan, progress, also=also)
        self._close()  # dbt opens the file itself
        done = super()._shape(progress)
        if plays >= self._plan_at:
            self._make_plan()
        return done

    def export(self, folder: Path, previous: Path | None = None) -> Mapping[str, int]:
        """Write every mart into an empty folder; the warehouse file is put in order beside it."""
        session = self._connect()
        assert isinstance(session, DuckDBSession)  # it is what `_open` returns
        settling = Settling(session)
        try:
            return super().export(folder, previous)
        except WarehouseError:
            settling.raise_if_full()  # then nothing else can be read or written, either
            raise
        finally:
            settling.wait()

    @property
    def _spill(self) -> Path:
        return self.folder / "spill"

    def _config(self) -> dict[str, Any]:
        return {
            "memory_limit": self.memory_limit,
            "threads": self.threads,
            "temp_directory": str(self._spill),
            "preserve_insertion_order": False,
            # every file of the lake is read once; what would be kept of each, 40 KB, knows no limit
            "enable_external_file_cache": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }

    def _variables(self) -> dict[str, Any]:
        return {**super()._variables(), "plays_at_once": self._plays_at_once}

    def _dbt_output(self) -> dict[str, Any]:
        return {
            "type": "duckdb",
            "path": str(self.path),
            "schema": "main",
            "threads": min(self.threads, 4),
            "config_options": self._config(),
            "settings": {"TimeZone": "UTC", **QUIET},
        }

    def _open(self) -> DuckDBSession:
        """The file, made anew if it is damaged or of an older layout."""
        connection = self._try_open()
        if connection is None:
            self._notes.append("The warehouse was made again from the lake.")
            for leftover in self.folder.glob(f"{self.path.name}*"):
                leftover.unlink()
            connection = self._try_open()
        if connection is None:
            raise WarehouseError(
                f"{self.path} cannot be made", cure="Remove the folder it is in and build again."
            )
        return DuckDBSession(connection, memory_limit=self.memory_limit)

    def _try_open(self) -> duckdb.DuckDBPyConnection | None:
        """The file with its raw tables; None if it must be made anew."""
        is_new = not self.path.exists()
        try:
            connection = connect(str(self.path), config=self._config())
        except duckdb.IOException as error:
            if "set lock" in str(error):
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
            create_raw(connection)
        elif not _fits(connection):
            connection.close()
            _log.info("the warehouse is of an older layout and is made anew from the lake")
            return None
        connection.execute("set TimeZone = 'UTC'")
        return connection


class DuckDBSession:
    """An open database, as `segue.warehouse.sql_warehouse.Session` wants it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, memory_limit: str) -> None:
        self._connection = connection
        self._memory_limit = memory_limit

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one, none where it has none."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def insert_rows(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, of which there is at least one, to a table of the raw schema."""
        # a statement for each row would take a millisecond and some memory each
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        self._connection.register(
            "new_rows", pa.table(columns, [f"c{n}" for n in range(len(columns))])
        )
        self._connection.execute(f"insert into raw.{table} select * from new_rows")
        self._connection.unregister("new_rows")

    def query_arrow(self, sql: str) -> pa.Table:
        """The answer to a query as Arrow."""
        return self._connection.execute(sql).to_arrow_table()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What happens inside happens as a whole, or not at all."""
        with _transaction(self._connection):
            yield

    def insert_files(self, table: str, batch: Sequence[Checked]) -> int:
        """Add the rows of lake files that the loads ask for to a raw table; how many they were."""
        rows = 0
        together: dict[frozenset[str], list[Checked]] = defaultdict(list)
        for one in batch:
            if one.load.several:
                rows += self._insert(table, [one])
            else:
                together[one.columns].append(one)
        return rows + sum(self._insert(table, alike) for alike in together.values())

    def _insert(self, table: str, alike: Sequence[Checked]) -> int:
        """Add the rows of files with the same columns; one file if it is of several pieces."""
        first = alike[0]
        own = [field for field in LAKE_TABLES[table].schema if field.name in first.columns]
        known = ", ".join((c.ROW_ID, *map(_sayable, own)))
        places = [place for one in alike for place in one.load.places]
        at = "piece" if first.load.several else "file_index::bigint"
        number = f"list_extract($places::bigint[], {at} + 1)"
        missing = f"where {number} is not null" if first.load.partly else ""
        paths = [no_glob(one.load.file.path) for one in alike]
        try:
            answer = self._connection.execute(
                f"insert into raw.{table} by name select {known}, {number} as file_no"
                f" from read_parquet($paths, hive_partitioning = false) {missing}",
                {"paths": paths, "places": places},
            ).fetchone()
        except duckdb.Error as error:
            if (damaged := _culprit(alike)) is not None:
                raise damaged from error
            raise
        return int(answer[0]) if answer else 0

    def replace_table(self, table: str, rows: pa.Table) -> None:
        """Make a table of the raw schema anew with these rows."""
        self._connection.register("new_rows", rows)
        self._connection.execute(f"create or replace table raw.{table} as select * from new_rows")
        self._connection.unregister("new_rows")

    def settle(self) -> None:
        """DuckDB keeps its statistics by itself."""

    def export(self, query: str, schema: pa.Schema, path: Path) -> int:
        """Write the answer to a query as a Parquet file; its number of rows."""
        del schema  # the query's casts say the same
        target = str(path).replace("'", "''")
        answer = self._connection.execute(
            f"copy ({query}) to '{target}'"
            " (format parquet, compression zstd, row_group_size 100000)"
        ).fetchone()
        return int(answer[0]) if answer else 0

    def tally(self, mart: str, by: str) -> list[Tally]:
        """See `segue.warehouse.snapshot_export.Tallies`."""
        return kept_tallies(self, DUCKDB, mart, by)

    def stream(self, query: str, order: str) -> Iterator[pa.RecordBatch]:
        """See `segue.warehouse.snapshot_export.Tallies`."""
        found = self._connection.execute(f"select * from ({query}) order by {order}")
        yield from found.to_arrow_reader(_ROWS_A_BATCH)

    def rows_of(
        self, query: str, by: str, span: tuple[str, str], only: Sequence[str] | None
    ) -> pa.Table:
        """See `segue.warehouse.snapshot_export.Tallies`."""
        some = f"{by} between {_text(span[0])} and {_text(span[1])}"
        if only is not None:  # as a parameter, each of the list would cost a fifth of a millisecond
            among = f"[{', '.join(map(_text, only))}]"
            # comparing with each of a few spares reading the other columns of other rows
            few = f"list_contains({among}, {by})"
            some += f" and {few if len(only) <= FEW else f'{by} in (select unnest({among}))'}"
        return self.query_arrow(f"select * from ({query}) where {some}")

    def settle_file(self) -> None:
        """Put what was committed in its place in the file, as closing does; others may read."""
        with self._connection.cursor() as beside:
            beside.execute("checkpoint")

    def close(self) -> None:
        """Let go of everything; twice is fine."""
        self._connection.close()

    @contextmanager
    def guarded(self, doing: str) -> Iterator[None]:
        """Turn DuckDB's errors into ours."""
        try:
            yield
        except duckdb.Error as error:
            text = _first_line(error)
            if _tells_of_damage(text):
                raise WarehouseError(
                    f"{doing} failed: {text}", cure="Run `segue build --replay`."
                ) from error
            if isinstance(error, duckdb.IOException) or any(words in text for words in _FULL):
                raise StorageError(
                    f"{doing} failed: {text}",
                    cure="Free some space, or choose another SEGUE_HOME, and build again.",
                ) from error
            if isinstance(error, duckdb.OutOfMemoryException):
                raise WarehouseError(
                    f"{doing} needs more than {self._memory_limit} of memory: {text}",
                    cure="Raise the setting memory_limit and build again.",
                ) from error
            raise WarehouseError(f"{doing} failed: {text}") from error


def _sayable(field: pa.Field) -> str:
    """A column, without the one character that not every warehouse can keep: U+0000."""
    if pa.types.is_string(field.type):
        return f"replace({field.name}, chr(0), chr(65533)) as {field.name}"
    if pa.types.is_list(field.type):
        return (
            f"case when contains(array_to_string({field.name}, ''), chr(0))"
            f" then list_transform({field.name}, lambda name: replace(name, chr(0), chr(65533)))"
            f" else {field.name} end as {field.name}"
        )
    return str(field.name)


def create_raw(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the raw tables, empty."""
    with _transaction(connection):
        connection.execute("create schema raw")
        for name, table in LAKE_TABLES.items():
            connection.register("empty_rows", table.schema.empty_table())
            connection.execute(
                f"create table raw.{name} as"
                f" select 0::bigint as {c.ROW_ID}, *, 0::bigint as file_no from empty_rows limit 0"
            )
            connection.unregister("empty_rows")
        connection.execute(
            "create table raw.loads (table_name text, file_no bigint, piece text, n_rows bigint,"
            " commit_id text, primary key (table_name, piece))"
        )
        connection.execute("create table raw.about (name text primary key, value text)")
        connection.execute("insert into raw.about values ('layout', ?)", [lake_layout()])


def _fits(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        found = connection.execute("select value from raw.about where name = 'layout'").fetchone()
    except duckdb.Error:
        return False
    return found == (lake_layout(),)


def _culprit(batch: Sequence[Checked]) -> WarehouseError | None:
    """The first file that cannot be read, if it is a file's fault that a load failed."""
    with connect(config={"threads": 1}) as alone:
        for one in batch:
            path = one.load.file.path
            try:
                alone.execute(
                    "select count(columns(*)) from read_parquet(?, hive_partitioning = false)",
                    [no_glob(path)],
                )
            except duckdb.Error as error:
                return WarehouseError(
                    f"the lake's file {path} cannot be read: {_first_line(error)}", cure=RESTORE
                )
    return None


def _tells_of_damage(text: str) -> bool:
    """Whether the file is not as it was written; a full disk invalidates only what is open."""
    return any(words in text for words in _DAMAGE) and not any(words in text for words in _FULL)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


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
