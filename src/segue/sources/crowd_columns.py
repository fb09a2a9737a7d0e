"""The columns of a crowd's table: the names they go by, and whether a first line has names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from segue.music import columns as c
from segue.sources.column_names import Roles
from segue.sources.open_table import name_key
from segue.sources.track_columns import ALIASES as TRACK_ALIASES

__all__ = ["ALIASES", "TRACK_ROLES", "names_columns", "names_listening", "sorted_out"]


ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    c.LISTENER_ID: (
        "userid", "user", "username", "listenerid", "listener", "uid", "usersha1", "memberid",
        "member", "profileid", "accountid", "account", "person", "personid", "customerid",
        "userhash", "userkey", "idofuser",
    ),
    c.SESSION_ID: ("sessionid", "session", "playlistid", "pid", "playlist", "sid", "sessid"),
    c.SPOTIFY_URI: TRACK_ALIASES[c.SPOTIFY_URI],
    c.RECORDING_MBID: (
        "recordingmbid", "trackmbid", "musicbrainzrecordingid", "musicbrainztrackid",
        "recordinggid", "traid", "mbid",
    ),
    c.ISRC: TRACK_ALIASES[c.ISRC],
    c.TRACK_ID: ("trackid", "songid", "itemid", "item", "tid", "recordingid", "musicid"),
    c.TITLE: (
        "trackname", "tracktitle", "songname", "songtitle", "title", "track", "song", "name",
        "traname", "recordingname",
    ),
    c.ARTIST: (
        "artistnames", "artistname", "artists", "artist", "artname", "trackartist", "band",
        "performer", "artistid", "artistmbid",
    ),
    c.ALBUM: ("albumname", "album", "albumtitle", "releasename", "release"),
    c.PLAYS: (
        "plays", "playcount", "playcounts", "playscount", "count", "counts", "listens",
        "listencount", "weight", "scrobbles", "totalplays", "totalartistplays", "total", "freq",
        "frequency", "streams", "timesplayed", "numplays", "nplays", "n",
    ),
    c.PLAYED_AT: (
        "playedat", "listenedat", "timestamp", "datetime", "utctime", "uts", "ts", "time", "date",
        "createdat", "listentime", "playtime", "unixtime", "eventtime", "endtime", "at",
    ),
    c.POSITION: (
        "position", "pos", "trackposition", "positioninsession", "sessionposition", "sequence",
        "seq", "order", "orderinsession",
    ),
}  # fmt: skip
"""What a crowd's table may tell -> the names of the column that does, likeliest first."""

TRACK_ROLES: Final = (c.SPOTIFY_URI, c.RECORDING_MBID, c.ISRC, c.TRACK_ID, c.TITLE)
"""Any of these makes a row one about a track, not about an artist."""

_NAMES: Final = {name: role for role, names in ALIASES.items() for name in names}


def names_columns(first: Sequence[str], given: Sequence[str] = ()) -> bool:
    """Whether a first line names the columns rather than being a row.

    Args:
        first: Its cells.
        given: Names that the user gave to columns.
    """
    known = {_NAMES[key] for key in map(name_key, first) if key in _NAMES}
    if set(given) & set(first):
        return True
    return len(known) >= 2 or (len(known) == 1 and not any(_is_value(text) for text in first))


def names_listening(first: Sequence[str]) -> bool:
    """Whether a first line names both who listened and what was played."""
    known = {_NAMES[key] for key in map(name_key, first) if key in _NAMES}
    return bool(known & {c.LISTENER_ID, c.SESSION_ID} and known & {*TRACK_ROLES, c.ARTIST})


def _is_value(text: str) -> bool:
    return any(ch.isdigit() for ch in text)


def sorted_out(roles: Roles) -> Roles:
    """Roles where columns that could mean two things mean what those beside them suggest.

    "mbid" beside an artist and no title is the artist's; "track" alone is an id, not a title.
    """
    at = dict(roles.at)
    by_artist = c.ARTIST in at and c.TITLE not in at
    if by_artist and c.RECORDING_MBID in at and name_key(roles.name(c.RECORDING_MBID)) == "mbid":
        del at[c.RECORDING_MBID]
    others = set(at) & (set(TRACK_ROLES) - {c.TITLE})
    if c.TITLE in at and c.ARTIST not in at and not others:
        at[c.TRACK_ID] = at.pop(c.TITLE)
    return Roles(at, roles.columns)
