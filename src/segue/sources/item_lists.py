"""Lines of ids apart by blanks: a user and all their items, or a user and one item a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from segue.music import columns as c
from segue.music.lake_tables import CROWD
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.crowd_sessions import CrowdSessions

__all__ = ["ItemLists"]

_HEAD = 1 << 16
_MOST_COLUMNS = 4
_MICROSECONDS = 1_000_000


class ItemLists:
    """`user item item item`, as graph recommenders are published with, or `user item [count]`.

    It is one item a line where all lines have the same two, three or four words and users come
    again; the third is then a count, the fourth a time. Read as sessions, then turned round.
    """

    name: ClassVar[str] = "item_lists"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "lines of a user and their items"

    def claims(self, file: InputFile) -> bool:
        """Whether its first lines are words apart by blanks, and no other mark parts them."""
        lines = _lines(file)
        return bool(lines) and not any(mark in line for line in lines for mark in "\t,;|:")

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The pairs of user and item, some thousands of lines at a time.

        Raises:
            SourceError: It is no text, or has no lines.
        """
        paired = _is_paired(_lines(file))
        prefix = f"id:{options.name}:"
        for chunk in CrowdSessions().read(file, options):
            yield Chunk(CROWD, _turned(chunk.rows, prefix, paired=paired), chunk.rejects)


def _lines(file: InputFile) -> list[str]:
    head = file.head(_HEAD)
    lines = head.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    return [line for line in (lines[:-1] if len(head) == _HEAD else lines) if line.strip()]


def _is_paired(lines: list[str]) -> bool:
    words = [line.split() for line in lines]
    widths = {len(line) for line in words}
    users = [line[0] for line in words]
    return len(widths) == 1 and 2 <= min(widths) <= _MOST_COLUMNS and len(set(users)) < len(users)


def _turned(rows: pa.Table, prefix: str, *, paired: bool) -> pa.Table:
    """The first word of each line is who listened, and no item."""
    lines, words = rows[c.LISTENER_ID], _words(rows, prefix)
    found = pc.equal(rows[c.POSITION], 1) if paired else pc.greater(rows[c.POSITION], 0)
    chosen = rows.filter(found)
    columns = {
        c.LISTENER_ID: _at(lines, words, rows, 0, chosen),
        c.SESSION_ID: pa.nulls(len(chosen), pa.string()),
    }
    if paired:
        counts = _numbers(_at(lines, words, rows, 2, chosen))
        seconds = _numbers(_at(lines, words, rows, 3, chosen))
        at = pc.cast(pc.multiply(seconds, float(_MICROSECONDS)), pa.int64(), safe=False)
        columns |= {c.PLAYS: counts, c.PLAYED_AT: at.cast(CROWD.schema.field(c.PLAYED_AT).type)}
    arrays = [columns.get(column.name, chosen[column.name]) for column in CROWD.schema]
    turned = pa.Table.from_arrays(arrays, schema=CROWD.schema)
    return turned.filter(pc.is_valid(turned[c.LISTENER_ID]))


def _words(rows: pa.Table, prefix: str) -> pa.ChunkedArray:
    return pc.replace_substring_regex(rows[c.TRACK_REF], f"^{prefix}", "")


def _at(
    lines: pa.ChunkedArray, words: pa.ChunkedArray, rows: pa.Table, place: int, chosen: pa.Table
) -> pa.ChunkedArray:
    """The word at a place of each chosen row's line, null where the line has none."""
    there = pc.equal(rows[c.POSITION], place)
    known = lines.filter(there).combine_chunks()
    return words.filter(there).take(pc.index_in(chosen[c.LISTENER_ID], value_set=known))


def _numbers(words: pa.ChunkedArray) -> pa.ChunkedArray:
    """Words that are numbers, null for all others."""
    is_number = pc.match_substring_regex(words, r"^[0-9]+([.][0-9]+)?$")
    return pc.if_else(is_number, words, None).cast(pa.float64())
