"""One machine builds and trains, others answer: models and marts on their way over S3."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from segue.aws.clients import Aws
from segue.aws.kept_files import KeptFiles
from segue.errors import ConfigError, SegueError
from segue.flows.aws.followed_home import FollowedHome
from segue.flows.aws.publish_home import PublishedHome, publish_home
from segue.flows.home_parts import MODELS, SNAPSHOTS
from segue.own_folder import own_folder
from segue.settings import Settings
from segue.warehouse.s3_client import S3Place
from segue.warehouse.storage import storing, write_atomically

__all__ = ["followed", "publish_made"]

_log = logging.getLogger(__name__)

_MARK: Final = "followed"
_POINTER: Final = "current"


def publish_made(settings: Settings, now: datetime) -> PublishedHome | None:
    """Bring the published models and marts to where the settings say; None where they do not.

    Raises:
        NotReadyError: Nothing was built and trained here.
        BusyError: Another machine publishes there at this moment.
        ServiceError: S3 refuses or does not answer.
    """
    place = settings.training.publish_to
    return publish_home(settings.home, _files(place), now) if place else None


@contextmanager
def followed(settings: Settings) -> Iterator[None]:
    """Have the models and marts of `service.follow` in this home, and newer ones when they come.

    Raises:
        ConfigError: This home has models or marts of its own.
        NotReadyError: Nothing is published there, and nothing is here.
        ServiceError: S3 refuses or does not answer, and nothing is here.
    """
    place = settings.service.follow
    if not place:
        yield
        return
    _mark(settings.home, place)
    home = FollowedHome(_files(place), settings.home)
    try:
        home.fetch()
    except SegueError as error:
        if home.empty:
            raise
        _log.warning("what is published cannot be had, what is here answers: %s", error)
    stop = threading.Event()
    thread = threading.Thread(
        target=_look, args=(home, settings.service.follow_seconds, stop), name="segue-published"
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _look(home: FollowedHome, every_s: float, stop: threading.Event) -> None:
    while not stop.wait(every_s):
        try:
            home.fetch()
        except SegueError as error:
            _log.warning("what is published cannot be had: %s", error)


def _files(place: str) -> KeptFiles:
    found = S3Place.parse(place)
    return KeptFiles(Aws(), found.bucket, found.prefix)


def _mark(home: Path, place: str) -> None:
    """Make sure that what is here came from there, so that nobody's own models are replaced."""
    mark = home / MODELS / _MARK
    own = any((home / part / _POINTER).exists() for part in (MODELS, SNAPSHOTS))
    if own and not mark.exists():
        raise ConfigError(
            f"{home} has models or marts of its own, which those of {place} would replace",
            field="service.follow",
            cure="Follow in a home that has none, or remove its folders models and snapshots.",
        )
    with storing(home):
        own_folder(mark.parent)
        write_atomically(mark, f"{place}\n".encode())
