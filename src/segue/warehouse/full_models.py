"""What a full build makes, as dbt compiled it: for parts of a build that are made elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final, Protocol

__all__ = ["Model", "Tables", "make_models", "models_for", "models_of"]

_OF_CHANGES: Final = re.compile(r"int_(changed|touched|retold)_\w+")
"""Models that are empty in a full build: others name them for their order only."""


class Tables(Protocol):
    """An open warehouse, as far as models are made in it."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; its rows, none where it has none."""

    def guarded(self, doing: str) -> AbstractContextManager[None]:
        """Turn the driver's errors into WarehouseError and its kinds; `doing` says what failed."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the dbt project, compiled for a full build.

    Args:
        name: Its name in dbt.
        schema: Where it is made.
        relation: Its full name in SQL.
        sql: The query.
        is_view: Whether it is a view.
        reads: Names of the models that it reads.
    """

    name: str
    schema: str
    relation: str
    sql: str
    is_view: bool
    reads: tuple[str, ...]


def models_of(nodes: Iterable[Any], depends_on: Mapping[str, Iterable[str]]) -> tuple[Model, ...]:
    """The models of a project that dbt has compiled, each after those that it reads.

    Args:
        nodes: dbt's nodes, compiled.
        depends_on: Every node's id -> ids of those that it reads.
    """
    known = {node.unique_id: node for node in nodes if node.resource_type.value == "model"}
    return tuple(
        Model(
            name=node.name,
            schema=node.schema,
            relation=node.relation_name or "",
            sql=node.compiled_code,
            is_view=node.config.materialized == "view",
            reads=tuple(sorted({_name(one) for one in depends_on[key] if one in known})),
        )
        for key in TopologicalSorter(depends_on).static_order()
        if (node := known.get(key)) is not None
    )


def _name(node_id: str) -> str:
    return node_id.rpartition(".")[2]


def models_for(
    models: Sequence[Model], wanted: Collection[str], *, given: Collection[str] = ()
) -> tuple[Model, ...]:
    """The models that some need, themselves among them, in the order in which they are made.

    Args:
        models: All models, each after those that it reads.
        wanted: Names of those that are wanted.
        given: Names of those that are there already.
    """
    by_name = {model.name: model for model in models}
    needed: set[str] = set()
    asked = list(wanted)
    while asked:
        name = asked.pop()
        wanted_here = name in by_name and not _OF_CHANGES.fullmatch(name)
        if wanted_here and name not in needed and name not in given:
            needed.add(name)
            asked.extend(by_name[name].reads)
    # models without a relation are parts of the queries that read them
    return tuple(model for model in models if model.name in needed and model.relation)


def make_models(tables: Tables, models: Iterable[Model]) -> None:
    """Make models, each from what is there.

    Raises:
        WarehouseError: One cannot be made; the message names it.
    """
    for model in models:
        kind = "view" if model.is_view else "table"
        with tables.guarded(f"the model {model.name}"):
            tables.query(f"create schema if not exists {model.schema}")
            tables.query(f"create or replace {kind} {model.relation} as {model.sql}")
