"""Marts made by hand: rows name only what matters, everything else has a plain default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from segue.music.marts import MARTS
from segue.music.query import FEEDBACK, HISTORY

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def days_ago(days: float, now: datetime = NOW) -> datetime:
    return now - timedelta(days=days)


def mart(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table in the schema of a mart; columns a row does not name are null."""
    full = [{field.name: row.get(field.name) for field in MARTS[name]} for row in rows]
    return pa.Table.from_pylist(full, schema=MARTS[name])


def tracks(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The `tracks` mart from rows with at least `track_id`, sorted."""
    full = [
        {
            "title": f"Song {row['track_id']}",
            "artist": f"Artist {row.get('artist_id', row['track_id'])}",
            "artists": [f"Artist {row.get('artist_id', row['track_id'])}"],
            "artist_id": f"a-{row['track_id']}",
            "genres": [],
            "in_catalogue": True,
            "plays": 0,
            "crowd_listeners": 0,
            **row,
        }
        for row in rows
    ]
    return mart("tracks", sorted(full, key=lambda row: str(row["track_id"])))


def plays(
    rows: Iterable[tuple[str, str, datetime]], *, source: str = "spotify_export", **columns: Any
) -> pa.Table:
    """The `plays` mart from (user_id, track_id, played_at): finished plays, a session a day."""
    full = [
        {
            "play_id": f"{user}-{at.isoformat()}-{track}",
            "user_id": user,
            "track_id": track,
            "artist_id": f"a-{track}",
            "played_at": at,
            "ms_played": 200_000,
            "source": source,
            "session_id": f"{user}-{at.date()}",
            "skipped": False,
            "finished": True,
            "counted": True,
            "not_me": False,
            **columns,
        }
        for user, track, at in rows
    ]
    return mart("plays", sorted(full, key=lambda row: (row["user_id"], row["played_at"])))


def crowd(rows: Iterable[tuple[str, str | None, str | None, float]]) -> pa.Table:
    """The `crowd_counts` mart from (listener_id, track_id, artist_id, plays)."""
    return mart(
        "crowd_counts",
        [
            {
                "crowd": "c",
                "listener_id": listener,
                "track_id": track,
                "artist_id": artist,
                "plays": n,
            }
            for listener, track, artist, n in rows
        ],
    )


def crowd_sessions(
    sessions: Sequence[Sequence[str]], played_at: datetime | None = None
) -> pa.Table:
    """The `crowd_sessions` mart, one session a list of track ids."""
    return mart(
        "crowd_sessions",
        [
            {
                "crowd": "c",
                "listener_id": f"l{s}",
                "session_id": f"s{s:05}",
                "position": p,
                "track_id": track,
                "played_at": played_at,
            }
            for s, session in enumerate(sessions)
            for p, track in enumerate(session)
        ],
    )


def history(rows: Iterable[tuple[str, datetime]], **flags: bool) -> pa.Table:
    """A query's history from (track_id, played_at): finished plays, oldest first."""
    full = [
        {
            "track_id": track,
            "played_at": at,
            "counted": True,
            "finished": True,
            "skipped": False,
            **flags,
        }
        for track, at in sorted(rows, key=lambda row: row[1])
    ]
    return pa.Table.from_pylist(full, schema=HISTORY)


def said(rows: Iterable[tuple[str, str, datetime]]) -> pa.Table:
    """A query's feedback from (verb, track_id, said_at); an artist's id begins with “a-”."""
    full = [
        {
            "track_id": None if about.startswith("a-") else about,
            "artist_id": about if about.startswith("a-") else None,
            "verb": verb,
            "said_at": at,
        }
        for verb, about, at in rows
    ]
    return pa.Table.from_pylist(full, schema=FEEDBACK)


Word = tuple[str, str, str | None, float]


def log(words: Sequence[Word], **more: Any) -> pa.Table:
    """The `feedback` mart from (user_id, verb, track_id or “a-…”, days ago)."""
    return mart(
        "feedback",
        [
            {
                "user_id": user,
                "place": place,
                "source": "segue",
                "kind": "plays" if about is None else "artist" if about[:2] == "a-" else "track",
                "verb": verb,
                "track_id": None if about is None or about[:2] == "a-" else about,
                "artist_id": about if about is not None and about[:2] == "a-" else None,
                "said_at": days_ago(days),
                **more,
            }
            for place, (user, verb, about, days) in enumerate(words, start=1)
        ],
    )
