"""Opening DuckDB as the warehouse room does: without a word on standard output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

__all__ = ["QUIET", "connect"]

QUIET = {"enable_progress_bar": "false"}
"""Settings of every connection: DuckDB's own progress bar would go to standard output."""


def connect(path: str = ":memory:", *, config: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """A connection, and with it all of its cursors.

    Args:
        path: A database file; the default is a database in memory.
        config: DuckDB's options for the whole database.
    """
    connection = duckdb.connect(path, config=dict(config))
    for name, value in QUIET.items():
        connection.execute(f"SET {name} = {value}")
    return connection
