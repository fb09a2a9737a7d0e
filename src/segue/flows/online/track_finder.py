"""Finds tracks: by id, by what events call them, and by what people type."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from segue.errors import UnknownTrackError
from segue.features.catalogue import Catalogue
from segue.flows.listener import Marts, track_by_ref
from segue.flows.online.answers import FoundTrack, TrackCard
from segue.music import columns as c
from segue.sources.spotify_uri import track_uri_of

__all__ = ["TrackFinder"]

_REMEMBERED: Final = 100_000
_CURE: Final = "Search with GET /tracks/search, or give an id of an answer."


@dataclass(frozen=True)
class TrackFinder:
    """The tracks of a bundle, and of the snapshot that it belongs to.

    Args:
        catalogue: The tracks.
        snapshot: Knows what else tracks are called.
    """

    catalogue: Catalogue
    snapshot: Marts
    _ids: dict[str, str] = field(default_factory=dict, repr=False)

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
        if found := track_by_ref(self.snapshot)(uri or called):
            return found
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
        row = self.catalogue.tracks.slice(self.row_of(called), 1).to_pylist()[0]
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
        best = process.extract(
            text, self._names, scorer=fuzz.WRatio, processor=str.lower, limit=limit, score_cutoff=60
        )
        rows = self.catalogue.tracks.take(pa.array([at for _, _, at in best], pa.int64()))
        scores = [score for _, score, _ in best]
        return tuple(_found(row, at) for row, at in zip(rows.to_pylist(), scores, strict=True))

    @cached_property
    def _names(self) -> list[str]:
        tracks = self.catalogue.tracks
        artists, titles = tracks[c.ARTIST].to_pylist(), tracks[c.TITLE].to_pylist()
        return [f"{a or ''} {t or ''}" for a, t in zip(artists, titles, strict=True)]


def _artists(row: dict[str, Any]) -> tuple[str, ...]:
    named = tuple(name for name in row[c.ARTISTS] or () if name)
    return named or ((row[c.ARTIST],) if row[c.ARTIST] else ())


def _found(row: dict[str, Any], score: float) -> FoundTrack:
    return FoundTrack(
        track_id=row[c.TRACK_ID],
        title=row[c.TITLE] or "",
        artists=_artists(row),
        score=score,
        album=row[c.ALBUM],
        year=row[c.YEAR],
        duration_ms=row[c.DURATION_MS],
        popularity=row[c.POPULARITY],
        spotify_uri=row[c.SPOTIFY_URI],
    )
