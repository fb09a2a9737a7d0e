"""Every setting, with its default: arguments over environment over segue.toml over defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from segue.errors import ConfigError

__all__ = ["Settings", "default_home", "expanded", "load_settings", "settings_file"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputLimits(_Part):
    """How much an archive may unpack to; a guard against zip bombs."""

    max_member_bytes: int = Field(
        4 * 1024**3, gt=0, description="Largest file inside an archive, unpacked, in bytes."
    )
    max_total_bytes: int = Field(
        32 * 1024**3, gt=0, description="All files of an archive together, unpacked, in bytes."
    )
    max_ratio: float = Field(
        200.0, gt=1, description="Largest ratio of unpacked to packed size of one file."
    )
    max_members: int = Field(100_000, gt=0, description="Most files in one archive or folder.")


class PlayRules(_Part):
    """What counts as a play; applied when the warehouse is built, never at import."""

    counted_ms: int = Field(
        30_000, ge=0, description="A play counts from this many milliseconds on."
    )
    finished_share: float = Field(
        0.9, gt=0, le=1, description="Heard for this share of the track: finished."
    )
    session_gap_minutes: int = Field(
        30, gt=0, description="A pause longer than this starts a new session."
    )
    same_play_seconds: int = Field(
        90,
        ge=0,
        description="Two sources may differ by this much about the start of the same play.",
    )


class Matching(_Part):
    """How played tracks are found in catalogues."""

    fuzzy_threshold: float = Field(
        90.0, ge=50, le=100, description="Lowest fuzzy score, 0 to 100, that is a match."
    )


class Training(_Part):
    """What the models learn from."""

    sources: tuple[str, ...] = Field(
        (
            "spotify_export",
            "spotify_account",
            "lastfm",
            "listenbrainz",
            "maloja",
            "koito",
            "simulated",
            "app",
        ),
        description="Sources of plays that models may learn from; add spotify_api to opt in.",
    )
    left_out: tuple[str, ...] = Field(
        ("bpr", "crowd_blend", "item_knn", "next_track", "rp3beta", "track2vec"),
        description="Installed recommenders that are neither trained nor compared.",
    )
    refit: bool = Field(
        False,
        description="Begin from the published models where a model can: sooner done, but the "
        "result depends on them, too.",
    )
    seed: int = Field(17, ge=0, description="Seed of everything random in training.")
    threads: int = Field(0, ge=0, description="Threads for training; 0 means all cores.")


class PostgreSQL(_Part):
    """How the PostgreSQL server is reached; what is not said, PG… variables and a passfile say."""

    url: SecretStr | None = Field(
        None,
        description="Address of the database: postgresql://user@host:5432/database?sslmode=…",
    )
    host: str | None = Field(None, description="Host, or the folder of the server's socket.")
    port: int | None = Field(None, ge=1, le=65535, description="Port.")
    user: str | None = Field(None, description="User (role) who builds.")
    password: SecretStr | None = Field(
        None, description="Password; better kept in a passfile (~/.pgpass)."
    )
    database: str | None = Field(None, description="Database.")
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = (
        Field(None, description="How TLS is used; verify-full for a server on another host.")
    )
    sslrootcert: str | None = Field(
        None, description="File of certificates that the server's must be signed by."
    )
    sslcert: str | None = Field(None, description="File of a certificate to sign in with.")
    sslkey: str | None = Field(None, description="File of that certificate's private key.")
    work_mem: str = Field(
        "64MB",
        pattern=r"^[1-9]\d*\s?(kB|MB|GB)$",
        description="Memory that one sort or join of a build may use on the server.",
    )


class Service(_Part):
    """The live service."""

    store: Literal["sqlite", "postgresql"] = Field(
        "sqlite",
        description="Where events, profiles, words and API keys are kept: a file in home, or a "
        "PostgreSQL server that several services share.",
    )
    url: SecretStr | None = Field(
        None,
        description="Address of that server's database; unset: what [postgresql] says.",
    )
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen at; any but this machine's own needs API keys.",
    )
    port: int = Field(
        8000, ge=0, le=65535, description="Port; PORT says the same. 0: one that is free."
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that answer, side by side.")
    rate: float = Field(
        1000.0,
        ge=0,
        description="Requests a second for an API key that has no rate of its own; 0: no limit.",
    )
    batch: int = Field(500, ge=1, le=10_000, description="Most events in one request.")
    body_bytes: int = Field(1024**2, ge=1024, description="Largest body of a request, in bytes.")
    in_flight: int = Field(
        1000, ge=1, description="Requests under way at once in a process; more are sent away."
    )
    connections: int = Field(
        2000, ge=1, description="Connections open at once in a process; more are sent away."
    )
    slow_seconds: float = Field(
        15.0, gt=0, description="So long a client may take to send a request or fetch an answer."
    )
    drain_seconds: int = Field(
        20, ge=0, description="So long requests may finish when the service is told to stop."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Web pages that may ask, such as https://player.example."
    )
    access_log: bool = Field(True, description="Whether each request is a line of the log.")


class Snowflake(_Part):
    """How Snowflake is reached; what is not said here, the variables SNOWFLAKE_… say."""

    account: str | None = Field(None, description="Account identifier: myorg-myaccount.")
    user: str | None = Field(None, description="User who builds.")
    password: SecretStr | None = Field(
        None, description="Password, where there is no key; better kept in SNOWFLAKE_PASSWORD."
    )
    private_key_path: str | None = Field(
        None, description="File of the user's private key (PEM), to sign in without a password."
    )
    private_key_passphrase: SecretStr | None = Field(
        None,
        description="What that file is encrypted with; better kept in"
        " SNOWFLAKE_PRIVATE_KEY_PASSPHRASE.",
    )
    role: str | None = Field(None, description="Role that builds; else the user's default role.")
    database: str | None = Field(None, description="Database for raw tables and marts.")
    schema_prefix: str | None = Field(
        None,
        description="SEGUE calls the schemas SEGUE_RAW, SEGUE_INTERMEDIATE and SEGUE_MARTS;"
        " SNOWFLAKE_SCHEMA says the same.",
    )
    warehouse: str | None = Field(None, description="Virtual warehouse that does the work.")
    url: str | None = Field(
        None, description="Address of the service, where it is not the account's own (PrivateLink)."
    )
    timeout_s: int = Field(
        120, ge=1, description="Seconds without an answer until a lost connection is given up."
    )


class Recommending(_Part):
    """How playlists are put together."""

    size: int = Field(30, ge=1, le=1000, description="Tracks in a playlist.")
    adventurous: float = Field(0.3, ge=0, le=1, description="From the familiar (0) to the far (1).")
    per_artist: int = Field(2, ge=1, description="Most tracks of one artist in a playlist.")
    recent_hours: int = Field(
        8, ge=0, description="A track played within this many hours is left out."
    )


class S3(_Part):
    """How to speak to the S3 that keeps the lake; credentials are no settings of Segue."""

    endpoint_url: str = Field(
        "", description="Address of an S3 that is not AWS's, such as http://minio:9000."
    )
    region: str = Field("", description="Region of the bucket; else AWS_REGION or the AWS files.")
    path_style: bool | None = Field(
        None,
        description="Addresses with the bucket in the path, as MinIO wants them; unset: where an "
        "endpoint is given.",
    )
    timeout_seconds: float = Field(
        30.0, gt=0, description="Without an answer for so long, a request is made again."
    )


class TokenStore(_Part):
    """Where tokens of foreign services are kept."""

    store: str = Field(
        "auto",
        min_length=1,
        description="keyring (of the operating system), file (encrypted) or aws (Secrets Manager);"
        " auto: the keyring where there is one, else the file.",
    )
    passphrase: SecretStr | None = Field(
        None,
        description="What the encrypted file is locked with; unset: a key file beside it. Better"
        " kept in the environment.",
    )
    prefix: str = Field(
        "segue",
        pattern=r"^[A-Za-z0-9/_+.@-]{1,100}$",
        description="Before the names of secrets in Secrets Manager; the service in a keyring.",
    )
    region: str = Field(
        "", description="Region of Secrets Manager; else AWS_REGION or the AWS files."
    )
    endpoint_url: str = Field("", description="Address of a Secrets Manager that is not AWS's.")


class SpotifyApp(_Part):
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


class ListenBrainzAccount(_Part):
    """The account at ListenBrainz that playlists go to."""

    user: str | None = Field(None, description="Your name there.")
    token: SecretStr | None = Field(
        None, description="Your token, from listenbrainz.org/settings; better in the environment."
    )
    url: str = Field("https://api.listenbrainz.org", description="Its address; another for tests.")
    requests_per_day: int = Field(5_000, ge=1, description="Requests to it in any 24 hours.")


class SubsonicServer(_Part):
    """The Subsonic server, such as Navidrome, that playlists go to."""

    url: str | None = Field(None, description="Its address, such as https://music.example.")
    user: str | None = Field(None, description="Your name there.")
    password: SecretStr | None = Field(
        None, description="Your password there; better kept in the environment."
    )
    requests_per_day: int = Field(50_000, ge=1, description="Requests to it in any 24 hours.")


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
    recommend: Recommending = Recommending()
    service: Service = Service()
    postgresql: PostgreSQL = PostgreSQL()
    snowflake: Snowflake = Snowflake()
    secrets: TokenStore = TokenStore()
    spotify: SpotifyApp = SpotifyApp()
    listenbrainz: ListenBrainzAccount = ListenBrainzAccount()
    subsonic: SubsonicServer = SubsonicServer()
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
            _SnowflakeVariables(settings_cls),
            _SpotifyVariables(settings_cls),
            _PortVariable(settings_cls),
            TomlConfigSettingsSource(settings_cls, file),
        )


class _Variables(PydanticBaseSettingsSource):
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


class _SnowflakeVariables(_Variables):
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


class _SpotifyVariables(_Variables):
    """Those that programs for Spotify agree on."""

    SECTION = "spotify"
    NAMES: ClassVar[Mapping[str, str]] = {
        "client_id": "SPOTIFY_CLIENT_ID",
        "client_secret": "SPOTIFY_CLIENT_SECRET",
        "refresh_token": "SPOTIFY_REFRESH_TOKEN",
        "redirect_uri": "SPOTIFY_REDIRECT_URI",
        "playlist_id": "SPOTIFY_PLAYLIST_ID",
    }


class _PortVariable(PydanticBaseSettingsSource):
    """PORT, by which platforms tell a web service where to listen."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing for single settings: the section comes as a whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The section with the port, if it is set."""
        port = os.environ.get("PORT")
        return {"service": {"port": port}} if port else {}


def _tells_secrets(place: Sequence[str | int]) -> bool:
    """Whether a value at this place of the settings may hold a password: not to be shown."""
    if not place:
        return True
    field = Settings.model_fields.get(str(place[0]))
    part = None if field is None else type(field.default)
    return any("SecretStr" in str(known.annotation) for known in _fields(part).values())


def _fields(part: Any) -> Mapping[str, FieldInfo]:
    """The fields of a section; none for a setting of its own."""
    return part.model_fields if isinstance(part, type) and issubclass(part, _Part) else {}


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
