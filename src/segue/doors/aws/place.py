"""What a handler finds in its environment, read once for a cold start."""

from __future__ import annotations

import json
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
from segue.music.training_sources import TRAINING_SOURCES

__all__ = ["begin", "dead_letters", "now", "personalize", "profiles", "training_sources"]

_DAYS: Final = 30


def begin(*services: str) -> None:
    """In Lambda, make clients of these services while the function starts.

    Starting has a whole processor, and events only their share of one, which for 256 MB is a
    seventh: what is imported for the first event would keep it waiting.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        for service in services:
            _aws(service).client(service)


@lru_cache(maxsize=1)
def profiles() -> ProfileTable:
    """The table of SEGUE_PROFILE_TABLE; events stay SEGUE_EVENT_DAYS (30)."""
    days = os.environ.get("SEGUE_EVENT_DAYS", str(_DAYS))
    if not days.isdecimal() or not int(days):
        raise ConfigError(f"SEGUE_EVENT_DAYS is “{days}”", cure="Give a whole number of days.")
    keep = timedelta(days=int(days))
    return ProfileTable(_aws("dynamodb"), _told("SEGUE_PROFILE_TABLE"), keep=keep, sleep=time.sleep)


@lru_cache(maxsize=1)
def personalize() -> PersonalizeEvents:
    """The event tracker of SEGUE_TRACKING_ID; elsewhere with SEGUE_PERSONALIZE__ENDPOINT_URL."""
    return PersonalizeEvents(_aws("personalize-events"), _told("SEGUE_TRACKING_ID"))


@lru_cache(maxsize=1)
def dead_letters() -> Letters:
    """The queue of SEGUE_DEAD_LETTERS, for what is no event."""
    return Letters(_aws("sqs"), _told("SEGUE_DEAD_LETTERS"))


@lru_cache(maxsize=1)
def training_sources() -> frozenset[str]:
    """Whose plays may be learned from: SEGUE_TRAINING__SOURCES, a list as JSON, as everywhere."""
    told = os.environ.get("SEGUE_TRAINING__SOURCES", "")
    try:
        found = json.loads(told) if told else TRAINING_SOURCES
    except ValueError:
        found = None
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise ConfigError(
            f"SEGUE_TRAINING__SOURCES is “{told}”",
            cure='Give a list of sources as JSON, such as ["app", "lastfm"].',
        )
    return frozenset(found)


def now() -> datetime:
    """The clock."""
    return datetime.now(tz=UTC)


def _aws(service: str) -> Aws:
    elsewhere = service.startswith("personalize")
    return Aws(
        endpoint_url=os.environ.get("SEGUE_PERSONALIZE__ENDPOINT_URL", "") if elsewhere else ""
    )


def _told(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set", cure="Set it in the function's environment.")
    return value
