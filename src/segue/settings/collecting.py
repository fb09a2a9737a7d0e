"""Settings of what is collected live, and of Last.fm."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from segue.settings.part import Part

__all__ = ["Collecting", "LastfmAccount"]


class LastfmAccount(Part):
    """The account at Last.fm that plays are collected from; LASTFM_API_KEY says its key, too."""

    user: str | None = Field(None, description="Your name there.")
    also: tuple[str, ...] = Field(
        (), description="More names of yours there, such as that of an older account."
    )
    api_key: SecretStr | None = Field(
        None,
        description="Your API key, from last.fm/api/account/create; better in the environment.",
    )
    url: str = Field("https://ws.audioscrobbler.com", description="Its address; another for tests.")
    requests_per_day: int = Field(5_000, ge=1, description="Requests to it in any 24 hours.")


class Collecting(Part):
    """What `segue collect` collects from."""

    sources: tuple[Literal["spotify", "lastfm", "listenbrainz"], ...] = Field(
        ("spotify", "lastfm", "listenbrainz"),
        description="Where plays are collected from, if Segue knows an account there.",
    )
