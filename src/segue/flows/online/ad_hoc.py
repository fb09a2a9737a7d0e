"""Somebody who says what they played, and of whom nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from segue.errors import ConfigError
from segue.flows.listener import Person, Records, person_of
from segue.flows.online.answers import Listened
from segue.flows.online.records import NOTHING
from segue.flows.online.shelf import Opened
from segue.music import columns as c
from segue.music.feedback import LIKE, TRACK
from segue.music.marts import MARTS
from segue.music.query import HISTORY
from segue.playlists.listener import Listener

__all__ = ["somebody_who"]

_MOST: Final = 1_000
_LATELY: Final = timedelta(days=1)
_APART: Final = timedelta(minutes=5)
_NAMED: Final = 5


def somebody_who(
    listened: Sequence[Listened], opened: Opened, now: datetime
) -> tuple[Person, tuple[str, ...]]:
    """The listener that a list of tracks tells of, and notes about tracks that are not known.

    Args:
        listened: What they played or like; nothing: a stranger.
        now: Aware; nothing later counts.

    Raises:
        ConfigError: A number or a time cannot be used.
    """
    known: list[tuple[str, Listened]] = []
    unknown: list[str] = []
    for at, one in enumerate(listened):
        _check(one, at)
        track = opened.tracks.id_of(one.track_id)
        if opened.bundle.catalogue.rows([track])[0] >= 0:
            known.append((track, one))
        else:
            unknown.append(one.track_id)
    notes = (_about(unknown),) if unknown else ()
    if not known:
        return Person(None, now, HISTORY.empty_table(), Listener()), notes
    records = Records(
        plays=_plays(known, now),
        library=NOTHING.library,
        entries=NOTHING.entries,
        feedback=_words(known, now),
    )
    person = person_of(records, opened.snapshot, opened.bundle.catalogue, user_id="", now=now)
    return person, notes


def _check(one: Listened, at: int) -> None:
    if not 0 <= one.plays <= _MOST:
        raise ConfigError(
            f"{one.plays} plays cannot be used",
            field=f"listened[{at}].plays",
            cure=f"Give a number from 0 to {_MOST:,}.",
        )
    if one.last_played_at is not None and one.last_played_at.tzinfo is None:
        raise ConfigError(
            "the time has no time zone",
            field=f"listened[{at}].last_played_at",
            cure="Give it in UTC, such as 2026-03-01T12:00:00Z.",
        )


def _plays(known: Sequence[tuple[str, Listened]], now: datetime) -> pa.Table:
    """As many plays as are told, the earlier ones five minutes apart."""
    rows: list[dict[str, Any]] = [
        {
            c.TRACK_ID: track,
            c.PLAYED_AT: min(one.last_played_at or now - _LATELY, now) - n * _APART,
            c.COUNTED: True,
            c.FINISHED: True,
            c.SKIPPED: False,
        }
        for track, one in known
        for n in range(one.plays)
    ]
    table = pa.Table.from_pylist(rows, HISTORY)
    return table.sort_by([(c.PLAYED_AT, "ascending"), (c.TRACK_ID, "ascending")])


def _words(known: Sequence[tuple[str, Listened]], now: datetime) -> pa.Table:
    liked = dict.fromkeys(track for track, one in known if one.liked)
    schema = MARTS["feedback"]
    rows: list[dict[str, Any]] = [
        {
            c.USER_ID: "",
            c.PLACE: place,
            c.KIND: TRACK,
            c.VERB: LIKE,
            c.TRACK_ID: track,
            c.SAID_AT: now,
        }
        for place, track in enumerate(liked, start=1)
    ]
    return pa.Table.from_pylist([{n: row.get(n) for n in schema.names} for row in rows], schema)


def _about(unknown: Sequence[str]) -> str:
    some = ", ".join(f"“{name}”" for name in unknown[:_NAMED])
    more = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
    return f"Not known here, and left out: {some}{more}."
