"""What was recommended, so that events that name a recommendation can be joined to it later."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from segue.errors import WarehouseError
from segue.sqlite import SqliteFile, microseconds, moment

__all__ = ["Recommendation", "Recommended"]

_log = logging.getLogger(__name__)
_TABLE: Final = """
create table if not exists recommended (
    recommendation_id text primary key,
    user_id text not null,
    made_us integer not null,
    told_us integer not null,
    mix text not null,
    made_of text not null,
    track_ids text not null
) strict, without rowid;
create index if not exists recommended_to on recommended (user_id);
create index if not exists recommended_at on recommended (told_us);
"""
_AT_ONCE: Final = 1_000
_EVERY_S: Final = 0.5
_WAIT_S: Final = 30.0
_KEPT: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One answer.

    Args:
        made_at: The moment it was for, aware UTC.
        told_at: When it was first given, aware UTC.
        made_of: Names of the models and the snapshot.
        track_ids: In the order in which they were recommended.
    """

    recommendation_id: str
    user_id: str
    made_at: datetime
    told_at: datetime
    mix: str
    made_of: str
    track_ids: tuple[str, ...]


class Recommended:
    """An append-only table of recommendations in a file of SQLite; one row an id.

    Rows are written by a thread of its own, many at a time: whoever is answered does not wait.
    Where more come than can be written, the latest are left out and counted in `lost`; a crash
    loses those of the last half second. They are kept for 60 days.

    Args:
        path: The database; made when needed, for its owner only.
        most_waiting: So many may wait to be written.
    """

    def __init__(self, path: Path, *, most_waiting: int = 10_000) -> None:
        self.path = path.absolute()
        self.lost = 0
        self._file = SqliteFile(
            self.path,
            _TABLE,
            if_damaged="Remove it: what was recommended before is not joined with events then.",
            overwrite=False,
            synchronous="normal",
            wait_s=_WAIT_S,
        )
        self._waiting: queue.Queue[Recommendation | None] = queue.Queue(most_waiting)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def note(self, recommendation: Recommendation) -> None:
        """Have it written soon; never waits."""
        if self._thread is None:
            self._start()
        try:
            self._waiting.put_nowait(recommendation)
        except queue.Full:
            self.lost += 1

    def find(self, recommendation_id: str) -> Recommendation | None:
        """One of them, as far as it is written; None: there is none."""
        if not self.path.exists():
            return None
        with self._file.opened() as connection:
            row = connection.execute(
                "select recommendation_id, user_id, made_us, told_us, mix, made_of, track_ids"
                " from recommended where recommendation_id = ?",
                (recommendation_id,),
            ).fetchone()
        if row is None:
            return None
        return _recommendation(row)

    def of_user(self, user_id: str, *, since: datetime) -> list[Recommendation]:
        """What was told to a user from a moment on, as far as it is written, oldest first."""
        if not self.path.exists():
            return []
        with self._file.opened() as connection:
            rows = connection.execute(
                "select recommendation_id, user_id, made_us, told_us, mix, made_of, track_ids"
                " from recommended where user_id = ? and told_us >= ?"
                " order by told_us, recommendation_id",
                (user_id, microseconds(since)),
            ).fetchall()
        return [_recommendation(row) for row in rows]

    def forget(self, user_id: str) -> int:
        """Remove what was recommended to a user, and overwrite it; how many."""
        self.flush()
        if not self.path.exists():
            return 0
        with self._file.opened() as connection:
            connection.execute("pragma secure_delete = on")
            gone = connection.execute("delete from recommended where user_id = ?", (user_id,))
            connection.execute("pragma wal_checkpoint(truncate)")
            return gone.rowcount

    def flush(self) -> None:
        """Wait until everything noted so far is written, or lost."""
        if self._thread is not None:
            self._waiting.join()

    def close(self) -> None:
        """Write what waits, and end."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._write_on, name="segue-recommended", daemon=True
                )
                self._thread.start()

    def _write_on(self) -> None:
        while True:
            rows, ended = self._gathered()
            try:
                if rows:
                    self._write(rows)
            except WarehouseError as error:
                self.lost += len(rows)
                _log.warning("%d recommendations were not noted: %s", len(rows), error)
            finally:
                for _ in range(len(rows) + ended):
                    self._waiting.task_done()
            if ended:
                return

    def _gathered(self) -> tuple[list[Recommendation], bool]:
        """What came within half a second, and whether it is the end."""
        rows: list[Recommendation] = []
        wait: float | None = None
        while len(rows) < _AT_ONCE:
            try:
                one = self._waiting.get(timeout=wait)
            except queue.Empty:
                return rows, False
            if one is None:
                return rows, True
            rows.append(one)
            wait = _EVERY_S if len(rows) == 1 else 0.01
        return rows, False

    def _write(self, rows: list[Recommendation]) -> None:
        oldest = microseconds(max(row.told_at for row in rows) - _KEPT)
        with self._file.opened() as connection:
            connection.execute("begin immediate")
            connection.executemany(
                "insert into recommended values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                [
                    (
                        row.recommendation_id,
                        row.user_id,
                        microseconds(row.made_at),
                        microseconds(row.told_at),
                        row.mix,
                        row.made_of,
                        "\n".join(row.track_ids),
                    )
                    for row in rows
                ],
            )
            connection.execute("delete from recommended where told_us < ?", (oldest,))
            connection.execute("commit")


def _recommendation(row: tuple[str, str, int, int, str, str, str]) -> Recommendation:
    name, user, made, told, mix, made_of, tracks = row
    ids = tuple(tracks.split("\n")) if tracks else ()
    return Recommendation(name, user, moment(made), moment(told), mix, made_of, ids)
