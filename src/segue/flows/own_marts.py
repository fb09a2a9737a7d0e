"""One listener's rows of the marts in the memory of a database, under the names of the marts.

Of a catalogue of a million tracks a listener has heard some thousands, and of everybody's plays
only some are theirs: questions about one listener ask these alone, and get the same answers.
"""

from __future__ import annotations

import logging
from typing import Final

import pyarrow as pa

from segue.analytics.sound import FEATURES
from segue.errors import QueryError
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.warehouse.beside import Beside
from segue.warehouse.snapshot_database import SnapshotDatabase

__all__ = ["MOST_PLAYS", "take_in"]

_log = logging.getLogger(__name__)
MOST_PLAYS: Final = 2_000_000
"""Of a listener; they take some 110 bytes each."""

_FORM: Final = "tracks-1"
"""Changes with the columns."""

_PLAYS: Final = (
    "play_id",
    c.USER_ID,
    c.TRACK_ID,
    c.PLAYED_AT,
    c.MS_PLAYED,
    c.SKIPPED,
    c.FINISHED,
    c.COUNTED,
    c.NOT_ME,
)
_TRACKS: Final = tuple(
    dict.fromkeys(
        (c.TRACK_ID, c.TITLE, c.ARTIST, c.ARTISTS, c.ARTIST_ID, c.ALBUM_ID, c.GENRES, *FEATURES)
    )
)
_OWN: Final = ("plays", "tracks")
_EVERYBODYS: Final = "memory.main"


def take_in(
    database: SnapshotDatabase,
    user_id: str,
    *,
    snapshot: str,
    beside: Beside,
    most_plays: int = MOST_PLAYS,
) -> None:
    """Have `plays` and `tracks` mean the listener's rows, as far as there is room for them.

    Args:
        database: Afterwards its answers about other listeners are wrong, until they are taken in.
        snapshot: Name of what the database reads.
        beside: Keeps the tracks: finding them among all takes longest.
        most_plays: Whoever has more is read from the files each time.
    """
    _let_go(database)
    rows = database.table(
        f"SELECT count(*) AS plays FROM {_EVERYBODYS}.plays WHERE user_id = $user_id",
        {"user_id": user_id},
    )
    if rows["plays"][0].as_py() > most_plays:
        return
    try:
        database.table(
            f"CREATE OR REPLACE TEMP TABLE plays AS SELECT {', '.join(_PLAYS)}"
            f" FROM {_EVERYBODYS}.plays WHERE user_id = $user_id",
            {"user_id": user_id},
        )
        database.hold("tracks", _tracks(database, user_id, snapshot, beside))
    except QueryError as error:  # such as for want of memory
        _log.warning("a listener is read from the files: %s", error)
        _let_go(database)


def _let_go(database: SnapshotDatabase) -> None:
    for mart in _OWN:
        database.table(f"DROP TABLE IF EXISTS temp.main.{mart}")


def _tracks(database: SnapshotDatabase, user_id: str, snapshot: str, beside: Beside) -> pa.Table:
    """The rows of the tracks that the listener ever played."""
    kept = beside.get(snapshot, user_id, _FORM)
    if kept is not None:
        return pa.ipc.open_stream(kept).read_all()
    rows = database.table(
        f"SELECT {', '.join(_TRACKS)} FROM {_EVERYBODYS}.tracks"
        " WHERE track_id IN (SELECT track_id FROM plays) ORDER BY track_id"
    ).cast(pa.schema([MARTS["tracks"].field(name) for name in _TRACKS]))
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        writer.write_table(rows)
    beside.put(snapshot, user_id, _FORM, sink.getvalue().to_pybytes())
    return rows
