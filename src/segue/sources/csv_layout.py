"""Which column of a history table is what: by its header, or by what stands in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from segue.music import columns as c
from segue.sources.csv_records import records_of
from segue.sources.timestamps import is_clock, looks_like_time

__all__ = ["CLOCK", "SPARE_TIME", "HistoryLayout", "find_layout"]

SPARE_TIME: Final = "spare_time"
"""A second column with the time, read where the first has none."""
CLOCK: Final = "clock"
"""The time of day, where the date stands in a column of its own."""

_DELIMITERS = ("\t", ";", ",", "|")
_SAMPLE = 50

# In order of preference; names are compared without case, spaces and punctuation.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    c.PLAYED_AT: (
        *("uts", "unixtimestamp", "unixtime", "timestamputs", "dateuts", "epoch", "timestampms"),
        *("playedat", "listenedat", "scrobbledat", "timestamp", "utctime", "dateutc", "timeutc"),
        *("utc", "datetime", "isodate", "dateplayed", "playdate", "playedon", "scrobbletime"),
        *("scrobbledate", "listendate", "rawdatetime", "endtime", "date", "time", "when"),
    ),
    c.ARTIST: (
        *("artist", "artistname", "trackartist", "artists", "artistnames", "performer", "band"),
        *("creator", "albumartist", "albumartistname"),
    ),
    c.TITLE: (
        *("track", "trackname", "tracktitle", "song", "songname", "songtitle", "title"),
        *("recording", "recordingname", "name"),
    ),
    c.ALBUM: ("album", "albumname", "albumtitle", "release", "releasename", "releasetitle"),
    c.RECORDING_MBID: (
        *("recordingmbid", "trackmbid", "mbidtrack", "musicbrainzrecordingid"),
        *("musicbrainztrackid", "mbid", "trackid"),
    ),
    c.SPOTIFY_URI: (
        *("spotifyuri", "spotifytrackuri", "spotifyid", "spotifytrackid", "spotifyurl"),
        *("trackuri", "uri"),
    ),
    c.ISRC: ("isrc", "trackisrc"),
    c.DURATION_MS: ("durationms", "trackdurationms", "lengthms"),
    c.MS_PLAYED: ("msplayed", "playedms", "durationplayedms"),
}
_ALL_NAMES = {name for names in _NAMES.values() for name in names}
_FEATURES = {*c.AUDIO_FEATURES} - {c.KEY, c.MODE}
_LISTENER = {"user", "userid", "username", "listener", "listenerid"}

# What stands beside the time in files without a header, by the number of other columns.
_TIME_LAST = {
    2: (c.ARTIST, c.TITLE),
    3: (c.ARTIST, c.ALBUM, c.TITLE),
    4: (c.ARTIST, c.ALBUM, "", c.TITLE),
}
_TIME_FIRST = {2: (c.ARTIST, c.TITLE), 3: (c.ARTIST, c.TITLE, c.ALBUM)}
_TWO_TIMES_FIRST = {
    3: (c.ARTIST, c.ALBUM, c.TITLE),
    6: (c.ARTIST, "", c.ALBUM, "", c.TITLE, c.RECORDING_MBID),
}


@dataclass(frozen=True, slots=True)
class HistoryLayout:
    """How a history table is written.

    Args:
        delimiter: Between fields.
        names: What the columns are called, in their order; the header where there is one.
        has_header: Whether the first record is the header.
        place: Segue's name of a column (or SPARE_TIME, CLOCK) -> its position from 0.
    """

    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    place: Mapping[str, int]

    @property
    def missing(self) -> tuple[str, ...]:
        """What a history needs and this table does not have."""
        return tuple(n for n in (c.PLAYED_AT, c.ARTIST, c.TITLE) if n not in self.place)


def find_layout(sample: str, overrides: Mapping[str, str] | None = None) -> HistoryLayout | None:
    """The layout of a listening history from its first lines.

    Args:
        sample: Whole lines from the start of the file.
        overrides: Segue's name of a column -> its name in the header, chosen by the user.

    Returns:
        A layout with nothing missing if there is one; else the nearest; None for a text that is
        no history table at all: a catalogue with audio features, several people's plays, prose.
    """
    nearest = None
    tables = {delimiter: records_of(sample, delimiter) for delimiter in _DELIMITERS}
    for read in (_by_header, _by_content):
        for delimiter, records in tables.items():
            if len(records[:1]) == 0 or len(records[0]) < 3:
                continue
            layout = read(delimiter, records[: _SAMPLE + 1], overrides or {})
            if layout is not None and not layout.missing:
                return layout
            nearest = nearest or layout
    return nearest


def _plain(name: str) -> str:
    # lastfmstats.com writes the user's name into the header: Date#ann
    return re.sub(r"[^a-z0-9]", "", name.split("#")[0].casefold())


def _by_header(
    delimiter: str, records: Sequence[list[str]], overrides: Mapping[str, str]
) -> HistoryLayout | None:
    header, rows = [name.strip() for name in records[0]], records[1:]
    names = [_plain(name) for name in header]
    if len(_FEATURES.intersection(name.casefold() for name in header)) > 1:
        return None
    if any(looks_like_time(name) for name in header) or _many_listeners(names, rows):
        return None
    place: dict[str, int] = {}
    for ours, known in _NAMES.items():
        found = [names.index(name) for name in known if name in names]
        found = [at for at in found if at not in place.values()]
        if ours == c.PLAYED_AT:
            place |= _times(found, names, rows)
        elif found:
            place[ours] = found[0]
    for ours, theirs in overrides.items():
        if theirs in header:
            place[ours] = header.index(theirs)
    if not {c.ARTIST, c.TITLE} & set(place):
        return None
    return HistoryLayout(delimiter, tuple(header), has_header=True, place=place)


def _many_listeners(names: Sequence[str], rows: Sequence[list[str]]) -> bool:
    at = next((i for i, name in enumerate(names) if name in _LISTENER), None)
    return at is not None and len({row[at] for row in rows if len(row) > at}) > 1


def _times(found: Sequence[int], names: Sequence[str], rows: Sequence[list[str]]) -> dict[str, int]:
    """The columns of the time: the best, one to spare, and a time of day beside a date."""
    clocks = [at for at in found if names[at] == "time" and _share(rows, at, is_clock) > 0.5]
    moments = [at for at in found if at not in clocks]
    place = dict(zip((c.PLAYED_AT, SPARE_TIME), moments, strict=False))
    if clocks and moments and _share(rows, moments[0], _has_clock) < 0.5:
        place[CLOCK] = clocks[0]
    return place


def _has_clock(text: str) -> bool:
    return ":" in text or text.strip().isdigit()


def _by_content(
    delimiter: str, records: Sequence[list[str]], overrides: Mapping[str, str]
) -> HistoryLayout | None:
    if len(_ALL_NAMES.intersection(map(_plain, records[0]))) > 1:
        return None  # it has a header, and that told what it is not
    dated = [record for record in records if any(map(looks_like_time, record))]
    if not dated:
        return None
    width = Counter(map(len, dated)).most_common(1)[0][0]
    rows = [record for record in records if len(record) == width]
    times = [at for at in range(width) if _share(rows, at, looks_like_time) > 0.5]
    clocks = [at for at in range(width) if _share(rows, at, is_clock) > 0.5]
    place = {c.PLAYED_AT: times[0]} if times else {}
    if len(times) == 2:
        place[SPARE_TIME] = times[1]
    elif len(times) == 1 and clocks == [times[0] + 1]:
        place[CLOCK] = clocks[0]
    others = [at for at in range(width) if at not in place.values()]
    known: dict[int, tuple[str, ...]] = {}
    if times == [0, 1]:
        known = _TWO_TIMES_FIRST
    elif times == [0]:
        known = _TIME_FIRST
    elif len(times) == 1 and max(place.values()) == width - 1:
        known = _TIME_LAST
    meaning = known.get(len(others))
    if meaning is None:
        return None
    place |= {ours: at for ours, at in zip(meaning, others, strict=True) if ours}
    titles = {at: ours for ours, at in place.items()}
    names = tuple(titles.get(at, f"column {at + 1}") for at in range(width))
    return HistoryLayout(delimiter, names, has_header=False, place=place)


def _share(rows: Sequence[list[str]], at: int, test: Callable[[str], bool]) -> float:
    """How many of a column's values that are not empty pass a test, 0 … 1."""
    values = [row[at] for row in rows if len(row) > at and row[at].strip()]
    return sum(test(value) for value in values) / len(values) if values else 0.0
