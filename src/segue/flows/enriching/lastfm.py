"""Last.fm: tags of artists, similar tracks, similar artists and what of theirs is played most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from segue.errors import ServiceError
from segue.flows.enriching.knowledge import Knowledge
from segue.flows.enriching.questions import Found, Kind, Question, listed, number, text
from segue.music import columns as c
from segue.services.lastfm import LastfmService

__all__ = ["Lastfm"]

_SIMILAR: Final = 30
_ARTISTS: Final = 8
_TRACKS: Final = 4
_TAGS: Final = 10
_LEAST_VOTES: Final = 5
_MISSING: Final = 404
_CATALOGUE: Final = "lastfm"
_BETWEEN: Final = "\x1f"


class Lastfm:
    """Tags and likeness."""

    source: str = "lastfm"

    def __init__(self, service: LastfmService, apart_s: float) -> None:
        self._service = service
        self.apart_s = apart_s

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests

    @property
    def kinds(self) -> Sequence[Kind]:
        """Likeness first: it is what an export lacks most."""
        return (
            Kind("similar_track", 1, 90, _seeds, self._similar_tracks),
            Kind("artists", 1, 90, _seed_artists, self._similar_artists),
            Kind("similar_artist", 1, 90, _met_artists, self._tracks_of),
            Kind("tags", 1, 180, _untagged, self._tags),
        )

    def _asked(self, method: str, **query: str | int) -> dict[str, Any]:
        """Nothing where it knows nothing."""
        try:
            return self._service.ask(method, autocorrect=1, **query)
        except ServiceError as error:
            if error.status != _MISSING:
                raise
            return {}

    def _similar_tracks(self, questions: Sequence[Question]) -> Found:
        found = Found()
        for question in questions:
            thing = question[1]
            told = self._asked(
                "track.getSimilar", artist=thing.artist, track=thing.title, limit=_SIMILAR
            )
            for place, row in enumerate(listed(told, "similartracks", "track")):
                self._like(found, question, place, row, number(row.get("match")) or 0.0)
        return found

    def _similar_artists(self, questions: Sequence[Question]) -> Found:
        found = Found()
        for question in questions:
            told = self._asked("artist.getSimilar", artist=question[0], limit=_ARTISTS)
            for place, row in enumerate(listed(told, "similarartists", "artist")):
                if name := text(row.get("name")):
                    score = number(row.get("match")) or 0.0
                    mbid = text(row.get("mbid")) or None
                    told_row = {c.ARTIST: name, c.ARTIST_MBID: mbid, c.SCORE: score}
                    found.answer(question, told_row, place)
        return found

    def _tracks_of(self, questions: Sequence[Question]) -> Found:
        found = Found()
        for question in questions:
            name, _, score = question[0].partition(_BETWEEN)
            told = self._asked("artist.getTopTracks", artist=name, limit=_TRACKS)
            for place, row in enumerate(listed(told, "toptracks", "track")[:_TRACKS]):
                self._like(found, question, place, row, float(score) / (1 + place / 4))
        return found

    def _tags(self, questions: Sequence[Question]) -> Found:
        found = Found()
        for question in questions:
            told = self._asked("artist.getTopTags", artist=question[0])
            tags = [
                (text(row.get("name")).lower(), number(row.get("count")) or 0.0)
                for row in listed(told, "toptags", "tag")[:_TAGS]
            ]
            tags = [(tag, votes) for tag, votes in tags if tag and votes >= _LEAST_VOTES]
            for tag, votes in tags:
                row = {c.CROWD: "lastfm_tags", c.ARTIST: question[0], c.TAG: tag, c.WEIGHT: votes}
                found.tags.append(row)
            if tags:
                found.answer(question, {c.ARTIST: question[0]}, facts=("genres",))
        return found

    def _like(self, found: Found, question: Question, place: int, row: Any, score: float) -> None:
        artists = listed(row, "artist")
        title, artist = text(row.get("name")), text(artists[0].get("name")) if artists else ""
        if title and artist and score > 0:
            mbid = text(row.get("mbid")).lower() or None
            found.like(question, place, score, _CATALOGUE, title=title, artist=artist, mbid=mbid)


def _seeds(known: Knowledge) -> Iterator[Question]:
    for thing in known.seeds:
        if thing.artist and thing.title:
            yield f"{thing.artist}{_BETWEEN}{thing.title}", thing


def _seed_artists(known: Knowledge) -> Iterator[Question]:
    for thing in known.by_artist(known.seeds):
        yield thing.artist, thing


def _met_artists(known: Knowledge) -> Iterator[Question]:
    """Artists who are like the user's and not among them."""
    mine = {thing.artist.casefold() for thing in known.mine}
    met = [
        (name, thing, score)
        for (source, name), (thing, _, score) in known.artists.items()
        if source == Lastfm.source and name.casefold() not in mine
    ]
    for name, thing, score in sorted(met, key=lambda one: (-one[2] * one[1].weight, one[0])):
        yield f"{name}{_BETWEEN}{score:.3f}", thing


def _untagged(known: Knowledge) -> Iterator[Question]:
    for thing in known.by_artist(known.described):
        if "genres" not in thing.has:
            yield thing.artist, thing
