"""The messages themselves: one function a kind, facts in, words out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from segue.music.playlist import Playlist, PlaylistTrack
from segue.notifications.base import Attachment, Message

__all__ = [
    "WARN_DAYS",
    "build_failed",
    "collection_stopped",
    "playlist_refreshed",
    "token_expiring",
    "weekly_report",
]

WARN_DAYS: Final = (30, 7, 1)
"""So many days before a sign-in ends there is a warning, and once more when it has ended."""

_SHOWN: Final = 50
_MARKS: Final = re.compile(r"([\\`*_\[\]~|])")


def playlist_refreshed(
    playlist: Playlist, *, where: str, added: int | None = None, removed: int | None = None
) -> Message:
    """A playlist has new tracks: all of them, with the reasons.

    Args:
        playlist: What it holds now.
        where: Where it is, in words or as an address.
        added: Tracks that came; None: not known.
        removed: Tracks that went; None: not known.
    """
    count = len(playlist.tracks)
    moved = "" if added is None or removed is None else f" ({added} new, {removed} gone)"
    lead = f"{count} track{'' if count == 1 else 's'}{moved}, at {where}."
    shown, more = playlist.tracks[:_SHOWN], count - _SHOWN
    rest = [f"… and {more} more"] if more > 0 else []
    notes = list(playlist.notes)
    text = [lead, "", *_text(shown), *rest, *notes]
    marked = [_plain(lead), "", *_marked(shown), *map(_plain, [*rest, *notes])]
    held = _digest("\n".join(track.track_id for track in playlist.tracks))
    return Message(
        "playlist_refreshed",
        f"{playlist.title} is refreshed",
        "\n".join(text),
        "\n".join(marked),
        user_id=playlist.user_id or "",
        key=f"{playlist.playlist_id}/{where}/{held}",
        facts={
            "playlist": playlist.title,
            "where": where,
            "count": str(count),
            "added": "" if added is None else str(added),
            "removed": "" if removed is None else str(removed),
            "tracks": "\n".join([*_text(shown), *rest]),
        },
    )


def token_expiring(
    *,
    service: str,
    user_id: str,
    ends_at: datetime | None,
    again: str,
    now: datetime,
    ended: str = "",
) -> Message | None:
    """A sign-in ends soon, or has ended; None where that is too far away to be told.

    It is told once for each of WARN_DAYS, and once when it has ended.

    Args:
        service: Such as "Spotify".
        user_id: Whose sign-in.
        ends_at: When it ends, aware; None: not known.
        again: The command that signs in again.
        now: Aware.
        ended: Why it has ended before its time; empty: it has not.
    """
    left = timedelta.max if ends_at is None else ends_at - now
    left = timedelta(0) if ended else max(left, timedelta(0))
    due = [n for n in WARN_DAYS if left <= timedelta(days=n)]
    if not due:
        return None
    when = f"ends in {_days(left.days)}" if left.days else "ends within a day"
    when = when if left else "has ended"
    day = "" if ends_at is None else f"{ends_at:%d %b %Y}"
    why = ended or day
    said = f"{when} ({why}). Nothing is collected or published" + (" after that" if left else "")
    said += f" until somebody signs in again:\n\n    {again}"
    return Message(
        "token_expiring",
        f"{service} sign-in of {user_id} {when}",
        f"The {service} sign-in of {user_id} {said}",
        f"The {service} sign-in of **{_plain(user_id)}** {said}",
        user_id=user_id,
        key=f"{service}/{ends_at.isoformat() if ends_at else 'unknown'}/{min(due) if left else 0}",
        facts={
            "service": service,
            "user": user_id,
            "days": str(left.days),
            "day": day,
            "command": again,
        },
    )


def collection_stopped(
    *, source: str, user_id: str, since: datetime | None, why: str, cure: str = ""
) -> Message:
    """Nothing comes from a source any more; told once for each stop.

    Args:
        source: Such as "Spotify".
        user_id: Whose plays.
        since: When it last worked, aware; None: it never has. A stop is known by it.
        why: What went wrong.
        cure: What to do about it.
    """
    from_when = "" if since is None else f" since {since:%d %b %Y %H:%M %Z}".rstrip()
    lines = [f"No plays of {user_id} have come from {source}{from_when}: {why}."]
    marked = [f"No plays of **{_plain(user_id)}** have come from {source}{from_when}: "]
    marked[0] += f"{_plain(why)}."
    return Message(
        "collection_stopped",
        f"{source}: plays of {user_id} are not collected",
        "\n\n".join([*lines, cure] if cure else lines),
        "\n\n".join([*marked, _plain(cure)] if cure else marked),
        user_id=user_id,
        key=f"{source}/{'never' if since is None else since.isoformat()}",
        facts={
            "source": source,
            "user": user_id,
            "since": "" if since is None else since.isoformat(timespec="minutes"),
            "why": why,
            "cure": cure,
        },
    )


def build_failed(*, step: str, why: str, cure: str, at: datetime) -> Message:
    """An update broke off; the same fault is told once a day.

    Args:
        step: What failed, such as "build" or "train".
        why: What went wrong.
        cure: What to do about it; may be empty.
        at: When, aware.
    """
    lines = [f"segue {step} failed on {at:%d %b %Y at %H:%M}: {why}.", cure]
    told = [line for line in lines if line]
    return Message(
        "build_failed",
        f"Segue: {step} failed",
        "\n\n".join(told),
        "\n\n".join(_plain(line) for line in told),
        key=f"{step}/{_digest(why)}/{at:%Y-%m-%d}",
        facts={"step": step, "why": why, "cure": cure, "at": at.isoformat(timespec="minutes")},
    )


def weekly_report(
    *,
    user_id: str,
    week: str,
    title: str,
    text: str,
    markdown: str,
    attachments: tuple[Attachment, ...] = (),
) -> Message:
    """A user's week; told once a week.

    Args:
        week: Such as "2026-W46".
        text: The report in short, plain.
        markdown: The report.
        attachments: Its page and picture.
    """
    return Message(
        "weekly_report",
        title,
        text,
        markdown,
        user_id=user_id,
        key=week,
        facts={"user": user_id, "week": week},
        attachments=attachments,
    )


def _text(tracks: Sequence[PlaylistTrack]) -> list[str]:
    return [
        f"{track.rank}. {_name(track)}" + (f"\n   {track.reason}" if track.reason else "")
        for track in tracks
    ]


def _marked(tracks: Sequence[PlaylistTrack]) -> list[str]:
    return [
        f"{track.rank}. **{_plain(track.title)}** – {_plain(', '.join(track.artists))}  \n"
        f"   {_plain(track.reason)}"
        for track in tracks
    ]


def _name(track: PlaylistTrack) -> str:
    return f"{', '.join(track.artists)} – {track.title}"


def _plain(text: str) -> str:
    r"""A text that Markdown shows as it is, and HTML made of that, too.

    >>> _plain("*NSYNC <b>")
    '\\*NSYNC ‹b>'
    """
    return _MARKS.sub(r"\\\1", text).replace("<", "‹")


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
