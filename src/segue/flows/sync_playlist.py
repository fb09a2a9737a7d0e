"""Add what is new in one playlist to another, wherever the two are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from segue.errors import ConfigError
from segue.flows.destinations import open_service
from segue.flows.playlist_places import SAVED, place_of, read_place
from segue.flows.wiring import Wiring
from segue.playlists.sync import SyncReport, synchronise

__all__ = ["Synced", "sync_playlist"]


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of it.

    Args:
        title: Of the source.
        report: What was added.
        requests: Made for both playlists.
    """

    title: str
    report: SyncReport
    requests: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**self.report.as_dict(), "requests": self.requests}


def sync_playlist(
    wiring: Wiring,
    source: str,
    target: str,
    *,
    user_id: str,
    clock: Callable[[], datetime],
    dry_run: bool = False,
) -> Synced:
    """Add the songs of a source that a target does not have, each once; nothing is taken out.

    Args:
        source: As people name playlists; see `place_of`.
        target: Likewise, one of the user's at a service.
        clock: The time, aware UTC.
        dry_run: Only tell what would be added.

    Raises:
        ConfigError: A name is none of a playlist, or nothing can be added to the target.
        ServiceError: A service refuses or does not answer; running it again goes on.
        SinkError: There is no such playlist.
    """
    start, end = place_of(source), place_of(target)
    if end.service == "file" or end.remote_id == SAVED:
        raise ConfigError(
            f"nothing can be added to “{target}”",
            field="target",
            cure="Name a playlist of yours at a service.",
        )
    read = read_place(wiring, start, user_id=user_id, clock=clock)
    service = open_service(wiring, end.service, user_id=user_id, clock=clock, purpose="playlists")
    report = synchronise(read.tracks, service, end.remote_id, dry_run=dry_run)
    return Synced(read.title, report, report.requests + read.requests)
