"""What every step on the way to a playlist, and every destination of one, keeps to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from segue.music.candidates import Candidates
from segue.music.playlist import Playlist

__all__ = ["PublishReport", "Sink", "Step"]


class Step(Protocol):
    """Filter, rerank, diversify or order: candidates in, candidates out."""

    def __call__(self, candidates: Candidates, /) -> Candidates:
        """Never adds a track, never changes evidence."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a sink did, or would do."""

    destination: str
    tracks: int
    changed: bool
    dry_run: bool = False


class Sink(Protocol):
    """A destination for playlists: a file format or a service."""

    name: ClassVar[str]

    def publish(self, playlist: Playlist, *, dry_run: bool = False) -> PublishReport:
        """Deliver the playlist; publishing the same one twice changes nothing."""
