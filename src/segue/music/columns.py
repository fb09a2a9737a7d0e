"""The names of columns and tables, once: everything else refers to these constants."""

from __future__ import annotations

from typing import Final

# identity
ROW_ID: Final = "row_id"
FILE_NO: Final = "file_no"
USER_ID: Final = "user_id"
PLAY_ID: Final = "play_id"
TRACK_ID: Final = "track_id"
ARTIST_ID: Final = "artist_id"
ALBUM_ID: Final = "album_id"
SESSION_ID: Final = "session_id"
LISTENER_ID: Final = "listener_id"
TRACK_REF: Final = "track_ref"
SOURCE: Final = "source"
CATALOGUE: Final = "catalogue"
CROWD: Final = "crowd"
SPOTIFY_URI: Final = "spotify_uri"
RECORDING_MBID: Final = "recording_mbid"
ISRC: Final = "isrc"

# what a track is
TITLE: Final = "title"
ARTIST: Final = "artist"
ARTISTS: Final = "artists"
ALBUM: Final = "album"
DURATION_MS: Final = "duration_ms"
YEAR: Final = "year"
RELEASED: Final = "released"
EXPLICIT: Final = "explicit"
POPULARITY: Final = "popularity"
GENRES: Final = "genres"
TAG: Final = "tag"
WEIGHT: Final = "weight"

# Spotify's audio features, in their usual order
DANCEABILITY: Final = "danceability"
ENERGY: Final = "energy"
KEY: Final = "key"
LOUDNESS: Final = "loudness"
MODE: Final = "mode"
SPEECHINESS: Final = "speechiness"
ACOUSTICNESS: Final = "acousticness"
INSTRUMENTALNESS: Final = "instrumentalness"
LIVENESS: Final = "liveness"
VALENCE: Final = "valence"
TEMPO: Final = "tempo"
TIME_SIGNATURE: Final = "time_signature"

# what a play is
PLAYED_AT: Final = "played_at"
ENDED_AT: Final = "ended_at"
MS_PLAYED: Final = "ms_played"
REASON_START: Final = "reason_start"
REASON_END: Final = "reason_end"
SKIPPED: Final = "skipped"
FINISHED: Final = "finished"
COUNTED: Final = "counted"
SHUFFLE: Final = "shuffle"
OFFLINE: Final = "offline"
OFFLINE_AT: Final = "offline_at"
INCOGNITO: Final = "incognito"
PLATFORM: Final = "platform"
COUNTRY: Final = "country"

# counts
PLAYS: Final = "plays"
SKIPS: Final = "skips"
FINISHES: Final = "finishes"
DAYS: Final = "days"
FIRST_PLAYED_AT: Final = "first_played_at"
LAST_PLAYED_AT: Final = "last_played_at"
POSITION: Final = "position"

# libraries and playlists
KIND: Final = "kind"
PLAYLIST: Final = "playlist"
ADDED_AT: Final = "added_at"

# feedback
VERB: Final = "verb"
SAID_AT: Final = "said_at"
SINCE: Final = "since"
UNTIL: Final = "until"
PLACE: Final = "place"
STANDS: Final = "stands"
NOT_ME: Final = "not_me"

# recommendations
SCORE: Final = "score"
RANK: Final = "rank"
REASON: Final = "reason"
METHOD: Final = "method"

# what open services answered
ASKED: Final = "asked"
TOLD_AT: Final = "told_at"
SUBJECT_REF: Final = "subject_ref"
SUBJECT: Final = "subject"
ARTIST_MBID: Final = "artist_mbid"
FACTS: Final = "facts"

# rejected rows
FILE: Final = "file"
ROW: Final = "row"
FIELD: Final = "field"
DETAIL: Final = "detail"
RAW: Final = "raw"

AUDIO_FEATURES: Final = (
    DANCEABILITY,
    ENERGY,
    KEY,
    LOUDNESS,
    MODE,
    SPEECHINESS,
    ACOUSTICNESS,
    INSTRUMENTALNESS,
    LIVENESS,
    VALENCE,
    TEMPO,
    TIME_SIGNATURE,
)
"""Every audio feature that a catalogue may bring."""
