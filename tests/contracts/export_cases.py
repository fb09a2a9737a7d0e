"""Files that Segue itself exported, as cases of the contract of sources."""

from __future__ import annotations

from segue.sources.exported import Exported
from tests.contracts.source_contract import SourceCase

__all__ = ["EXPORT_CASES"]

_RAW = (
    "user_id,source,played_at,ended_at,ms_played,track_ref,title,artist,artists,album,spotify_uri,"
    "recording_mbid,isrc,duration_ms,reason_start,reason_end,skipped,shuffle,offline,offline_at,"
    "incognito,platform,country\n"
)
_PLAYS = (
    "play_id,user_id,track_id,artist_id,played_at,ended_at,ms_played,source,session_id,"
    "reason_start,reason_end,skipped,finished,counted,shuffle,offline,incognito,platform,country,"
    "not_me\n"
)
_TRACKS = "track_id,title,artist,artists,album,duration_ms,isrc,spotify_uri,recording_mbid\n"

EXPORT_CASES = [
    SourceCase(
        make=Exported,
        name="mine/raw/plays.csv",
        content=(
            _RAW + "ann,lastfm,2024-01-01T13:05:00.000000Z,,,name:Ann\x1fOne,One,Ann,"
            '"[""Ann"", ""B\\""ob""]",,,,,,,,,,,,,,\n'
            "ann,lastfm,soon,,,name:Ann\x1fOne,One,Ann,,,,,,,,,,,,,,,\n"
            "ann,lastfm,2024-01-02T13:05:00.000000Z,,,,One,Ann,,,,,,,,,,,,,,,\n"
        ).encode(),
        read=3,
        rejected={"bad_timestamp": 1, "no_track": 1},
        tables=frozenset({"plays"}),
    ),
    SourceCase(
        make=Exported,
        name="plays.csv",
        content=(
            _PLAYS + "p1,ann,t1,a1,2024-01-01T13:05:00.000000Z,,1000,spotify_export,s1,,,true,"
            "false,false,,,,,DE,false\n"
            "p2,ann,t2,a1,2024-01-01T13:06:00.000000Z,,-5,spotify_export,s1,,,true,"
            "false,false,,,,,DE,false\n"
        ).encode(),
        read=2,
        rejected={"no_track": 1},
        tables=frozenset({"plays"}),
        beside={"tracks.csv": (_TRACKS + 't1,One,Ann,"[""Ann""]",,200000,,,\n').encode()},
    ),
    SourceCase(
        make=Exported,
        name="raw/library.jsonl",
        content=(
            b'{"user_id":"ann","source":"spotify_library","kind":"saved_track","track_ref":"x",'
            b'"artists":["Ann"],"added_at":null}\n'
            b'{"user_id":"ann","source":null,"kind":"saved_track","track_ref":"x"}\n'
        ),
        read=2,
        rejected={"missing_value": 1},
        tables=frozenset({"library"}),
    ),
]
