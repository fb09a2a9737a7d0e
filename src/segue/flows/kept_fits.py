"""A training that was interrupted: what it had learned by then, so that the next one goes on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from segue.errors import NotReadyError
from segue.features.catalogue import Catalogue
from segue.own_folder import own_folder
from segue.recommenders.base import Recommender, StoredRecommender
from segue.recommenders.bundle import load_model
from segue.recommenders.workplace import Resumable, Workplace

__all__ = ["KeptFits", "kept_fits"]

_log = logging.getLogger(__name__)

_FOLDER: Final = ".training"
_LOCK: Final = ".training.lock"
_ABOUT: Final = "about.json"
_WHOLE: Final = "whole"
_WORTH_S: Final = 20.0


@dataclass(frozen=True)
class KeptFits:
    """Models of one training that are already fitted, and the rounds of the one that is not.

    Args:
        folder: Where they are.
        as_of: Up to when this training learns, aware UTC: when it was first begun.
        worth_s: What took less is not kept: fitting it again is as quick.
    """

    folder: Path
    as_of: datetime
    worth_s: float = _WORTH_S

    def within(self, stage: str) -> KeptFits:
        """Those of a stage of the training."""
        return KeptFits(self.folder / stage, self.as_of, self.worth_s)

    def find(self, name: str, catalogue: Catalogue) -> Recommender | None:
        """A model that was fitted; None if it was not, or is damaged."""
        if not (self.folder / name / _WHOLE).exists():
            return None
        try:
            return load_model(name, self.folder, catalogue)
        except (OSError, ValueError, KeyError, TypeError, NotReadyError) as error:
            _log.warning("%s is fitted again: what was kept cannot be used (%s)", name, error)
            return None

    def keep(self, model: StoredRecommender, seconds: float) -> None:
        """Keep a fitted model, if that took long; a full disk keeps nothing."""
        if seconds < self.worth_s:
            return
        place = self.folder / model.name
        try:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            model.save(place)
            for file in place.rglob("*"):
                _to_disk(file)
            (place / _WHOLE).touch()
        except OSError as error:
            _log.warning("%s is not kept for a training that goes on: %s", model.name, error)
            shutil.rmtree(place, ignore_errors=True)

    def place_for(self, model: StoredRecommender, tell: Callable[[float], None]) -> None:
        """Let a model that keeps its rounds keep them here."""
        if isinstance(model, Resumable):
            model.workplace = Workplace(self.folder / f"{model.name}.rounds", tell)


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def kept_fits(
    models: Path, settings: Mapping[str, Any], *, now: datetime
) -> Iterator[KeptFits | None]:
    """What an interrupted training of these settings left; all of it goes when this one is done.

    Args:
        models: The folder of bundles.
        settings: What tells one training from another, JSON-ready.
        now: When this training begins, aware.

    Yields:
        None where another training is at work in the folder, or it cannot be written.
    """
    told = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    folder = models / _FOLDER
    try:
        own_folder(models)
        lock = (models / _LOCK).open("a", encoding="utf-8")
    except OSError:
        yield None
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            begun = _begun(folder, told, now)
        except OSError:
            yield None
            return
        yield KeptFits(folder, begun)
        shutil.rmtree(folder, ignore_errors=True)


def _begun(folder: Path, told: str, now: datetime) -> datetime:
    """When the training that goes on was begun; a folder of another one is emptied."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if about["settings"] == told:
            return datetime.fromisoformat(about["begun"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    begun = now.astimezone(UTC)
    text = json.dumps({"settings": told, "begun": begun.isoformat()})
    fresh = folder / f"{_ABOUT}.new"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(folder / _ABOUT)
    return begun
