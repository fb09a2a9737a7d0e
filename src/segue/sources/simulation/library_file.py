"""What a simulated user saved: library and playlists, as Spotify's account data has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.plays import Plays
from segue.sources.simulation.world import World

__all__ = ["account_data"]

_SAVED_FROM: Final = 4  # finished this often, a track is saved
_LISTED_FROM: Final = 2  # finished this often, it goes on the playlist of its scene
_BANNED_FROM: Final = 2  # left at once this often and never finished, it is hidden
_PLAYLISTS: Final = 5
_LONGEST: Final = 120


def account_data(plays: Plays, world: World) -> dict[str, dict[str, Any]]:
    """`YourLibrary.json` and `Playlist1.json` of the one user whose streams these are."""
    heard = plays.where(plays.counted & ~plays.skipped)
    track, count = np.unique(heard.track, return_counts=True)
    left = plays.where(plays.skipped & (plays.ms_played < 10_000)).track
    left, times = np.unique(left[~np.isin(left, track)], return_counts=True)
    banned = left[times >= _BANNED_FROM][:3]
    return {
        "YourLibrary.json": _library(track, count, banned, world),
        "Playlist1.json": {"playlists": _playlists(heard, world) if len(heard) else []},
    }


def _library(
    track: npt.NDArray[np.int32],
    count: npt.NDArray[np.int64],
    banned: npt.NDArray[np.int32],
    world: World,
) -> dict[str, Any]:
    disc = world.discography
    saved = track[count >= _SAVED_FROM].tolist()
    weights = count.astype(np.float64)
    plays_of_album = np.bincount(disc.track_album[track], weights, disc.n_albums)
    plays_of_artist = np.bincount(disc.track_artist[track], weights, disc.n_artists)
    albums = [a for a in _most(plays_of_album, 25) if np.diff(disc.album_bounds)[a] >= 4]
    return {
        "tracks": [_named(item, world, "artist", "album", "track", "uri") for item in saved],
        "albums": [
            {
                "artist": world.artist_name[int(disc.album_artist[album])].as_py(),
                "album": world.album_name[album].as_py(),
                "uri": f"spotify:album:{_id_of('album', album)}",
            }
            for album in albums
        ],
        "shows": [],
        "episodes": [],
        "bannedTracks": [
            _named(item, world, "artist", "album", "track", "uri") for item in banned.tolist()
        ],
        "artists": [
            {
                "name": world.artist_name[artist].as_py(),
                "uri": f"spotify:artist:{_id_of('artist', artist)}",
            }
            for artist in _most(plays_of_artist, 40)
        ],
        "bannedArtists": [],
        "other": [],
    }


def _most(plays: npt.NDArray[Any], n: int) -> list[int]:
    order = np.argsort(-plays, kind="stable")[:n]
    return [int(row) for row in order if plays[row] > 0]


def _id_of(kind: str, number: int) -> str:
    return f"{kind[:2]}{number:020d}"


def _named(
    track: int, world: World, artist_key: str, album_key: str, title_key: str, uri_key: str
) -> dict[str, str]:
    disc = world.discography
    return {
        artist_key: world.artist_name[int(disc.track_artist[track])].as_py(),
        album_key: world.album_name[int(disc.track_album[track])].as_py(),
        title_key: world.title[track].as_py(),
        uri_key: f"spotify:track:{world.track_id[track].as_py()}",
    }


def _playlists(heard: Plays, world: World) -> list[dict[str, Any]]:
    """One playlist for each of the scenes heard most, tracks in the order they became liked."""
    scene = world.scene_of[heard.track]
    liked = _nth_time(heard.track, _LISTED_FROM)
    playlists = []
    for number, favourite in enumerate(_most(np.bincount(scene), _PLAYLISTS)):
        rows = np.flatnonzero(liked & (scene == favourite))[:_LONGEST]
        if len(rows) < 5:
            continue
        added = [
            datetime.fromtimestamp(int(heard.ended_s[row]), UTC).date().isoformat() for row in rows
        ]
        items = [
            {
                "track": _named(
                    int(heard.track[row]), world, "artistName", "albumName", "trackName", "trackUri"
                ),
                "episode": None,
                "audiobook": None,
                "localTrack": None,
                "addedDate": day,
            }
            for row, day in zip(rows, added, strict=True)
        ]
        playlists.append(
            {
                "name": f"{world.genre_name(favourite).title()} {'♥' * (number == 0)}".strip(),
                "lastModifiedDate": added[-1],
                "collaborators": [],
                "items": items,
                "description": "made for rainy days &amp; long drives" if number == 1 else None,
                "numberOfFollowers": 0,
            }
        )
    return playlists


def _nth_time(track: npt.NDArray[np.int32], n: int) -> npt.NDArray[np.bool_]:
    """Rows at which a track is there for the n-th time."""
    order = np.argsort(track, kind="stable")
    rows = np.arange(len(track))
    starts = np.concatenate([[True], np.diff(track[order]) != 0])
    nth = rows - np.maximum.accumulate(np.where(starts, rows, 0)) + 1
    found = np.zeros(len(track), np.bool_)
    found[order] = nth == n
    return found
