"""Events in tables of PostgreSQL: the schema, and the statements that everything rests on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from segue.events.base import Recorded
from segue.music.event import Event

__all__ = ["APPEND", "COLUMNS", "LOCK", "MIGRATIONS", "OWN", "columns_of", "recorded"]

MIGRATIONS: Final = (
    (
        "events, and how far consumers have got",
        """
create table live.events (
    position bigint generated always as identity primary key,
    user_id text collate "C" not null,
    event_id text collate "C" not null,
    event_type text not null,
    track_id text not null,
    happened_at timestamptz not null,
    ms_played bigint,
    session_id text,
    recommendation_id text,
    source text not null,
    context text,
    received_at timestamptz not null,
    written_as bigint not null,
    unique (user_id, event_id)
);
create index events_of_user on live.events (user_id, position);
create table live.cursors (
    consumer text collate "C" primary key, position bigint not null
);
create table live.states (
    consumer text collate "C" not null,
    key text collate "C" not null,
    value bytea not null,
    primary key (consumer, key)
);
create index states_of_key on live.states (key);
create table live.parked (
    consumer text collate "C" not null,
    position bigint not null,
    error text not null,
    parked_at timestamptz not null,
    primary key (consumer, position)
);
""",
    ),
)
"""See `segue.postgresql.migrations`."""

COLUMNS: Final = (
    "user_id, event_id, event_type, track_id, happened_at, ms_played, session_id,"
    " recommendation_id, source, context, received_at"
)
_TYPES: Final = ("text",) * 4 + ("timestamptz", "bigint") + ("text",) * 4 + ("timestamptz",)

LOCK: Final = 0x53_65_67_75_67
"""Key of the advisory lock that whoever appends holds until it has committed."""

# A consumer remembers one position, and never looks back. So a position must not become visible
# after a later one: numbers alone do not promise that, since of two transactions the one that got
# its number first may commit last, and a reader in between would step over it for ever.
#
# Two cures are known. Readers may stop below the oldest transaction still under way
# (pg_snapshot_xmin); but that counts every transaction of the server, so that one long query of a
# build, or of somebody else, would hold all profiles up. Therefore: whoever gives numbers holds a
# lock until it has committed. A server lets others see a commit before it lets go of the
# transaction's locks, so whoever gets the lock next, and any number it gives, comes after. It
# costs little, since what waits meanwhile is written together (see GroupCommit).
#
# That the lock is taken before the first number is given follows from the data: no row leaves the
# join before `locked` has given one, and numbers are given to the rows that leave the sort.
APPEND: Final = (
    f"with locked as materialized (select pg_advisory_xact_lock({LOCK})::text)"
    f" insert into live.events ({COLUMNS}, written_as)"
    f" select {', '.join(f'told.{name}' for name in COLUMNS.split(', '))}, %s"
    f" from locked, unnest({', '.join(f'%s::{kind}[]' for kind in _TYPES)})"
    f" with ordinality as told ({COLUMNS}, place)"
    " order by told.place on conflict (user_id, event_id) do nothing returning user_id, event_id"
)
"""One statement, one transaction: a client that dies in the middle holds nothing up."""

OWN: Final = (
    "select user_id, event_id from live.events"
    " inner join unnest(%s::text[], %s::text[]) as told (user_id, event_id)"
    " using (user_id, event_id) where written_as = %s"
)
"""Which of some events were written by attempts of this name."""


def columns_of(events: Iterable[tuple[Event, datetime]]) -> list[list[Any]]:
    """Events and when they were received, in the order of `COLUMNS`."""
    rows = [
        (
            event.user_id,
            event.event_id,
            event.event_type,
            event.track_id,
            event.timestamp,
            event.ms_played,
            event.session_id,
            event.recommendation_id,
            event.source,
            json.dumps(event.context, separators=(",", ":")) if event.context else None,
            received_at,
        )
        for event, received_at in events
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def recorded(row: tuple[Any, ...]) -> Recorded:
    """The event of a row: its position, then `COLUMNS`."""
    position, user, event_id, kind, track, at, heard, session, answer, source, context, received = (
        row
    )
    event = Event(
        event_id=event_id,
        user_id=user,
        track_id=track,
        event_type=kind,
        timestamp=at.astimezone(UTC),
        ms_played=heard,
        session_id=session,
        recommendation_id=answer,
        source=source,
        context=json.loads(context) if context else {},
    )
    return Recorded(position, event, received.astimezone(UTC))
