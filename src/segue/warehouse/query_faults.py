"""What DuckDB says of a query that cannot be answered, in one plain line with its place."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, Final

import duckdb

from segue.errors import QueryError

__all__ = ["fault_of", "place_of"]

_JSON: Final = re.compile(r"\{.*\}", re.DOTALL)
_CANDIDATES: Final = 3


def fault_of(error: Exception, sql: str, *, seconds: float = 0.0) -> QueryError:
    """The same fault as an error of ours.

    Args:
        error: DuckDB's, whose message is JSON (setting errors_as_json) or text.
        sql: What was asked; places are counted in it.
        seconds: How long it was allowed to take; 0 for ever.
    """
    told = _told(error)
    message = str(told.get("exception_message", ""))
    if isinstance(error, duckdb.InterruptException) or message.startswith("Interrupted"):
        return QueryError(
            f"the query took longer than {seconds:g} s and was stopped"
            if seconds
            else "the query was stopped",
            cure="Ask for less (a WHERE, a JOIN with ON), or give it longer with --timeout.",
        )
    if isinstance(error, duckdb.OutOfMemoryException) or "could not allocate" in message:
        return QueryError(
            "the query needs more memory than it may use",
            cure="Ask for less (a WHERE, a JOIN with ON), or raise the setting memory_limit.",
        )
    place = told.get("position")
    line, column = place_of(sql, int(place) if place is not None else None)
    of_column = told.get("error_subtype") == "COLUMN_NOT_FOUND"
    cure = "`segue sql --describe TABLE` lists columns." if of_column else ""
    return QueryError(_sentence(message, told), line=line, column=column, cure=cure)


def place_of(sql: str, offset: int | None) -> tuple[int | None, int | None]:
    r"""The 1-based line and column of a byte of the query.

    >>> place_of("SELECT *\nFROM playz", 14)
    (2, 6)
    """
    if offset is None:
        return None, None
    before = sql.encode("utf-8", "replace")[:offset].decode("utf-8", "ignore")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _told(error: Exception) -> dict[str, Any]:
    found = _JSON.search(str(error))
    if found is not None:
        try:
            told = json.loads(found[0])
        except ValueError:
            told = None
        if isinstance(told, dict) and "exception_message" in told:
            return told
    return {"exception_message": re.sub(r"^(\w+ )+Error: ", "", str(error))}


def _sentence(message: str, told: dict[str, Any]) -> str:
    names = [name.strip() for name in str(told.get("candidates", "")).split(",")]
    near = difflib.get_close_matches(str(told.get("name")), names, n=_CANDIDATES, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}" if near else ""
    match told.get("error_subtype"), told.get("type"):
        case "COLUMN_NOT_FOUND", _:
            return f"there is no column {told.get('name')}{hint}"
        case "MISSING_ENTRY", str(kind):
            return f"there is no {_kind(kind)} {told.get('name')}{hint}"
    first = message.split("\n\t")[0].split("\n\n")[0]
    return " ".join(first.split()).rstrip(".!")


def _kind(name: str) -> str:
    return "function" if "Function" in name else name.lower()
