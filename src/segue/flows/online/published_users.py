"""Users of a published snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow.compute as pc

from segue.flows.online.shelf import Opened
from segue.music import columns as c

__all__ = ["latest_users", "published_user", "published_users"]

_COLUMNS: Final = (c.USER_ID, c.PLAYS, c.FIRST_PLAYED_AT, c.LAST_PLAYED_AT)

Row = Mapping[str, Any]


def published_user(opened: Opened | None, user_id: str) -> Row | None:
    """What the `users` mart says of one; None: nothing."""
    if opened is None:
        return None
    rows = opened.rows.read("users", user_id, _COLUMNS).to_pylist()
    return rows[0] if rows else None


def published_users(opened: Opened | None, after: str, limit: int) -> dict[str, Row]:
    """The next users behind one, by their ids."""
    if opened is None:
        return {}
    behind = pc.field(c.USER_ID) > after
    rows = opened.snapshot.read("users", columns=_COLUMNS, filters=behind)
    return {row[c.USER_ID]: row for row in rows.sort_by(c.USER_ID).slice(0, limit).to_pylist()}


def latest_users(opened: Opened | None, most: int) -> list[str]:
    """Some users, whoever played last before all others; those who never did come last."""
    if opened is None:
        return []
    rows = opened.snapshot.read("users", columns=(c.USER_ID, c.LAST_PLAYED_AT))
    order = [(c.LAST_PLAYED_AT, "descending"), (c.USER_ID, "ascending")]
    found: list[str] = rows.sort_by(order).slice(0, most)[c.USER_ID].to_pylist()
    return found
