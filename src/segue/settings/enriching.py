"""Settings of what open services are asked about tracks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from segue.settings.part import Part

__all__ = ["Enriching", "MusicBrainzAccess", "ReccoBeatsAccess"]


class Enriching(Part):
    """What `segue enrich` asks, and whom."""

    sources: tuple[Literal["listenbrainz", "lastfm", "reccobeats", "musicbrainz"], ...] = Field(
        (), description="Services that may be asked about your tracks; none unless you name it."
    )
    seeds: int = Field(300, ge=1, description="Tracks that similar ones are asked for.")
    tracks: int = Field(
        2_000, ge=1, description="Tracks of yours, and new ones, that facts are asked for."
    )
    requests: int = Field(500, ge=1, description="Requests to each service in one run.")


class MusicBrainzAccess(Part):
    """How MusicBrainz is asked; it wants to know who asks."""

    contact: str | None = Field(
        None,
        pattern=r"^\S*(@|://)\S+$",
        description="A mail or web address of yours, which MusicBrainz asks for.",
    )
    url: str = Field("https://musicbrainz.org", description="Its address; another for tests.")
    requests_per_day: int = Field(5_000, ge=1, description="Requests to it in any 24 hours.")


class ReccoBeatsAccess(Part):
    """How ReccoBeats is asked."""

    url: str = Field("https://api.reccobeats.com", description="Its address; another for tests.")
    requests_per_day: int = Field(2_000, ge=1, description="Requests to it in any 24 hours.")
