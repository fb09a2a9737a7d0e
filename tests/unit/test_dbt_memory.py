"""What a process remembers of the dbt project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segue.warehouse.dbt_memory import Known
from segue.warehouse.dbt_runner import DbtProject


def test_the_oldest_is_forgotten() -> None:
    known = Known[int](2)
    assert [known.keep(name, len(name)) for name in ("a", "bb", "ccc")] == [1, 2, 3]
    assert [known.get(name) for name in ("a", "bb", "ccc", "dddd")] == [None, 2, 3, None]


def project(folder: Path, database: str = "segue.duckdb", **changes: Any) -> DbtProject:
    output = {"type": "duckdb", "schema": "main", "path": str(folder / database), "threads": 1}
    return DbtProject(
        output=lambda: {**output, **changes}, folder=folder, variables={"counted_ms": 30_000}
    )


def test_a_plan_follows_from_names_and_not_from_places(tmp_path: Path) -> None:
    made_from = project(tmp_path / "a").made_from
    assert project(tmp_path / "b", threads=4).made_from == made_from
    assert project(tmp_path / "a", "other.duckdb").made_from != made_from
    assert project(tmp_path / "a", schema="other").made_from != made_from
    others = DbtProject(
        output=lambda: {"type": "duckdb", "schema": "main", "path": str(tmp_path / "segue.duckdb")},
        folder=tmp_path,
        variables={"counted_ms": 10_000},
    )
    assert others.made_from != made_from
