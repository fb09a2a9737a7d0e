"""A published history small enough to be counted by eye."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from segue.music.marts import MARTS
from segue.warehouse.snapshots import Snapshot
from tests.marts_folder import published

__all__ = ["at", "history", "mart", "play"]

SONGS = {
    # track: (title, artist, album, genres, energy)
    "t1": ("Blue", "Ann", "Colours", ["folk"], 0.2),
    "t2": ("Red", "Ann", "Colours", ["folk", "pop"], 0.4),
    "t3": ("Loud", "Bob", "Noise", ["rock"], 0.9),
    "t4": ("Plain", "Cem", None, [], None),
}


def at(text: str) -> datetime:
    """A moment in UTC: “2024-05-01 12:00”."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def play(
    when: str,
    track: str = "t1",
    *,
    user: str = "ann",
    ms: int | None = 200_000,
    counted: bool = True,
    skipped: bool = False,
    finished: bool = False,
    not_me: bool = False,
) -> dict[str, Any]:
    """One row of plays."""
    return {
        "play_id": f"p{user}{when}{track}",
        "user_id": user,
        "track_id": track,
        "artist_id": SONGS[track][1].lower(),
        "played_at": at(when),
        "ms_played": ms,
        "source": "spotify_export",
        "session_id": "s",
        "counted": counted,
        "skipped": skipped,
        "finished": finished,
        "not_me": not_me,
    }


def mart(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """A mart of these rows; columns that are not given are null."""
    full = [{column: row.get(column) for column in MARTS[name].names} for row in rows]
    return pa.Table.from_pylist(full, MARTS[name])


def history(folder: Path, *plays: dict[str, Any], **more: pa.Table) -> Snapshot:
    """Publish these plays with all that they name, and more marts."""
    tracks = [
        {
            "track_id": track,
            "title": title,
            "artist": artist,
            "artist_id": artist.lower(),
            "artists": [artist],
            "album": album,
            "album_id": album and album.lower(),
            "genres": genres,
            "energy": energy,
            "danceability": energy,
            "in_catalogue": True,
            "plays": 99,
            "crowd_listeners": 0,
        }
        for track, (title, artist, album, genres, energy) in SONGS.items()
    ]
    artists = sorted({artist for _, artist, *_ in SONGS.values()})
    albums = {album: artist for _, artist, album, *_ in SONGS.values() if album}
    users = sorted({row["user_id"] for row in plays})
    return published(
        folder,
        plays=mart("plays", sorted(plays, key=lambda row: (row["user_id"], row["played_at"]))),
        tracks=mart("tracks", tracks),
        artists=mart("artists", [{"artist_id": a.lower(), "artist": a} for a in artists]),
        albums=mart(
            "albums",
            [
                {"album_id": album.lower(), "album": album, "artist_id": artist.lower()}
                for album, artist in albums.items()
            ],
        ),
        users=mart(
            "users",
            [
                {
                    "user_id": user,
                    "first_played_at": min(p["played_at"] for p in plays if p["user_id"] == user),
                    "last_played_at": max(p["played_at"] for p in plays if p["user_id"] == user),
                }
                for user in users
            ],
        ),
        **more,
    )
