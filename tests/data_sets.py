"""Data sets made by hand: rows of listener, track and perhaps a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.features.catalogue import Catalogue
from segue.features.listens import Listens
from tests.tiny import tracks


def listens(
    rows: Sequence[tuple[Any, ...]],
    *,
    sessions: bool = False,
    part: Sequence[int] | None = None,
    genres: dict[str, list[str]] | None = None,
) -> Listens:
    """(listener, track[, Unix seconds[, plays]]) rows; with `sessions` a listener is a session."""
    listeners = list(dict.fromkeys(row[0] for row in rows))
    ids = sorted({row[1] for row in rows})
    catalogue = Catalogue(
        tracks({"track_id": track, "genres": (genres or {}).get(track, [])} for track in ids)
    )
    whose = np.array([listeners.index(row[0]) for row in rows], np.int64)
    return Listens(
        name="made by hand",
        catalogue=catalogue,
        listener_ids=np.array([f"crowd:made:{name}" for name in listeners], dtype=object),
        listeners=whose,
        tracks=np.array([ids.index(row[1]) for row in rows], np.int32),
        plays=np.array([row[3] if len(row) > 3 else 1 for row in rows], np.float32),
        at=np.array([row[2] if len(row) > 2 else np.nan for row in rows]),
        sessions=whose if sessions else np.full(len(rows), -1, np.int64),
        part=np.array(part if part is not None else [], np.int8),
    )
