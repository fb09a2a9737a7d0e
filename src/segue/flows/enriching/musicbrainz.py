"""MusicBrainz: years and genres, by ISRC or recording, one request a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from segue.errors import ServiceError
from segue.flows.enriching.knowledge import Knowledge
from segue.flows.enriching.questions import Found, Kind, Question, listed, number, text
from segue.music import columns as c
from segue.services.json_service import JsonService

__all__ = ["MUSICBRAINZ", "MusicBrainz"]

MUSICBRAINZ: Final = "MusicBrainz"
_INC: Final = "artist-credits+releases+genres"
_UNKNOWN: Final = (400, 404)
_MOST_GENRES: Final = 5
_YEARS: Final = (1850, 2100)


class MusicBrainz:
    """Recordings: first release, genres, ids."""

    source: str = "musicbrainz"

    def __init__(self, service: JsonService, apart_s: float) -> None:
        self._service = service
        self.apart_s = apart_s

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests

    @property
    def kinds(self) -> Sequence[Kind]:
        """What a recording is."""
        return (Kind("recording", 1, 365, _undated, self._recording),)

    def _recording(self, questions: Sequence[Question]) -> Found:
        found = Found()
        for question in questions:
            kind, _, name = question[0].partition(":")
            path = f"/ws/2/isrc/{name}" if kind == "isrc" else f"/ws/2/recording/{name}"
            try:
                told = self._service.ask(
                    "GET", path, purpose="enrich", query={"fmt": "json", "inc": _INC}
                )
            except ServiceError as error:
                if error.status not in _UNKNOWN:
                    raise
                continue
            rows = listed(told, "recordings") if kind == "isrc" else listed(told)
            if rows:
                self._take(found, question, rows)
        return found

    def _take(self, found: Found, question: Question, rows: Sequence[Mapping[str, Any]]) -> None:
        """An ISRC may stand for several recordings: the first names it, the oldest dates it."""
        _, thing = question
        first, named = rows[0], listed(rows[0], "artist-credit")
        artist = listed(named[0], "artist") if named else []
        years = [year for row in rows if (year := _year(row)) is not None]
        votes = {
            text(genre.get("name")).lower(): number(genre.get("count")) or 0
            for row in rows
            for genre in listed(row, "genres")
            if text(genre.get("name"))
        }
        genres = sorted(votes, key=lambda name: (-votes[name], name))[:_MOST_GENRES]
        mbid = text(first.get("id")) or None
        isrc = question[0].partition(":")[2] if question[0].startswith("isrc:") else thing.isrc
        artist_mbid = text(artist[0].get("id")) if artist else ""
        same = {c.RECORDING_MBID: mbid, c.ISRC: isrc, c.SPOTIFY_URI: thing.uri}
        row = {c.CATALOGUE: self.source, c.TRACK_REF: thing.ref, **same}
        row |= {c.TITLE: thing.title, c.ARTIST: thing.artist}
        year = min(years, default=None)
        found.catalogue.append({**row, c.YEAR: year, c.GENRES: sorted(genres) or None})
        facts = [name for name, there in (("year", year), ("genres", genres)) if there]
        told = {c.TRACK_REF: thing.ref, **same, c.ARTIST_MBID: artist_mbid or None}
        found.answer(question, told, facts=facts)


def _undated(known: Knowledge) -> Iterator[Question]:
    for thing in known.described:
        if {"year", "genres"} <= thing.has:
            continue
        if thing.isrc:
            yield f"isrc:{thing.isrc}", thing
        elif thing.mbid:
            yield f"mbid:{thing.mbid}", thing


def _year(row: Mapping[str, Any]) -> int | None:
    dates = [text(row.get("first-release-date"))]
    dates += [text(release.get("date")) for release in listed(row, "releases")]
    found = [int(date[:4]) for date in dates if date[:4].isdecimal()]
    return min((year for year in found if _YEARS[0] <= year <= _YEARS[1]), default=None)
