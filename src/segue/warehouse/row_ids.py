"""Row ids: a stable 64-bit hash of a row's key columns, the same on every machine and version.

How a row's id is made, all arithmetic modulo 2**64:

    mix(x)      splitmix64's output function of x + 0x9E3779B97F4A7C15
    value(v)    null       0x6E756C6C6E756C6C
                text       the last 8 bytes of the MD5 of its UTF-8 bytes, little endian
                number     mix(two's complement of the integer); true is 1
                double     mix(its IEEE 754 bits), minus zero as zero
                time       mix(microseconds since 1970 UTC); dates: mix(days since 1970)
                list       h = mix(its length); for each element e: h = mix(h ^ value(e))
    id          h = 0; for each key column v, in the table's order: h = mix(h ^ value(v))

and the id is h read as a signed integer. MD5 serves as a well-known hash here, not for secrecy.
`mix`: Guy L. Steele Jr., Doug Lea and Christine H. Flood, 2014, "Fast Splittable Pseudorandom
Number Generators". Among ten million rows, any two share an id with a chance of 3 in a million.
"""

from __future__ import annotations

from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.music.lake_tables import LakeTable

__all__ = ["row_ids"]

_U64 = npt.NDArray[np.uint64]
_NULL: Final = np.uint64(0x6E756C6C6E756C6C)


def row_ids(
    table: LakeTable, rows: pa.Table, connection: duckdb.DuckDBPyConnection
) -> npt.NDArray[np.int64]:
    """The id of each row.

    Args:
        table: Says which columns are the key.
        rows: At least the key columns.
        connection: Hashes texts; not used by another thread meanwhile.

    Returns:
        int64, shape (rows,), in row order.
    """
    ids = np.zeros(rows.num_rows, np.uint64)
    for name in table.key:
        column = rows[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # combining no chunks gives no array
            column = pa.concat_arrays(column.chunks or [pa.array([], column.type)])
        ids = _mix(ids ^ _values(column, connection))
    return ids.view(np.int64)


def _mix(x: _U64) -> _U64:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _values(column: pa.Array, connection: duckdb.DuckDBPyConnection) -> _U64:
    kind = column.type
    if pa.types.is_string(kind):
        values = _texts(column, connection)
    elif pa.types.is_list(kind):
        values = _lists(column, connection)
    else:
        values = _mix(_bits(column))
    if column.null_count:
        values[column.is_null().to_numpy(zero_copy_only=False)] = _NULL
    return values


def _texts(column: pa.Array, connection: duckdb.DuckDBPyConnection) -> _U64:
    # Names repeat: each distinct text is hashed once, which is most of this module's speed.
    coded = column.dictionary_encode()
    texts = pa.table({"text": coded.dictionary})
    relation = connection.from_arrow(texts).project("md5_number_lower(text) AS h")
    hashes = relation.to_arrow_table()["h"].to_numpy().astype(np.uint64, copy=False)
    if not len(hashes):
        return np.full(len(column), _NULL, np.uint64)
    codes = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    taken: _U64 = hashes[codes]
    return taken


def _bits(column: pa.Array) -> _U64:
    kind = column.type
    if pa.types.is_float64(kind):
        doubles = pc.fill_null(column, 0.0).to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(doubles + 0.0, np.float64).view(np.uint64)
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())
    elif pa.types.is_date32(kind):
        column = column.cast(pa.int32()).cast(pa.int64())
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        column = column.cast(pa.int64())
    else:
        raise TypeError(f"a column of type {kind} cannot be part of a key")
    numbers = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers, np.int64).view(np.uint64)


def _lists(column: pa.Array, connection: duckdb.DuckDBPyConnection) -> _U64:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    lengths = lengths.astype(np.int64)
    elements = _values(column.flatten(), connection)  # elements of null lists are left out
    starts = np.cumsum(lengths) - lengths
    ids = _mix(lengths.view(np.uint64))
    longer = np.flatnonzero(lengths > 0)
    for position in range(int(lengths.max(initial=0))):
        longer = longer[lengths[longer] > position]
        ids[longer] = _mix(ids[longer] ^ elements[starts[longer] + position])
    return ids
