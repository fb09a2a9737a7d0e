"""A data home in a function's temporary storage: what must outlive it comes from S3 and goes back.

The lake is on S3 anyway. The rest is small but for the warehouse, the published marts and the
models, which could be made again, with time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from segue.aws.clients import Aws
from segue.aws.kept_files import KeptFile, KeptFiles, content_hash
from segue.errors import ConfigError, StorageError
from segue.flows.home_parts import MODELS, PLAYLISTS, SERVICES, SNAPSHOTS, UPDATE
from segue.own_folder import own_folder
from segue.warehouse.s3_client import S3Place

__all__ = ["KeptHome"]

_log = logging.getLogger(__name__)
_CACHE: Final = "cache"
_POINTER: Final = "current"
_LOCK: Final = "lock"
_WAREHOUSE: Final = ("warehouse/*.duckdb", "warehouse/*.duckdb.wal", "warehouse/dbt/changes.json")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file here that is the same as one that is kept."""

    changed_ns: int
    size: int
    kept: KeptFile


class KeptHome:
    """A home at one place, worked on by one invocation at a time.

    A function that is still warm finds its files here and fetches only what others have changed.

    Args:
        aws: How to reach S3.
        address: s3://bucket/prefix; what people put below its `given/`, such as segue.toml, lies
            in the home.
        home: The folder here.

    Raises:
        ConfigError: That is no address.
    """

    def __init__(self, aws: Aws, address: str, home: Path) -> None:
        place = S3Place.parse(address)
        self._files = KeptFiles(aws, place.bucket, place.prefix)
        self.home = home
        self._seen: dict[str, _Seen] = {}

    @contextmanager
    def opened(self, *, now: datetime, until: datetime) -> Iterator[None]:
        """Have the home as it was kept last, alone; what changed is kept at the end, come what may.

        Args:
            now: Aware UTC.
            until: When the invocation is over for sure.

        Raises:
            BusyError: Another invocation is at work.
            ServiceError: S3 refuses or does not answer.
        """
        with self._files.alone(now=now, until=until):
            self._fetch()
            try:
                yield
            finally:
                self.save()
            if swept := self._files.sweep(now):
                _log.info("%d files that nothing names were removed", swept)

    def save(self) -> None:
        """Keep the home as it is now; what has not changed is not sent again.

        Raises:
            BusyError: Another invocation is at work by now.
            ServiceError: S3 refuses or does not answer.
        """
        kept, sent = {}, 0
        for path in _parts(self.home):
            name = path.relative_to(self.home).as_posix()
            facts, seen = path.stat(), self._seen.get(name)
            if seen is None or (facts.st_mtime_ns, facts.st_size) != (seen.changed_ns, seen.size):
                content = content_hash(path)
                if seen is None or seen.kept.hash != content:
                    one = self._files.upload(path, content)
                    sent += one.size
                else:
                    one = seen.kept
                seen = self._seen[name] = _Seen(facts.st_mtime_ns, facts.st_size, one)
            kept[name] = seen.kept
        self._files.keep(kept)
        if sent:
            _log.info("%d files are kept, %d bytes of them new", len(kept), sent)

    def _fetch(self) -> None:
        wanted = self._files.files
        known = {name: seen for name, seen in self._seen.items() if wanted.get(name) == seen.kept}
        try:
            self._clear({name for name, seen in known.items() if self._is_still(name, seen)})
            missing = {name for name in wanted if not (self.home / name).exists()}
            self._files.fetch({self._path(name): wanted[name] for name in missing})
            for name, content in self._files.given():
                path = self._path(name)
                own_folder(path.parent)
                path.write_bytes(content)
                path.chmod(0o600)
        except OSError as error:
            raise StorageError(
                f"{self.home} cannot be filled: {error.strerror}",
                cure="Give the function more temporary storage.",
            ) from error
        self._seen = {name: seen for name, seen in known.items() if name not in missing} | {
            name: _Seen(facts.st_mtime_ns, facts.st_size, wanted[name])
            for name in missing
            for facts in [(self.home / name).stat()]
        }

    def _is_still(self, name: str, seen: _Seen) -> bool:
        try:
            facts = (self.home / name).stat()
        except OSError:
            return False
        return (facts.st_mtime_ns, facts.st_size) == (seen.changed_ns, seen.size)

    def _clear(self, but: set[str]) -> None:
        """Remove what an invocation left that was cut off; copies of lake files may stay."""
        own_folder(self.home)
        for path in sorted(self.home.rglob("*"), reverse=True):
            name = path.relative_to(self.home)
            if name.parts[0] == _CACHE or name.as_posix() in but:
                continue
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            else:
                path.unlink()

    def _path(self, name: str) -> Path:
        """Where a file of that name lies in the home, and nowhere else."""
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise ConfigError(f"“{name}” is no name of a file in a data home", cure="Remove it.")
        return self.home.joinpath(*parts)


def _parts(home: Path) -> Iterator[Path]:
    """The files that outlive an invocation."""
    for part in (SERVICES, UPDATE, PLAYLISTS):
        yield from _files(home / part)
    for part in (SNAPSHOTS, MODELS):
        yield from _files(home / part, deep=False)
        pointer = home / part / _POINTER
        if pointer.is_file():
            yield from _files(home / part / Path(pointer.read_text("utf-8").strip()).name)
    for pattern in _WAREHOUSE:
        yield from sorted(home.glob(pattern))


def _files(folder: Path, *, deep: bool = True) -> Iterator[Path]:
    """Plain files without locks, what is half written, and the shared memory of SQLite."""
    for path in sorted(folder.rglob("*") if deep else folder.glob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        passing = path.name == _LOCK or path.name.endswith("-shm")
        if path.is_file() and not path.is_symlink() and not hidden and not passing:
            yield path
