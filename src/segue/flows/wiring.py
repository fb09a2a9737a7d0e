"""Settings turned into objects: the only place that knows which class stands behind a name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from segue.errors import ConfigError, StorageError, WarehouseError
from segue.own_folder import own_folder
from segue.settings import Settings, expanded
from segue.warehouse.home_journal import unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2
    from pydantic import SecretStr

    from segue.access.base import KeyStore
    from segue.events.base import EventLog
    from segue.flows.spotify.household import Household
    from segue.playlists.base import Sink
    from segue.postgresql.address import Address
    from segue.recommenders.bundle import BundleStore
    from segue.secrets.base import SecretStore
    from segue.services.state_file import StateFile
    from segue.sources.base import FileSource
    from segue.sources.input_limits import InputLimits
    from segue.warehouse.base import Rules, Warehouse
    from segue.warehouse.experiments import ExperimentStore
    from segue.warehouse.home_lock import HomeLock
    from segue.warehouse.lake import Lake
    from segue.warehouse.lake_store import LakeStore
    from segue.warehouse.snapshots import SnapshotStore

__all__ = ["Wiring", "adapters", "load_adapter"]


def adapters(group: str) -> tuple[str, ...]:
    """Names registered under `segue.<group>`, built-in or not, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=f"segue.{group}")}))


def load_adapter(group: str, name: str) -> Any:
    """The class behind a registered name.

    Raises:
        ConfigError: Nothing is registered under the name, or it cannot be imported.
    """
    found = [entry for entry in entry_points(group=f"segue.{group}") if entry.name == name]
    if not found:
        raise ConfigError(
            f"there is nothing called “{name}” among the {group}",
            field=group,
            cure=f"Choose one of: {', '.join(adapters(group))}.",
        )
    try:
        return found[0].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"“{name}” among the {group} cannot be loaded: {error}",
            field=group,
            cure=f"Install what {found[0].value} needs, or uninstall it.",
        ) from error


@dataclass(frozen=True)
class Wiring:
    """The objects of one data home; each is made when it is first asked for.

    Args:
        recovering: Whether this is for finishing what was interrupted in the home.
    """

    settings: Settings
    recovering: bool = False

    @property
    def home(self) -> Path:
        """The data home, made with access for its owner only, and ours until the process ends.

        Raises:
            StorageError: It cannot be made.
            BusyError: Another command has it for itself.
            WarehouseError: An interrupted command left it between old and new.
        """
        home = self.lock.home
        if not self.recovering and (found := unfinished(home)) is not None:
            raise WarehouseError(
                f"`segue {found['verb']}` was interrupted in {home} and must be finished first",
                cure="Any command does that, such as `segue status`.",
            )
        return home

    @cached_property
    def lock(self) -> HomeLock:
        """Our place in the data home, which is made where there is none."""
        from segue.warehouse.home_lock import HomeLock

        home = self.settings.home
        try:
            own_folder(home)
        except OSError as error:
            raise StorageError(
                f"the data home {home} cannot be made: {error.strerror}",
                cure="Name another folder with --home or SEGUE_HOME.",
            ) from error
        return HomeLock(home)

    @cached_property
    def lake(self) -> Lake:
        """Raw facts in Parquet."""
        from segue.warehouse.lake import Lake

        return Lake(
            self._lake_store,
            threads=self.settings.threads,
            memory_limit=self.settings.memory_limit,
        )

    @property
    def _lake_store(self) -> LakeStore:
        from segue.warehouse.lake_folder import LakeFolder

        place, home = self.settings.lake, self.home
        if place.startswith("s3:"):
            from segue.warehouse.lake_s3 import LakeS3, S3Options, S3Place

            parsed, options = S3Place.parse(place), S3Options(**self.settings.s3.model_dump())
            # One cache for each lake: another bucket may have files of the same names.
            seen_as = f"{options.endpoint_url} {parsed}".encode()
            name = hashlib.blake2b(seen_as, digest_size=8).hexdigest()
            return LakeS3(parsed, options, folder=home / "cache" / f"lake-{name}")
        if "://" in place:
            raise ConfigError(
                f"the lake cannot be kept at “{place}”",
                field="lake",
                cure="Give a folder, or s3://bucket/prefix.",
            )
        return LakeFolder(expanded(Path(place), field="lake") if place else home / "lake")

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse that the settings name."""
        kind = load_adapter("warehouses", self.settings.warehouse)
        made: Warehouse = kind(
            self.home / "warehouse" / f"segue.{self.settings.warehouse}",
            rules=self.rules,
            memory_limit=self.settings.memory_limit,
            threads=self.settings.threads,
            **self.settings.section(self.settings.warehouse),
        )
        return made

    def _time_zones(self) -> dict[str, str]:
        """The user's time zone, if it is set: marts do not depend on where they are made."""
        from segue.analytics.windows import zone_of

        zone = self.settings.time_zone
        return {} if zone == "local" else {self.settings.user_id: zone_of(zone).key}

    @cached_property
    def snapshots(self) -> SnapshotStore:
        """Published marts."""
        from segue.warehouse.snapshots import SnapshotStore

        return SnapshotStore(self.home / "snapshots")

    @cached_property
    def data_sets(self) -> SnapshotStore:
        """What builds on Spark made for trainings; it goes whenever the warehouse goes."""
        from segue.warehouse.snapshots import SnapshotStore

        return SnapshotStore(self.home / "warehouse" / "spark")

    @cached_property
    def rules(self) -> Rules:
        """What counts as a play, and how alike two titles must be."""
        from segue.warehouse.base import Rules

        return Rules(
            **self.settings.plays.model_dump(),
            fuzzy_threshold=self.settings.matching.fuzzy_threshold,
            time_zones=self._time_zones(),
        )

    @cached_property
    def bundles(self) -> BundleStore:
        """Published models."""
        from segue.recommenders.bundle import BundleStore

        return BundleStore(self.home / "models")

    @cached_property
    def experiments(self) -> ExperimentStore:
        """Interleaved playlists and whose track each is."""
        from segue.warehouse.experiments import ExperimentStore

        return ExperimentStore(self.home / "experiments")

    @cached_property
    def events(self) -> EventLog:
        """What happened while people listened, and how far each consumer has got with it."""
        return self.open_events(self.home)

    def open_events(self, home: Path, store: str = "") -> EventLog:
        """The event log of a home, opened once more; to be closed by the caller.

        Args:
            store: "sqlite" or "postgresql"; empty: as the settings say.
        """
        if (store or self.settings.service.store) == "postgresql":
            from segue.events.postgresql_log import PostgreSQLLog

            return PostgreSQLLog(self.live_database)
        from segue.events.sqlite_log import SqliteLog
        from segue.flows.home_parts import EVENT_LOG, EVENTS

        return SqliteLog(home / EVENTS / EVENT_LOG)

    @cached_property
    def keys(self) -> KeyStore:
        """Who may speak to the service."""
        return self.open_keys(self.home)

    def open_keys(self, home: Path, store: str = "") -> KeyStore:
        """The API keys of a home, opened once more. See `open_events`."""
        if (store or self.settings.service.store) == "postgresql":
            from segue.access.postgresql_keys import PostgreSQLKeys

            return PostgreSQLKeys(self.live_database)
        from segue.access.sqlite_keys import SqliteKeys
        from segue.flows.home_parts import ACCESS, KEYS

        return SqliteKeys(home / ACCESS / KEYS)

    @property
    def events_elsewhere(self) -> str:
        """Where events and API keys are, in words, if that is not the data home."""
        if self.settings.service.store == "sqlite":
            return ""
        try:
            return self.live_database.in_words()
        except ImportError:  # what speaks to it is not installed
            return "PostgreSQL"

    @property
    def live_database(self) -> Address:
        """Where events and keys are, where they are kept in PostgreSQL."""
        from segue.postgresql.address import Address
        from segue.postgresql.connections import LIVE_SESSION

        if self.settings.service.url is not None:
            return Address(self.settings.service.url, {}, LIVE_SESSION, "service.url")
        return Address.of_settings(self.settings.section("postgresql"), LIVE_SESSION)

    @cached_property
    def secrets(self) -> SecretStore:
        """Tokens of foreign services; read and written under their names.

        Raises:
            ConfigError: The setting names no store.
        """
        from segue.flows.home_parts import SECRETS
        from segue.secrets.base import Place

        asked = self.settings.secrets
        folder = self.home / SECRETS
        place = Place(
            folder, asked.passphrase, asked.prefix, asked.region, endpoint_url=asked.endpoint_url
        )
        name = _usual_store(folder) if asked.store == "auto" else asked.store
        made: SecretStore = load_adapter("secrets", name)(place)
        return made

    @cached_property
    def services(self) -> StateFile:
        """Requests to foreign services, and who is signed in there."""
        from segue.flows.home_parts import SERVICES, STATE
        from segue.services.state_file import StateFile

        return StateFile(self.home / SERVICES / STATE)

    @cached_property
    def http(self) -> httpx2.Client:
        """One client for requests to foreign services: making one takes longer than a request."""
        from segue.services.spotify.client import open_http

        return open_http()

    def spotify(self, clock: Callable[[], datetime]) -> Household:
        """Spotify, for all users of this home.

        Args:
            clock: The time, aware UTC.
        """
        from segue.flows.spotify.household import Household

        told = self.settings.spotify
        given = {
            "SPOTIFY_CLIENT_ID": told.client_id,
            "SPOTIFY_CLIENT_SECRET": _told(told.client_secret),
            "SPOTIFY_REFRESH_TOKEN": _told(told.refresh_token),
        }
        return Household(
            secrets=self.secrets,
            state=self.services,
            main_user=self.settings.user_id,
            given={name: value for name, value in given.items() if value},
            redirect_uri=told.redirect_uri,
            api_url=told.api_url,
            accounts_url=told.accounts_url,
            budget=told.requests_per_day,
            clock=clock,
            open_http=lambda: self.http,
        )

    @property
    def limits(self) -> InputLimits:
        """How much an input may unpack to."""
        from segue.sources.input_limits import InputLimits

        return InputLimits(**self.settings.inputs.model_dump())

    @property
    def sources(self) -> tuple[FileSource, ...]:
        """Every registered file source, of all kinds, in alphabetical order."""
        return tuple(load_adapter("sources", name)() for name in adapters("sources"))

    def sink(self, name: str, destination: Path | TextIO) -> Sink:
        """The playlist sink with this name, writing to a file or an open stream."""
        made: Sink = load_adapter("sinks", name)(destination)
        return made


def _usual_store(folder: Path) -> str:
    """The store that this home's secrets are in; for a new home the keyring, where there is one."""
    from segue.secrets.os_keyring import usable, was_used

    if (folder / "secrets.enc").exists():
        return "file"
    return "keyring" if was_used(folder) or usable() else "file"


def _told(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
