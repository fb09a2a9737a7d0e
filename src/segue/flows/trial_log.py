"""Trials that were made, a line each, so that an interrupted search goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from segue.errors import StorageError
from segue.evaluation.halving import Plain, Rung, Trial
from segue.warehouse.storage import make_folder

__all__ = ["TrialLog"]


class TrialLog:
    """The trials of one model on one set of data.

    Args:
        path: A file of JSON lines; made when the first trial is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = {_key(t.settings, t.rung): t for t in _read(path)}

    def find(self, settings: Plain, rung: Rung) -> Trial | None:
        """The trial of these settings on this rung, if it was made."""
        return self._known.get(_key(settings, rung))

    def add(self, trial: Trial) -> None:
        """Write one down, at once.

        Raises:
            StorageError: It cannot be written.
        """
        line = {
            "settings": dict(trial.settings),
            "share": trial.rung.share,
            "seeds": trial.rung.seeds,
            "value": trial.value,
            "seconds": trial.seconds,
        }
        try:
            make_folder(self._path.parent)
            with self._path.open("ab") as file:
                if file.tell() and not _ends_a_line(self._path):
                    file.write(b"\n")  # an earlier run was cut off within a line
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be written: {error.strerror or error}",
                cure="Free space or mend permissions, then run it again; trials so far are kept.",
            ) from error
        self._known[_key(trial.settings, trial.rung)] = trial


def _key(settings: Plain, rung: Rung) -> str:
    return json.dumps([sorted(settings.items()), rung.share, rung.seeds])


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _read(path: Path) -> list[Trial]:
    """The whole lines of a log; what is cut off or foreign is passed over."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(_trial(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _trial(told: dict[str, Any]) -> Trial:
    rung = Rung(float(told["share"]), int(told["seeds"]))
    return Trial(dict(told["settings"]), rung, float(told["value"]), float(told["seconds"]))
