"""What a handler finds in its environment, read once for a cold start."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from segue.aws.clients import Aws
from segue.aws.personalize_live import PersonalizeEvents
from segue.aws.profile_table import ProfileTable
from segue.aws.queue import Letters
from segue.errors import ConfigError

__all__ = ["dead_letters", "now", "personalize", "profiles"]

_DAYS: Final = 30


@lru_cache(maxsize=1)
def profiles() -> ProfileTable:
    """The table of SEGUE_PROFILE_TABLE; events stay SEGUE_EVENT_DAYS (30)."""
    days = os.environ.get("SEGUE_EVENT_DAYS", str(_DAYS))
    if not days.isdecimal() or not int(days):
        raise ConfigError(f"SEGUE_EVENT_DAYS is “{days}”", cure="Give a whole number of days.")
    keep = timedelta(days=int(days))
    return ProfileTable(Aws(), _told("SEGUE_PROFILE_TABLE"), keep=keep, sleep=time.sleep)


@lru_cache(maxsize=1)
def personalize() -> PersonalizeEvents:
    """The event tracker of SEGUE_TRACKING_ID; elsewhere with SEGUE_PERSONALIZE__ENDPOINT_URL."""
    aws = Aws(endpoint_url=os.environ.get("SEGUE_PERSONALIZE__ENDPOINT_URL", ""))
    return PersonalizeEvents(aws, _told("SEGUE_TRACKING_ID"))


@lru_cache(maxsize=1)
def dead_letters() -> Letters:
    """The queue of SEGUE_DEAD_LETTERS, for what is no event."""
    return Letters(Aws(), _told("SEGUE_DEAD_LETTERS"))


def now() -> datetime:
    """The clock."""
    return datetime.now(tz=UTC)


def _told(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set", cure="Set it in the function's environment.")
    return value
