"""A small good file of each kind of crowd, for the contract of sources."""

from __future__ import annotations

import json

from segue.sources.crowd_sessions import CrowdSessions
from segue.sources.crowd_table import CrowdTable
from segue.sources.hetrec import HetRec
from segue.sources.lastfm_1k import Lastfm1K
from segue.sources.lastfm_360k import Lastfm360K
from segue.sources.million_playlist import MillionPlaylist
from tests.contracts.source_contract import SourceCase

__all__ = ["CROWD_CASES"]

_CROWD = frozenset({"crowd"})
_HETREC = {
    "hetrec/artists.dat": b"id\tname\turl\tpictureURL\r\n1\tAnn\tu\tp\r\n2\tBob\tu\tp\r\n",
    "hetrec/tags.dat": b"tagID\ttagValue\r\n7\tcaf\xe9\r\n",
}

CROWD_CASES = [
    SourceCase(
        make=CrowdTable,
        name="plays.csv",
        content=b"user_id,artist,track,plays,IP\nu1,Ann,One,3,10.1.2.3\nu2,Ann,One,0,10.1.2.3\n",
        read=2,
        rejected={"bad_count": 1},
        tables=_CROWD,
        private=("10.1.2.3",),
    ),
    SourceCase(
        make=CrowdTable,
        name="train_triplets.txt",
        content=b"b80344d063b5ccb3212f76538f3d9e43d87dca9e\tSOAKIMP12A8C130995\t1\n" * 2,
        read=2,
        rejected={},
        tables=_CROWD,
    ),
    SourceCase(
        make=CrowdSessions,
        name="train_sessions.txt",
        content=b"1 2\n3 4 5\n\n2 2\n",
        read=7,
        rejected={},
        tables=_CROWD,
    ),
    SourceCase(
        make=MillionPlaylist,
        name="data/mpd.slice.0-999.json",
        content=json.dumps(
            {
                "info": {"slice": "0-999"},
                "playlists": [
                    {
                        "pid": 0,
                        "tracks": [
                            {"pos": 0, "track_uri": "spotify:track:5SuOikwiRyPMVoIQDJUgSV"},
                            {"pos": 1},
                        ],
                    }
                ],
            }
        ).encode(),
        read=2,
        rejected={"no_track": 1},
        tables=_CROWD,
    ),
    SourceCase(
        make=HetRec,
        name="hetrec/user_artists.dat",
        content=b"userID\tartistID\tweight\r\n2\t1\t10\r\n2\t9\t10\r\n3\t2\t5\r\n",
        read=3,
        rejected={"missing_artist": 1},
        tables=_CROWD,
        beside=_HETREC,
    ),
    SourceCase(
        make=HetRec,
        name="hetrec/user_taggedartists.dat",
        content=b"userID\tartistID\ttagID\tday\tmonth\tyear\r\n2\t1\t7\t1\t4\t2009\r\n"
        b"2\t9\t7\t1\t4\t2009\r\n2\t1\t8\t1\t4\t2009\r\n",
        read=3,
        rejected={"unknown_artist": 1, "unknown_tag": 1},
        tables=frozenset({"artist_tags"}),
        beside=_HETREC,
    ),
    SourceCase(
        make=Lastfm1K,
        name="userid-timestamp-artid-artname-traid-traname.tsv",
        content=(
            b"user_000001\t2009-05-04T23:08:57Z\t\tAnn\tf7c1f8f8-b935-45ed-8fc8-7def69d92a10\tOne\n"
            b'user_000001\t2009-05-04T13:54:10Z\t\tBob\t\t"Heroes"\n'
            b"user_000001\t1970-01-01T00:00:00Z\t\tBob\t\tTwo\n"
        ),
        read=3,
        rejected={"too_old_timestamp": 1},
        tables=_CROWD,
    ),
    SourceCase(
        make=Lastfm360K,
        name="usersha1-artmbid-artname-plays.tsv",
        content=(
            b"00000c289a1829a808ac09c00daf10bc3c4e223b\t\tbetty blowtorch\t2137\n"
            b"00000c289a1829a808ac09c00daf10bc3c4e223b\t\tdie \xc3\x84rzte\t0\n"
            b"sep 20, 2008\t\tAnn\t5\n"
            b"00001411dc427966b17297bf4d69e7e193135d89\t\tAnn\t5\n"
        ),
        read=4,
        rejected={"bad_count": 1, "no_user": 1},
        tables=_CROWD,
    ),
]
