"""A snapshot that also knows what was said since it was built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from segue.features.feedback_log import stands
from segue.flows.listener import Marts
from segue.music import columns as c
from segue.music.feedback import ARTIST
from segue.music.marts import MARTS
from segue.warehouse.matching import artist_id_of

__all__ = ["FreshMarts", "HasRows"]

_FEEDBACK: Final = "feedback"
_COLUMNS: Final = (
    c.USER_ID,
    c.SOURCE,
    c.KIND,
    c.VERB,
    c.TRACK_REF,
    c.ARTIST,
    c.SINCE,
    c.UNTIL,
    c.SAID_AT,
)
_LATEST: Final = 2**62


class HasRows(Protocol):
    """The lake, as far as it is needed here."""

    def rows(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a small table with `row_id` and `file_no`, in the order of their commits."""


class FreshMarts:
    """The marts of a snapshot, but with `feedback` read from the lake.

    What somebody says is to count at once, not after the next build. There is little of it, so it
    is always read from where it was written; the snapshot says which tracks are meant. A track
    that the snapshot does not know yet is left out until the next build.

    Args:
        snapshot: The published marts.
        lake: Where the words are kept.
        unwritten: Words to add as if they were in the lake: rows of its feedback table.
    """

    def __init__(
        self, snapshot: Marts, lake: HasRows, *, unwritten: pa.Table | None = None
    ) -> None:
        self.snapshot = snapshot
        self.lake = lake
        self.unwritten = unwritten

    def read(
        self, mart: str, *, columns: Sequence[str] | None = None, filters: Any = None
    ) -> pa.Table:
        """A mart as Arrow; filters are a `pyarrow.compute` expression."""
        if mart != _FEEDBACK:
            return self.snapshot.read(mart, columns=columns, filters=filters)
        table = self._feedback
        if filters is not None:
            table = table.filter(filters)
        return table if columns is None else table.select(list(columns))

    @cached_property
    def _feedback(self) -> pa.Table:
        rows = self.lake.rows(_FEEDBACK, _COLUMNS)
        if self.unwritten is not None:
            latest = pa.array([_LATEST] * self.unwritten.num_rows, pa.int64())
            ids = pa.array(range(self.unwritten.num_rows), pa.int64())
            more = self.unwritten.append_column(c.FILE_NO, latest).append_column(c.ROW_ID, ids)
            rows = pa.concat_tables([rows, more.select(rows.column_names).cast(rows.schema)])
        if not rows.num_rows:
            return self.snapshot.read(_FEEDBACK)
        order = [(name, "ascending") for name in (c.USER_ID, c.SAID_AT, c.FILE_NO, c.ROW_ID)]
        rows = rows.sort_by(order)
        spoken = Counter[str]()
        log: list[dict[str, Any]] = []
        track_of = self._track_ids(rows[c.TRACK_REF])
        for row in rows.to_pylist():
            of_artist = row[c.KIND] == ARTIST
            track = None if of_artist else track_of.get(row[c.TRACK_REF])
            artist = artist_id_of(row[c.ARTIST]) if of_artist and row[c.ARTIST] else None
            if artist is not None if of_artist else track is not None or row[c.TRACK_REF] is None:
                spoken[row[c.USER_ID]] += 1
                facts = {c.PLACE: spoken[row[c.USER_ID]], c.TRACK_ID: track, c.ARTIST_ID: artist}
                log.append({**row, **facts, c.STANDS: False})
        schema = MARTS[_FEEDBACK]
        table = pa.Table.from_pylist([{n: row[n] for n in schema.names} for row in log], schema)
        at = schema.get_field_index(c.STANDS)
        return table.set_column(at, schema.field(at), pa.array(stands(table), pa.bool_()))

    def _track_ids(self, refs: pa.ChunkedArray) -> dict[str, str]:
        wanted = pc.unique(refs.combine_chunks()).drop_null()
        found = self.snapshot.read(
            "track_matches",
            columns=[c.TRACK_REF, c.TRACK_ID],
            filters=pc.field(c.TRACK_REF).isin(wanted),
        )
        return dict(zip(found[c.TRACK_REF].to_pylist(), found[c.TRACK_ID].to_pylist(), strict=True))
