"""What was said with `segue feedback` beside the service: known to it within a second or so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from segue.errors import SegueError
from segue.music import columns as c
from segue.music.feedback import ARTIST, SAID_HERE
from segue.music.lake_tables import FEEDBACK
from segue.music.marts import MARTS
from segue.warehouse.matching import artist_id_of

if TYPE_CHECKING:
    from segue.warehouse.lake import Lake

__all__ = ["SaidBeside", "with_words"]

_log = logging.getLogger(__name__)
_ELSEWHERE_EVERY_S: Final = 30.0
_MART: Final = "feedback"
_NOTHING_HERE: Final = "no lake on this machine"
_COLUMNS: Final = (
    c.USER_ID,
    c.SOURCE,
    c.KIND,
    c.VERB,
    c.TRACK_REF,
    c.ARTIST,
    c.SINCE,
    c.UNTIL,
    c.SAID_AT,
)
_SAME: Final = (c.KIND, c.VERB, c.TRACK_ID, c.ARTIST_ID, c.SINCE, c.UNTIL, c.SAID_AT)

Word = Mapping[str, Any]
Words = tuple[Word, ...]


class SaidBeside:
    """The words that `segue feedback` has written to the lake, by user.

    Those that came as events are in the event log and not looked for here. Reading is done by a
    thread of its own, when something was written; thread-safe.

    Args:
        folder: Of the lake, where it is on this machine.
        open_lake: Opens it when it is first read; this alone uses it.

    Attributes:
        turn: Changes with every word.
    """

    def __init__(self, folder: Path, open_lake: Callable[[], Lake]) -> None:
        self.turn = 0
        self._commits = folder / "commits"
        self._open = open_lake
        self._lake: Lake | None = None
        self._words: Mapping[str, Words] = {}
        self._files: dict[str, Sequence[Word]] = {}
        self._seen: object = None
        self._reading = threading.Lock()

    def of(self, user_id: str) -> Words:
        """The words of a user, in the order in which they were said."""
        return self._words.get(user_id, ())

    def look(self) -> None:
        """Look whether anything was written to the lake since, and have it read if so."""
        seen = self._stamp()
        if seen == self._seen or self._reading.locked():
            return
        self._seen = seen
        threading.Thread(target=self.read, name="segue-feedback", daemon=True).start()

    def read(self) -> None:
        """Read what is new; what cannot be read is left for the next time."""
        with self._reading:
            try:
                self._read()
            except (SegueError, OSError, pa.ArrowException) as error:
                self._seen = None
                _log.warning("feedback cannot be read: %s", error)

    def _stamp(self) -> object:
        """What tells that something was committed: of a lake elsewhere, that time has passed."""
        if self._lake is not None and self._lake.store.shared:
            return time.monotonic() // _ELSEWHERE_EVERY_S
        try:
            return self._commits.stat().st_mtime_ns
        except OSError:
            return _NOTHING_HERE

    def _read(self) -> None:
        if self._lake is None:
            self._lake = self._open()
        files = [file for file in self._lake.files(FEEDBACK.name) if file.partition == SAID_HERE]
        known = {
            file.name: self._files[file.name] if file.name in self._files else _words(file.path)
            for file in files
        }
        if known.keys() == self._files.keys():
            return
        by_user: dict[str, list[Word]] = {}
        for words in known.values():
            for word in words:
                by_user.setdefault(word[c.USER_ID], []).append(word)
        self._files = known
        self._words = {
            user: tuple(sorted(words, key=lambda word: word[c.SAID_AT]))
            for user, words in by_user.items()
        }
        self.turn += 1


def _words(path: object) -> Sequence[Word]:
    rows: list[dict[str, Any]] = pq.read_table(
        path, columns=list(_COLUMNS), partitioning=None
    ).to_pylist()
    return rows


def with_words(published: pa.Table, words: Words, id_of: Callable[[str], str]) -> pa.Table:
    """What a snapshot knows that a user said, and what they said since.

    Args:
        published: Rows of the mart, of one user.
        id_of: Track ids by their references.
    """
    rows: list[dict[str, Any]] = published.to_pylist()
    known = {tuple(row[name] for name in _SAME) for row in rows}
    for word in words:
        about_artist, ref = word[c.KIND] == ARTIST, word[c.TRACK_REF]
        row = {
            **word,
            c.TRACK_ID: None if about_artist or ref is None else id_of(ref),
            c.ARTIST_ID: artist_id_of(word[c.ARTIST]) if about_artist and word[c.ARTIST] else None,
        }
        if tuple(row[name] for name in _SAME) not in known:
            rows.append(row)
    rows.sort(key=lambda row: row[c.SAID_AT])
    schema = MARTS[_MART]
    named = [{**row, c.PLACE: place} for place, row in enumerate(rows, start=1)]
    full = [{name: row.get(name) for name in schema.names} for row in named]
    return pa.Table.from_pylist(full, schema)
