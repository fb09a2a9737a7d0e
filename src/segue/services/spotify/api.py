"""The parts of Spotify's Web API that Segue uses, one method each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from segue.services.spotify.client import SpotifyClient
from segue.services.spotify.records import (
    ItemRow,
    Person,
    PlayerState,
    PlaylistHead,
    PlayRow,
    TrackRecord,
)

__all__ = ["AT_ONCE", "MOST_RECENT", "SEARCHED", "RecentlyPlayed", "SpotifyApi", "Term"]

Term = Literal["short_term", "medium_term", "long_term"]

MOST_RECENT: Final = 50
"""Plays that recently-played knows."""

AT_ONCE: Final = 100
"""Items that one request may write."""

SEARCHED: Final = 10
"""Results of one search."""

_PAGE: Final = 50
_MARKET: Final = {"market": "from_token"}  # where the user is; an address of no country
_LIBRARY: Final = 40


@dataclass(frozen=True, slots=True)
class RecentlyPlayed:
    """A window of the last plays.

    Args:
        rows: Oldest first.
        unreadable: Rows without a track or a time.
    """

    rows: tuple[PlayRow, ...]
    unreadable: int = 0

    @property
    def full(self) -> bool:
        """Whether there may be more than fits."""
        return len(self.rows) + self.unreadable >= MOST_RECENT


@dataclass(frozen=True)
class SpotifyApi:
    """What may be asked for one user; `SpotifyClient.ask` says what can go wrong.

    Args:
        client: Asks.
        purpose: What requests count for.
    """

    client: SpotifyClient
    purpose: str

    def me(self) -> Person:
        """Who is signed in."""
        return Person.of(self._get("/me"))

    # --- listening ------------------------------------------------------------------------------

    def recently_played(
        self, *, after_ms: int | None = None, before_ms: int | None = None
    ) -> RecentlyPlayed:
        """Plays of at least 30 s; 50 at most, whichever side of the moment."""
        told = self._get(
            "/me/player/recently-played",
            limit=MOST_RECENT,
            after=after_ms,
            before=None if after_ms is not None else before_ms,
        )
        rows = _items(told)
        found = [row for one in rows if (row := PlayRow.of(one)) is not None]
        return RecentlyPlayed(
            tuple(sorted(found, key=lambda row: row.told_at)), len(rows) - len(found)
        )

    def player(self) -> PlayerState | None:
        """What is on, and on what; None: nothing."""
        return PlayerState.of(self._get("/me/player"))

    # --- what the user keeps --------------------------------------------------------------------

    def top_tracks(self, term: Term) -> list[TrackRecord]:
        """The 50 tracks that Spotify says the user likes most."""
        told = self._get("/me/top/tracks", limit=_PAGE, time_range=term)
        return [track for one in _items(told) if (track := TrackRecord.of(one)) is not None]

    def saved_tracks(self) -> Iterator[ItemRow]:
        """Saved tracks, the latest first."""
        return (ItemRow.of(one) for one in self._pages("/me/tracks"))

    def playlists(self) -> Iterator[PlaylistHead]:
        """Playlists of the user and those they follow."""
        found = (PlaylistHead.of(one) for one in self._pages("/me/playlists"))
        return (one for one in found if one is not None)

    def playlist(self, playlist_id: str) -> PlaylistHead | None:
        """One playlist, without its items."""
        return PlaylistHead.of(self._get(f"/playlists/{_id(playlist_id)}"))

    def playlist_items(self, playlist_id: str, *, in_market: bool = False) -> Iterator[ItemRow]:
        """Its items in order; only of own and collaborative ones.

        Args:
            in_market: Ask whether the user can play them; others may then stand for them.
        """
        path, more = f"/playlists/{_id(playlist_id)}/items", _MARKET if in_market else {}
        return (ItemRow.of(one) for one in self._pages(path, **more))

    # --- the catalogue --------------------------------------------------------------------------

    def track(self, track_id: str) -> TrackRecord | None:
        """One track."""
        return TrackRecord.of(self._get(f"/tracks/{_id(track_id)}"))

    def search_tracks(self, words: str, *, limit: int = SEARCHED) -> list[TrackRecord]:
        """The first tracks that fit, 10 at most; `isrc:`, `track:` and `artist:` narrow it."""
        told = self._get("/search", q=words, type="track", limit=min(limit, SEARCHED))
        found = told.get("tracks") if isinstance(told, dict) else None
        return [track for one in _items(found) if (track := TrackRecord.of(one)) is not None]

    # --- writing playlists ----------------------------------------------------------------------

    def create_playlist(
        self, title: str, *, description: str = "", public: bool = False
    ) -> PlaylistHead | None:
        """A new, empty playlist of the user."""
        body = {"name": title, "description": description, "public": public}
        return PlaylistHead.of(self._ask("POST", "/me/playlists", body))

    def change_playlist(self, playlist_id: str, *, title: str, description: str) -> None:
        """Another title and description."""
        body = {"name": title, "description": description}
        self._ask("PUT", f"/playlists/{_id(playlist_id)}", body)

    def replace_items(self, playlist_id: str, uris: Sequence[str]) -> str:
        """These items instead of all others, 100 at most; returns the new snapshot's id."""
        path = f"/playlists/{_id(playlist_id)}/items"
        return _snapshot(self._ask("PUT", path, {"uris": list(uris)}))

    def add_items(self, playlist_id: str, uris: Sequence[str], *, position: int | None) -> str:
        """Add items, 100 at most, at a place or at the end; returns the new snapshot's id."""
        body: dict[str, Any] = {"uris": list(uris)}
        if position is not None:
            body["position"] = position
        return _snapshot(self._ask("POST", f"/playlists/{_id(playlist_id)}/items", body))

    def remove_items(self, playlist_id: str, uris: Sequence[str]) -> str:
        """Remove every item with one of these URIs, 100 at most; returns the new snapshot's id."""
        body = {"items": [{"uri": uri} for uri in uris]}
        return _snapshot(self._ask("DELETE", f"/playlists/{_id(playlist_id)}/items", body))

    def move_items(
        self, playlist_id: str, start: int, *, before: int, length: int = 1, snapshot_id: str = ""
    ) -> str:
        """Move items from one place to before another; returns the new snapshot's id."""
        body: dict[str, Any] = {
            "range_start": start,
            "insert_before": before,
            "range_length": length,
        }
        if snapshot_id:
            body["snapshot_id"] = snapshot_id
        path = f"/playlists/{_id(playlist_id)}/items"
        return _snapshot(self._ask("PUT", path, body, repeatable=False))

    def set_cover(self, playlist_id: str, base64_jpeg: bytes) -> None:
        """Another picture: base64 of a JPEG, 256 KB at most."""
        self.client.ask(
            "PUT",
            f"/playlists/{_id(playlist_id)}/images",
            purpose=self.purpose,
            content=base64_jpeg,
            content_type="image/jpeg",
        )

    def remove_from_library(self, uris: Sequence[str]) -> None:
        """Take tracks or playlists out of the library, 40 at a time."""
        for first in range(0, len(uris), _LIBRARY):
            part = ",".join(uris[first : first + _LIBRARY])
            self.client.ask("DELETE", "/me/library", purpose=self.purpose, query={"uris": part})

    # --- asking ---------------------------------------------------------------------------------

    def _get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, purpose=self.purpose, **query)

    def _ask(
        self, method: str, path: str, body: dict[str, Any], *, repeatable: bool | None = None
    ) -> Any:
        return self.client.ask(method, path, purpose=self.purpose, body=body, repeatable=repeatable)

    def _pages(self, path: str, **more: str) -> Iterator[Any]:
        offset = 0
        while True:
            told = self._get(path, limit=_PAGE, offset=offset, **more)
            found = _items(told)
            yield from found
            offset += _PAGE
            if not found or not told.get("next"):
                return


def _items(told: Any) -> list[Any]:
    found = told.get("items") if isinstance(told, dict) else None
    return found if isinstance(found, list) else []


def _snapshot(told: Any) -> str:
    found = told.get("snapshot_id") if isinstance(told, dict) else None
    return found if isinstance(found, str) else ""


def _id(given: str) -> str:
    """An id as a part of a path, whatever was given."""
    return quote(given, safe="")
