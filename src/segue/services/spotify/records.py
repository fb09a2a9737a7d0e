"""What Spotify tells of tracks, plays, playlists and the player; every field may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["ItemRow", "Person", "PlayRow", "PlayerState", "PlaylistHead", "TrackRecord"]

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A track, an episode or a local file; what is not told is empty, or None for numbers."""

    uri: str = ""
    kind: str = "track"
    title: str = ""
    artists: tuple[str, ...] = ()
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""
    explicit: bool | None = None
    is_local: bool = False
    is_playable: bool | None = None

    @classmethod
    def of(cls, told: Any) -> TrackRecord | None:
        """From the API's object; None where there is none."""
        if not isinstance(told, dict):
            return None
        artists = told.get("artists")
        names = [_text(one.get("name")) for one in _rows(artists)]
        return cls(
            uri=_text(told.get("uri")),
            kind=_text(told.get("type")) or "track",
            title=_text(told.get("name")),
            artists=tuple(name for name in names if name),
            album=_text(_part(told, "album").get("name")),
            duration_ms=_count(told.get("duration_ms")),
            isrc=_text(_part(told, "external_ids").get("isrc")),
            explicit=told["explicit"] if isinstance(told.get("explicit"), bool) else None,
            is_local=told.get("is_local") is True,
            is_playable=told["is_playable"] if isinstance(told.get("is_playable"), bool) else None,
        )

    @property
    def is_track(self) -> bool:
        """Whether it is music that can be named: no podcast, and not nameless."""
        return self.kind == "track" and bool(
            self.uri.startswith("spotify:track:") or (self.title and self.artists)
        )


@dataclass(frozen=True, slots=True)
class PlayRow:
    """A row of recently-played: near the end of the play, sometimes its start."""

    track: TrackRecord
    told_at: datetime
    context_uri: str = ""

    @classmethod
    def of(cls, told: Any) -> PlayRow | None:
        """From the API's object; None without a track or a time."""
        track = TrackRecord.of(_part(told, "track")) if isinstance(told, dict) else None
        at = _moment(told.get("played_at")) if isinstance(told, dict) else None
        if track is None or at is None:
            return None
        return cls(track, at, _text(_part(told, "context").get("uri")))


@dataclass(frozen=True, slots=True)
class PlayerState:
    """What the player does now.

    Args:
        track: What is on; None: something that is not told, such as an advertisement.
        progress_ms: Where it is in it; None: not told.
        changed_at: When the player last changed, as Spotify says; None: not told.
        device: Id of the device; empty: not told.
        repeat: “off”, “track” or “context”; empty: not told.
        private: Whether this is a private session.
    """

    track: TrackRecord | None
    is_playing: bool
    progress_ms: int | None = None
    changed_at: datetime | None = None
    device: str = ""
    repeat: str = ""
    shuffle: bool | None = None
    private: bool = False
    context_uri: str = ""

    @classmethod
    def of(cls, told: Any) -> PlayerState | None:
        """From the API's object; None where nothing is on."""
        if not isinstance(told, dict):
            return None
        device = _part(told, "device")
        shuffle = told.get("shuffle_state")
        stamp = _count(told.get("timestamp"))
        return cls(
            track=TrackRecord.of(told.get("item")),
            is_playing=told.get("is_playing") is True,
            progress_ms=_count(told.get("progress_ms")),
            changed_at=None if stamp is None else _from_ms(stamp),
            device=_text(device.get("id")),
            repeat=_text(told.get("repeat_state")),
            shuffle=shuffle if isinstance(shuffle, bool) else None,
            private=device.get("is_private_session") is True,
            context_uri=_text(_part(told, "context").get("uri")),
        )


@dataclass(frozen=True, slots=True)
class PlaylistHead:
    """A playlist without its items."""

    playlist_id: str
    title: str = ""
    snapshot_id: str = ""
    owner: str = ""
    collaborative: bool = False
    total: int | None = None
    description: str = ""

    @classmethod
    def of(cls, told: Any) -> PlaylistHead | None:
        """From the API's object; None without an id."""
        if not isinstance(told, dict) or not _text(told.get("id")):
            return None
        items = told.get("items") if isinstance(told.get("items"), dict) else told.get("tracks")
        return cls(
            playlist_id=_text(told.get("id")),
            title=_text(told.get("name")),
            snapshot_id=_text(told.get("snapshot_id")),
            owner=_text(_part(told, "owner").get("id")),
            collaborative=told.get("collaborative") is True,
            total=_count(items.get("total")) if isinstance(items, dict) else None,
            description=_text(told.get("description")),
        )


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A row of a playlist or of the saved tracks; `track` is None for one that is gone."""

    track: TrackRecord | None
    added_at: datetime | None = None
    added_by: str = ""

    @classmethod
    def of(cls, told: Any) -> ItemRow:
        """From the API's object; rows of playlists say `item`, those of saved tracks `track`."""
        if not isinstance(told, dict):
            return cls(None)
        thing = told.get("item") if isinstance(told.get("item"), dict) else told.get("track")
        return cls(
            TrackRecord.of(thing),
            _moment(told.get("added_at")),
            _text(_part(told, "added_by").get("id")),
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in; `account` is the most lasting id that is told."""

    account: str
    user: str
    name: str = ""

    @classmethod
    def of(cls, told: Any) -> Person:
        """From `/me`."""
        found = told if isinstance(told, dict) else {}
        user = _text(found.get("id"))
        account = _text(found.get("account_id")) or user
        return cls(account, user or account, _text(found.get("display_name")))


def _part(told: Json, name: str) -> Json:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _rows(told: Any) -> list[Json]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _text(value: Any) -> str:
    """Text without half characters, which are no UTF-8."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode() if not value.isascii() else value


def _count(value: Any) -> int | None:
    right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62
    return value if right else None


def _from_ms(ms: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(ms / 1000, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _moment(value: Any) -> datetime | None:
    """A time with its offset, as aware UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if found is None or found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
