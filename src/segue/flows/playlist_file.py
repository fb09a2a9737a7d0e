"""A playlist out of a file that `segue recommend` has written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segue.errors import SourceError
from segue.music.playlist import Playlist, PlaylistTrack

__all__ = ["read_playlist"]


def read_playlist(path: Path) -> Playlist:
    """The playlist in a JSON file.

    Raises:
        SourceError: It is no such file.
    """
    cure = "Give a file made by: segue recommend -o week.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=path, cure=cure) from error
    except ValueError as error:
        raise SourceError("is no JSON", path=path, cure=cure) from error
    if not isinstance(told, dict) or not isinstance(told.get("tracks"), list):
        raise SourceError("holds no playlist", path=path, field="tracks", cure=cure)
    try:
        return _playlist(told, path)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"holds no playlist of Segue: {error}", path=path, cure=cure) from error


def _playlist(told: dict[str, Any], path: Path) -> Playlist:
    made_at = datetime.fromisoformat(str(told["made_at"]))
    tracks = []
    for row, one in enumerate(told["tracks"], start=1):
        try:
            tracks.append(_track(one, row))
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(f"is no track: {error}", path=path, row=row) from error
    return Playlist(
        playlist_id=str(told["playlist_id"]),
        title=str(told["title"]),
        description=str(told.get("description") or ""),
        user_id=_text(told, "user_id"),
        made_at=made_at if made_at.tzinfo else made_at.replace(tzinfo=UTC),
        tracks=tuple(tracks),
        notes=tuple(str(note) for note in told.get("notes") or ()),
        mix=_text(told, "mix"),
    )


def _track(told: dict[str, Any], rank: int) -> PlaylistTrack:
    return PlaylistTrack(
        rank=rank,
        track_id=str(told["track_id"]),
        title=str(told["title"]),
        artists=tuple(str(name) for name in told["artists"]),
        score=float(told.get("score") or 0.0),
        reason=str(told.get("reason") or ""),
        sources=tuple(str(name) for name in told.get("sources") or ()),
        album=_text(told, "album"),
        duration_ms=_number(told, "duration_ms"),
        year=_number(told, "year"),
        spotify_uri=_text(told, "spotify_uri"),
        recording_mbid=_text(told, "recording_mbid"),
        isrc=_text(told, "isrc"),
    )


def _text(told: dict[str, Any], name: str) -> str | None:
    return None if told.get(name) is None else str(told[name])


def _number(told: dict[str, Any], name: str) -> int | None:
    return None if told.get(name) is None else int(told[name])
