"""Whether a query only reads the marts: looked up in its syntax tree, before it is run."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, Final

import duckdb

from segue.errors import QueryError
from segue.music.marts import MARTS
from segue.warehouse.connection import connect
from segue.warehouse.query_faults import fault_of, place_of

__all__ = ["check_query"]

_TABLE_FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest"})
_FORBIDDEN: Final = frozenset(
    {
        "arrow_scan",
        "current_query",
        "current_setting",
        "currval",
        "getenv",
        "getvariable",
        "json_execute_serialized_sql",
        "nextval",
        "write_log",
    }
)
"""Functions that say how the database is set up, or change something."""

_SHOWN: Final = frozenset({'"tables"', "__show_tables_expanded"})
_SPACE: Final = r"(?:\s|--[^\r\n]*|/\*.*?\*/)*"
_EXPLAIN: Final = re.compile(
    rf"{_SPACE}explain\b(?:\s+analyze\b|\s*\(\s*(?:analyze|format)\b[^()]*\))?",
    re.IGNORECASE | re.DOTALL,
)
_UNKNOWN_PLACE: Final = 1 << 62
_ONLY: Final = (
    "One SELECT, WITH, DESCRIBE, SUMMARIZE, SHOW TABLES or EXPLAIN is answered; it only reads."
)
_NAMES: Final = "`segue sql --tables` lists the tables."


def check_query(sql: str, marts: Collection[str]) -> None:
    """Let a query pass that reads these tables and nothing else.

    Args:
        sql: The whole text.
        marts: Tables that may be read.

    Raises:
        QueryError: It is empty, no SQL, more than one statement, not a reading one, or it names a
            table, a file or a function that is not to be had.
    """
    with _parser().cursor() as parser:
        statement = _one_statement(parser, sql)
        text = sql
        if statement.type == duckdb.StatementType.EXPLAIN:
            explained = _EXPLAIN.match(sql)
            if explained is None:
                raise QueryError("this EXPLAIN is not understood", cure=_ONLY)
            # blanks keep every place in the text where it was
            text = " " * len(explained[0].encode()) + sql[explained.end() :]
        tree = _tree(parser, text)
    tables = frozenset(name.casefold() for name in marts)
    for fault in _faults(tree, tables, sql, tables):
        raise fault


def _one_statement(parser: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    try:
        statements = parser.extract_statements(sql)
    except duckdb.PermissionException as error:  # IMPORT DATABASE is read while it is parsed
        raise QueryError(_refusal(sql), cure=_ONLY) from error
    except duckdb.Error as error:
        raise fault_of(error, sql) from error
    if not statements:
        raise QueryError("there is no query", cure='For example: segue sql "SELECT * FROM users".')
    if len(statements) > 1 and not _is_pivot(sql):
        raise QueryError(
            f"these are {len(statements)} statements, and one is answered at a time", cure=_ONLY
        )
    return statements[-1]


def _tree(parser: duckdb.DuckDBPyConnection, text: str) -> Any:
    """The query as DuckDB's parser sees it; the same parser reads it when it is run."""
    answer = parser.execute("SELECT json_serialize_sql($1::VARCHAR)", [text]).fetchone()
    tree: dict[str, Any] = json.loads(answer[0]) if answer else {}
    statements = tree.get("statements", [])
    if tree.get("error", True) or len(statements) != 1:
        raise QueryError(_refusal(text), cure=_ONLY)
    return statements[0]


def _first_word(text: str) -> str:
    word = re.match(rf"{_SPACE}(\w+)", text, re.DOTALL)
    return word[1].upper() if word else "this"


def _is_pivot(text: str) -> bool:
    """Whether it becomes several statements although it is written as one."""
    return _first_word(text) in {"PIVOT", "PIVOT_WIDER"}


def _refusal(text: str) -> str:
    if _is_pivot(text):
        return "PIVOT needs to be told its columns here: PIVOT … ON column IN (…)"
    return f"{_first_word(text)} is refused: the published marts are for reading"


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database that only parses."""
    parser = connect(config={"threads": 1})
    parser.execute("SET GLOBAL errors_as_json = true")
    parser.execute("SET enable_external_access = false")
    parser.execute("SET lock_configuration = true")
    return parser


def _faults(
    node: Any, known: frozenset[str], sql: str, marts: frozenset[str]
) -> Iterator[QueryError]:
    """What is not to be had, in the order of the tree; `known` are the tables in reach here."""
    if isinstance(node, list):
        for part in node:
            yield from _faults(part, known, sql, marts)
        return
    if not isinstance(node, dict):
        return
    known = known | _named_here(node)
    kind = node.get("type")
    if kind == "BASE_TABLE":
        yield from _table_fault(node, known, sql, marts)
    elif kind == "SHOW_REF" and node.get("query") is None and node["table_name"] not in _SHOWN:
        yield QueryError("only SHOW TABLES can be shown", cure=_NAMES)
    elif kind == "TABLE_FUNCTION":
        yield from _function_fault(node["function"], sql, of_rows=True)
    elif node.get("class") == "FUNCTION":
        yield from _function_fault(node, sql)
    for part in node.values():
        yield from _faults(part, known, sql, marts)


def _named_here(node: Mapping[str, Any]) -> frozenset[str]:
    """Names that WITH gives to queries, for this part of the tree and what is below."""
    named = node.get("cte_map") or {}
    names = {entry["key"].casefold() for entry in named.get("map", ())}
    if node.get("cte_name"):
        names.add(node["cte_name"].casefold())
    return frozenset(names)


def _table_fault(
    node: Mapping[str, Any], known: frozenset[str], sql: str, marts: frozenset[str]
) -> Iterator[QueryError]:
    name = node["table_name"]
    inside = ".".join(filter(None, (node.get("catalog_name"), node.get("schema_name"))))
    if name.casefold() in ({"": known, "main": marts}.get(inside) or ()):
        return
    full = f"{inside}.{name}" if inside else name
    near = difflib.get_close_matches(name.casefold(), sorted(known), n=2, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}" if near else ""
    line, column = place_of(sql, _place(node))
    message = f"there is no table {full}{hint}"
    if "/" in name or re.search(r"\.(parquet|csv|tsv|json|jsonl|txt|db|duckdb|gz)$", name):
        message = f"{full} is a file, and only the published marts are read"
    cure = _NAMES
    if inside in ("", "main") and name.casefold() in MARTS:  # not in this snapshot
        message = f"the published snapshot has no {name}: an older Segue made it"
        cure = "Run `segue build`."
    yield QueryError(message, line=line, column=column, cure=cure)


def _function_fault(
    node: Mapping[str, Any], sql: str, *, of_rows: bool = False
) -> Iterator[QueryError]:
    name = node["function_name"].casefold()
    if name not in _TABLE_FUNCTIONS if of_rows else name in _FORBIDDEN:
        line, column = place_of(sql, _place(node))
        yield QueryError(
            f"the function {name} is refused: only the published marts are read",
            line=line,
            column=column,
            cure=_NAMES,
        )


def _place(node: Mapping[str, Any]) -> int | None:
    place = node.get("query_location")
    return place if isinstance(place, int) and place < _UNKNOWN_PLACE else None
