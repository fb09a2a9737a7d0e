"""ListenBrainz: ids of names, likeness, popularity, recommendations, ids at Spotify."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from segue.errors import ServiceError
from segue.flows.enriching.knowledge import Knowledge, Thing
from segue.flows.enriching.questions import Found, Kind, Question, listed, number, strange, text
from segue.music import columns as c
from segue.services.json_service import JsonService
from segue.services.listenbrainz import LISTENBRAINZ

__all__ = ["ListenBrainzFacts"]

ARTISTS: Final = (
    "session_based_days_7500_session_300_contribution_5_threshold_10_limit_100_filter_True_skip_30"
)
RECORDINGS: Final = (
    "session_based_days_7500_session_300_contribution_5_threshold_15_limit_50_skip_30"
    "_top_n_listeners_1000"
)
_SIMILAR: Final = 30
_ARTISTS: Final = 8
_TRACKS: Final = 4
_ADVICE: Final = 100
_AT_ONCE: Final = 50
_MISSING: Final = 404
_FULL: Final = 20.0  # points of popularity for each tenfold of listeners: 100,000 are 100
_BETWEEN: Final = "\x1f"
_SAME: Final = "listenbrainz"
_MBID: Final = 36


class ListenBrainzFacts:
    """Likeness, popularity and recommendations.

    Args:
        service: Asks the API, with the user's token where there is one.
        labs: Asks the laboratory.
        user: The user's name there; empty: nobody is recommended anything.
        user_id: The user's name here.
        token: Whether there is a token: the tracks of similar artists are told to members only.
        apart_s: Seconds between two requests.
    """

    source: str = "listenbrainz"

    def __init__(
        self,
        service: JsonService,
        labs: JsonService,
        *,
        user: str,
        user_id: str,
        token: bool,
        apart_s: float,
    ) -> None:
        self._service = service
        self._labs = labs
        self._user = user
        self._user_id = user_id
        self._token = token
        self.apart_s = apart_s

    @property
    def requests(self) -> int:
        """How many were made so far."""
        return self._service.requests + self._labs.requests

    @property
    def kinds(self) -> Sequence[Kind]:
        """Ids first: everything else is asked by them."""
        advice = Kind("recommended", 1, 7, self._for_me, self._recommended, requests=3)
        artists = (
            Kind("artists", 10, 90, _seed_artists, self._similar_artists),
            Kind("similar_artist", 1, 90, _met_artists, self._tracks_of),
        )
        return (
            Kind("names", 1, 365, _unnamed, self._names),
            Kind("similar_track", 10, 90, _seeds, self._similar_tracks),
            *(artists if self._token else ()),
            *((advice,) if self._user else ()),
            Kind("spotify_ids", _AT_ONCE, 90, _without_address, self._spotify_ids),
            Kind("popularity", 500, 90, _unheard_of, self._popularity),
        )

    # --- ids ------------------------------------------------------------------------------------

    def _names(self, questions: Sequence[Question]) -> Found:
        found = Found()
        for question in questions:
            artist, _, title = question[0].partition(_BETWEEN)
            query = {"artist_name": artist, "recording_name": title}
            told = self._ask("GET", "/1/metadata/lookup/", query=query)
            if not isinstance(told, Mapping):
                raise strange(LISTENBRAINZ)
            if mbid := _mbid(told.get("recording_mbid")):
                artists = told.get("artist_mbids")
                first = _mbid(artists[0]) if isinstance(artists, list) and artists else None
                row = {c.TRACK_REF: f"mbid:{mbid}", c.RECORDING_MBID: mbid}
                found.answer(question, {**row, c.ARTIST_MBID: first})
                names = {c.TITLE: question[1].title, c.ARTIST: question[1].artist}
                found.catalogue.append({c.CATALOGUE: "listenbrainz_names", **row, **names})
        return found

    def _spotify_ids(self, questions: Sequence[Question]) -> Found:
        body = [{"recording_mbid": asked} for asked, _ in questions]
        told = self._ask("POST", "/spotify-id-from-mbid/json", labs=True, body=body)
        if not isinstance(told, list):
            raise strange(LISTENBRAINZ)
        rows = {text(row.get("recording_mbid")).lower(): row for row in listed(told)}
        found = Found()
        for question in questions:
            asked, thing = question
            ids = rows.get(asked, {}).get("spotify_track_ids")
            if not isinstance(ids, list) or not ids or not text(ids[0]):
                continue
            uri = f"spotify:track:{text(ids[0])}"
            row = {c.TRACK_REF: thing.ref, c.RECORDING_MBID: asked, c.SPOTIFY_URI: uri}
            found.answer(question, row)
            names = {c.TITLE: thing.title, c.ARTIST: thing.artist}
            found.catalogue.append({c.CATALOGUE: "listenbrainz_spotify", **row, **names})
        return found

    # --- likeness -------------------------------------------------------------------------------

    def _similar_tracks(self, questions: Sequence[Question]) -> Found:
        body = [{"recording_mbids": [asked], "algorithm": RECORDINGS} for asked, _ in questions]
        told = self._ask("POST", "/similar-recordings/json", labs=True, body=body)
        found = Found()
        for question, rows in _by_reference(told, questions):
            most = max((number(row.get("score")) or 0.0 for row in rows), default=0.0)
            for place, row in enumerate(rows[:_SIMILAR]):
                score = (number(row.get("score")) or 0.0) / most if most else 0.0
                _like(found, question, place, score, row, artist=row.get("artist_credit_name"))
        return found

    def _similar_artists(self, questions: Sequence[Question]) -> Found:
        body = [{"artist_mbids": [asked], "algorithm": ARTISTS} for asked, _ in questions]
        told = self._ask("POST", "/similar-artists/json", labs=True, body=body)
        found = Found()
        for question, rows in _by_reference(told, questions):
            most = max((number(row.get("score")) or 0.0 for row in rows), default=0.0)
            for place, row in enumerate(rows[:_ARTISTS]):
                name, mbid = text(row.get("name")), _mbid(row.get("artist_mbid"))
                if name and mbid and most:
                    score = (number(row.get("score")) or 0.0) / most
                    told_row = {c.ARTIST: name, c.ARTIST_MBID: mbid, c.SCORE: score}
                    found.answer(question, told_row, place)
        return found

    def _tracks_of(self, questions: Sequence[Question]) -> Found:
        found = Found()
        for question in questions:
            mbid, _, score = question[0].partition(_BETWEEN)
            path = f"/1/popularity/top-recordings-for-artist/{mbid}"
            rows = listed(self._ask("GET", path))
            for place, row in enumerate(rows[:_TRACKS]):
                share = float(score) / (1 + place / 4)
                _like(found, question, place, share, row, artist=row.get("artist_name"))
        return found

    # --- what it works out ----------------------------------------------------------------------

    def _popularity(self, questions: Sequence[Question]) -> Found:
        body = {"recording_mbids": [asked for asked, _ in questions]}
        told = self._ask("POST", "/1/popularity/recording", body=body)
        if not isinstance(told, list):
            raise strange(LISTENBRAINZ)
        rows = {text(row.get("recording_mbid")).lower(): row for row in listed(told)}
        found = Found()
        for question in questions:
            asked, thing = question
            listeners = number(rows.get(asked, {}).get("total_user_count"))
            if not listeners or listeners < 0:
                continue
            level = min(100.0, _FULL * math.log10(1 + listeners))
            row = {c.TRACK_REF: f"mbid:{asked}", c.RECORDING_MBID: asked}
            row |= {c.TITLE: thing.title, c.ARTIST: thing.artist}
            # the score, too: of the same row a catalogue keeps what it was told first
            told_row = {c.TRACK_REF: row[c.TRACK_REF], c.SCORE: level / 100}
            found.answer(question, told_row, facts=("popularity",))
            catalogue = {c.CATALOGUE: "listenbrainz_popularity", c.POPULARITY: level}
            found.catalogue.append({**row, **catalogue})
        return found

    def _for_me(self, known: Knowledge) -> Iterator[Question]:
        del known
        yield self._user, Thing(f"user:{self._user_id}", "", "")

    def _recommended(self, questions: Sequence[Question]) -> Found:
        found = Found()
        (question,) = questions
        path = f"/1/cf/recommendation/user/{quote(self._user, safe='')}/recording"
        told = self._ask("GET", path, query={"count": _ADVICE})
        scores = {
            mbid: number(row.get("score")) or 0.0
            for row in listed(told, "payload", "mbids")
            if (mbid := _mbid(row.get("recording_mbid")))
        }
        mbids, most = list(scores), max(scores.values(), default=0.0)
        for start in range(0, len(mbids), _AT_ONCE):
            some = mbids[start : start + _AT_ONCE]
            query = {"recording_mbids": ",".join(some), "inc": "artist"}
            told = self._ask("GET", "/1/metadata/recording/", query=query)
            for place, mbid in enumerate(some, start=start):
                about = told.get(mbid) if isinstance(told, Mapping) else None
                recording, artist = listed(about, "recording"), listed(about, "artist")
                if recording and artist and most > 0:
                    row = {"recording_mbid": mbid, "recording_name": recording[0].get("name")}
                    score = scores[mbid] / most
                    _like(found, question, place, score, row, artist=artist[0].get("name"))
        return found

    def _ask(
        self,
        method: str,
        path: str,
        *,
        labs: bool = False,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """All of it only reads, whatever the method is; nothing where it knows nothing."""
        service = self._labs if labs else self._service
        try:
            return service.ask(
                method, path, purpose="enrich", query=query, body=body, repeatable=True
            )
        except ServiceError as error:
            if error.status != _MISSING:
                raise
            return []


def _like(
    found: Found,
    question: Question,
    place: int,
    score: float,
    row: Mapping[str, Any],
    *,
    artist: Any,
) -> None:
    mbid, title, by = (
        _mbid(row.get("recording_mbid")),
        text(row.get("recording_name")),
        text(artist),
    )
    if mbid and title and by and score > 0:
        found.like(question, place, score, _SAME, title=title, artist=by, mbid=mbid)


def _by_reference(
    told: Any, questions: Sequence[Question]
) -> Iterator[tuple[Question, list[Mapping[str, Any]]]]:
    """The rows about each question, the most alike first."""
    if not isinstance(told, list):
        raise strange(LISTENBRAINZ)
    rows = listed(told)
    for question in questions:
        mine = [row for row in rows if text(row.get("reference_mbid")).lower() == question[0]]
        yield question, sorted(mine, key=lambda row: -(number(row.get("score")) or 0.0))


def _mbid(value: Any) -> str | None:
    found = text(value).lower()
    return found if len(found) == _MBID else None


def _unnamed(known: Knowledge) -> Iterator[Question]:
    for thing in known.seeds:
        if thing.artist and thing.title and not (thing.mbid and thing.artist_mbid):
            yield f"{thing.artist}{_BETWEEN}{thing.title}", thing


def _seeds(known: Knowledge) -> Iterator[Question]:
    for thing in known.seeds:
        if thing.mbid:
            yield thing.mbid, thing


def _seed_artists(known: Knowledge) -> Iterator[Question]:
    for thing in known.by_artist(known.seeds):
        if thing.artist_mbid:
            yield thing.artist_mbid, thing


def _met_artists(known: Knowledge) -> Iterator[Question]:
    """Artists who are like the user's and not among them."""
    mine = {thing.artist.casefold() for thing in known.mine}
    met = [
        (mbid, thing, score)
        for (source, name), (thing, mbid, score) in known.artists.items()
        if source == ListenBrainzFacts.source and mbid and name.casefold() not in mine
    ]
    for mbid, thing, score in sorted(met, key=lambda one: (-one[2] * one[1].weight, one[0])):
        yield f"{mbid}{_BETWEEN}{score:.3f}", thing


def _without_address(known: Knowledge) -> Iterator[Question]:
    for thing in known.described:
        if thing.mbid and thing.uri is None:
            yield thing.mbid, thing


def _unheard_of(known: Knowledge) -> Iterator[Question]:
    """Those whose popularity nobody told, or which it told before: that changes."""
    for thing in known.described:
        told_before = (ListenBrainzFacts.source, "popularity", thing.mbid) in known.asked
        if thing.mbid and (told_before or "popularity" not in thing.has):
            yield thing.mbid, thing
