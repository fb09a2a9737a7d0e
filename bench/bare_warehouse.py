"""The bare side of `bench.warehouse`: the same load and the same SQL, by DuckDB alone.

`python -m bench.bare_warehouse HOME FOLDER MEMORY` reads the lake of a data home that was just
built in full, copies its Parquet into raw tables, and runs the SQL that dbt compiled, one table
after the other. No file is checked, nothing is remembered, nothing tested, matching is not done.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from segue.warehouse.connection import connect

__all__ = ["ordered_models"]

_REFERENCE = re.compile(r'"segue"\."(?:intermediate|marts)"\."(\w+)"')
_MATCHED = ("track_refs", "track_matches", "artist_names", "loads")


def ordered_models(compiled: Mapping[str, str]) -> Iterator[str]:
    """Names of models, each after those that its SQL reads.

    >>> ordered = ordered_models({"b": 'select * from "segue"."marts"."a"', "a": "select 1"})
    >>> list(ordered)
    ['a', 'b']
    """
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done or name not in compiled:
            return
        done.add(name)
        for other in _REFERENCE.findall(compiled[name]):
            yield from visit(other)
        yield name

    for name in compiled:
        yield from visit(name)


def _run(home: Path, folder: Path, memory: str) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    connection = connect(
        str(folder / "segue.duckdb"),
        config={
            "memory_limit": memory,
            "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": False,
        },
    )
    connection.execute("set TimeZone = 'UTC'")
    built = home / "warehouse" / "segue.duckdb"
    connection.execute(f"attach '{built}' as built (read_only)")
    for schema in ("raw", "intermediate", "marts"):
        connection.execute(f"create schema {schema}")
    _make_raw(connection)
    load = _load(connection, home / "lake")
    connection.execute("detach built")
    models = _shape(connection, home / "warehouse" / "dbt" / "target")
    connection.close()
    shutil.rmtree(folder)
    return {"load": load, "models": models}


def _make_raw(connection: duckdb.DuckDBPyConnection) -> None:
    tables = connection.execute(
        "select table_name from duckdb_tables()"
        " where database_name = 'built' and schema_name = 'raw'"
    ).fetchall()
    for (table,) in tables:
        some = "" if table in _MATCHED else " limit 0"
        connection.execute(f"create table raw.{table} as select * from built.raw.{table}{some}")


def _load(connection: duckdb.DuckDBPyConnection, lake: Path) -> float:
    seconds = 0.0
    for table in ("plays", "catalogue", "crowd", "artist_tags", "library", "playlist_items"):
        if any((lake / table).rglob("*.parquet")):
            began = time.perf_counter()
            connection.execute(
                f"insert into raw.{table} by name select *, 0 as file_no from"
                f" read_parquet('{lake / table}/**/*.parquet', hive_partitioning = false)"
            )
            connection.execute("checkpoint")
            seconds += time.perf_counter() - began
    return seconds


def _shape(connection: duckdb.DuckDBPyConnection, target: Path) -> dict[str, float]:
    files = {
        path.stem: path
        for folder in ("staging", "intermediate", "marts")
        for path in sorted((target / "run" / "segue" / "models" / folder).glob("*.sql"))
    }
    compiled = {
        name: Path(str(path).replace("/run/", "/compiled/")).read_text()
        for name, path in files.items()
    }
    seconds = {}
    for name in ordered_models(compiled):
        kind = "view" if "create view" in files[name].read_text().lower() else "table"
        began = time.perf_counter()
        schema = "marts" if files[name].parent.name == "marts" else "intermediate"
        connection.execute(f"create {kind} {schema}.{name} as {compiled[name]}")
        seconds[name] = time.perf_counter() - began
    return seconds


if __name__ == "__main__":
    print(json.dumps(_run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
