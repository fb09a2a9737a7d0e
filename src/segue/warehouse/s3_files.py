"""Files below a place in S3: listed, fetched, written, and held so that only one works on them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from segue.warehouse.s3_client import S3Options, S3Place, explained, open_client, saying

__all__ = ["FROZEN", "S3File", "S3Files"]

FROZEN: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose files cannot be read before somebody has them restored."""

_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_OTHERS: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class S3File:
    """A file that is there.

    Args:
        name: Below the place.
        size: Bytes.
        storage: Its storage class, such as STANDARD or GLACIER.
        tag: Another one when the content changes.
    """

    name: str
    size: int
    storage: str = "STANDARD"
    tag: str = ""


class S3Files:
    """The files below a place.

    Args:
        place: Bucket and prefix.
        options: How to speak to S3.
    """

    def __init__(self, place: S3Place, options: S3Options) -> None:
        self.place = place
        self.options = options

    def beside(self, place: S3Place) -> S3Files:
        """The files below another place, by the same client: making one takes long."""
        other = S3Files(place, self.options)
        other.client = self.client
        return other

    @cached_property
    def client(self) -> Any:
        """Of boto3."""
        return open_client(self.place, self.options)

    def find(self, prefix: str, *, after: str = "") -> Iterator[S3File]:
        """The files whose names begin so, in their order; those after a name only."""
        asked = {"StartAfter": self.place.key(after)} if after else {}
        with explained(self.place, "listing"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=self.place.key(prefix), **asked
            )
            for page in pages:
                for one in page.get("Contents", ()):
                    name = self.place.name(one["Key"])
                    storage = one.get("StorageClass", "STANDARD")
                    yield S3File(name, one["Size"], storage, one.get("ETag", ""))

    def read(self, name: str) -> bytes | None:
        """A small file; None: there is none."""
        found = self.read_tagged(name)
        return None if found is None else found[0]

    def read_tagged(self, name: str) -> tuple[bytes, str] | None:
        """A small file, and the tag of what is in it."""
        with explained(self.place, f"reading {name}"):
            try:
                found = self.client.get_object(Bucket=self.place.bucket, Key=self.place.key(name))
            except self.client.exceptions.ClientError as error:
                if saying(error) in _MISSING:
                    return None
                raise
            with found["Body"] as body:
                return body.read(), str(found["ETag"])

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, in one moment."""
        with explained(self.place, f"writing {name}"):
            self.client.put_object(Bucket=self.place.bucket, Key=self.place.key(name), Body=content)

    def take_over(self, name: str, content: bytes, tag: str | None) -> bool:
        """Write a small file if nobody wrote it since; whether that was so.

        Args:
            tag: What `read_tagged` told; None: there was no such file.
        """
        held = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        with explained(self.place, f"writing {name}"):
            try:
                self.client.put_object(
                    Bucket=self.place.bucket, Key=self.place.key(name), Body=content, **held
                )
            except self.client.exceptions.ClientError as error:
                if saying(error) in _OTHERS | _MISSING:
                    return False
                raise
        return True

    def upload(self, path: Path, name: str, content_type: str = "binary/octet-stream") -> None:
        """Bring a file of this machine there."""
        told = {"ServerSideEncryption": "AES256", "ContentType": content_type}
        with explained(self.place, f"writing {name}"):
            self.client.upload_file(
                str(path), self.place.bucket, self.place.key(name), ExtraArgs=told
            )

    def download(self, names: list[str], folder: Path) -> list[Path]:
        """Fetch files into an existing folder, several at a time; their paths, in that order."""

        def fetch(numbered: tuple[int, str]) -> Path:
            number, name = numbered
            path = folder / f"{number:06d}.parquet"
            self.client.download_file(self.place.bucket, self.place.key(name), str(path))
            return path

        with explained(self.place, "reading"), ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(fetch, enumerate(names)))

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        with explained(self.place, f"removing {name}"):
            self.client.delete_object(Bucket=self.place.bucket, Key=self.place.key(name))
