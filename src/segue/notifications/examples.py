"""Messages about nothing that happened: to try out destinations and templates."""

from __future__ import annotations

from datetime import datetime, timedelta

from segue.music.playlist import Playlist, PlaylistTrack
from segue.notifications.base import Message
from segue.notifications.messages import (
    build_failed,
    collection_stopped,
    playlist_refreshed,
    token_expiring,
    weekly_report,
)

__all__ = ["examples", "hello"]


def hello(now: datetime) -> Message:
    """A message that says that messages arrive."""
    text = "This is a test. Segue tells you here what happened."
    return Message(
        "playlist_refreshed",
        f"Segue says hello ({now:%H:%M} UTC)",
        text,
        text.replace("test", "*test*"),
    )


def examples(user_id: str, now: datetime) -> tuple[Message, ...]:
    """One message of every kind, with made-up facts."""
    track = PlaylistTrack(1, "t1", "Sinnerman", ("Nina Simone",), 1.0, "You love gospel.", ("als",))
    playlist = Playlist("p1", "Fresh finds", "", user_id, now, (track,))
    ends = now + timedelta(days=7)
    expiring = token_expiring(
        service="Spotify", user_id=user_id, ends_at=ends, again="segue spotify login", now=now
    )
    return (
        playlist_refreshed(playlist, where="Spotify", added=1, removed=0),
        *(() if expiring is None else (expiring,)),
        collection_stopped(source="Spotify", user_id=user_id, since=now, why="no answer"),
        build_failed(step="build", why="the disk is full", cure="Free some space.", at=now),
        weekly_report(
            user_id=user_id, week="2026-W46", title="Your week", text="A week.", markdown="A week."
        ),
    )
