"""The columns of a catalogue: the names they go by, and the values that they may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from segue.music import columns as c

__all__ = ["ALIASES", "IDS", "RANGES", "Range"]

IDS: Final = (c.SPOTIFY_URI, c.TRACK_ID, c.RECORDING_MBID, c.ISRC)
"""Any of these says which track a row is about."""

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    c.SPOTIFY_URI: (
        "spotifyuri", "spotifytrackuri", "trackuri", "uri", "spotifyid", "spotifytrackid",
        "spotifyurl", "trackurl", "spotifylink", "externalurlsspotify",
    ),
    c.RECORDING_MBID: (
        "recordingmbid", "mbid", "musicbrainzid", "musicbrainzrecordingid", "musicbrainztrackid",
        "trackmbid", "recordinggid", "recordingid", "gid",
    ),
    c.ISRC: ("isrc", "isrccode", "trackisrc", "externalidsisrc", "isrcs"),
    c.TRACK_ID: ("trackid", "id", "songid", "itemid", "tid"),
    c.TITLE: (
        "trackname", "title", "tracktitle", "songtitle", "songname", "name", "track", "song",
        "recordingname", "recordingtitle", "recording",
    ),
    c.ARTIST: (
        "artists", "artistnames", "artistname", "artist", "trackartists", "trackartist",
        "artistsnames", "artistsname", "artistcreditname", "artistcredit", "performer",
        "performers", "band", "singer",
    ),
    c.ALBUM: (
        "albumname", "album", "albumtitle", "trackalbumname", "releasename", "releasetitle",
        "release", "recordname",
    ),
    c.DURATION_MS: (
        "durationms", "trackdurationms", "duration", "trackduration", "lengthms", "length",
        "tracklength", "durations", "durationsec", "durationsecs", "durationseconds",
        "durationinms", "durationinseconds", "time", "durationmin", "durationmins",
    ),
    c.YEAR: (
        "year", "releaseyear", "releasedyear", "albumreleaseyear", "originalyear", "trackyear",
    ),
    c.RELEASED: (
        "releasedate", "released", "albumreleasedate", "trackalbumreleasedate", "releaseddate",
        "firstreleasedate", "originaldate", "originalreleasedate",
    ),
    c.EXPLICIT: ("explicit", "isexplicit", "trackexplicit"),
    c.POPULARITY: ("popularity", "trackpopularity", "songpopularity", "spotifypopularity"),
    c.GENRES: (
        "genres", "genre", "trackgenre", "trackgenres", "artistgenres", "artistgenre", "topgenre",
        "genrenames", "maingenre", "tags", "playlistgenre", "styles",
    ),
    c.DANCEABILITY: ("danceability", "dance", "danceable"),
    c.ENERGY: ("energy", "nrgy"),
    c.KEY: ("key", "keyname", "musicalkey", "keykey", "trackkey"),
    c.LOUDNESS: ("loudness", "loudnessdb"),
    c.MODE: ("mode", "modename", "scale", "keyscale", "keymode", "audiomode"),
    c.SPEECHINESS: ("speechiness", "spch"),
    c.ACOUSTICNESS: ("acousticness", "acous"),
    c.INSTRUMENTALNESS: ("instrumentalness",),
    c.LIVENESS: ("liveness", "live"),
    c.VALENCE: ("valence", "audiovalence", "val", "happiness"),
    c.TEMPO: ("tempo", "bpm", "tempobpm", "beatsperminute"),
    c.TIME_SIGNATURE: ("timesignature", "timesig", "meter"),
}  # fmt: skip
"""What a catalogue may tell -> the names of the column that does, likeliest first."""


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a column may hold.

    Args:
        low: Least value.
        high: Largest value.
        whole: Whether only whole numbers make sense.
        unknown: The value within the range that means "not known", if there is one.
    """

    low: float
    high: float
    whole: bool = False
    unknown: float | None = None

    @property
    def is_share(self) -> bool:
        """Whether it runs from 0 to 1."""
        return (self.low, self.high) == (0, 1) and not self.whole


_SHARE: Final = Range(0, 1)

RANGES: Final[Mapping[str, Range]] = {
    c.DANCEABILITY: _SHARE,
    c.ENERGY: _SHARE,
    c.KEY: Range(-1, 11, whole=True, unknown=-1),
    c.LOUDNESS: Range(-80, 10),  # dB relative to full scale; analyses of noise reach above 0
    c.MODE: Range(0, 1, whole=True),
    c.SPEECHINESS: _SHARE,
    c.ACOUSTICNESS: _SHARE,
    c.INSTRUMENTALNESS: _SHARE,
    c.LIVENESS: _SHARE,
    c.VALENCE: _SHARE,
    c.TEMPO: Range(0, 300, unknown=0),
    c.TIME_SIGNATURE: Range(0, 7, whole=True, unknown=0),
    c.POPULARITY: Range(0, 100),
}
"""Spotify's definitions of its features; see docs/sources/catalogues.md."""
