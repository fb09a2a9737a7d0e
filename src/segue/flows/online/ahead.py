"""Answers to the usual question, made while nobody asks; an answer that holds is at hand."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import ValidationError

import segue
from segue.errors import StorageError, WarehouseError
from segue.events.answers_ahead import AheadFile, MadeAhead
from segue.flows.online.answers import Answer, answer_in
from segue.flows.online.kept import Kept
from segue.flows.online.owed import OWED, Owed
from segue.flows.online.shelf import Opened
from segue.flows.wishes import Wishes

__all__ = ["QUESTION", "Ahead", "FoundAhead", "forget_ahead"]

QUESTION: Final = Wishes()
"""What is answered ahead: what is asked where nothing is said but who asks."""

_log = logging.getLogger(__name__)
_MOST: Final = 8 << 20
_FORM: Final = 3
"""Changes with what is kept beside an answer."""


@dataclass(frozen=True, slots=True)
class FoundAhead:
    """An answer that was made ahead, ready to be given if what it holds for is still so.

    Args:
        track_ids: In its order.
        is_new: Whether this process has not looked at it before.
    """

    made: MadeAhead
    answer: Answer
    track_ids: tuple[str, ...]
    is_new: bool = False


def forget_ahead(folder: Path, user_id: str) -> None:
    """Remove what was made for a user, in every file of a folder.

    Raises:
        WarehouseError: It cannot be removed.
    """
    Owed(folder / OWED).drop(user_id)
    for path in sorted(folder.glob("*.sqlite")):
        file = AheadFile(path)
        try:
            file.forget(user_id)
        finally:
            file.close()


class Ahead:
    """Finds answers that were made ahead; one file for each pair of models and snapshot.

    What cannot be read is as if it were not there: it can be made when somebody asks. Thread-safe.

    Args:
        folder: Where the files are; made with the first answer.
        rules: What answers depend on besides models and snapshot.

    Attributes:
        owed: Who is to be answered first.
    """

    def __init__(self, folder: Path, rules: str) -> None:
        self.folder = folder
        self.owed = Owed(folder / OWED)
        self._rules = rules
        self._kept: Kept[tuple[str, str], FoundAhead] = Kept(_MOST)
        self._file: tuple[str, AheadFile] | None = None
        self._former: tuple[str, AheadFile | None] | None = None
        self._switching = threading.Lock()

    def find(self, opened: Opened, user_id: str, *, again: bool = False) -> FoundAhead | None:
        """The answer to a user, made of what is open now; None: there is none.

        Args:
            again: Look into the file, whatever is remembered of it.
        """
        key = opened.name, user_id
        found = None if again else self._kept.get(key)
        if found is not None:
            return found
        try:
            made = self._of(opened).find(user_id)
        except WarehouseError as error:
            _log.warning("answers made ahead are left aside: %s", error)
            return None
        if made is None:
            return None
        answer, track_ids = answer_in(made.body)
        self._kept.put(key, FoundAhead(made, answer, track_ids), answer.size)
        return FoundAhead(made, answer, track_ids, is_new=True)

    def earlier(self, opened: Opened, user_id: str) -> Answer | None:
        """The latest answer to a user that was made ahead, whether or not it still holds."""
        found = self.find(opened, user_id)
        if found is not None:
            return found.answer
        try:
            former = self._before(opened)
            made = None if former is None else former.find(user_id)
            return None if made is None else answer_in(made.body)[0]
        except (WarehouseError, ValidationError) as error:  # perhaps an older Segue's
            _log.warning("answers made ahead before are left aside: %s", error)
            return None

    def put(self, opened: Opened, answers: Iterable[MadeAhead]) -> None:
        """Keep answers made of what is open now.

        Raises:
            WarehouseError: They cannot be written.
        """
        answers = list(answers)
        self._of(opened).put(answers)
        names = {one.user_id for one in answers}
        self._kept.drop(lambda key: key[1] in names)

    def forget(self, user_id: str) -> None:
        """Remove what was made for a user, in every file.

        Raises:
            WarehouseError: It cannot be removed.
        """
        forget_ahead(self.folder, user_id)
        self._kept.drop(lambda key: key[1] == user_id)

    def clear(self) -> None:
        """Look at the files again before anything is answered."""
        self._kept.clear()

    def tidy(self, opened: Opened, *, whole: bool = False) -> None:
        """Remove the files of models and snapshots that answer no more.

        Args:
            whole: Also the latest of them; else it stays, for whoever has no newer answer yet.

        Raises:
            StorageError: They cannot be removed.
        """
        former = None if whole else self._latest_but(opened)
        kept = (self._name(opened), *([former.stem] if former else []))
        for path in sorted(self.folder.glob("*.sqlite*")):
            if not path.name.startswith(kept):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise StorageError(
                        f"{path} cannot be removed: {error.strerror}", cure="Mend permissions."
                    ) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._switching:
            for one in (self._file, self._former):
                if one is not None and one[1] is not None:
                    one[1].close()
            self._file = self._former = None

    def _of(self, opened: Opened) -> AheadFile:
        """The file of what is open; whoever still reads the one before has to do without."""
        before = self._file
        if before is not None and before[0] == opened.name:
            return before[1]
        with self._switching:
            if self._file is not None:
                self._file[1].close()
            file = AheadFile(self.folder / f"{self._name(opened)}.sqlite")
            self._file = opened.name, file
        return file

    def _before(self, opened: Opened) -> AheadFile | None:
        """The file of what was published before, as long as it is there."""
        former = self._former
        if former is not None and former[0] == opened.name:
            return former[1]
        with self._switching:
            path = self._latest_but(opened)
            file = None if path is None else AheadFile(path)
            self._former = opened.name, file
        return file

    def _latest_but(self, opened: Opened) -> Path | None:
        """The file that was written last, of those of other models and snapshots."""
        mine = f"{self._name(opened)}.sqlite"
        others = [path for path in self.folder.glob("*.sqlite") if path.name != mine]
        return max(others, key=_written_at, default=None)

    def _name(self, opened: Opened) -> str:
        made_of = repr((opened.name, self._rules, segue.__version__, _FORM))
        return hashlib.sha256(made_of.encode()).hexdigest()[:16]


def _written_at(path: Path) -> float:
    """When a database was written last, its log included; 0: it is gone."""
    found = 0.0
    for one in (path, path.with_name(f"{path.name}-wal")):
        with suppress(OSError):
            found = max(found, one.stat().st_mtime)
    return found
