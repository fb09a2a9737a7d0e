"""What a build on Spark has finished, kept until all is: a killed one goes on from there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from segue.warehouse.apart import MARTS_OF_USERS, Shaped, parquet
from segue.warehouse.snapshot_parts import MartFiles, Part
from segue.warehouse.storage import make_folder, storing, write_atomically

__all__ = ["KeptParts"]

_TRACKS = "plays_of_tracks"


@dataclass(frozen=True)
class KeptParts:
    """Files of a build that is under way.

    Args:
        folder: Theirs alone; made when needed. What another build left there goes.
        made_from: Identifies what the build follows from.
    """

    folder: Path
    made_from: str

    def begin(self, *, anew: bool = False) -> None:
        """Be ready: keep what a build of the same left, and nothing else.

        Args:
            anew: Keep nothing at all.

        Raises:
            StorageError: The folder cannot be written.
        """
        mark = self.folder / "made_from"
        with storing(self.folder):
            if anew or not mark.is_file() or mark.read_text(encoding="utf-8") != self.made_from:
                shutil.rmtree(self.folder, ignore_errors=True)
            for name in ("done", _TRACKS, *MARTS_OF_USERS):
                make_folder(self.folder / name)
            write_atomically(mark, self.made_from.encode())

    def end(self) -> None:
        """Remove all."""
        with storing(self.folder):
            shutil.rmtree(self.folder)

    def table(self, name: str, make: Callable[[], pa.Table]) -> pa.Table:
        """A table that was kept, else one that is made and kept."""
        path = self.folder / f"{name}.parquet"
        with storing(self.folder):
            if not path.exists():
                write_atomically(path, parquet(make()))
            return pq.read_table(path, partitioning=None)

    @property
    def done(self) -> frozenset[int]:
        """Numbers of the parts that are complete."""
        return frozenset(int(path.stem) for path in (self.folder / "done").glob("*.json"))

    def keep(self, number: int, part: Shaped) -> None:
        """Keep the marts of a part; it is complete once all of them are on the disk."""
        sums = {mart: [part.rows[mart], crc32(content)] for mart, content in part.files.items()}
        with storing(self.folder):
            for mart, content in part.files.items():
                write_atomically(self._file(mart, number), content)
            write_atomically(self._file(_TRACKS, number), parquet(part.tracks))
            write_atomically(self.folder / "done" / f"{number:04d}.json", json.dumps(sums).encode())

    @property
    def tracks(self) -> list[Path]:
        """Files that tell how often tracks were played: track_id, plays."""
        return sorted((self.folder / _TRACKS).glob("*.parquet"))

    def give(self, folder: Path, users: Mapping[int, tuple[str, str]]) -> dict[str, MartFiles]:
        """Let the marts appear in a folder, without being copied where the disk can do that.

        Args:
            users: Number of each part -> its first and its last user.
        """
        found: dict[str, list[Part]] = {mart: [] for mart in MARTS_OF_USERS}
        for mart in MARTS_OF_USERS:
            (folder / mart).mkdir()
        for number in sorted(self.done):
            sums = json.loads((self.folder / "done" / f"{number:04d}.json").read_bytes())
            first, last = users[number]
            for mart, (rows, crc) in sums.items():
                path = self._file(mart, number)
                _link(path, folder / mart / path.name)
                found[mart].append(Part(f"{mart}/{path.name}", rows, first, last, "", crc))
        return {mart: MartFiles("user_id", tuple(parts)) for mart, parts in found.items()}

    def _file(self, mart: str, number: int) -> Path:
        return self.folder / mart / f"{number:04d}.parquet"


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # not every file system has hard links
        shutil.copyfile(path, target)
