"""Files below a place in S3 with the versions that a bucket keeps of what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segue.warehouse.s3_client import explained, saying
from segue.warehouse.s3_files import FROZEN, S3Files

__all__ = ["S3Version", "S3Versions"]

_NONE: Final = "null"
_OTHERS: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


@dataclass(frozen=True, slots=True)
class S3Version:
    """A version of a file; a bucket that keeps none has one of each.

    Args:
        name: Of the file, below the place.
        number: What S3 calls it.
        latest: Whether this is what is read.
        tag: Another one when the content changes.
        frozen: Whether somebody has to restore it before it can be read.
    """

    name: str
    number: str
    latest: bool
    tag: str
    frozen: bool


class S3Versions:
    """The versions of files below a place.

    Args:
        files: The place.
    """

    def __init__(self, files: S3Files) -> None:
        self._files = files

    def find(self, ending: str) -> Iterator[S3Version]:
        """All versions of files whose names end so, in the order of names."""
        place, client = self._files.place, self._files.client
        prefix = f"{place.prefix}/" if place.prefix else ""
        with explained(place, "listing"):
            pages = client.get_paginator("list_object_versions").paginate(
                Bucket=place.bucket, Prefix=prefix
            )
            for page in pages:
                for one in page.get("Versions", ()):
                    if one["Key"].endswith(ending):
                        yield S3Version(
                            place.name(one["Key"]),
                            one["VersionId"],
                            bool(one["IsLatest"]),
                            one["ETag"],
                            one.get("StorageClass", "STANDARD") in FROZEN,
                        )

    def fetch(self, one: S3Version, path: Path) -> None:
        """Bring a version to this machine."""
        place, client = self._files.place, self._files.client
        more = {} if one.number == _NONE else {"ExtraArgs": {"VersionId": one.number}}
        with explained(place, f"reading {one.name}"):
            client.download_file(place.bucket, place.key(one.name), str(path), **more)

    def replace(self, one: S3Version, path: Path) -> bool:
        """Put a file in the place of the latest version, which goes; False: it has changed."""
        place, client = self._files.place, self._files.client
        with explained(place, f"writing {one.name}"), path.open("rb") as body:
            try:
                client.put_object(
                    Bucket=place.bucket, Key=place.key(one.name), Body=body, IfMatch=one.tag
                )
            except client.exceptions.ClientError as error:
                if saying(error) in _OTHERS:
                    return False
                raise
        if one.number != _NONE:
            self.remove(one)
        return True

    def remove(self, one: S3Version) -> None:
        """Remove a version for good."""
        place = self._files.place
        with explained(place, f"removing an old {one.name}"):
            self._files.client.delete_object(
                Bucket=place.bucket, Key=place.key(one.name), VersionId=one.number
            )
