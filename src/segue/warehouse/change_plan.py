"""What a build of changes does, as dbt compiled it; kept, so that the next need not start dbt."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final, Literal

from segue.warehouse.storage import make_folder, storing, write_atomically

__all__ = ["ChangePlan", "Kind", "Step", "plan_of", "read_plan", "write_plan"]

_log = logging.getLogger(__name__)
_KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    ("table", ""): "table",
    ("view", ""): "table",  # of what has changed there is little, and several read it
    ("incremental", "touched"): "touched",
    ("incremental", "delete+insert"): "replaced",
}

_USER: Final = "user_id"

Kind = Literal["table", "touched", "replaced", "test"]


@dataclass(frozen=True, slots=True)
class Step:
    """A model that is made, or a test that is asked.

    Args:
        name: Its name in dbt.
        kind: A "table" is made anew; of "touched" and "replaced" the rows with certain
            keys go, and what the query says comes; a "test" finds no row.
        sql: The query.
        schema: Of the model; empty for a test.
        relation: The model's full name in SQL; empty for a test.
        key: Columns of the keys.
        touched: The relation that holds the keys of "touched"; those of "replaced" are its own.
        few: The variable that tells the users of `touched`, if `key` has any.
        tells: The column whose values, unless there are many, a variable of the model's name tells
            from then on: later steps read only what is theirs.
    """

    name: str
    kind: Kind
    sql: str
    schema: str = ""
    relation: str = ""
    key: tuple[str, ...] = ()
    touched: str = ""
    few: str = ""
    tells: str = ""


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A build of changes.

    Args:
        made_from: Identifies the models, rules and programs that it follows from.
        run_id: The id of the dbt run that compiled it, which stands in its SQL: each build puts
            one of its own there.
        may_follow: A query with a row if this may follow the last build.
        begin: Statements before the first step.
        end: Statements after the last.
        steps: In an order in which each reads only what was made before.
    """

    made_from: str
    run_id: str
    may_follow: str
    begin: str
    end: str
    steps: tuple[Step, ...]


def plan_of(
    nodes: Iterable[Any], depends_on: Mapping[str, Iterable[str]], made_from: str
) -> ChangePlan:
    """The plan of a project that dbt has compiled.

    Args:
        nodes: dbt's nodes, compiled: models, tests and analyses.
        depends_on: Every node's id -> ids of those that it reads.
        made_from: See `ChangePlan`.
    """
    by_id = {node.unique_id: node for node in nodes}
    around = {
        node.name: node.compiled_code
        for node in by_id.values()
        if node.resource_type.value == "analysis"
    }
    relations = {node.name: node.relation_name for node in by_id.values()}
    order = TopologicalSorter(depends_on)
    steps = [
        _step(by_id[name], relations)
        for name in order.static_order()
        if name in by_id and _is_step(by_id[name])
    ]
    return ChangePlan(
        made_from=made_from,
        run_id=around["run_id"].strip(),
        may_follow=around["changes_may_follow"],
        begin=around["changes_begin"],
        end=around["changes_end"],
        steps=tuple(steps),
    )


def _is_step(node: Any) -> bool:
    return node.resource_type.value in ("model", "test") and node.config.materialized != "ephemeral"


def _step(node: Any, relations: Mapping[str, str]) -> Step:
    if node.resource_type.value == "test":
        return Step(node.name, "test", node.compiled_code)
    config = node.config
    strategy = config.incremental_strategy if config.materialized == "incremental" else ""
    kind = _KINDS[config.materialized, strategy]
    touched = config.meta.get("touched") if kind == "touched" else None
    key = touched["key"] if touched else config.unique_key or ()
    return Step(
        name=node.name,
        kind=kind,
        sql=node.compiled_code,
        schema=node.schema,
        relation=node.relation_name,
        key=(key,) if isinstance(key, str) else tuple(key),
        touched=relations[touched["in"]] if touched else "",
        few=touched["in"] if touched and _USER in touched["key"] else "",
        tells=config.meta.get("few", ""),
    )


def write_plan(path: Path, plan: ChangePlan) -> None:
    """Keep a plan.

    Raises:
        StorageError: The disk is full, or the folder cannot be written.
    """
    with storing(path.parent):
        make_folder(path.parent)
        write_atomically(path, json.dumps(asdict(plan)).encode())


def read_plan(path: Path, *, made_from: str) -> ChangePlan | None:
    """The plan that was kept; None if there is none, or it was made from something else."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["made_from"] != made_from:
            return None
        steps = tuple(_step_told(step) for step in told.pop("steps"))
        return ChangePlan(**told, steps=steps)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("%s cannot be read and is made again: %s", path, error)
        return None


def _step_told(told: Mapping[str, Any]) -> Step:
    key: Sequence[str] = told["key"]
    return Step(**{**told, "key": tuple(key)})
