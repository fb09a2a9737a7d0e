"""Where daily data sets come from and go to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from segue.aws.clients import Aws
from segue.aws.profile_reader import ProfileReader
from segue.errors import ConfigError
from segue.flows.personalize.account import Account
from segue.progress import Progress
from segue.settings import Settings
from segue.warehouse.s3_client import S3Options, S3Place
from segue.warehouse.s3_files import S3Files

__all__ = ["Places", "Work", "open_places"]


@dataclass(frozen=True)
class Places:
    """What a run reads and writes.

    Args:
        events: Raw events, below day=YYYY-MM-DD.
        ledger: What was taken.
        sets: The data sets, for Personalize to read.
        catalogue: Tracks; None: none are sent.
        profiles: What is known of users; None: nothing is.
    """

    events: S3Files
    ledger: S3Files
    sets: S3Files
    catalogue: S3Files | None
    profiles: ProfileReader | None

    @property
    def sets_address(self) -> str:
        """The address that data sets lie below."""
        return str(self.sets.place)


@dataclass(frozen=True)
class Work:
    """What every step needs.

    Args:
        account: Of Personalize.
        places: What is read and written.
        now: Aware UTC.
        seconds_left: How long this process has still got.
        progress: Is told how far it is.
    """

    account: Account
    places: Places
    now: datetime
    seconds_left: Callable[[], float]
    progress: Progress

    @property
    def settings(self) -> Settings:
        """All of them."""
        return self.account.settings


def open_places(settings: Settings, *, sleep: Callable[[float], None]) -> Places:
    """The places that the settings name.

    Raises:
        ConfigError: One that is needed is not named, or is no place in S3.
    """
    told = settings.personalize
    for field in ("events", "ledger", "bucket", "role_arn"):
        if not getattr(told, field):
            raise ConfigError(
                f"personalize.{field} is not set",
                field=f"personalize.{field}",
                cure="See docs/personalize.md for what daily data sets need.",
            )
    events = S3Files(S3Place.parse(told.events), S3Options(**settings.s3.model_dump()))
    return Places(
        events,
        events.beside(S3Place.parse(told.ledger)),
        events.beside(S3Place.parse(told.bucket)),
        events.beside(S3Place.parse(told.catalogue)) if told.catalogue else None,
        ProfileReader(Aws(), told.profiles, sleep=sleep) if told.profiles else None,
    )
