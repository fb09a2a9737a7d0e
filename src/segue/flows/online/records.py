"""One user's rows of a published snapshot."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.flows.listener import Records
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.music.query import HISTORY
from segue.warehouse.row_lookup import RowLookup

__all__ = ["NOTHING", "records_of"]

_LIBRARY: Final = (c.KIND, c.TRACK_ID, c.ARTIST_ID, c.ADDED_AT)
_ORDER: Final = [(c.PLAYED_AT, "ascending"), (c.TRACK_ID, "ascending")]
_ENTRIES: Final = (c.TRACK_ID, c.ADDED_AT)


def _empty(mart: str, columns: tuple[str, ...]) -> pa.Table:
    return MARTS[mart].empty_table().select(list(columns))


NOTHING: Final = Records(
    plays=HISTORY.empty_table(),
    library=_empty("library", _LIBRARY),
    entries=_empty("playlist_tracks", _ENTRIES),
    feedback=MARTS["feedback"].empty_table(),
)
"""Of somebody who is new here."""


def records_of(snapshot: RowLookup, user_id: str) -> Records:
    """What a snapshot holds of a user; `NOTHING` of somebody it does not know."""
    plays = snapshot.read("plays", user_id, HISTORY.names)
    if plays[c.TRACK_ID].null_count:
        plays = plays.filter(pc.is_valid(plays[c.TRACK_ID]))
    if not plays.schema.equals(HISTORY):
        plays = plays.cast(HISTORY)
    return Records(
        plays=plays if _in_order(plays) else plays.sort_by(_ORDER),
        library=snapshot.read("library", user_id, _LIBRARY),
        entries=snapshot.read("playlist_tracks", user_id, _ENTRIES),
        feedback=snapshot.read("feedback", user_id, MARTS["feedback"].names),
    )


def _in_order(plays: pa.Table) -> bool:
    """Whether each play began after the one before: they mostly lie so."""
    at = plays[c.PLAYED_AT]
    return pc.all(pc.less(at.slice(0, max(len(at) - 1, 0)), at.slice(1))).as_py() is not False
