"""Good files of Spotify's exports for the contract of sources."""

from __future__ import annotations

import json
from typing import Any

from segue.sources.spotify_account import SpotifyAccount
from segue.sources.spotify_export import SpotifyExport
from segue.sources.spotify_library import SpotifyLibrary
from segue.sources.spotify_playlists import SpotifyPlaylists
from tests.contracts.source_contract import SourceCase

__all__ = ["SPOTIFY_CASES", "stream"]


def stream(**changes: Any) -> dict[str, Any]:
    """One record of an extended history, as Spotify writes it."""
    return {
        "ts": "2024-03-01T10:03:30Z",
        "platform": "android",
        "ms_played": 210000,
        "conn_country": "DE",
        "ip_addr": "203.0.113.77",
        "master_metadata_track_name": "One",
        "master_metadata_album_artist_name": "Ann",
        "master_metadata_album_album_name": "First",
        "spotify_track_uri": "spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": False,
        "offline": False,
        "offline_timestamp": 1709287200,
        "incognito_mode": False,
        **changes,
    }


_EPISODE = {
    "master_metadata_track_name": None,
    "master_metadata_album_artist_name": None,
    "master_metadata_album_album_name": None,
    "spotify_track_uri": None,
    "episode_name": "Pilot",
    "episode_show_name": "Talk",
    "spotify_episode_uri": "spotify:episode:6rqhFgbbKwnb9MLmUQDhG6",
}
_OLD = {"username": "ann.secret", "user_agent_decrypted": "Agent/1.0"}
_SHORT = {"endTime": "2024-03-01 10:03", "artistName": "Ann", "trackName": "One"}
_ITEM = {"trackName": "One", "artistName": "Ann", "albumName": "First"}
_URI = "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"

SPOTIFY_CASES = [
    SourceCase(
        make=SpotifyExport,
        name="Spotify Extended Streaming History/Streaming_History_Audio_2023-2024_3.json",
        content=json.dumps([stream(), stream(**_EPISODE), stream(ms_played=-1)]).encode(),
        read=3,
        rejected={"podcast": 1, "negative_ms_played": 1},
        tables=frozenset({"plays"}),
        private=("203.0.113.77",),
    ),
    SourceCase(
        make=SpotifyExport,
        name="MyData/endsong_0.json",
        content=json.dumps([{**stream(), **_OLD}, {**stream(ts="x"), **_OLD}]).encode(),
        read=2,
        rejected={"bad_timestamp": 1},
        tables=frozenset({"plays"}),
        private=("203.0.113.77", "ann.secret", "Agent/1.0"),
    ),
    SourceCase(
        make=SpotifyAccount,
        name="Spotify Account Data/StreamingHistory_music_0.json",
        content=json.dumps(
            [
                {**_SHORT, "msPlayed": 1000},
                {**_SHORT, "msPlayed": "5", "username": "ann.secret"},
                {**_SHORT, "artistName": None, "msPlayed": 1, "username": "ann.secret"},
            ]
        ).encode(),
        read=3,
        rejected={"missing_artist": 1},
        tables=frozenset({"plays"}),
        private=("ann.secret",),
    ),
    SourceCase(
        make=SpotifyLibrary,
        name="Spotify Account Data/YourLibrary.json",
        content=json.dumps(
            {
                "tracks": [{"artist": "Ann", "album": "First", "track": "One", "uri": _URI}],
                "albums": [{"artist": "Ann", "album": "First", "uri": "spotify:album:1"}],
                "shows": [{"name": "Talk", "publisher": "P", "uri": "spotify:show:1"}],
                "episodes": [],
                "artists": [{"name": "Ann", "uri": "spotify:artist:1"}],
                "other": ["spotify:playlist:1"],
            }
        ).encode(),
        read=5,
        rejected={"podcast": 1, "not_a_track": 1},
        tables=frozenset({"library"}),
    ),
    SourceCase(
        make=SpotifyPlaylists,
        name="Spotify Account Data/Playlist1.json",
        content=json.dumps(
            {
                "playlists": [
                    {
                        "name": "Mine",
                        "lastModifiedDate": "2024-03-01",
                        "collaborators": ["bob.secret"],
                        "items": [
                            {"track": {**_ITEM, "trackUri": _URI}, "addedDate": "2024-02-01"},
                            {"track": None, "episode": {"episodeName": "Pilot"}},
                            {"track": None, "episode": None, "localTrack": None},
                        ],
                        "description": "&#x27;best&#x27;",
                        "numberOfFollowers": 1,
                    }
                ]
            }
        ).encode(),
        read=3,
        rejected={"podcast": 1, "no_track": 1},
        tables=frozenset({"playlist_items"}),
        private=("bob.secret",),
    ),
]
