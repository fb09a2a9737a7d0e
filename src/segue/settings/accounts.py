"""Settings of accounts at services of music."""

from __future__ import annotations

from pydantic import Field, SecretStr

from segue.settings.part import Part

__all__ = ["ListenBrainzAccount", "SpotifyApp", "SubsonicServer"]


class SpotifyApp(Part):
    """The app at Spotify that Segue signs in with; SPOTIFY_CLIENT_ID and so on say the same."""

    client_id: str | None = Field(
        None, description="Client id of your app at developer.spotify.com/dashboard."
    )
    client_secret: SecretStr | None = Field(
        None, description="Its secret; only for a refresh token that was made with it elsewhere."
    )
    refresh_token: SecretStr | None = Field(
        None, description="A refresh token of the user `user_id` that was made elsewhere."
    )
    redirect_uri: str = Field(
        "http://127.0.0.1/callback",
        description="Where Spotify sends the browser, exactly as it is registered with the app.",
    )
    playlist_id: str | None = Field(
        None,
        description="An existing playlist of the user `user_id`, which the first published playlist"
        " refreshes instead of a new one.",
    )
    cover: bool = Field(
        False, description="Draw covers for published playlists from how their tracks sound."
    )
    requests_per_day: int = Field(
        500, ge=1, description="Requests to Spotify in any 24 hours, of all users together."
    )
    api_url: str = Field(
        "https://api.spotify.com/v1", description="Address of the Web API; another for tests."
    )
    accounts_url: str = Field(
        "https://accounts.spotify.com",
        description="Address of the accounts service; another for tests.",
    )


class ListenBrainzAccount(Part):
    """The account at ListenBrainz that plays come from and playlists go to."""

    user: str | None = Field(None, description="Your name there.")
    also: tuple[str, ...] = Field(
        (), description="More names of yours there, of which plays are collected, too."
    )
    token: SecretStr | None = Field(
        None, description="Your token, from listenbrainz.org/settings; better in the environment."
    )
    url: str = Field("https://api.listenbrainz.org", description="Its address; another for tests.")
    labs_url: str = Field(
        "https://labs.api.listenbrainz.org",
        description="Address of its laboratory, which says what is alike; another for tests.",
    )
    requests_per_day: int = Field(5_000, ge=1, description="Requests to it in any 24 hours.")


class SubsonicServer(Part):
    """The Subsonic server, such as Navidrome, that playlists go to."""

    url: str | None = Field(None, description="Its address, such as https://music.example.")
    user: str | None = Field(None, description="Your name there.")
    password: SecretStr | None = Field(
        None, description="Your password there; better kept in the environment."
    )
    requests_per_day: int = Field(50_000, ge=1, description="Requests to it in any 24 hours.")
