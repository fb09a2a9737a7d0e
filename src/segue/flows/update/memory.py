"""What updates remember from one to the next: what was done when, and how they ended."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from segue.errors import BusyError, StorageError
from segue.own_folder import own_folder
from segue.services.state_file import Schema, StateFile
from segue.sqlite import microseconds, moment

__all__ = ["Deed", "UpdateMemory"]

_KEPT: Final = 100
_SCHEMA: Final = Schema(
    """
create table if not exists deeds (
    user_id text not null, what text not null, at_us integer not null, detail text not null,
    primary key (user_id, what)
) strict, without rowid;
create table if not exists runs (number integer primary key, report text not null) strict;
""",
    "when playlists were refreshed and models trained, and nothing that was collected",
)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done.

    Args:
        at: When, aware UTC.
        detail: What is to be known of it, JSON-ready.
    """

    at: datetime
    detail: dict[str, Any]


class UpdateMemory:
    """The memory of one data home.

    Args:
        folder: For the eyes of its owner only; made when something is noted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = StateFile(folder / "update.sqlite", _SCHEMA)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only update of the home.

        Raises:
            BusyError: Another one is under way.
            StorageError: The home cannot be written.
        """
        path = self._folder / "lock"
        try:
            own_folder(self._folder)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written: {error.strerror}",
                cure="Free space or mend permissions, then try again.",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise BusyError(
                "another update of this data home is under way", cure="Wait until it is done."
            ) from error
        finally:
            os.close(handle)

    def deed(self, what: str, user_id: str = "") -> Deed | None:
        """When something was last done for a user, or (empty) for everybody; None: never."""
        if not self._file.exists:
            return None
        with self._file.reading() as db:
            row = db.execute(
                "select at_us, detail from deeds where user_id = ? and what = ?", (user_id, what)
            ).fetchone()
        return None if row is None else Deed(moment(row[0]), json.loads(row[1]))

    def note(self, what: str, at: datetime, user_id: str = "", **detail: Any) -> None:
        """Remember that it was done."""
        with self._file.writing() as db:
            db.execute(
                "insert or replace into deeds values (?, ?, ?, ?)",
                (user_id, what, microseconds(at), json.dumps(detail)),
            )

    def keep(self, report: dict[str, Any]) -> None:
        """Keep a report; the latest hundred stay."""
        with self._file.writing() as db:
            db.execute("insert into runs (report) values (?)", (json.dumps(report),))
            db.execute(
                "delete from runs where number <= (select max(number) from runs) - ?", (_KEPT,)
            )

    def reports(self, limit: int = 1) -> list[dict[str, Any]]:
        """What updates reported, the latest first."""
        if not self._file.exists:
            return []
        with self._file.reading() as db:
            rows = db.execute(
                "select report from runs order by number desc limit ?", (limit,)
            ).fetchall()
        return [json.loads(report) for (report,) in rows]

    def forget(self, user_id: str) -> None:
        """Forget a user, and reports, since they name users."""
        if not self._file.exists:
            return
        with self._file.writing() as db:
            db.execute("delete from deeds where user_id = ?", (user_id,))
            db.execute("delete from runs")
