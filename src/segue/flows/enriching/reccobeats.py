"""ReccoBeats: how tracks sound, by Spotify id, 40 at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from segue.flows.enriching.knowledge import Knowledge
from segue.flows.enriching.questions import Found, Kind, Question, listed, number, strange, text
from segue.music import columns as c
from segue.services.json_service import JsonService

__all__ = ["RECCOBEATS", "ReccoBeats"]

RECCOBEATS: Final = "ReccoBeats"
_AT_ONCE: Final = 40
_URI: Final = "spotify:track:"
_MEASURED: Final = (
    c.DANCEABILITY,
    c.ENERGY,
    c.LOUDNESS,
    c.SPEECHINESS,
    c.ACOUSTICNESS,
    c.INSTRUMENTALNESS,
    c.LIVENESS,
    c.VALENCE,
    c.TEMPO,
    c.KEY,
    c.MODE,
)


class ReccoBeats:
    """Audio features."""

    source: str = "reccobeats"

    def __init__(self, service: JsonService, apart_s: float) -> None:
        self._service = service
        self.apart_s = apart_s

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests

    @property
    def kinds(self) -> Sequence[Kind]:
        """How tracks sound."""
        return (Kind("sound", _AT_ONCE, 365, _silent, self._sound),)

    def _sound(self, questions: Sequence[Question]) -> Found:
        ids = ",".join(asked for asked, _ in questions)
        told = self._service.ask("GET", "/v1/audio-features", purpose="enrich", query={"ids": ids})
        if not isinstance(told, dict) or not isinstance(told.get("content"), list):
            raise strange(RECCOBEATS)
        # Ids are its own: only the address says which track is meant.
        by_id = {text(row.get("href")).rpartition("/")[2]: row for row in listed(told, "content")}
        found = Found()
        for question in questions:
            asked, thing = question
            if (row := by_id.get(asked)) is None:
                continue
            values = {name: number(row.get(name)) for name in _MEASURED}
            if values[c.KEY] == -1:
                values[c.KEY] = None
            isrc = text(row.get("isrc")) or None
            same = {c.TRACK_REF: f"{_URI}{asked}", c.SPOTIFY_URI: f"{_URI}{asked}", c.ISRC: isrc}
            names = {c.TITLE: thing.title or None, c.ARTIST: thing.artist or None}
            found.answer(question, same, facts=("sound",))
            found.catalogue.append({c.CATALOGUE: self.source, **same, **names, **values})
        return found


def _silent(known: Knowledge) -> Iterator[Question]:
    for thing in known.described:
        if thing.uri is not None and "sound" not in thing.has:
            yield thing.uri.removeprefix(_URI), thing
