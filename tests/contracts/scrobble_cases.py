"""A small good file of each scrobbling service, for the contract of sources."""

from __future__ import annotations

import json

from segue.sources.koito import Koito
from segue.sources.lastfm_csv import LastfmCsv
from segue.sources.lastfm_json import LastfmJson
from segue.sources.listenbrainz import ListenBrainz
from segue.sources.maloja import Maloja
from tests.contracts.source_contract import SourceCase

__all__ = ["SCROBBLE_CASES"]

_PLAYS = frozenset({"plays"})


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def _lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


SCROBBLE_CASES = [
    SourceCase(
        make=LastfmCsv,
        name="ann.csv",
        content=b'Ann,,Now,\nAnn,First,One,"01 Jan 2024, 13:05"\nBob,,Two,01 Jan 1970 00:00\nAnn\n',
        read=4,
        rejected={"now_playing": 1, "too_old_timestamp": 1, "bad_row": 1},
        tables=_PLAYS,
    ),
    SourceCase(
        make=LastfmJson,
        name="recenttracks-ann-1704114300.json",
        content=_json(
            [
                {
                    "track": [
                        {
                            "artist": {"#text": "Ann", "mbid": ""},
                            "name": "One",
                            "album": {"#text": "First"},
                            "mbid": "",
                            "date": {"uts": "1704114300", "#text": "01 Jan 2024, 13:05"},
                        },
                        {
                            "artist": {"#text": "Bob"},
                            "name": "Two",
                            "@attr": {"nowplaying": "true"},
                        },
                    ]
                }
            ]
        ),
        read=2,
        rejected={"now_playing": 1},
        tables=_PLAYS,
    ),
    SourceCase(
        make=ListenBrainz,
        name="listens/2024/1.jsonl",
        content=_lines(
            {
                "listened_at": 1704114300,
                "track_metadata": {
                    "artist_name": "Ann",
                    "track_name": "One",
                    "additional_info": {"duration_ms": 200000},
                },
            },
            {
                "listened_at": 1704114600,
                "track_metadata": {
                    "artist_name": "Bob",
                    "track_name": None,
                    "additional_info": {"ip": "192.0.2.1", "user_agent": "Player/1.0"},
                },
            },
        ),
        read=2,
        rejected={"missing_title": 1},
        tables=_PLAYS,
        private=("192.0.2.1", "Player/1.0"),
    ),
    SourceCase(
        make=Maloja,
        name="maloja_export_2024_01_01.json",
        content=_json(
            {
                "maloja": {"export_time": 1704200000},
                "scrobbles": [
                    {
                        "time": 1704114300,
                        "track": {"artists": ["Ann", "Bob"], "title": "One", "length": 200},
                        "duration": 180,
                        "origin": "client:test",
                    },
                    {"time": 9904114300, "track": {"artists": ["Ann"], "title": "Two"}},
                ],
            }
        ),
        read=2,
        rejected={"future_timestamp": 1},
        tables=_PLAYS,
    ),
    SourceCase(
        make=Koito,
        name="koito_export.json",
        content=_json(
            {
                "version": "1",
                "user": "ann",
                "listens": [
                    {
                        "listened_at": "2024-01-01T13:05:00Z",
                        "track": {"duration": 200, "aliases": [{"alias": "One"}]},
                        "artists": [{"aliases": [{"alias": "Ann", "is_primary": True}]}],
                    },
                    {"listened_at": "soon", "track": {"aliases": [{"alias": "Two"}]}},
                ],
            }
        ),
        read=2,
        rejected={"missing_artist": 1},
        tables=_PLAYS,
    ),
]
