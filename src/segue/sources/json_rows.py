"""The records of a JSON file as Arrow tables, shaped by SQL: fast, in file order, little memory.

The file is read in blocks that are cut between two records. DuckDB parses and shapes each block
on its own thread, and the tables come out in the order of the file. A block that DuckDB refuses,
or that holds something else than records, is read again one record at a time by `json_records`,
which either gets through or says where and why the file is broken.
"""

from __future__ import annotations

import json
import re
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from segue.sources.base import InputFile
from segue.sources.duckdb_pool import TABLE, query_pool, with_values
from segue.sources.json_records import read_records
from segue.sources.json_text import fault, utf8_blocks

__all__ = ["STRAY", "JsonQuery", "read_json_rows"]

STRAY: Final = "stray"
"""Column of `records`: null for an object, else what stands in its place, such as "a number"."""

_SMALLEST_BLOCK = 1 << 20
_LARGEST_BLOCK = 4 << 20
_PIECE = 1 << 18
_LONGEST = 64 << 20
_ROWS = 1 << 16
_SLOW_ROWS = 1 << 14


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
        others: Keys of real records that are not read. A file is cut where a record begins, which
            is seen by its first key; a file whose records begin with any other is still read.
        within: Dotted key of the list that holds the records, when they lie deeper in the file
            (see `read_records`); such files are read the slow way.
    """

    what: str
    fields: Mapping[str, Any]
    expected: tuple[str, ...]
    sql: str
    others: tuple[str, ...] = ()
    within: str = ""

    @cached_property
    def from_blocks(self) -> str:
        """The query over pieces of a list, each with many records."""
        familiar = " ".join(f'WHEN "{key}" IS NOT NULL THEN NULL' for key in self.expected)
        return (
            "WITH pieces AS NOT MATERIALIZED (SELECT unnest(from_json('[' || piece || ']',"
            f" {self._structure(list_of=True)}), max_depth := 2) FROM {TABLE}),"
            " records AS NOT MATERIALIZED"
            f" (SELECT *, CASE {familiar} ELSE 'unfamiliar' END AS {STRAY} FROM pieces)"
            f" SELECT * FROM ({self.sql})"
        )

    @cached_property
    def from_records(self) -> str:
        """The query over records one by one, with a column that says what is not an object."""
        return (
            "WITH records AS NOT MATERIALIZED (SELECT unnest(from_json(piece,"
            f" {self._structure(list_of=False)})), {STRAY} FROM {TABLE})"
            f" SELECT * FROM ({self.sql})"
        )

    def _structure(self, *, list_of: bool) -> str:
        fields = dict(self.fields)
        text = json.dumps([fields] if list_of else fields).replace("'", "''")
        return f"'{text}'"


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
                fast = with_values(query.from_blocks, values)
                for table in _gathered(_fast(file, path, query, fast)):
                    done += table.num_rows
                    yield table.drop_columns(STRAY)
                return
        except _NeedsCareError:
            pass
        slow = with_values(query.from_records, values)
        for table in _slow(file, path, query, slow, skip=done):
            yield table.drop_columns(STRAY)


def _fast(file: InputFile, path: Path, query: JsonQuery, sql: str) -> Iterator[pa.Table]:
    """Tables of blocks; raises _NeedsCareError at the first that needs the slow way."""
    pool = query_pool()
    size = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, path.stat().st_size // pool.threads + 1))
    waiting: deque[Future[pa.Table]] = deque()
    try:
        for texts in _pieces(utf8_blocks(file, path, size), query):
            waiting.append(pool.submit(sql, texts))
            if len(waiting) > pool.threads:
                yield _all_records(waiting.popleft().result())
        while waiting:
            yield _all_records(waiting.popleft().result())
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise _NeedsCareError from error
    finally:
        for future in waiting:
            future.cancel()


class _NeedsCareError(Exception):
    """Something here is no plain record: the slow way will see what it is."""


def _all_records(table: pa.Table) -> pa.Table:
    if table[STRAY].null_count < table.num_rows:
        raise _NeedsCareError
    return table


def _pieces(blocks: Iterator[bytes], query: JsonQuery) -> Iterator[pa.Table]:
    """Texts of whole records, separated by commas; about one block of the file in each table.

    A cut is made only where a record can begin: after "}", a comma, and "{" with a known first
    key. Inside a string the quotes of that key would have to be escaped; inside a nested list
    both parts would be malformed, and be refused. So no cut can go unnoticed in the wrong place.
    """
    first = next(blocks, b"")
    start = len(first) - len(first.lstrip())
    lines = first[start : start + 1] == b"{"
    if not lines and first[start : start + 1] != b"[":
        raise _NeedsCareError
    cut = _LINE_CUT if lines else _list_cut((*query.fields, *query.others))
    rest = b""  # what has been read behind the last cut
    held: list[pa.Table] = []  # the last table waits for the end of the file: a query has its cost
    for block in chain([first[start + (not lines) :]], blocks):
        whole = _with_commas(rest + block) if lines else block
        before = b"" if lines else rest
        at = _cuts(whole, cut)
        if at:
            yield from held
            held = [_texts(before + whole[: at[0]], whole, at)]
            rest = whole[at[-1] :]
        else:
            rest = before + whole
        if len(rest) > _LONGEST:
            raise _NeedsCareError
    rest = rest.rstrip()
    if not lines:
        if not rest.endswith(b"]"):
            raise _NeedsCareError
        rest = rest[:-1]
    if rest.strip():
        held.append(_texts(rest, b"", []))
    if held:
        yield pa.concat_tables(held)


def _list_cut(keys: tuple[str, ...]) -> re.Pattern[bytes]:
    known = "|".join(re.escape(key) for key in keys)
    return re.compile(rf'\}}\s*,(?=\s*\{{\s*"(?:{known})"\s*:)'.encode())


_LINE_CUT = re.compile(rb"\},(?=\n\{)")


def _with_commas(lines: bytes) -> bytes:
    # a line break cannot stand inside a string, so this is always between two records
    return re.sub(rb"\}[ \t]*\r?\n\s*\{", b"},\n{", lines)


def _cuts(text: bytes, cut: re.Pattern[bytes]) -> list[int]:
    """Where to cut: at the first place, and then about every _PIECE bytes."""
    at: list[int] = []
    while found := cut.search(text, at[-1] + _PIECE if at else 0):
        at.append(found.end())
    return at


def _texts(first: bytes, block: bytes, at: list[int]) -> pa.Table:
    """The first piece, and those of a block from cut to cut."""
    pieces = [_strings(first, [0, len(first)])]
    if len(at) > 1:
        pieces.append(_strings(block, at))
    return pa.table({"piece": pa.chunked_array(pieces)})


def _strings(text: bytes, at: list[int]) -> pa.StringArray:
    # No copy and no check of the encoding: DuckDB's JSON reader refuses what is not UTF-8.
    offsets = pa.py_buffer(array("i", at).tobytes())
    return pa.StringArray.from_buffers(len(at) - 1, offsets, pa.py_buffer(text))


def _gathered(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of about _ROWS; what came before a fault still comes."""
    held: list[pa.Table] = []
    try:
        for table in tables:
            held.append(table)
            if sum(part.num_rows for part in held) >= _ROWS:
                yield pa.concat_tables(held)
                held = []
    except _NeedsCareError:
        if held:
            yield pa.concat_tables(held)
        raise
    if held:
        yield pa.concat_tables(held)


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
            yield query_pool().submit(sql, texts).result()
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
