"""Builds only what has changed: the models and tests that dbt would run, as one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol
from uuid import uuid4

from segue.errors import StorageError, WarehouseError
from segue.progress import Progress
from segue.warehouse.change_plan import ChangePlan, Step
from segue.warehouse.dbt_runner import BUILD_AGAIN, STAYS, DbtResult

__all__ = ["Tables", "may_follow", "run_changes"]

_log = logging.getLogger(__name__)
_CHANGES: Final = "segue_changes"
"""A temporary table: what an incremental model says of the keys that have changed."""


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


def run_changes(tables: Tables, plan: ChangePlan, progress: Progress) -> DbtResult:
    """Make every model of the plan and ask every test; all of it, or nothing.

    Args:
        tables: The warehouse; the plan may follow its last build.
        plan: What to do.
        progress: Told of every model and test.

    Raises:
        WarehouseError: A model or a test failed; the message names it.
        StorageError: The disk is full.
    """
    progress.start("dbt", unit="models and tests")
    try:
        with tables.guarded(f"the build, {STAYS}; noting it"), tables.transaction():
            _run_all(tables, plan, progress)
    except StorageError:
        raise  # nothing was changed, and nothing is wrong with what was built before
    except WarehouseError:
        tables.query("delete from intermediate.last_build")  # let dbt build everything
        raise
    tests = sum(step.kind == "test" for step in plan.steps)
    done = DbtResult(models=len(plan.steps) - tests, tests=tests)
    progress.done(f"{done.models} models, {done.tests} tests passed")
    return done


def _run_all(tables: Tables, plan: ChangePlan, progress: Progress) -> None:
    run_id = str(uuid4())
    views = set(tables.query("select schema_name, view_name from duckdb_views()"))
    for step in plan.steps:
        if (step.schema, step.name) in views:  # made by dbt; here it is a table
            tables.query(f"drop view {step.relation}")
    tables.query(plan.begin)
    for step in plan.steps:
        what = "test" if step.kind == "test" else "model"
        with tables.guarded(f"the build, {STAYS}; dbt {what} {step.name}"):
            _run(tables, step, step.sql.replace(plan.run_id, run_id))
        progress.advance()
    tables.query(plan.end)


def _run(tables: Tables, step: Step, sql: str) -> None:
    if step.kind == "test":
        found = tables.query(f"select count(*) from ({sql}\n) as found")[0][0]
        if found:
            raise WarehouseError(
                f"the build failed, {STAYS};"
                f" dbt test {step.name}: {found} rows are not as they must be",
                cure=BUILD_AGAIN,
            )
    elif step.kind == "table":
        tables.query(f"create or replace table {step.relation} as {sql}")
    else:
        tables.query(f"create or replace temp table {_CHANGES} as {sql}")
        tables.query(_removal(step))
        tables.query(f"insert into {step.relation} by name from {_CHANGES}")
        tables.query(f"drop table {_CHANGES}")


def _removal(step: Step) -> str:
    keys = ", ".join(f"{column} as touched_{column}" for column in step.key)
    same = " and ".join(f"touched_{column} = {column}" for column in step.key)
    touched = step.touched or _CHANGES
    return (
        f"delete from {step.relation} where exists"
        f" (select 1 from (select {keys} from {touched}) as touched where {same})"
    )
