"""From what somebody typed to rows of the lake: tracks, artists and spans of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process

from segue.errors import ConfigError, NotReadyError
from segue.flows.feedback_words import About
from segue.flows.listener import Marts, track_by_ref
from segue.flows.seeds import resolve_seed
from segue.music import columns as c
from segue.music.feedback import ARTIST, PLAYS, TRACK
from segue.music.lake_tables import artist_ref
from segue.music.names import artist_key

__all__ = ["Things", "title_of"]

_BEST_REFS: Final = ("spotify:", "mbid:", "isrc:", "name:")
_TRACK_COLUMNS: Final = (
    c.TRACK_ID,
    c.TITLE,
    c.ARTIST,
    c.ARTISTS,
    c.ALBUM,
    c.SPOTIFY_URI,
    c.RECORDING_MBID,
    c.ISRC,
    c.PLAYS,
    c.POPULARITY,
)
_GUESSES: Final = 3
_LIKELY: Final = 60

Row = dict[str, Any]


class Things:
    """Finds what a user means among the tracks, artists and sessions of a snapshot."""

    def __init__(self, snapshot: Marts, user_id: str) -> None:
        self.snapshot = snapshot
        self.user_id = user_id

    def rows(self, about: About) -> list[Row]:
        """One row of the lake's feedback table for each thing, without who said what when.

        Raises:
            UnknownTrackError: A track is not here, or several fit.
            ConfigError: An artist is not here.
            NotReadyError: There is no last session.
        """
        tracks = [self._track(text) for text in dict.fromkeys(about.tracks)]
        rows = [{c.KIND: TRACK, **track} for track in tracks]
        if about.of_span:
            since, until = (
                self._last_session() if about.last_session else (about.since, about.until)
            )
            span = {c.KIND: PLAYS, c.SINCE: since, c.UNTIL: until}
            rows = [{**track, **span} for track in tracks] or [span]
        return rows + [self._artist(name) for name in dict.fromkeys(about.artists)]

    @cached_property
    def _tracks(self) -> pa.Table:
        return self.snapshot.read("tracks", columns=_TRACK_COLUMNS)

    def _track(self, text: str) -> Row:
        track_id = resolve_seed(text, self._tracks, by_ref=track_by_ref(self.snapshot))
        at = pc.index(self._tracks[c.TRACK_ID], track_id).as_py()
        row: Row = self._tracks.drop_columns([c.PLAYS, c.POPULARITY]).slice(at, 1).to_pylist()[0]
        return {c.TRACK_REF: self._ref(track_id), **row}

    def _ref(self, track_id: str) -> str:
        """The reference that says best which track it is: a build finds the track by it again."""
        matches = self.snapshot.read(
            "track_matches", columns=[c.TRACK_REF], filters=pc.field(c.TRACK_ID) == track_id
        )
        refs: list[str] = sorted(matches[c.TRACK_REF].to_pylist())
        if not refs:
            raise NotReadyError(
                f"nothing here refers to the track {track_id}", cure="Run `segue build`."
            )
        return min(refs, key=_rank)

    def _artist(self, name: str) -> Row:
        names = self.snapshot.read("artists", columns=[c.ARTIST])[c.ARTIST].drop_null()
        key = artist_key(name)
        found = next((known for known in names.to_pylist() if artist_key(known) == key), None)
        if not key or found is None:
            near = process.extract(name, names.to_pylist(), limit=_GUESSES, score_cutoff=_LIKELY)
            meant = " or ".join(f"“{known}”" for known, _, _ in near)
            cure = f"Did you mean {meant}?" if meant else "Give the name as your history spells it."
            raise ConfigError(f"there is no artist “{name}” here", field="artist", cure=cure)
        return {c.KIND: ARTIST, c.TRACK_REF: artist_ref(found), c.ARTIST: found}

    def _last_session(self) -> tuple[datetime, datetime]:
        sessions = self.snapshot.read(
            "sessions",
            columns=["started_at", c.ENDED_AT],
            filters=pc.field(c.USER_ID) == self.user_id,
        )
        if not sessions.num_rows:
            raise NotReadyError(
                f"there are no plays of “{self.user_id}” here yet",
                cure="Import a history with `segue import`, then run `segue build`.",
            )
        last: Row = sessions.sort_by([("started_at", "descending")]).slice(0, 1).to_pylist()[0]
        return last["started_at"], last[c.ENDED_AT]


def _rank(ref: str) -> tuple[int, str]:
    for place, prefix in enumerate(_BEST_REFS):
        if ref.startswith(prefix):
            return place, ref
    return len(_BEST_REFS), ref


def title_of(row: Mapping[str, Any]) -> str:
    """“Artist – Title”, or the artist alone."""
    artists: Sequence[str] = [name for name in row.get(c.ARTISTS) or () if name]
    by = ", ".join(artists) or row.get(c.ARTIST) or ""
    return f"{by} – {row[c.TITLE]}" if row.get(c.TITLE) else by
