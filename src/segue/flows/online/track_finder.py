"""Finds tracks: by id, by what events call them, and by what people type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import UnknownTrackError
from segue.features.catalogue import Catalogue
from segue.features.track_search import Hit, TrackSearch, track_search
from segue.flows.online.answers import FoundTrack, TrackCard
from segue.music import columns as c
from segue.recommenders.bundle import Bundle
from segue.sources.spotify_uri import track_uri_of
from segue.warehouse.row_lookup import RowLookup

__all__ = ["TrackFinder", "found_tracks"]

_GENRES: Final = 200
_REMEMBERED: Final = 100_000
_CARDS: Final = 2_000
_CURE: Final = "Search with GET /tracks/search, or give an id of an answer."


@dataclass(frozen=True)
class TrackFinder:
    """The tracks of a bundle, and of the snapshot that it belongs to.

    Args:
        catalogue: The tracks.
        snapshot: Knows what else tracks are called.
        kept_search: The tracks by their words, where the bundle has them; else they are indexed
            when something is first looked for.
    """

    catalogue: Catalogue
    snapshot: RowLookup
    kept_search: TrackSearch | None = None
    _ids: dict[str, str] = field(default_factory=dict, repr=False)
    _cards: dict[str, TrackCard] = field(default_factory=dict, repr=False)

    def id_of(self, called: str) -> str:
        """The id of a track, by it or by a reference; what nobody knows stays as it is."""
        known = self._ids.get(called)
        if known is None:
            if len(self._ids) > _REMEMBERED:
                self._ids.clear()
            known = self._ids[called] = self._found(called)
        return known

    def _found(self, called: str) -> str:
        if self.catalogue.rows([called])[0] >= 0:
            return called
        uri = track_uri_of(called)
        found = self.snapshot.read("track_matches", uri or called, [c.TRACK_ID], by=c.TRACK_REF)
        if found.num_rows:
            return str(found[c.TRACK_ID][0].as_py())
        row = pc.index(self.catalogue.tracks[c.SPOTIFY_URI], uri).as_py() if uri else -1
        return called if row < 0 else str(self.catalogue.tracks[c.TRACK_ID][row].as_py())

    def row_of(self, called: str) -> int:
        """The row of a track in the catalogue.

        Raises:
            UnknownTrackError: It is not there.
        """
        row = int(self.catalogue.rows([self.id_of(called)])[0])
        if row < 0:
            raise UnknownTrackError(called, cure=_CURE)
        return row

    def card(self, called: str) -> TrackCard:
        """All that is known of a track.

        Raises:
            UnknownTrackError: It is not in the catalogue.
        """
        found = self._cards.get(called)
        if found is None:
            if len(self._cards) >= _CARDS:
                self._cards.clear()
            found = self._cards[called] = self._card(self.row_of(called))
        return found

    def _card(self, number: int) -> TrackCard:
        row = self.catalogue.tracks.slice(number, 1).to_pylist()[0]
        sound = {name: row[name] for name in c.AUDIO_FEATURES if row[name] is not None}
        return TrackCard(
            track_id=row[c.TRACK_ID],
            title=row[c.TITLE] or "",
            artists=_artists(row),
            album=row[c.ALBUM],
            year=row[c.YEAR],
            duration_ms=row[c.DURATION_MS],
            explicit=row[c.EXPLICIT],
            popularity=row[c.POPULARITY],
            genres=tuple(row[c.GENRES] or ()),
            audio_features=sound,
            plays=row[c.PLAYS],
            isrc=row[c.ISRC],
            spotify_uri=row[c.SPOTIFY_URI],
            recording_mbid=row[c.RECORDING_MBID],
        )

    def search(self, text: str, limit: int) -> tuple[FoundTrack, ...]:
        """The tracks that are most likely meant, best first."""
        return _told(self.catalogue, self._search.find(text, limit))

    @cached_property
    def genres(self) -> tuple[str, ...]:
        """Genres by how many tracks have them, most first."""
        every = pc.list_flatten(self.catalogue.tracks[c.GENRES].combine_chunks())
        counted = pc.value_counts(every).to_pylist() if len(every) else []
        ranked = sorted(counted, key=lambda one: (-one["counts"], one["values"] or ""))
        return tuple(one["values"] for one in ranked if one["values"])[:_GENRES]

    @cached_property
    def _search(self) -> TrackSearch:
        return self.kept_search or track_search(self.catalogue)


def found_tracks(bundle: Bundle, text: str, limit: int) -> tuple[FoundTrack, ...]:
    """The tracks of a bundle that are most likely meant by what was typed, best first."""
    search = bundle.search or track_search(bundle.catalogue)
    return _told(bundle.catalogue, search.find(text, limit))


def _told(catalogue: Catalogue, hits: Sequence[Hit]) -> tuple[FoundTrack, ...]:
    rows = catalogue.tracks.take(pa.array([hit.row for hit in hits], pa.int64()))
    return tuple(_found(row, hit) for row, hit in zip(rows.to_pylist(), hits, strict=True))


def _artists(row: dict[str, Any]) -> tuple[str, ...]:
    named = tuple(name for name in row[c.ARTISTS] or () if name)
    return named or ((row[c.ARTIST],) if row[c.ARTIST] else ())


def _found(row: dict[str, Any], hit: Hit) -> FoundTrack:
    return FoundTrack(
        track_id=row[c.TRACK_ID],
        title=row[c.TITLE] or "",
        artists=_artists(row),
        score=hit.score,
        album=row[c.ALBUM],
        year=row[c.YEAR],
        duration_ms=row[c.DURATION_MS],
        popularity=row[c.POPULARITY],
        spotify_uri=row[c.SPOTIFY_URI],
    )
