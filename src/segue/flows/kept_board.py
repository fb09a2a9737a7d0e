"""The last comparison of models on a user's own plays, kept for whoever looks later."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from segue.errors import SinkError
from segue.evaluation.leaderboard import Leaderboard
from segue.flows.board_files import write_whole
from segue.flows.home_parts import playlists_of
from segue.own_folder import own_folder

__all__ = ["KeptBoard", "keep_board", "kept_board"]

_FILE: Final = "leaderboard.json"


@dataclass(frozen=True, slots=True)
class KeptBoard:
    """A leaderboard as it was kept.

    Args:
        at: When it was made, aware.
        told: As of `Leaderboard.as_dict`.
    """

    at: datetime
    told: dict[str, Any]


def keep_board(home: Path, user_id: str, board: Leaderboard, now: datetime) -> None:
    """Keep it in the place of the one before, among what is forgotten with the user.

    Raises:
        SinkError: It cannot be written.
    """
    path = _path(home, user_id)
    try:
        own_folder(path.parent)
    except OSError as error:
        raise SinkError(
            f"{path} cannot be written: {error.strerror or error}",
            cure="Mend the permissions of the data home.",
        ) from error
    told = {"at": now.isoformat(), "board": board.as_dict()}
    write_whole(path, json.dumps(told).encode())


def kept_board(home: Path, user_id: str) -> KeptBoard | None:
    """The last one; None: there is none, or nothing that can be read."""
    try:
        told = json.loads(_path(home, user_id).read_bytes())
        return KeptBoard(datetime.fromisoformat(told["at"]), told["board"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(home: Path, user_id: str) -> Path:
    return playlists_of(home, user_id) / _FILE
