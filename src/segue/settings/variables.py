"""Settings from the variables that other programs read, as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

__all__ = [
    "LastfmVariables",
    "PortVariable",
    "SnowflakeVariables",
    "SpotifyVariables",
    "TopicVariable",
]


class Variables(PydanticBaseSettingsSource):
    """The variables that other programs of a service read, as they are."""

    SECTION: ClassVar[str]
    NAMES: ClassVar[Mapping[str, str]]

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing for single settings: the section comes as a whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The section with what is set."""
        values = {name: os.environ.get(variable) for name, variable in self.NAMES.items()}
        section = {name: value for name, value in values.items() if value}
        return {self.SECTION: section} if section else {}


class SnowflakeVariables(Variables):
    """Those of Snowflake."""

    SECTION = "snowflake"
    NAMES: ClassVar[Mapping[str, str]] = {
        "account": "SNOWFLAKE_ACCOUNT",
        "user": "SNOWFLAKE_USER",
        "password": "SNOWFLAKE_PASSWORD",
        "private_key_path": "SNOWFLAKE_PRIVATE_KEY_PATH",
        "private_key_passphrase": "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE",
        "role": "SNOWFLAKE_ROLE",
        "database": "SNOWFLAKE_DATABASE",
        "schema_prefix": "SNOWFLAKE_SCHEMA",
        "warehouse": "SNOWFLAKE_WAREHOUSE",
    }


class SpotifyVariables(Variables):
    """Those that programs for Spotify agree on."""

    SECTION = "spotify"
    NAMES: ClassVar[Mapping[str, str]] = {
        "client_id": "SPOTIFY_CLIENT_ID",
        "client_secret": "SPOTIFY_CLIENT_SECRET",
        "refresh_token": "SPOTIFY_REFRESH_TOKEN",
        "redirect_uri": "SPOTIFY_REDIRECT_URI",
        "playlist_id": "SPOTIFY_PLAYLIST_ID",
    }


class TopicVariable(Variables):
    """The topic of AWS's notification service."""

    SECTION = "notifications"
    NAMES: ClassVar[Mapping[str, str]] = {"sns_topic_arn": "SNS_TOPIC_ARN"}


class LastfmVariables(Variables):
    """The one that programs for Last.fm agree on."""

    SECTION = "lastfm"
    NAMES: ClassVar[Mapping[str, str]] = {"api_key": "LASTFM_API_KEY"}


class PortVariable(PydanticBaseSettingsSource):
    """PORT, by which platforms tell a web service where to listen."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing for single settings: the section comes as a whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The section with the port, if it is set."""
        port = os.environ.get("PORT")
        return {"service": {"port": port}} if port else {}
