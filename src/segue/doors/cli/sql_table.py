"""Rows and tables of `segue sql` for people, as wide as the terminal; in a pipe, as they are."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table

    from segue.flows.sql import TableWords

__all__ = ["describe_table", "list_tables", "print_rows"]

_UNBOUND: Final = 100_000
_PLAN: Final = ["explain_key", "explain_value"]
_LONGEST: Final = 400  # characters of a cell


def print_rows(rows: pa.RecordBatchReader, limit: int) -> None:
    """The first rows as a table, and how many more there are; 0 for all of them."""
    console = _console()
    if rows.schema.names == _PLAN:
        for batch in rows:
            console.print(*batch.column(1).to_pylist())
        return
    table = _table()
    for field in rows.schema:
        table.add_column(field.name, justify="right" if _is_number(field.type) else "left")
    stream = (row for batch in rows for row in batch.to_pylist())
    count = 0
    for row in islice(stream, limit or None):
        table.add_row(*(_cell(value) for value in row.values()))
        count += 1
    more = sum(1 for _ in islice(stream, 1)) if limit else 0
    console = _console()
    console.print(table)
    console.print(
        f"{count:,} row{'' if count == 1 else 's'}"
        + ("; there are more: --limit 0 shows all, --csv or --json write them" if more else "")
    )


def list_tables(found: tuple[TableWords, ...]) -> None:
    """Each table, its rows, and what a row is."""
    table = _table()
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("holds", overflow="fold")
    for each in found:
        table.add_row(each.name, f"{each.rows:,}", each.description)
    _console().print(table)


def describe_table(found: TableWords) -> None:
    """Each column, its type, and what it holds."""
    table = _table()
    for name in ("column", "type"):
        table.add_column(name)
    table.add_column("is", overflow="fold")
    for column in found.columns:
        table.add_row(column.name, column.type, column.description)
    console = _console()
    console.print(f"{found.name}: {found.rows:,} rows. {found.description}")
    console.print(table)


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNBOUND
    return Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=width is None)


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")


def _cell(value: Any) -> str:
    from segue.flows.row_files import json_value

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        value = value.astimezone(UTC) if value.tzinfo else value
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(json_value(value)).replace("\n", "⏎")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    test = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(is_it(kind) for is_it in test)
