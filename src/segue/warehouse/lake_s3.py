"""A lake in S3 or anything that speaks like it: many may write at once, nobody holds a lock."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from segue.errors import StorageError
from segue.warehouse.lake_cache import LakeCache
from segue.warehouse.lake_lock import own_folder
from segue.warehouse.lake_store import Found
from segue.warehouse.s3_client import S3Options, S3Place, explained, is_passing, open_client, saying
from segue.warehouse.storage import make_folder, storing

__all__ = ["LakeS3", "S3Options", "S3Place"]

_log = logging.getLogger(__name__)
_MARKER: Final = "lake.json"
_MARKED: Final = b'{"format": 2, "conditional_puts": true}\n'
_BLOCK: Final = 1 << 20
_ATTEMPTS: Final = 4
_AT_ONCE: Final = 16
_TAKEN: Final = {"PreconditionFailed", "412"}
_AT_THE_SAME_TIME: Final = {"ConditionalRequestConflict", "409"}
_MISSING: Final = {"NoSuchKey", "404", "NotFound"}

T = TypeVar("T")


class LakeS3:
    """Files of a lake below a prefix of a bucket; a `LakeStore`.

    Args:
        place: Bucket and prefix.
        options: Endpoint, region and style of addresses; credentials come from the usual places
            of AWS (environment, shared files, roles) and from nowhere else.
        folder: On this machine: copies of what was fetched, and what is under way.
    """

    shared = True

    def __init__(self, place: S3Place, options: S3Options, *, folder: Path) -> None:
        self.place = place
        self.options = options
        self.folder = folder.absolute()
        self._cache = LakeCache(self.folder / "files")
        self._opened: Any = None

    @property
    def where(self) -> str:
        """The address, such as s3://music/segue."""
        return str(self.place)

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """A folder for staged files; others may write meanwhile, here and elsewhere.

        Raises:
            StorageError: The cache's folder cannot be written.
        """
        with own_folder(self.folder / "staging") as staging:
            yield staging

    def find(self, folder: str, *, after: str = "") -> Iterator[Found]:
        """The files below a prefix; only what comes after a name is asked for."""
        asked: dict[str, Any] = {"Prefix": self.place.key(f"{folder}/")}
        if after:
            asked["StartAfter"] = self.place.key(after)
        with explained(self.place, "listing"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, **asked
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = self.place.name(entry["Key"])
                    yield Found(name, entry["Size"], entry["LastModified"], entry["ETag"])

    def read(self, name: str) -> bytes:
        """The content of a small file."""
        return self._get(name, lambda body: bytes(body.read()))

    def local(self, name: str, crc32: int | None) -> Path:
        """A copy in the cache."""
        return self._cache.path(name, crc32, lambda path: self._download(name, path))

    @contextmanager
    def fresh(self, name: str) -> Iterator[Path]:
        """A copy of its own."""
        with storing(self.folder):
            make_folder(self.folder)
            scratch = TemporaryDirectory(dir=self.folder, prefix="check-")
        with scratch as folder:
            path = Path(folder, "file.parquet")
            self._download(name, path)
            yield path

    def put(self, staged: Path, name: str, crc32: int) -> None:
        """Upload a staged file; S3 compares it with its checksum and keeps all of it or nothing."""
        with staged.open("rb") as content, explained(self.place, f"writing {name}"):
            self._client.put_object(
                Bucket=self.place.bucket,
                Key=self.place.key(name),
                Body=content,
                ChecksumCRC32=base64.b64encode(crc32.to_bytes(4, "big")).decode(),
            )

    def settle(self, names: Sequence[str]) -> None:
        """Nothing: what S3 has accepted stays."""

    def create(self, name: str, content: bytes) -> bool:
        """Let a file appear if none has its name yet: one conditional put."""
        self._require_conditional_puts()
        return self._create(name, content)

    def _create(self, name: str, content: bytes) -> bool:
        """Create it; an answer that was lost on its way is found out by looking."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._client.put_object(
                    Bucket=self.place.bucket,
                    Key=self.place.key(name),
                    Body=content,
                    IfNoneMatch="*",
                )
                return True
            except self._errors as error:
                code = saying(error)
                if code in _TAKEN:
                    return self.read(name) == content
                if code not in _AT_THE_SAME_TIME or attempt == _ATTEMPTS:
                    with explained(self.place, f"writing {name}"):
                        raise
        raise AssertionError("the last attempt returns or raises")

    def surely_lacks(self, name: str) -> bool:
        """Never: a request that got no answer may still be on its way."""
        del name
        return False

    def replace(self, name: str, content: bytes) -> None:
        """Write a file in one moment."""
        with explained(self.place, f"writing {name}"):
            self._client.put_object(
                Bucket=self.place.bucket, Key=self.place.key(name), Body=content
            )

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, and their copies here."""

        def remove(name: str) -> None:
            self._client.delete_object(Bucket=self.place.bucket, Key=self.place.key(name))
            (self._cache.folder / name).unlink(missing_ok=True)

        with explained(self.place, "removing files"), ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(remove, names):
                pass

    # --- requests -------------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        if self._opened is None:
            self._opened = open_client(self.place, self.options)
            self._cache.trim()
        return self._opened

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        return (BotoCoreError, ClientError, HTTPClientError)

    def _get(self, name: str, take: Callable[[Any], T]) -> T:
        """What is taken of a file's content, asked for again where it breaks off half-way."""
        for attempt in range(1, _ATTEMPTS + 1):
            with explained(self.place, f"reading {name}"):
                body = self._ask_for(name)
                try:
                    with body:
                        return take(body)
                except self._errors as error:
                    if attempt == _ATTEMPTS or not is_passing(error):
                        raise
                    _log.info("reading %s broke off, trying again", name)
        raise AssertionError("the last attempt returns or raises")

    def _ask_for(self, name: str) -> Any:
        try:
            found = self._client.get_object(Bucket=self.place.bucket, Key=self.place.key(name))
        except self._errors as error:
            if saying(error) in _MISSING:
                raise FileNotFoundError(f"{self.where}/{name}") from error
            raise
        return found["Body"]

    def _download(self, name: str, path: Path) -> None:
        def write(body: Any) -> None:
            with storing(self.folder), path.open("wb") as target:
                for block in body.iter_chunks(_BLOCK):
                    target.write(block)

        self._get(name, write)

    def _require_conditional_puts(self) -> None:
        """Refuse an S3 that would let two collectors overwrite each other's commits; asked once."""
        try:
            self.read(_MARKER)
            return
        except FileNotFoundError:
            pass
        if self._create(_MARKER, _MARKED) and self._overwrites():
            self.remove([_MARKER])
            raise StorageError(
                f"{self.place} does not know conditional puts (If-None-Match), so two imports at "
                "once could overwrite each other; nothing was changed",
                cure="Use AWS S3, MinIO or another S3 that knows them, or a lake in a folder.",
            )

    def _overwrites(self) -> bool:
        try:
            self._client.put_object(
                Bucket=self.place.bucket,
                Key=self.place.key(_MARKER),
                Body=_MARKED,
                IfNoneMatch="*",
            )
        except self._errors as error:
            if saying(error) in _TAKEN | _AT_THE_SAME_TIME:
                return False
            with explained(self.place, f"writing {_MARKER}"):
                raise
        return True
