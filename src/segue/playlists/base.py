"""What every step on the way to a playlist, and every destination of one, keeps to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from segue.music.candidates import Candidates
from segue.music.playlist import Playlist

__all__ = ["PublishReport", "Sink", "Step"]


class Step(Protocol):
    """Filter, rerank, diversify or order: candidates in, candidates out."""

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """Never adds a track, never changes evidence."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a sink did, or would do.

    Args:
        destination: The file, or the address of the playlist; of one that is not made yet, the
            service.
        tracks: How many it holds.
        added: Tracks that were not there before, as “artists - title”; services only, as the rest.
        removed: What was there before, as the service names it.
        kept: How many stayed, wherever they were.
        unmatched: Tracks that the service does not have.
        replaced: How many stand for the same song under another id.
        requests: How many were made.
        remote_id: The playlist's id there; empty: it is not made yet.
    """

    destination: str
    tracks: int
    changed: bool
    dry_run: bool = False
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: int = 0
    unmatched: tuple[str, ...] = ()
    replaced: int = 0
    requests: int = 0
    remote_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "destination": self.destination,
            "remote_id": self.remote_id or None,
            "tracks": self.tracks,
            "changed": self.changed,
            "dry_run": self.dry_run,
            "added": list(self.added),
            "removed": list(self.removed),
            "kept": self.kept,
            "unmatched": list(self.unmatched),
            "replaced": self.replaced,
            "requests": self.requests,
        }


class Sink(Protocol):
    """A destination for playlists: a file format or a service."""

    name: ClassVar[str]

    def publish(self, playlist: Playlist, *, dry_run: bool = False) -> PublishReport:
        """Deliver the playlist; publishing the same one twice changes nothing."""
