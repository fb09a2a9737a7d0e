"""Services that keep playlists, by name, as a data home knows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from segue.errors import ConfigError
from segue.flows.home_parts import PLAYLISTS
from segue.flows.wiring import Wiring
from segue.playlists.published import PublishedLists
from segue.playlists.service_base import PlaylistService
from segue.playlists.service_sink import ServiceSink

__all__ = ["DESTINATIONS", "open_service", "service_sink"]

DESTINATIONS: Final = ("spotify",)
_PUBLISHED: Final = "published"


def open_service(
    wiring: Wiring, name: str, *, user_id: str, clock: Callable[[], datetime], purpose: str
) -> PlaylistService:
    """One user's playlists at a service.

    Args:
        name: One of `DESTINATIONS`.
        clock: The time, aware UTC.
        purpose: What requests count for.

    Raises:
        ConfigError: There is no such service.
    """
    if name == "spotify":
        from segue.playlists.spotify_playlists import SpotifyPlaylists

        house = wiring.spotify(clock)
        return SpotifyPlaylists(
            house.api(user_id, purpose), lambda: house.usage.by_purpose.get(purpose, 0)
        )
    raise ConfigError(
        f"playlists cannot be published to “{name}”",
        field="to",
        cure=f"Choose one of: {', '.join(DESTINATIONS)}; or name a file, such as week.m3u.",
    )


def service_sink(
    wiring: Wiring, name: str, *, user_id: str, clock: Callable[[], datetime], into: str = ""
) -> ServiceSink:
    """A sink for one user's playlists at a service.

    Args:
        into: An existing playlist to refresh; empty: the one of `SPOTIFY_PLAYLIST_ID` for the
            first playlist that is published there, else one that Segue makes.

    Raises:
        ConfigError: There is no such service.
    """
    service = open_service(wiring, name, user_id=user_id, clock=clock, purpose="publish")
    usual = wiring.settings.spotify.playlist_id if name == "spotify" else None
    is_main = user_id == wiring.settings.user_id
    return ServiceSink(
        service,
        PublishedLists(wiring.home / PLAYLISTS / _PUBLISHED),
        account=user_id,
        into=into or (usual or "" if is_main else ""),
        insist=bool(into),
    )
