"""Publish the models and marts of this machine, for functions that answer with them."""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TextIO

from segue.aws.kept_files import KeptFiles, content_hash
from segue.errors import BusyError, NotReadyError
from segue.flows.home_parts import MODELS, SNAPSHOTS, made_files
from segue.warehouse.storage import storing

__all__ = ["PublishedHome", "publish_home"]

_LONGEST: Final = timedelta(hours=2)
_PUBLISHER: Final = "publisher"


@dataclass(frozen=True, slots=True)
class PublishedHome:
    """What was published.

    Args:
        files: How many there are now.
        sent: How many of them were not there before.
        sent_bytes: Of these.
    """

    files: int
    sent: int
    sent_bytes: int


def publish_home(home: Path, files: KeptFiles, now: datetime) -> PublishedHome:
    """Let what is published in a home be what functions find; all of it at the same moment.

    Killed on the way, it has changed nothing, and the next one of this home begins at once.

    Args:
        home: The data home.
        files: Where they look. Whatever else is kept there stays.
        now: Aware UTC.

    Raises:
        NotReadyError: Nothing was built and trained here.
        BusyError: An updater is at work there, or another one of this home.
        StorageError: The home cannot be written.
        ServiceError: S3 refuses or does not answer.
    """
    mine = list(made_files(home))
    if not all(
        any(one.path.startswith(f"{part}/") for one in mine) for part in (MODELS, SNAPSHOTS)
    ):
        raise NotReadyError(
            f"there is nothing to publish in {home}", cure="Run `segue build` and `segue train`."
        )
    sent = []
    with (
        _publisher(home) as owner,
        files.alone(now=now, until=now + _LONGEST, owner=owner),
    ):
        kept = {
            name: one
            for name, one in files.files.items()
            if not name.startswith((f"{MODELS}/", f"{SNAPSHOTS}/"))
        }
        for one in mine:
            content = content_hash(one.file)
            before = files.files.get(one.path)
            if before is None or before.hash != content:
                before = files.upload(one.file, content)
                sent.append(before.size)
            kept[one.path] = before
        files.keep(kept)
        files.sweep(now)
    return PublishedHome(len(mine), len(sent), sum(sent))


@contextmanager
def _publisher(home: Path) -> Iterator[str]:
    """The name under which this home publishes: one process at a time has it."""
    with storing(home):
        file = (home / MODELS / _PUBLISHER).open("a+", encoding="ascii")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"what is in {home} is being published already", cure="Wait until that is done."
            ) from error
        yield _name_in(file, home)


def _name_in(file: TextIO, home: Path) -> str:
    file.seek(0)
    name = file.read()
    if not name:
        name = uuid.uuid4().hex
        with storing(home):
            file.write(name)
            file.flush()
    return name
