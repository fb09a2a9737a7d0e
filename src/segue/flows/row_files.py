"""Rows on their way out as CSV or JSON: a text for every value, in any locale."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TextIO

import pyarrow as pa

__all__ = ["json_value", "write_csv", "write_json"]


def write_csv(batches: pa.RecordBatchReader, out: TextIO) -> int:
    """A header and a line a row; null is empty, lists are JSON, times ISO 8601.

    Returns:
        How many rows were written.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(batches.schema.names)
    rows = 0
    for batch in batches:
        columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))
        rows += batch.num_rows
    return rows


def write_json(batches: pa.RecordBatchReader, out: TextIO, *, types: Iterable[str]) -> int:
    """`{"columns": [{"name", "type"}, …], "rows": [{…}, …]}`, a row a line.

    Args:
        batches: What to write.
        out: Where to.
        types: Of the columns, in words.

    Returns:
        How many rows were written.
    """
    names = batches.schema.names
    columns = [{"name": n, "type": kind} for n, kind in zip(names, types, strict=True)]
    out.write('{"columns": ' + json.dumps(columns) + ',\n "rows": [')
    rows = 0
    for batch in batches:
        for row in batch.to_pylist():
            ready = json.dumps({name: json_value(value) for name, value in row.items()})
            out.write(("" if rows == 0 else ",") + "\n  " + ready)
            rows += 1
    out.write("\n ]}\n")
    return rows


def json_value(value: Any) -> Any:
    """A value of an Arrow table as JSON has it; what JSON does not have is text or null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return _moment(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case dict():
            return {str(key): json_value(part) for key, part in value.items()}
        case list() | tuple():
            return [json_value(part) for part in value]
    return str(value)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case _:
            ready = json_value(value)
    return ready if isinstance(ready, str) else json.dumps(ready, ensure_ascii=False)


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
