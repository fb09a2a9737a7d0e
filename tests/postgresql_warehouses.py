"""Warehouses on the PostgreSQL server of the tests, each in a database of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from segue.warehouse.postgresql import PostgreSQLWarehouse
from tests.postgres_server import database_of, server_of_tests

__all__ = ["postgresql_warehouse"]


def postgresql_warehouse(folder: Path, **options: Any) -> PostgreSQLWarehouse:
    """The warehouse of a test's folder: the same folder, the same database."""
    url = server_of_tests().url(database_of(folder))
    return PostgreSQLWarehouse(folder, **{"url": SecretStr(url), "threads": 2, **options})
