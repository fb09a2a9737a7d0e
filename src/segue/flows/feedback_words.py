"""What is said, of what, and what came of it: the values of the feedback flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["About", "FeedbackReport", "Word"]


@dataclass(frozen=True, slots=True)
class About:
    """What the words are about.

    Args:
        tracks: As typed: ids, Spotify links, “Artist - Title” (see `resolve_seed`).
        artists: As typed; for hide, less and undo.
        since: For not_me and undo: plays that started from here on, aware.
        until: The same: plays that started up to here, aware.
        last_session: The same: the plays of the user's last session.
    """

    tracks: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    last_session: bool = False

    @property
    def of_span(self) -> bool:
        """Whether plays of a span of time are meant."""
        return self.since is not None or self.until is not None or self.last_session


@dataclass(frozen=True, slots=True)
class Word:
    """One word that was said.

    Args:
        kind: "track", "artist" or "plays".
        name: The track or artist, for people; empty for all plays of a span.
        stands: Nothing said later took its place.
    """

    verb: str
    kind: str
    name: str
    said_at: datetime
    stands: bool = True
    track_id: str | None = None
    artist_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def about(self) -> str:
        """What it is about, for people.

        >>> from datetime import UTC
        >>> day = datetime(2026, 1, 2, 20, tzinfo=UTC)
        >>> Word("not_me", "plays", "", day, since=day).about
        'plays from 2026-01-02 20:00 on'
        """
        if self.kind != "plays":
            return self.name
        since = f" from {self.since:%Y-%m-%d %H:%M}" if self.since else ""
        until = f" to {self.until:%Y-%m-%d %H:%M}" if self.until else " on" if since else ""
        return f"plays{' of ' + self.name if self.name else ''}{since}{until}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values, times in ISO 8601."""
        return {
            "verb": self.verb,
            "kind": self.kind,
            "name": self.name,
            "track_id": self.track_id,
            "artist_id": self.artist_id,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "said_at": self.said_at.isoformat(),
            "stands": self.stands,
        }


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What was written down.

    Args:
        words: In the order in which they were given.
        plays: For not_me and undo: how many plays left the user's history, or came back to it.
    """

    user_id: str
    words: tuple[Word, ...]
    plays: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        words = [word.as_dict() for word in self.words]
        return {"user_id": self.user_id, "words": words, "plays": self.plays}
