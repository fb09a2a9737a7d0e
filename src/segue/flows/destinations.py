"""Services that keep playlists, by name, as a data home knows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segue.errors import ConfigError
from segue.flows.accounts import account_at
from segue.flows.home_parts import playlists_of
from segue.flows.json_services import json_service
from segue.flows.wiring import Wiring
from segue.playlists.given import GivenLists
from segue.playlists.published import PublishedLists
from segue.playlists.service_base import PlaylistService
from segue.playlists.service_sink import ServiceSink

if TYPE_CHECKING:
    from segue.playlists.base import Sink

__all__ = [
    "DESTINATIONS",
    "given_lists",
    "open_service",
    "open_sink",
    "published_lists",
    "service_sink",
]

DESTINATIONS: Final = ("spotify", "listenbrainz", "subsonic")
_FORMATS: Final = {".m3u": "m3u", ".m3u8": "m3u", ".json": "json", ".jspf": "jspf", ".csv": "csv"}
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
    if name == "listenbrainz":
        from segue.playlists.listenbrainz_playlists import ListenBrainzPlaylists

        told, account = wiring.settings.listenbrainz, account_at(wiring, name, user_id)
        user, token = _needed(name, user=account.name, token=account.secret)
        sign_in = "Take a new token from https://listenbrainz.org/settings."
        headers = {"Authorization": f"Token {token}"}
        asks = json_service(
            wiring, "ListenBrainz", told.url, clock, headers=headers, sign_in=sign_in
        )
        return ListenBrainzPlaylists(asks, user, purpose)
    if name == "subsonic":
        from segue.playlists.subsonic_playlists import SubsonicPlaylists

        server, account = wiring.settings.subsonic, account_at(wiring, name, user_id)
        url, user, password = _needed(
            name, url=server.url, user=account.name, password=account.secret
        )
        sign_in = "Are subsonic.user and subsonic.password right?"
        asks = json_service(wiring, "Subsonic", url, clock, sign_in=sign_in)
        return SubsonicPlaylists(asks, user, password, purpose=purpose)
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
        published_lists(wiring.home, user_id),
        into=into or (usual or "" if is_main else ""),
        insist=bool(into),
        given=given_lists(wiring.home, user_id),
        clock=clock,
    )


def published_lists(home: Path, user_id: str) -> PublishedLists:
    """What is remembered of a user's playlists elsewhere."""
    return PublishedLists(playlists_of(home, user_id) / _PUBLISHED)


def given_lists(home: Path, user_id: str) -> GivenLists:
    """Which playlists were published for a user, and when."""
    return GivenLists(playlists_of(home, user_id) / _PUBLISHED)


def open_sink(
    wiring: Wiring, name: str, *, user_id: str, clock: Callable[[], datetime], into: str = ""
) -> Sink:
    """A service by its name, or a file by its suffix; see `service_sink`."""
    if (kind := _FORMATS.get(Path(name).suffix.lower())) is not None:
        return wiring.sink(kind, Path(name).expanduser())
    return service_sink(wiring, name, user_id=user_id, clock=clock, into=into)


def _needed(section: str, **told: str | None) -> tuple[str, ...]:
    """Values of settings that must be there."""
    for name, value in told.items():
        if not value:
            raise ConfigError(
                f"{section}.{name} is not set",
                field=f"{section}.{name}",
                cure=f"Set SEGUE_{section.upper()}__{name.upper()}, or {name} under [{section}] in"
                " segue.toml"
                + (f"; or keep it: segue secrets set {section}." if name != "url" else "."),
            )
    return tuple(value or "" for value in told.values())
