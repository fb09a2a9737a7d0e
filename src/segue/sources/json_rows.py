"""The records of a JSON file as Arrow tables, shaped by SQL: fast, in file order, little memory.

DuckDB reads and shapes a file in one go, on the thread that asks; a history comes as many files,
which the import reads side by side. From where DuckDB refuses a file, or finds something else than
records, it is read on one record at a time by `json_records`, which either gets through or says
where and why the file is broken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from segue.sources.base import InputFile
from segue.sources.database import file_literal, shared_cursor, with_values
from segue.sources.json_records import read_records
from segue.sources.json_text import encoding_of, fault

__all__ = ["STRAY", "JsonQuery", "read_json_rows"]

STRAY: Final = "stray"
"""Column of `records`: null for an object, else what stands in its place, such as "a number"."""

_ROWS = 1 << 16
_SLOW_ROWS = 1 << 14
_PEEK = 1 << 16
_TEXTS = "texts"


@dataclass(frozen=True)
class JsonQuery:
    """How the records of a JSON format become rows.

    Args:
        what: The format, for messages: "a Spotify extended streaming history".
        fields: Keys of a record -> their type, as in DuckDB's `from_json`: "VARCHAR" takes text,
            numbers and booleans alike (as text), "JSON" anything; a mapping is a nested object
            and a list of one type a list. A value of another type is null; other keys are skipped.
        expected: Keys of which every real record has at least one.
        sql: A query over the table `records`, which has the columns `fields` and `stray`. It must
            answer one row a record, in their order, and pass `stray` on.
        within: Dotted key of the list that holds the records, when they lie deeper in the file
            (see `read_records`); such files are read the slow way.
    """

    what: str
    fields: Mapping[str, Any]
    expected: tuple[str, ...]
    sql: str
    within: str = ""

    def from_file(self, path: Path, values: Mapping[str, Any], *, lines: bool) -> str:
        """The query over a file; a record that has none of the expected keys is a stray."""
        plain = {
            key: kind if isinstance(kind, str) else "JSON" for key, kind in self.fields.items()
        }
        columns = ", ".join(f"'{key}': '{kind}'" for key, kind in plain.items())
        nested = ", ".join(
            f'from_json("{key}", \'{_structure(kind)}\') AS "{key}"'
            for key, kind in self.fields.items()
            if not isinstance(kind, str)
        )
        familiar = " ".join(f'WHEN "{key}" IS NOT NULL THEN NULL' for key in self.expected)
        return (
            f"WITH records AS NOT MATERIALIZED (SELECT *{f' REPLACE ({nested})' if nested else ''},"
            f" CASE {familiar} ELSE 'unfamiliar' END AS {STRAY}"
            f" FROM read_json({file_literal(path)}, columns = {{{columns}}},"
            f" format = '{'newline_delimited' if lines else 'array'}',"
            " compression = 'uncompressed', hive_partitioning = false))"
            f" SELECT * FROM ({with_values(self.sql, values)})"
        )

    def from_texts(self, values: Mapping[str, Any]) -> str:
        """The query over records one by one, with a column that says what is not an object."""
        return (
            "WITH records AS NOT MATERIALIZED (SELECT unnest(from_json(piece,"
            f" '{_structure(self.fields)}')), {STRAY} FROM {_TEXTS})"
            f" SELECT * FROM ({with_values(self.sql, values)})"
        )


def _structure(kind: Any) -> str:
    """A type as `from_json` takes it."""
    return json.dumps(dict(kind) if isinstance(kind, Mapping) else kind).replace("'", "''")


def read_json_rows(
    file: InputFile, query: JsonQuery, parameters: Mapping[str, Any] | None = None
) -> Iterator[pa.Table]:
    """What `query` says about every record of a file, some ten thousand records at a time.

    Args:
        file: A list of records, or one record a line, in UTF-8 or UTF-16.
        query: The format.
        parameters: Values of the query's `$name` parameters.

    Returns:
        Tables with the columns of the query, one row a record, in the order of the file.

    Raises:
        SourceError: The file is broken or holds something else; row and byte are named.
    """
    values = parameters or {}
    with file.on_disk() as path:
        done = 0
        try:
            if not query.within:
                for table in _fast(path, query, values):
                    done += table.num_rows
                    yield table.drop_columns(STRAY)
                return
        except _NeedsCareError:
            pass
        for table in _slow(file, path, query, query.from_texts(values), skip=done):
            yield table.drop_columns(STRAY)


def _fast(path: Path, query: JsonQuery, values: Mapping[str, Any]) -> Iterator[pa.Table]:
    """Tables from DuckDB's own reader; raises _NeedsCareError where the slow way must go on."""
    lines = _is_lines(path)
    try:
        with shared_cursor() as db:
            answer = db.execute(query.from_file(path, values, lines=lines))
            for batch in answer.to_arrow_reader(_ROWS):
                table = pa.Table.from_batches([batch])
                strays = table[STRAY]
                if strays.null_count < table.num_rows:
                    raise _NeedsCareError
                yield table
    except (duckdb.Error, pa.ArrowException, OSError, UnicodeError) as error:
        raise _NeedsCareError from error


class _NeedsCareError(Exception):
    """Something here is no plain record: the slow way will see what it is."""


def _is_lines(path: Path) -> bool:
    """Whether a file holds a record a line, not a list.

    DuckDB sees everything that is wrong with either, but for a list that ends after a comma.
    """
    with path.open("rb") as file:
        start = file.read(_PEEK)
        encoding, mark = encoding_of(start[:4])
        first = start[mark:].lstrip()[:1]
        file.seek(max(0, file.seek(0, os.SEEK_END) - _PEEK))
        last = file.read().rstrip()[-1:]
    if encoding != "utf-8" or first not in (b"[", b"{") or (first == b"[" and last != b"]"):
        raise _NeedsCareError
    return first == b"{"


def _slow(
    file: InputFile, path: Path, query: JsonQuery, sql: str, *, skip: int
) -> Iterator[pa.Table]:
    """Tables of the records after the first `skip`, read one by one."""
    records = islice(read_records(file, path, query.within), skip, None)
    known = skip > 0
    while batch := list(islice(records, _SLOW_ROWS)):
        known = known or _known(batch, file, query)
        texts = pa.table(
            {
                "piece": pa.array([_text(record, file, query) for record in batch], pa.string()),
                STRAY: pa.array([_stray(record) for record in batch], pa.string()),
            }
        )
        try:
            with shared_cursor() as db:
                db.register(_TEXTS, texts)
                yield db.execute(sql).to_arrow_table()
        except duckdb.Error as error:
            raise fault(file, f"cannot be read as {query.what}", row=skip + 1) from error
        skip += len(batch)


def _text(record: Any, file: InputFile, query: JsonQuery) -> str | None:
    if not isinstance(record, dict):
        return None
    wanted = {key: record[key] for key in query.fields if key in record}
    try:
        text = json.dumps(wanted, ensure_ascii=False)
        text.encode()
    except RecursionError as error:
        raise fault(file, "has lists or objects nested too deeply") from error
    except UnicodeEncodeError:  # half of a surrogate pair: no character at all
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _stray(record: Any) -> str | None:
    match record:
        case dict():
            return None
        case list():
            return "a list"
        case str():
            return "a number or a text"
        case bool():
            return "true or false"
        case _:
            return "null"


def _known(batch: list[Any], file: InputFile, query: JsonQuery) -> bool:
    """Whether the records can be what they should be; refuses those that cannot."""
    objects = [record for record in batch if isinstance(record, dict)]
    if not objects:
        raise _other(file, query, f"is a list of {_stray(batch[0])}, not of records")
    if any(key in record for record in objects for key in query.expected):
        return True
    keys = sorted({key for record in objects[:100] for key in record})
    if not keys:
        return False
    shown = ", ".join(f"“{key[:40]}”" for key in keys[:6]) + (" …" if len(keys) > 6 else "")
    raise _other(file, query, f"is JSON of something else: its records have the fields {shown}")


def _other(file: InputFile, query: JsonQuery, what: str) -> Exception:
    wanted = ", ".join(f"“{key}”" for key in query.expected)
    cure = f"Expected {query.what}, a list of records with {wanted}: check that it is that file."
    return fault(file, what, cure=cure)
