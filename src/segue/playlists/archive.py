"""What a playlist held at any time: its states, one line each, only ever added to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from segue.errors import SinkError
from segue.own_folder import own_folder
from segue.playlists.difference import difference
from segue.playlists.edits import Add, Cut, Edit, Move, Put, Remove, after
from segue.playlists.service_base import Item
from segue.playlists.text_file import put_in_place

__all__ = ["Change", "PlaylistArchive", "State"]

_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")
_KINDS: Final[dict[str, Callable[..., Edit]]] = {
    "put": Put,
    "add": Add,
    "remove": Remove,
    "cut": Cut,
    "move": Move,
}
_WORDS: Final = {kind: word for word, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class State:
    """What a playlist held from one moment on.

    Args:
        at: When it was read, aware UTC.
        items: In order; what had no key is left out.
    """

    at: datetime
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """From one state to the next.

    Args:
        at: When the later one was read.
        title: From then on.
        added: In their order.
        removed: In their former order.
        tracks: How many there were then.
    """

    at: datetime
    title: str
    added: tuple[Item, ...]
    removed: tuple[Item, ...]
    tracks: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "at": self.at.isoformat(),
            "title": self.title,
            "tracks": self.tracks,
            "added": [_facts(item) for item in self.added],
            "removed": [_facts(item) for item in self.removed],
        }


class PlaylistArchive:
    """Histories of playlists, a file each. A line holds what has changed since the one before.

    Args:
        folder: Made when needed, for its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Every playlist that is kept, as its file is called; each stands for its name here."""
        return sorted(path.stem for path in self.folder.glob("*.jsonl"))

    def states(self, name: str) -> list[State]:
        """Every state of a playlist, oldest first; none where nothing was archived.

        Raises:
            SinkError: The file is damaged.
        """
        return _states(self._path(name), self._read(name))

    def add(self, name: str, state: State) -> Change | None:
        """Keep a state; None: it is the one before, and nothing is written.

        Raises:
            SinkError: The file is damaged or cannot be written.
        """
        path, lines = self._path(name), self._read(name)
        before = _states(path, lines)
        state = State(state.at, state.title, tuple(item for item in state.items if item.key))
        last = before[-1] if before else State(state.at, state.title, ())
        have, want = _keys(last), _keys(state)
        if before and (last.title, have) == (state.title, want):
            return None
        known = {item for one in before for item in one.items}
        line = {
            "at": state.at.astimezone(UTC).isoformat(),
            "title": state.title,
            "items": [_facts(one) for one in dict.fromkeys(state.items) if one not in known],
            "edits": [_told(edit) for edit in difference(have, want)],
        }
        try:
            own_folder(self.folder)
            put_in_place(path, "".join([*lines, json.dumps(line) + "\n"]).encode())
        except OSError as error:
            raise SinkError(
                f"{path} cannot be written: {error.strerror}",
                cure="Free space or mend permissions, then run it again.",
            ) from error
        return _change(last, state)

    def changes(self, name: str) -> list[Change]:
        """What was added and removed, oldest first; the first state is all added."""
        states = self.states(name)
        if not states:
            return []
        first = State(states[0].at, states[0].title, ())
        return [_change(one, two) for one, two in zip([first, *states], states, strict=False)]

    def at(self, name: str, moment: datetime) -> State | None:
        """The state at a moment; None: nothing was archived by then."""
        found = [state for state in self.states(name) if state.at <= moment]
        return found[-1] if found else None

    def _path(self, name: str) -> Path:
        return self.folder / f"{_NAME.sub('_', name)}.jsonl"

    def _read(self, name: str) -> list[str]:
        path = self._path(name)
        try:
            return path.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(path, 0) from error


def _states(path: Path, lines: Sequence[str]) -> list[State]:
    found: list[State] = []
    about: dict[str, Item] = {}
    keys: list[str] = []
    for row, line in enumerate(lines, start=1):
        try:
            told = json.loads(line)
            about |= {one["key"]: _item(one) for one in told["items"]}
            keys = after(keys, [_edit(one) for one in told["edits"]])
            items = tuple(about[key] for key in keys)
            found.append(State(datetime.fromisoformat(told["at"]), str(told["title"]), items))
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(path, row) from error
    return found


def _damaged(path: Path, row: int) -> SinkError:
    place = f", row {row:,}" if row else ""
    return SinkError(
        f"{path}{place} is damaged",
        cure="Bring the file back from a backup, or move it away to begin anew.",
    )


def _keys(state: State) -> list[str]:
    return [item.key for item in state.items]


def _change(one: State, two: State) -> Change:
    before, now = set(_keys(one)), set(_keys(two))
    return Change(
        at=two.at,
        title=two.title,
        added=tuple(item for item in dict.fromkeys(two.items) if item.key not in before),
        removed=tuple(item for item in dict.fromkeys(one.items) if item.key not in now),
        tracks=len(two.items),
    )


def _facts(item: Item) -> dict[str, Any]:
    return {
        "key": item.key,
        "title": item.title,
        "artists": list(item.artists),
        "isrc": item.isrc,
    }


def _item(told: dict[str, Any]) -> Item:
    artists = tuple(str(name) for name in told["artists"])
    return Item(str(told["key"]), str(told["title"]), artists, str(told["isrc"]))


def _told(edit: Edit) -> list[Any]:
    fields = [getattr(edit, name) for name in edit.__slots__]
    return [_WORDS[type(edit)], *fields]


def _edit(told: Sequence[Any]) -> Edit:
    word, *fields = told
    given = [tuple(field) if isinstance(field, list) else field for field in fields]
    return _KINDS[word](*given)
