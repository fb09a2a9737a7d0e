"""Which track somebody means by an id, a Spotify link, “Artist - Title” or a title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from segue.errors import UnknownTrackError
from segue.music import columns as c
from segue.music.names import artist_key, song_key, title_key

__all__ = ["resolve_seed"]

_SPOTIFY: Final = re.compile(
    r"(?:spotify:track:|https?://(?:open|play)\.spotify\.com/(?:[a-z-]+/)*track/)?"
    r"([0-9A-Za-z]{22})(?:[?#/].*)?",
    re.IGNORECASE,
)
_DASH: Final = re.compile(r"\s+[-–—]\s+")
_NOT_HERE: Final = (
    "It is in no history or catalogue here; import one that has it, or give “Artist - Title”."
)
_QUOTES: Final = "“”\"'‘’ \t\n"
_COLUMNS: Final = (c.TRACK_ID, c.TITLE, c.ARTIST, c.ARTISTS, c.PLAYS, c.POPULARITY)
_SURE: Final = 90.0
_CLEAR: Final = 4.0
_LIKELY: Final = 60.0
_GUESSES: Final = 5
_MOST: Final = 3_000

Row = dict[str, Any]


def resolve_seed(
    text: str, tracks: pa.Table, *, by_ref: Callable[[str], str | None] | None = None
) -> str:
    """The track that a person means.

    Tried in this order: a track id; a Spotify URI, link or id; “Artist - Title” and then a bare
    title in normal form; then by likeness. Names are normalised and compared only within the few
    tracks that a scan of the raw columns leaves, so that a million tracks take part of a second.

    Args:
        text: What was typed.
        tracks: Arrow table in the schema of `MARTS["tracks"]`.
        by_ref: Looks up a `track_ref` among all that were matched: a track has several Spotify
            ids, and its row holds one of them.

    Returns:
        A `track_id` of the table.

    Raises:
        UnknownTrackError: Nothing fits, or several tracks fit alike; the cure lists the nearest.
    """
    asked = text.strip()
    if not asked:
        raise UnknownTrackError(text, cure="Give a track id, a Spotify link or “Artist - Title”.")
    found = _by_id(asked, tracks, by_ref)
    return found if found is not None else _by_name(asked, tracks)


def _by_id(asked: str, tracks: pa.Table, by_ref: Callable[[str], str | None] | None) -> str | None:
    if pc.index(tracks[c.TRACK_ID], asked).as_py() >= 0:
        return asked
    link = _SPOTIFY.fullmatch(asked)
    if not link:
        return None
    is_link = link[1] != asked
    uri = f"spotify:track:{link[1]}"
    row = pc.index(tracks[c.SPOTIFY_URI], uri).as_py()
    if row >= 0:
        return str(tracks[c.TRACK_ID][row].as_py())
    other = by_ref(uri) if by_ref else None
    if other and pc.index(tracks[c.TRACK_ID], other).as_py() >= 0:
        return other
    if is_link:
        raise UnknownTrackError(asked, cure=_NOT_HERE)
    return None  # 22 letters may be a title, too


def _by_name(asked: str, tracks: pa.Table) -> str:
    readings = _readings(asked)
    blocks: list[list[Row]] = []
    for artist, title in readings:
        blocks.append(_block(title, tracks))
        if rows := _exact(artist, title, blocks[-1]):
            return _only(asked, rows, by_artist=bool(artist))
    for (artist, title), block in zip(readings, blocks, strict=True):
        rows = _part_of_title(artist, title, block)
        if len(rows) == 1:
            return str(rows[0][c.TRACK_ID])
    ranked = sorted(
        ((_likeness(row, readings), row) for row in _lookalikes(readings, tracks)),
        key=lambda pair: (-pair[0], *_favour(pair[1])),
    )
    likely = [(score, row) for score, row in ranked if score >= _LIKELY][:_GUESSES]
    if likely and likely[0][0] >= _SURE and _is_clear(likely):
        return str(likely[0][1][c.TRACK_ID])
    raise UnknownTrackError(asked, cure=_did_you_mean([row for _, row in likely]))


def _readings(asked: str) -> list[tuple[str, str]]:
    """(artist, title) pairs the text may stand for, the likeliest first."""
    pairs = []
    for dash in _DASH.finditer(asked):
        one, two = asked[: dash.start()].strip(_QUOTES), asked[dash.end() :].strip(_QUOTES)
        pairs += [(one, two), (two, one)]
    by = asked.rfind(" by ")
    if by > 0:
        pairs.append((asked[by + 4 :].strip(_QUOTES), asked[:by].strip(_QUOTES)))
    pairs.append(("", asked.strip(_QUOTES)))
    return [(artist, title) for artist, title in pairs if title]


def _block(title: str, tracks: pa.Table) -> list[Row]:
    """Tracks with this very title, and those that hold one of its two longest words."""
    titles = tracks[c.TITLE]
    same = pc.indices_nonzero(pc.fill_null(pc.equal(pc.utf8_lower(titles), title.lower()), False))
    parts = [_part(word) for word in sorted(title_key(title).split(), key=len)[-2:]] or [title]
    plain = pc.string_is_ascii(titles)
    ascii_ = _whole(pc.indices_nonzero(pc.and_(pc.fill_null(plain, False), _holds(titles, parts))))
    accented = _whole(pc.indices_nonzero(pc.fill_null(pc.invert(plain), False)))
    folded = _holds(_folded(titles.take(accented)), parts)
    rows = pa.concat_arrays([ascii_, accented.filter(_whole(folded))])
    found = {row[c.TRACK_ID]: row for row in (*_rows(same, tracks), *_rows(rows, tracks))}
    return list(found.values())


def _holds(titles: pa.ChunkedArray, parts: Sequence[str]) -> pa.ChunkedArray:
    """Whether each title holds at least one of the parts, whatever its case."""
    pattern = "|".join(re.escape(part) for part in parts)
    hits = pc.match_substring_regex(titles, pattern, ignore_case=True)
    return pc.fill_null(hits, False)


def _part(word: str) -> str:
    """A piece that raw titles surely hold too: keys have lost apostrophes and endings differ."""
    plain = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(ch for ch in plain if not unicodedata.combining(ch))
    return plain[:-2] if len(plain) > 4 else plain


def _whole(values: pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _folded(titles: pa.ChunkedArray) -> pa.ChunkedArray:
    decomposed = pc.utf8_normalize(pc.utf8_lower(titles), "NFKD")
    return pc.replace_substring_regex(decomposed, r"\p{Mn}", "")


def _rows(positions: pa.Array, tracks: pa.Table) -> list[Row]:
    """The tracks at these positions; of very many, the most played."""
    part = tracks.select(_COLUMNS).take(positions)
    if part.num_rows > _MOST:
        by = [(c.PLAYS, "descending"), (c.POPULARITY, "descending"), (c.TRACK_ID, "ascending")]
        part = part.take(pc.sort_indices(part, sort_keys=by)[:_MOST])
    rows: list[Row] = part.to_pylist()
    return rows


def _exact(artist: str, title: str, block: Sequence[Row]) -> list[Row]:
    wanted = title_key(title)
    same = (row for row in block if row[c.TITLE] and title_key(row[c.TITLE]) == wanted)
    return sorted((row for row in same if not artist or _is_by(artist, row)), key=_favour)


def _part_of_title(artist: str, title: str, block: Sequence[Row]) -> list[Row]:
    """Tracks by the artist whose titles hold all the words: “Satisfaction” is enough of a title."""
    words = set(title_key(title).split())
    if not artist or not words:
        return []
    titled = (row for row in block if words <= set(title_key(row[c.TITLE] or "").split()))
    return [row for row in titled if _is_by(artist, row)]


def _is_by(artist: str, row: Row) -> bool:
    """Whether the artist, or the first of those named, is credited on the track."""
    credited = {artist_key(name) for name in _credited(row)}
    return artist_key(artist) in credited or _lead(artist) in credited


def _lead(artist: str) -> str:
    return song_key(artist, "").partition("\x1f")[0]


def _only(asked: str, rows: Sequence[Row], *, by_artist: bool) -> str:
    """One artist's recordings of one song are one answer; several artists' are not."""
    artists = {artist_key(_credited(row)[0]) for row in rows if _credited(row)}
    if len(artists) > 1 and not by_artist:
        raise UnknownTrackError(asked, several=True, cure=_did_you_mean(rows[:_GUESSES]))
    return str(rows[0][c.TRACK_ID])


def _favour(row: Row) -> tuple[int, float, str]:
    return -(row[c.PLAYS] or 0), -(row[c.POPULARITY] or 0.0), row[c.TRACK_ID]


def _lookalikes(readings: Sequence[tuple[str, str]], tracks: pa.Table) -> list[Row]:
    """Tracks by artists, or with titles, that are spelled nearly so."""
    found: dict[str, Row] = {}
    for artist, title in readings:
        column, name = (c.ARTIST, artist) if artist else (c.TITLE, title)
        size = pc.utf8_length(tracks[column])
        near = pc.and_(pc.greater_equal(size, len(name) - 4), pc.less_equal(size, len(name) + 12))
        names = pc.unique(tracks[column].filter(near)).to_pylist()
        best = process.extract(
            name.lower(), names, scorer=fuzz.WRatio, processor=str.lower, limit=20, score_cutoff=80
        )
        wanted = pa.array([spelled for spelled, _, _ in best], pa.string())
        positions = pc.indices_nonzero(pc.is_in(tracks[column], wanted))
        found |= {row[c.TRACK_ID]: row for row in _rows(positions, tracks)}
    return list(found.values())


def _likeness(row: Row, readings: Sequence[tuple[str, str]]) -> float:
    """0 … 100: the weaker of artist and title, or the title alone where no artist was given."""
    title = title_key(row[c.TITLE] or "")
    best = 0.0
    for artist, name in readings:
        score = fuzz.ratio(title_key(name), title)
        if artist:
            key = artist_key(artist)
            names = [artist_key(one) for one in _credited(row)]
            score = min(score, max((fuzz.ratio(key, one) for one in names), default=0.0))
        best = max(best, score)
    return best


def _is_clear(likely: Sequence[tuple[float, Row]]) -> bool:
    return len(likely) < 2 or likely[0][0] - likely[1][0] >= _CLEAR


def _credited(row: Row) -> list[str]:
    names = [name for name in row[c.ARTISTS] or () if name]
    return names or ([row[c.ARTIST]] if row[c.ARTIST] else [])


def _did_you_mean(rows: Sequence[Row]) -> str:
    if not rows:
        return "Give its track id, a Spotify link or “Artist - Title” as your history spells them."
    names = [f"“{', '.join(_credited(row))} - {row[c.TITLE]}”" for row in rows]
    return f"Did you mean {' or '.join(names)}?"
