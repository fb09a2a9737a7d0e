"""Read what a user keeps at Spotify: saved tracks, playlists of their own, and their top tracks."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from segue.flows.spotify.household import Household
from segue.flows.spotify.lake_rows import keep, track_columns
from segue.music import columns as c
from segue.music.lake_tables import LIBRARY, PLAYLIST_ITEMS, LakeTable
from segue.services.spotify.api import SpotifyApi, Term
from segue.services.spotify.records import ItemRow, PlaylistHead, TrackRecord
from segue.warehouse.lake import Lake

__all__ = ["LibraryReport", "read_library"]

_log = logging.getLogger(__name__)

_SAVED: Final = "saved tracks"
_AT_ONCE: Final = 5_000
_TOPS: Final[dict[Term, str]] = {
    "short_term": "Top tracks of 4 weeks",
    "medium_term": "Top tracks of 6 months",
    "long_term": "Top tracks of a year",
}

_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """What was read, and what of it is new to the lake.

    Args:
        saved: Saved tracks that were new.
        top: Places in the top tracks that were new.
        items: Places in playlists that were new.
        read: Playlists that were read, as they had changed.
        unchanged: Playlists that had not changed since the last time.
        closed: Playlists of others, which Spotify shows to no app.
    """

    user_id: str
    saved: int
    top: int
    items: int
    read: int
    unchanged: int
    closed: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def read_library(house: Household, lake: Lake, user_id: str) -> LibraryReport:
    """Read what changed since the last time; interrupted, the next time goes on.

    Requests: four, one for each 50 newly saved tracks and each 50 playlists, and for each playlist
    that changed one for each 50 of its tracks.

    Raises:
        SignInError: The user is not signed in, or no more.
        BlockedError: No request may be made now; what was read is kept.
        ServiceError: Spotify refuses, or does not answer.
        BusyError: Something else is writing to the lake.
    """
    reading = _Reading(house, lake, user_id, house.api(user_id, "library"))
    top = reading.tops()
    saved = reading.saved()
    return reading.playlists(saved, top)


@dataclass
class _Reading:
    house: Household
    lake: Lake
    user_id: str
    api: SpotifyApi
    rows: list[_Row] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)

    def tops(self) -> int:
        for term, name in _TOPS.items():
            tracks = self.api.top_tracks(term)
            state = hashlib.sha256(repr([one.uri for one in tracks]).encode()).hexdigest()
            if state != self._mark(name):
                self._listed(name, tracks, [None] * len(tracks))
                self.marks[name] = state
        return self._flush(PLAYLIST_ITEMS)

    def saved(self) -> int:
        """Newest first, so that the first one which is known ends it."""
        known = self._mark(_SAVED)
        until = None if known is None else datetime.fromisoformat(known)
        found: list[ItemRow] = []
        for row in self.api.saved_tracks():
            if until is not None and row.added_at is not None and row.added_at <= until:
                break
            found.append(row)
        for row in found:
            if row.track is not None and row.track.is_track:
                self.rows.append(
                    {c.KIND: "saved_track", **track_columns(row.track), c.ADDED_AT: row.added_at}
                )
        latest = max((row.added_at for row in found if row.added_at is not None), default=None)
        if latest is not None:
            self.marks[_SAVED] = latest.isoformat()
        return self._flush(LIBRARY)

    def playlists(self, saved: int, top: int) -> LibraryReport:
        me = self.api.me().user
        heads = list(self.api.playlists())
        names = _names(heads)
        read = unchanged = closed = items = 0
        try:
            for head, name in zip(heads, names, strict=True):
                mark = f"playlist {head.playlist_id}"
                if head.owner != me and not head.collaborative:
                    closed += 1
                elif head.snapshot_id and self._mark(mark) == head.snapshot_id:
                    unchanged += 1
                else:
                    self._playlist(head, name)
                    self.marks[mark] = head.snapshot_id
                    read += 1
                    if len(self.rows) >= _AT_ONCE:
                        items += self._flush(PLAYLIST_ITEMS)
        finally:  # whatever stops it, what was read whole is kept
            items += self._flush(PLAYLIST_ITEMS)
        return LibraryReport(
            self.user_id,
            saved=saved,
            top=top,
            items=items,
            read=read,
            unchanged=unchanged,
            closed=closed,
        )

    def _playlist(self, head: PlaylistHead, name: str) -> None:
        """A playlist counts when all of it was read."""
        found = list(self.api.playlist_items(head.playlist_id))
        self._listed(name, [row.track for row in found], [row.added_at for row in found])

    def _listed(
        self,
        name: str,
        tracks: Iterable[TrackRecord | None],
        added: Sequence[datetime | None],
    ) -> None:
        """Rows of a list; what is no track keeps its place in the order."""
        for position, (track, at) in enumerate(zip(tracks, added, strict=True)):
            if track is not None and track.is_track:
                place = {c.PLAYLIST: name, c.POSITION: position, c.ADDED_AT: at}
                self.rows.append({**place, **track_columns(track)})

    def _flush(self, table: LakeTable) -> int:
        """Keep the rows, and then how far they go; how many were new."""
        rows, marks = self.rows, self.marks
        self.rows, self.marks = [], {}
        kept = 0
        if rows:
            commit = keep(
                self.lake,
                [(table, rows)],
                user_id=self.user_id,
                what="library",
                now=self.house.clock(),
            )
            kept = commit.total.kept
        for name, value in marks.items():
            self.house.sign_ins.set_mark(self.user_id, name, value)
        _log.info("Spotify: %d rows of the library, %d of them new", len(rows), kept)
        return kept

    def _mark(self, name: str) -> str | None:
        return self.house.sign_ins.mark(self.user_id, name)


def _names(heads: Sequence[PlaylistHead]) -> list[str]:
    """Titles; those that several playlists have go with the id."""
    titles = [head.title.strip() or "Untitled" for head in heads]
    several = {title for title, n in Counter([*titles, *_TOPS.values()]).items() if n > 1}
    return [
        f"{title} ({head.playlist_id})" if title in several else title
        for head, title in zip(heads, titles, strict=True)
    ]
