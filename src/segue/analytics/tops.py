"""What was heard most: artists, tracks, albums, genres; and what was skipped or finished most."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from segue.analytics.heard import Heard

__all__ = ["BY", "OF", "By", "Most", "Of", "Ranked", "most", "top"]

Of = Literal["artists", "tracks", "albums", "genres"]
By = Literal["plays", "time"]
Most = Literal["skips", "finishes"]

OF: Final[tuple[Of, ...]] = ("artists", "tracks", "albums", "genres")
BY: Final = {"plays": "plays", "time": "ms_played"}

_THINGS: Final[dict[Of, tuple[str, str, str, str]]] = {
    # grouped by, name, of whom, joined with
    "artists": (
        "heard.artist_id",
        "coalesce(any_value(artists.artist), any_value(heard.artist))",
        "NULL",
        "heard LEFT JOIN artists ON heard.artist_id = artists.artist_id",
    ),
    "tracks": (
        "heard.track_id",
        "coalesce(any_value(title), heard.track_id)",
        "any_value(artist)",
        "heard",
    ),
    "albums": (
        "heard.album_id",
        "any_value(albums.album)",
        "any_value(artists.artist)",
        "heard JOIN albums ON heard.album_id = albums.album_id"
        " LEFT JOIN artists ON albums.artist_id = artists.artist_id",
    ),
    "genres": (
        "heard.genre",
        "heard.genre",
        "NULL",
        "(SELECT *, unnest(genres) AS genre FROM heard) AS heard",
    ),
}


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place of a ranking.

    Args:
        rank: 1 is the most.
        id: Of the track, artist or album; a genre's name.
        name: What people call it; None where no source tells.
        artist: Of a track or album.
        plays: Counted plays.
        ms_played: Milliseconds heard.
        starts: All plays, short ones included.
        skips: Skipped plays.
        finishes: Plays heard to the end.
        share: Of what is ranked by, over all there is (0 … 1). A play counts for each of its
            genres, so their shares add up to more than 1.
        rank_before: Its rank in the window before; None where it was not heard then.
    """

    rank: int
    id: str
    name: str | None
    artist: str | None
    plays: int
    ms_played: int
    starts: int
    skips: int
    finishes: int
    share: float
    rank_before: int | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def top(heard: Heard, of: Of, *, by: By = "plays", limit: int = 10) -> tuple[Ranked, ...]:
    """The most heard, the most first; equals in the order of the other measure, then of ids.

    Args:
        heard: The sums.
        of: What is ranked.
        by: Counted plays, or time heard.
        limit: The most places.
    """
    other = "plays" if by == "time" else "ms_played"
    return _ranking(heard, of, BY[by], other, limit=limit)


def most(heard: Heard, what: Most, of: Of = "tracks", *, limit: int = 10) -> tuple[Ranked, ...]:
    """What was skipped or finished most often."""
    return _ranking(heard, of, what, "plays" if what == "finishes" else "starts", limit=limit)


def _ranking(heard: Heard, of: Of, key: str, then: str, *, limit: int) -> tuple[Ranked, ...]:
    group, name, artist, tables = _THINGS[of]
    sums = ("plays", "ms_played", "starts", "skips", "finishes")
    summed = ", ".join(f"sum(heard.{each})::BIGINT AS {each}" for each in sums)
    known = "WHERE len(genres) > 0" if of == "genres" else ""
    rows = heard.rows(
        f"""
        WITH sums AS (
            SELECT {group} AS id, {name} AS name, {artist} AS artist, {summed},
                sum(heard.{key}_before)::BIGINT AS key_before,
                sum(heard.{then}_before)::BIGINT AS then_before
            FROM {tables} WHERE {group} IS NOT NULL GROUP BY {group}
        ), placed AS (
            SELECT *,
                row_number() OVER (ORDER BY {key} DESC, {then} DESC, id) AS rank,
                row_number() OVER (ORDER BY key_before DESC, then_before DESC, id) AS place_before,
                {key} / (SELECT nullif(sum({key}), 0) FROM heard {known}) AS share
            FROM sums
        )
        SELECT rank, id, name, artist, {", ".join(sums)}, share,
            CASE WHEN key_before > 0 THEN place_before END AS rank_before
        FROM placed WHERE {key} > 0 AND rank <= $limit ORDER BY rank
        """,
        limit=limit,
    )
    return tuple(Ranked(**row) for row in rows)
