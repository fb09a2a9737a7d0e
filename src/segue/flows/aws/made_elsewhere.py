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
from segue.errors import ConfigError, NotReadyError, SegueError
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
_BROUGHT: Final = "brought"
_POINTER: Final = "current"


def publish_made(settings: Settings, now: datetime) -> PublishedHome | None:
    """Bring the published models and marts to where the settings say.

    Returns:
        None: The settings say nothing, nothing is trained yet, or it was brought there already.

    Raises:
        BusyError: Another machine publishes there at this moment.
        StorageError: The home cannot be written.
        ServiceError: S3 refuses or does not answer.
    """
    place = settings.training.publish_to
    named = [_named(settings.home / part / _POINTER) for part in (SNAPSHOTS, MODELS)]
    if not place or not all(named):
        return None
    told = "".join(f"{line}\n" for line in (place, *named))
    mark = settings.home / MODELS / _BROUGHT
    if _named(mark) == told.strip():
        return None
    done = publish_home(settings.home, _files(place), now)
    with storing(settings.home):
        write_atomically(mark, told.encode())
    return done


@contextmanager
def followed(settings: Settings) -> Iterator[None]:
    """Have the models and marts of `service.follow` in this home, and newer ones when they come.

    Where nothing is published yet it is waited for: events are taken meanwhile.

    Raises:
        ConfigError: This home has models or marts of its own.
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
    except NotReadyError as error:
        _log.warning("nothing can be recommended yet: %s", error)
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


def _named(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


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
