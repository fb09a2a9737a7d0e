"""Experiments: which playlists were interleaved of what, kept for good as files of their own."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from segue.errors import ConfigError, WarehouseError
from segue.warehouse.lake_lock import exclusive
from segue.warehouse.storage import make_folder, storing, sync_folder, write_atomically

__all__ = ["Experiment", "ExperimentStore", "Place", "Record"]

_VERSION: Final = 1
_T = TypeVar("_T")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.=+-]{0,99}")


@dataclass(frozen=True, slots=True)
class Experiment:
    """Two contenders, and what playlists they make.

    Args:
        name: Of its folder, unique.
        a: The first contender as it was typed, such as "als" or "playlist,adventurous=0.8".
        b: The second.
        mix: The sort of playlist.
        size: Tracks a playlist.
        seeds: Tracks that the playlists start from, as typed.
        seed: Of the coins.
        started_at: Aware UTC.
        stopped_at: None while it runs.
    """

    name: str
    a: str
    b: str
    mix: str
    size: int
    seeds: tuple[str, ...]
    seed: int
    started_at: datetime
    stopped_at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "name": self.name,
            "a": self.a,
            "b": self.b,
            "mix": self.mix,
            "size": self.size,
            "seeds": list(self.seeds),
            "seed": self.seed,
            "started_at": self.started_at.isoformat(),
            "stopped_at": self.stopped_at.isoformat() if self.stopped_at else None,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """A track of an interleaved playlist, and whose it was."""

    track_id: str
    team: str
    round: int


@dataclass(frozen=True, slots=True)
class Record:
    """One interleaved playlist.

    Args:
        number: Within the experiment, from 1.
        made_at: From when on plays count, aware UTC.
        places: In playing order.
    """

    number: int
    user_id: str
    made_at: datetime
    places: tuple[Place, ...]


class ExperimentStore:
    """The experiments of one data home; files are added, never changed.

        experiments/<name>/experiment.json        what is compared
        experiments/<name>/playlist-000001.json   one file for each playlist
        experiments/<name>/stopped.json           when it was ended

    Every file appears by one rename; numbers are given under a lock.

    Args:
        folder: Holds them; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, experiment: Experiment) -> None:
        """Begin one.

        Raises:
            ConfigError: The name cannot be one, or is taken.
            StorageError: The folder cannot be written.
        """
        if not _NAME.fullmatch(experiment.name):
            raise ConfigError(
                f"“{experiment.name}” cannot be the name of an experiment",
                field="name",
                cure="Use small letters, digits, “-”, “_” and “.”.",
            )
        with self._writing():
            path = self.folder / experiment.name / "experiment.json"
            if path.exists():
                raise ConfigError(
                    f"there is an experiment “{experiment.name}” already",
                    field="name",
                    cure="`segue compare next` makes its next playlist; or give another --name.",
                )
            make_folder(path.parent)
            write_atomically(path, _json(experiment.as_dict()))

    def add(self, name: str, record: Callable[[int], Record]) -> Record:
        """Keep a playlist; its number is the next free one."""
        with self._writing():
            number = 1 + max((known.number for known in self.records(name)), default=0)
            made = record(number)
            value = {
                "version": _VERSION,
                "number": made.number,
                "user_id": made.user_id,
                "made_at": made.made_at.isoformat(),
                "places": [
                    {"track_id": one.track_id, "team": one.team, "round": one.round}
                    for one in made.places
                ],
            }
            write_atomically(self.folder / name / f"playlist-{number:06d}.json", _json(value))
        return made

    def stop(self, name: str, now: datetime) -> None:
        """End one; what it found stays."""
        with self._writing():
            write_atomically(
                self.folder / name / "stopped.json", _json({"stopped_at": now.isoformat()})
            )

    def all(self) -> tuple[Experiment, ...]:
        """Every experiment, in the order in which they were started.

        Raises:
            WarehouseError: A file is damaged.
        """
        found = [_read(path, _experiment) for path in self.folder.glob("*/experiment.json")]
        return tuple(sorted(found, key=lambda one: (one.started_at, one.name)))

    def records(self, name: str) -> tuple[Record, ...]:
        """The playlists of one experiment, in their order."""
        paths = sorted((self.folder / name).glob("playlist-*.json"))
        return tuple(_read(path, _record) for path in paths)

    def of_user(self, user_id: str) -> int:
        """How many playlists of a user there are, in all experiments.

        Raises:
            WarehouseError: A file is damaged.
        """
        return sum(1 for path in self._playlists() if _read(path, _record).user_id == user_id)

    def forget(self, user_id: str) -> int:
        """Remove a user's playlists, and the experiments that made playlists for nobody else.

        What an experiment found about other users stays.

        Returns:
            How many playlists were removed.

        Raises:
            WarehouseError: A file is damaged; nothing was removed.
            StorageError: The folder cannot be written.
        """
        if not self.folder.exists():
            return 0
        with self._writing():
            theirs = [path for path in self._playlists() if _read(path, _record).user_id == user_id]
            with storing(self.folder):
                for path in theirs:
                    path.unlink()
                for folder in {path.parent for path in theirs}:
                    if not any(folder.glob("playlist-*.json")):
                        shutil.rmtree(folder)
                    else:
                        sync_folder(folder)
                sync_folder(self.folder)
        return len(theirs)

    def _playlists(self) -> list[Path]:
        return sorted(self.folder.glob("*/playlist-*.json"))

    def _writing(self) -> Any:
        return exclusive(self.folder / "lock", "experiment")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode()


def _read(path: Path, parse: Callable[[Path, dict[str, Any]], _T]) -> _T:
    try:
        return parse(path, json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"the experiment's file {path} cannot be read ({error})",
            cure="Restore it from a backup, or move it away to do without it.",
        ) from error


def _experiment(path: Path, value: dict[str, Any]) -> Experiment:
    ended = path.with_name("stopped.json")
    stopped_at = json.loads(ended.read_bytes())["stopped_at"] if ended.exists() else None
    return Experiment(
        name=path.parent.name,
        a=value["a"],
        b=value["b"],
        mix=value["mix"],
        size=value["size"],
        seeds=tuple(value["seeds"]),
        seed=value["seed"],
        started_at=datetime.fromisoformat(value["started_at"]),
        stopped_at=datetime.fromisoformat(stopped_at) if stopped_at else None,
    )


def _record(path: Path, value: dict[str, Any]) -> Record:
    if value["version"] != _VERSION:
        raise ValueError(f"it is of version {value['version']}")
    places = tuple(Place(p["track_id"], p["team"], p["round"]) for p in value["places"])
    made_at = datetime.fromisoformat(value["made_at"])
    return Record(value["number"], value["user_id"], made_at, places)
