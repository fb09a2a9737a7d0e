"""What was begun with a home as a whole and is not done yet: one file that says how to go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from segue.errors import WarehouseError
from segue.warehouse.storage import sync_folder, write_atomically

__all__ = ["JOURNAL", "STAGED", "begin", "end", "may_be_unfinished", "unfinished"]

JOURNAL: Final = "unfinished.json"
"""Name of the file in the home; while it is there, the home is neither old nor new."""

STAGED: Final = ".restoring"
"""Folder in the home in which a new home is put together."""


def may_be_unfinished(home: Path) -> bool:
    """Whether something is left to do, or to clear away; two looks at the disk."""
    return (home / JOURNAL).exists() or (home / STAGED).exists()


def begin(home: Path, verb: str, facts: dict[str, Any]) -> None:
    """Note what is about to be done; from here on it will be, whatever happens.

    Args:
        verb: The command, such as "forget".
        facts: JSON-ready: all that it takes to do it again from the start.
    """
    write_atomically(home / JOURNAL, json.dumps({"verb": verb, **facts}).encode())
    (home / JOURNAL).chmod(0o600)


def unfinished(home: Path) -> dict[str, Any] | None:
    """What `begin` noted and `end` did not take back; None if there is nothing.

    Raises:
        WarehouseError: The file cannot be read.
    """
    try:
        found = json.loads((home / JOURNAL).read_bytes())
        if not isinstance(found, dict) or not isinstance(found["verb"], str):
            raise ValueError("it holds something else")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        raise WarehouseError(
            f"{home / JOURNAL} cannot be read ({error})",
            cure="It says what an interrupted command left to do; report it before you remove it.",
        ) from error
    return found


def end(home: Path) -> None:
    """It is done."""
    (home / JOURNAL).unlink(missing_ok=True)
    sync_folder(home)
