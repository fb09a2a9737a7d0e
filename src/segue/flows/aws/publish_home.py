"""Publish the models and marts of this machine, for functions that answer with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from segue.aws.kept_files import KeptFiles, content_hash
from segue.errors import NotReadyError
from segue.flows.home_parts import MODELS, SNAPSHOTS, made_files

__all__ = ["PublishedHome", "publish_home"]

_LONGEST: Final = timedelta(hours=2)


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

    Args:
        home: The data home.
        files: Where they look. Whatever else is kept there stays.
        now: Aware UTC.

    Raises:
        NotReadyError: Nothing was built and trained here.
        BusyError: An updater is at work there.
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
    with files.alone(now=now, until=now + _LONGEST):
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
