"""Builds only what has changed: the models and tests that dbt would run, as one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final, Protocol
from uuid import uuid4

from segue.errors import StorageError, WarehouseError
from segue.progress import Progress
from segue.warehouse.change_plan import ChangePlan, Step
from segue.warehouse.dbt_runner import BUILD_AGAIN, STAYS, DbtResult

__all__ = ["FEW", "Tables", "may_follow", "of_few", "run_changes"]

_log = logging.getLogger(__name__)
_CHANGES: Final = "segue_changes"
"""A temporary table: what an incremental model says of the keys that have changed."""

_LARGE: Final = 122_880
"""Rows that one thread of DuckDB reads at a time: several have something to do from there on."""

FEW: Final = 2_000
"""So many users are told in a variable: each row that is looked at is compared with all of them."""


class Tables(Protocol):
    """An open warehouse, as far as a plan needs it."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one, none where it has none."""

    def transaction(self) -> AbstractContextManager[None]:
        """What happens inside happens as a whole, or not at all."""

    def guarded(self, doing: str) -> AbstractContextManager[None]:
        """Turn the driver's errors into WarehouseError and its kinds; `doing` says what failed."""


def built_before(tables: Tables) -> bool:
    """Whether there may be a complete build that changes can follow."""
    return bool(
        tables.query(
            "select 1 from information_schema.tables"
            " where table_schema = 'intermediate' and table_name = 'last_build'"
        )
    ) and bool(tables.query("select 1 from intermediate.last_build where name = 'rules'"))


def may_follow(tables: Tables, plan: ChangePlan) -> bool:
    """Whether the last build was complete, of files that are still there, by the same models."""
    made = {
        (str(schema), str(name))
        for schema, name in tables.query(
            "select table_schema, table_name from information_schema.tables"
        )
    }
    kept = [step for step in plan.steps if step.kind in ("touched", "replaced")]
    return made >= {(step.schema, step.name) for step in kept} and bool(
        tables.query(plan.may_follow)
    )


def run_changes(
    tables: Tables, plan: ChangePlan, progress: Progress, *, also: Sequence[str] = ()
) -> DbtResult:
    """Make every model of the plan and ask every test; all of it, or nothing.

    Args:
        tables: The warehouse; the plan may follow its last build.
        plan: What to do.
        progress: Told of every model and test.
        also: Statements that are to follow in the same transaction.

    Raises:
        WarehouseError: A model or a test failed; the message names it.
        StorageError: The disk is full.
    """
    progress.start("dbt", unit="models and tests")
    try:
        with (
            tables.guarded(f"the build, {STAYS}; noting it"),
            _sized(tables) as threads,
            tables.transaction(),
        ):
            _run_all(tables, plan, threads, progress)
            for statement in also:
                tables.query(statement)
    except StorageError:
        raise  # nothing was changed, and nothing is wrong with what was built before
    except WarehouseError:
        # dbt is to build everything, unless the file is damaged, which the caller mends
        with suppress(WarehouseError), tables.guarded("noting a failure"):
            tables.query("delete from intermediate.last_build")
        raise
    tests = sum(step.kind == "test" for step in plan.steps)
    done = DbtResult(models=len(plan.steps) - tests, tests=tests)
    progress.done(f"{done.models} models, {done.tests} tests passed")
    return done


class _Threads:
    """All threads for what has to do with a large table, one for everything else.

    Of a step of an hour's plays, handing work over between threads is most of the work.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        [(threads,)] = tables.query("select current_setting('threads')")
        self._now = self._all = int(threads)
        found = tables.query(
            f"select schema_name, table_name from duckdb_tables() where estimated_size > {_LARGE}"
        )
        self._large = [f'"{schema}"."{name}"' for schema, name in found]

    def use_for(self, step: Step) -> None:
        large = any(name in step.sql or name in step.relation for name in self._large)
        self._use(self._all if large else 1)

    def use_all(self) -> None:
        self._use(self._all)

    def _use(self, threads: int) -> None:
        if threads != self._now:
            self._tables.query(f"set threads = {threads}")
            self._now = threads


@contextmanager
def _sized(tables: Tables) -> Iterator[_Threads]:
    """Threads that are all in use again in the end."""
    threads = _Threads(tables)
    try:
        yield threads
    finally:
        threads.use_all()


def _run_all(tables: Tables, plan: ChangePlan, threads: _Threads, progress: Progress) -> None:
    run_id = str(uuid4())
    views = set(tables.query("select schema_name, view_name from duckdb_views()"))
    for step in plan.steps:
        if (step.schema, step.name) in views:  # made by dbt; here it is a table
            tables.query(f"drop view {step.relation}")
    for step in plan.steps:
        if step.tells:  # of an earlier build of this process
            tables.query(f"reset variable {step.name}")
    tables.query(plan.begin)
    failed: list[str] = []
    for step in plan.steps:
        what = "test" if step.kind == "test" else "model"
        with tables.guarded(f"the build, {STAYS}; dbt {what} {step.name}"):
            sql = step.sql.replace(plan.run_id, run_id)
            threads.use_for(step)
            if step.kind == "test":
                failed += _problems(tables, step, sql)
            else:
                _make(tables, step, sql)
        progress.advance()
    threads.use_all()
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise WarehouseError(
            f"the build failed, {STAYS}; dbt test {min(failed)}{more}", cure=BUILD_AGAIN
        )
    tables.query(plan.end)


def _problems(tables: Tables, step: Step, sql: str) -> list[str]:
    """What a test says is wrong, in words; nothing if it passes."""
    [(found,)] = tables.query(f"select count(*) from ({sql}\n) as found")
    return [f"{step.name}: rows that break it: {found}"] if found else []


def _make(tables: Tables, step: Step, sql: str) -> None:
    if step.kind == "table":
        tables.query(f"create or replace table {step.relation} as {sql}")
        if step.tells:
            tables.query(
                f"set variable {step.name} = (select list({step.tells}) from"
                f" (select distinct {step.tells} from {step.relation}) having count(*) <= {FEW})"
            )
        return
    tables.query(f"create or replace temp table {_CHANGES} as {sql}")
    tables.query(_removal(step))
    tables.query(f"insert into {step.relation} by name from {_CHANGES}")
    tables.query(f"drop table {_CHANGES}")


def _removal(step: Step) -> str:
    keys = ", ".join(f"{column} as touched_{column}" for column in step.key)
    same = " and ".join(f"touched_{column} = {column}" for column in step.key)
    touched = step.touched or _CHANGES
    few = f" and {of_few(step.few, 'user_id')}" if step.few else ""
    return (
        f"delete from {step.relation} where exists"
        f" (select 1 from (select {keys} from {touched}) as touched where {same}){few}"
    )


def of_few(model: str, column: str) -> str:
    """A condition that spares reading rows of other users than a model's, which it tells.

    It says nothing new where the users of the model are asked for, and nothing if they are many.
    """
    return f"coalesce(list_contains(cast(getvariable('{model}') as varchar[]), {column}), true)"
