"""Every setting, with its default: arguments over environment over segue.toml over defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from segue.errors import ConfigError
from segue.settings.accounts import ListenBrainzAccount, SpotifyApp, SubsonicServer
from segue.settings.amazon import AmazonPersonalize
from segue.settings.collecting import Collecting, LastfmAccount
from segue.settings.enriching import Enriching, MusicBrainzAccess, ReccoBeatsAccess
from segue.settings.household import HouseholdUser, NotMine
from segue.settings.listening import (
    InputLimits,
    Matching,
    PlayRules,
    Recommending,
    SparkSettings,
    Training,
)
from segue.settings.notifications import Notifications
from segue.settings.part import Part
from segue.settings.scheduling import Schedules, Scheduling, usual_schedules
from segue.settings.service import Service
from segue.settings.stores import S3, DuckDB, PostgreSQL, Snowflake, TokenStore
from segue.settings.updating import KeptPlaylist, Updating
from segue.settings.variables import (
    LastfmVariables,
    PortVariable,
    SnowflakeVariables,
    SpotifyVariables,
    TopicVariable,
)
from segue.settings.web import Web

__all__ = ["Settings", "default_home", "expanded", "load_settings", "settings_file"]


class Settings(BaseSettings):
    """All settings. Environment names are SEGUE_HOME, SEGUE_PLAYS__COUNTED_MS and so on."""

    model_config = SettingsConfigDict(
        env_prefix="SEGUE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
    )

    home: Path = Field(
        default_factory=lambda: default_home(), description="Folder that holds all data."
    )
    user_id: str = Field(
        "me", min_length=1, description="User whose history and playlists these are."
    )
    users: tuple[HouseholdUser, ...] = Field(
        (), description="Who lives in the house, and what the page calls them: [[users]] each."
    )
    not_mine: tuple[NotMine, ...] = Field(
        (),
        description="Plays that somebody else made under a user's name, such as a child's: "
        "[[not_mine]] each.",
    )
    time_zone: str = Field(
        "local",
        min_length=1,
        description="Where the user's days and hours are told, such as Europe/Berlin; "
        "local: where this machine is.",
    )
    lake: str = Field(
        "",
        description="Where raw facts are kept: a folder or s3://bucket/prefix; empty: the folder "
        "lake in home.",
    )
    compact_at: int = Field(
        64,
        ge=0,
        description="A build puts small lake files together once this many are of one user, "
        "source and year; 0: never.",
    )
    warehouse: str = Field("duckdb", description="Warehouse to build in.")
    memory_limit: str = Field(
        "1GB",
        pattern=r"^[1-9]\d*(\.\d+)?\s?([KMGT]i?)?B$",
        description="Memory DuckDB may use, such as 1GB or 750MB.",
    )
    threads: int = Field(0, ge=0, description="Threads DuckDB may use; 0 means all cores.")
    s3: S3 = S3()
    inputs: InputLimits = InputLimits()
    plays: PlayRules = PlayRules()
    matching: Matching = Matching()
    training: Training = Training()
    spark: SparkSettings = SparkSettings()
    recommend: Recommending = Recommending()
    service: Service = Service()
    web: Web = Web()
    duckdb: DuckDB = DuckDB()
    postgresql: PostgreSQL = PostgreSQL()
    snowflake: Snowflake = Snowflake()
    secrets: TokenStore = TokenStore()
    spotify: SpotifyApp = SpotifyApp()
    lastfm: LastfmAccount = LastfmAccount()
    listenbrainz: ListenBrainzAccount = ListenBrainzAccount()
    collect: Collecting = Collecting()
    enrich: Enriching = Enriching()
    musicbrainz: MusicBrainzAccess = MusicBrainzAccess()
    reccobeats: ReccoBeatsAccess = ReccoBeatsAccess()
    subsonic: SubsonicServer = SubsonicServer()
    notifications: Notifications = Notifications()
    personalize: AmazonPersonalize = AmazonPersonalize()
    playlists: tuple[KeptPlaylist, ...] = Field(
        (), description="Playlists that `segue update` keeps fresh: a table [[playlists]] each."
    )
    update: Updating = Updating()
    schedules: Schedules = Field(
        default_factory=usual_schedules,
        description="What runs by itself, and when: a table [schedules.NAME] each.",
    )
    schedule: Scheduling = Scheduling()
    models: dict[str, dict[str, bool | int | float | str]] = Field(
        default_factory=dict,
        description="Settings of single models by their names; see `segue tune`.",
    )

    def section(self, name: str) -> dict[str, Any]:
        """The fields of the section with this name; nothing where there is no such section."""
        part = getattr(self, name) if name in type(self).model_fields else None
        return {field: getattr(part, field) for field in _fields(type(part))}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then segue.toml."""
        del dotenv_settings, file_secret_settings
        file = _settings_file(init_settings())
        return (
            init_settings,
            env_settings,
            SnowflakeVariables(settings_cls),
            SpotifyVariables(settings_cls),
            TopicVariable(settings_cls),
            LastfmVariables(settings_cls),
            PortVariable(settings_cls),
            TomlConfigSettingsSource(settings_cls, file),
        )


def _tells_secrets(place: Sequence[str | int]) -> bool:
    """Whether a value at this place of the settings may hold a password: not to be shown."""
    if not place:
        return True
    field = Settings.model_fields.get(str(place[0]))
    part = None if field is None else type(field.default)
    return any("SecretStr" in str(known.annotation) for known in _fields(part).values())


def _fields(part: Any) -> Mapping[str, FieldInfo]:
    """The fields of a section; none for a setting of its own."""
    return part.model_fields if isinstance(part, type) and issubclass(part, Part) else {}


def default_home() -> Path:
    """The data home when nobody says otherwise: XDG's data folder."""
    base = os.environ.get("XDG_DATA_HOME") or expanded(Path("~/.local/share"))
    return Path(base) / "segue"


def expanded(path: Path, *, field: str = "home") -> Path:
    """The path with ~ written out.

    Raises:
        ConfigError: Nobody knows where ~ is.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{path}: the home directory is not known ({error})",
            field=field,
            cure="Set SEGUE_HOME to a folder, written in full, or give --home.",
        ) from error


def settings_file(home: Path | None = None) -> Path:
    """The segue.toml that is read: the one here, else the one in the data home."""
    return _settings_file({"home": home}).absolute()


def _settings_file(arguments: dict[str, Any]) -> Path:
    here = Path("segue.toml")
    if here.is_file():
        return here
    home = arguments.get("home") or os.environ.get("SEGUE_HOME") or default_home()
    return expanded(Path(home)) / "segue.toml"


def load_settings(**arguments: Any) -> Settings:
    """Read all settings once; arguments that are None count as not given.

    Raises:
        ConfigError: A value cannot be used; the message names the setting and the cure.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        got = "" if _tells_secrets(first["loc"]) else f" (got {first.get('input')!r})"
        raise ConfigError(
            f"setting {name}: {first['msg']}{got}",
            field=name,
            cure="See docs/configuration.md for every setting and its bounds.",
        ) from error
    except SettingsError as error:
        raise ConfigError(
            f"an environment variable cannot be read: {error}",
            cure="Lists are written as JSON, such as SEGUE_TRAINING__SOURCES='[\"lastfm\"]'.",
        ) from error
    except (ValueError, OSError) as error:  # a segue.toml that is not TOML, or not readable
        raise ConfigError(
            f"segue.toml cannot be read: {error}", cure="Mend the file or move it away."
        ) from error
    home = expanded(settings.home).absolute()
    return settings.model_copy(update={"home": home})
