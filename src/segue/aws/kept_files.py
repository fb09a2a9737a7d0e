"""Files in S3 that change as a whole, and whose turn it is to change them.

One small object, the head, names every file and whoever is at work. It is only ever replaced under
the condition that it is still the one that was read (If-Match), so of two that are at work one
fails, and what was cut off half-way leaves what was there before.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from segue.aws.clients import Aws
from segue.errors import BusyError, ConfigError, ServiceDownError, WarehouseError
from segue.own_folder import own_folder

__all__ = ["KeptFile", "KeptFiles", "content_hash"]

_log = logging.getLogger(__name__)
_SERVICE: Final = "S3"
_HEAD: Final = "head.json"
_FILES: Final = "files"
_GIVEN: Final = "given"
_FORMAT: Final = 1
_BLOCK: Final = 1 << 20
_AT_ONCE: Final = 8
_TRIES: Final = 4
_UNUSED: Final = timedelta(days=1)
_OTHERS: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_NONE: Final = frozenset({"NoSuchKey", "404", "NotFound"})


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as it is kept.

    Args:
        key: Of its object, below the prefix; no object is ever written again.
        size: Bytes.
        hash: BLAKE2b of the content, hexadecimal.
    """

    key: str
    size: int
    hash: str


@dataclass(frozen=True, slots=True)
class _Lease:
    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class _Head:
    """What the head says, and S3's tag of it; no tag: there is none yet."""

    files: Mapping[str, KeptFile]
    lease: _Lease | None
    tag: str = ""


class KeptFiles:
    """Files below a prefix of a bucket.

    Args:
        aws: How to reach S3.
        bucket: The bucket.
        prefix: Of all keys.
    """

    def __init__(self, aws: Aws, bucket: str, prefix: str) -> None:
        self._aws = aws
        self._bucket = bucket
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._head = _Head({}, None)

    @property
    def where(self) -> str:
        """The address."""
        return f"s3://{self._bucket}/{self._prefix}"

    @property
    def files(self) -> Mapping[str, KeptFile]:
        """By name: what was kept when the head was read or written last."""
        return self._head.files

    def look(self) -> Mapping[str, KeptFile]:
        """What is kept now; whoever only reads need not be alone.

        Objects that are not named any more stay for a day, so what is read here can be fetched.

        Raises:
            WarehouseError: The head is damaged.
            ServiceError: S3 refuses or does not answer.
        """
        self._head = self._read()
        return self._head.files

    @contextmanager
    def alone(self, *, now: datetime, until: datetime, owner: str = "") -> Iterator[None]:
        """Be the only one at work; whoever is cut off is so no longer than until then.

        Args:
            now: Aware UTC.
            until: When this one is over for sure.
            owner: Of whom there is one at a time for sure: if this one was cut off, the next of
                the name need not wait. Empty: nobody else has the name.

        Raises:
            BusyError: Somebody else is at work.
            ServiceError: S3 refuses or does not answer.
        """
        self._take(_Lease(owner or uuid.uuid4().hex, until), now)
        try:
            yield
        finally:
            self._let_go()

    def keep(self, files: Mapping[str, KeptFile]) -> None:
        """From now on these are the files, all of them at the same moment.

        Raises:
            BusyError: Somebody else is at work by now; nothing was changed.
            ServiceError: S3 refuses or does not answer.
        """
        if dict(files) != dict(self._head.files) and not self._replace(files, self._head.lease):
            raise BusyError(
                f"{self.where} was changed by another invocation; nothing was kept",
                cure="This one took longer than it may: give the function more time.",
            )

    def upload(self, path: Path, content: str) -> KeptFile:
        """Bring a file to S3; it counts once `keep` names it.

        Args:
            content: What `content_hash` says of it.
        """
        key = f"{_FILES}/{uuid.uuid4().hex}"
        with path.open("rb") as body, self._aws.explained(_SERVICE, f"write to {self.where}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=body)
        return KeptFile(key, path.stat().st_size, content)

    def fetch(self, wanted: Mapping[Path, KeptFile]) -> None:
        """Write files to where they are wanted.

        Raises:
            WarehouseError: One is not as it was written.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda one: self._fetch(*one), wanted.items()):
                pass

    def given(self) -> Iterator[tuple[str, bytes]]:
        """Small files that people have put below `given/`: their names there, and content."""
        prefix = f"{self._prefix}{_GIVEN}/"
        for entry in self._listed(prefix):
            name = entry["Key"].removeprefix(prefix)
            if name and not name.endswith("/"):
                with self._aws.explained(_SERVICE, f"read {self.where}{_GIVEN}/{name}"):
                    found = self._client.get_object(Bucket=self._bucket, Key=entry["Key"])
                    yield name, found["Body"].read()

    def sweep(self, now: datetime) -> int:
        """Remove objects that no head has named for a day; how many there were."""
        named = {self._prefix + one.key for one in self._head.files.values()}
        left = [
            entry["Key"]
            for entry in self._listed(f"{self._prefix}{_FILES}/")
            if entry["Key"] not in named and now - entry["LastModified"] > _UNUSED
        ]
        for key in left:
            with self._aws.explained(_SERVICE, f"remove from {self.where}"):
                self._client.delete_object(Bucket=self._bucket, Key=key)
        return len(left)

    # --- the head -------------------------------------------------------------------------------

    def _take(self, lease: _Lease, now: datetime) -> None:
        for _ in range(_TRIES):
            self._head = self._read()
            other = self._head.lease
            if other is not None and other.until > now and other.owner != lease.owner:
                raise BusyError(
                    f"another invocation is at work on {self.where}, at most until"
                    f" {other.until:%H:%M:%S} UTC",
                    cure="Try again then; the schedule does so by itself.",
                )
            if other is not None:
                _log.warning("%s: the last invocation was cut off", self.where)
            if self._replace(self._head.files, lease):
                return
        raise BusyError(
            f"others begin to work on {self.where} all the time", cure="Try again a little later."
        )

    def _let_go(self) -> None:
        """Let others begin; where that fails they have to wait for the end of our time."""
        try:
            if self._head.lease is not None:
                self._replace(self._head.files, None)
        except ServiceDownError as error:
            _log.warning("%s", error.message)

    def _read(self) -> _Head:
        with self._aws.explained(_SERVICE, f"read {self.where}{_HEAD}"):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + _HEAD)
                body = found["Body"].read()
            except self._refusal as error:
                if _code(error) not in _NONE:
                    raise
                return _Head({}, None)
        return _parsed(body, str(found["ETag"]), f"{self.where}{_HEAD}")

    def _replace(self, files: Mapping[str, KeptFile], lease: _Lease | None) -> bool:
        """Write the next head; False: somebody else has written one since ours was read."""
        told = {
            "format": _FORMAT,
            "written": uuid.uuid4().hex,  # no two heads are the same bytes
            "lease": lease and {"owner": lease.owner, "until": lease.until.isoformat()},
            "files": {name: asdict(one) for name, one in sorted(files.items())},
        }
        body = json.dumps(told, separators=(",", ":")).encode()
        tag = self._head.tag
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        with self._aws.explained(_SERVICE, f"write {self.where}{_HEAD}"):
            try:
                made = self._client.put_object(
                    Bucket=self._bucket, Key=self._prefix + _HEAD, Body=body, **condition
                )
                tag = str(made["ETag"])
            except self._refusal as error:
                if _code(error) not in _OTHERS | _NONE:
                    raise
                # An answer that was lost on its way is asked for again, and finds what it wrote.
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + _HEAD)
                if found["Body"].read() != body:
                    return False
                tag = str(found["ETag"])
        self._head = _Head(dict(files), lease, tag)
        return True

    # --- requests -------------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        return self._aws.client("s3")

    @property
    def _refusal(self) -> type[Exception]:
        refusal: type[Exception] = self._client.exceptions.ClientError
        return refusal

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        with self._aws.explained(_SERVICE, f"list s3://{self._bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            for page in pages:
                yield from page.get("Contents", ())

    def _fetch(self, path: Path, kept: KeptFile) -> None:
        own_folder(path.parent)
        seen = hashlib.blake2b(digest_size=16)
        with self._aws.explained(_SERVICE, f"read {self.where}"):
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + kept.key)
            with path.open("wb") as target:
                path.chmod(0o600)
                for block in found["Body"].iter_chunks(_BLOCK):
                    seen.update(block)
                    target.write(block)
        if seen.hexdigest() != kept.hash:
            raise WarehouseError(
                f"{self.where}{kept.key} ({path.name}) is not as it was written",
                cure=f"Remove {self.where}{_HEAD}: what the lake holds is built again.",
            )


def content_hash(path: Path) -> str:
    """BLAKE2b of a file, hexadecimal."""
    seen = hashlib.blake2b(digest_size=16)
    with path.open("rb") as content:
        while block := content.read(_BLOCK):
            seen.update(block)
    return seen.hexdigest()


def _code(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def _parsed(body: bytes, tag: str, where: str) -> _Head:
    try:
        told = json.loads(body)
        if told["format"] > _FORMAT:
            raise ConfigError(
                f"{where} was written by a newer Segue", cure="Deploy that version here, too."
            )
        lease = told["lease"]
        return _Head(
            {name: KeptFile(**one) for name, one in told["files"].items()},
            lease and _Lease(lease["owner"], datetime.fromisoformat(lease["until"])),
            tag,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WarehouseError(
            f"{where} is damaged", cure="Bring an earlier version of it back, or remove it."
        ) from error
