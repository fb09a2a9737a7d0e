"""What an executor of Spark is asked to do for a build; each knows nothing but what it is given."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from segue.warehouse.apart import (
    PlaysOnce,
    Shaped,
    judged,
    longest,
    once,
    raw_plays,
    references,
    split,
    users_told,
)
from segue.warehouse.base import RawFile
from segue.warehouse.full_models import Model
from segue.warehouse.lake_manifest import LakeFile
from segue.warehouse.lake_s3 import LakeS3

__all__ = [
    "Told",
    "heard_by_two",
    "heard_of",
    "plays_by_part",
    "plays_once",
    "portable",
    "shaped",
    "tell",
    "told_by_two",
]


@dataclass(frozen=True)
class Told:
    """What some lake files of plays name.

    Args:
        references: See `segue.warehouse.apart.references`.
        users: See `segue.warehouse.apart.users_told`.
    """

    references: pa.Table
    users: pa.Table


def portable(file: RawFile) -> RawFile:
    """A lake file as it can be sent: what is in S3 is asked for anew by whoever gets it."""
    if isinstance(file, LakeFile) and isinstance(file.store, LakeS3):
        store = file.store
        return replace(file, store=LakeS3(store.place, store.options, folder=store.folder))
    return file


@contextmanager
def _here(files: Sequence[RawFile]) -> Iterator[list[RawFile]]:
    """Files that are read on this machine: of those in S3 copies, which go at the end."""
    with tempfile.TemporaryDirectory(prefix="segue-lake-") as folder:
        stores: dict[str, LakeS3] = {}
        found: list[RawFile] = []
        for file in files:
            if isinstance(file, LakeFile) and isinstance(file.store, LakeS3):
                given = file.store
                mine = LakeS3(given.place, given.options, folder=Path(folder))
                file = replace(file, store=stores.setdefault(given.where, mine))
            found.append(file)
        yield found


def tell(files: Sequence[RawFile], *, memory_limit: str) -> Told:
    """What some lake files name."""
    with _here(files) as here:
        plays = raw_plays(here, memory_limit=memory_limit)
    return Told(references([plays], memory_limit=memory_limit), users_told([plays]))


def told_by_two(one: Told, other: Told, *, memory_limit: str) -> Told:
    """The same of both."""
    names = references([one.references, other.references], memory_limit=memory_limit)
    return Told(names, users_told([one.users, other.users]))


def plays_by_part(
    files: Sequence[RawFile], *, firsts: Any, without: Collection[int], memory_limit: str
) -> Iterator[tuple[int, pa.Table]]:
    """The plays of some lake files, by the part of users that they are of.

    Args:
        firsts: Broadcast: the first user of each part.
        without: Parts that are there already.
    """
    with _here(files) as here:
        plays = raw_plays(here, memory_limit=memory_limit)
    yield from split(plays, firsts.value, without=without)


def plays_once(
    rows: Iterable[tuple[int, pa.Table]],
    *,
    refs: Any,
    models: Sequence[Model],
    memory_limit: str,
) -> Iterator[tuple[int, PlaysOnce]]:
    """The plays of one part, each once; nothing of a part without plays."""
    plays = list(rows)
    if plays:
        tables = [table for _, table in plays]
        found = once(tables, refs.value, models, memory_limit=memory_limit)
        yield plays[0][0], found


def heard_of(part: tuple[int, PlaysOnce]) -> tuple[pa.Table, dict[str, int]]:
    """What a part heard of tracks, and its account."""
    return part[1].heard, dict(part[1].counts)


def heard_by_two(
    one: tuple[pa.Table, dict[str, int]],
    other: tuple[pa.Table, dict[str, int]],
    *,
    memory_limit: str,
) -> tuple[pa.Table, dict[str, int]]:
    """The same of both."""
    counts = {name: one[1][name] + other[1][name] for name in one[1]}
    return longest([one[0], other[0]], memory_limit=memory_limit), counts


def shaped(
    parts: Iterable[tuple[int, PlaysOnce]],
    *,
    known: Any,
    models: Sequence[Model],
    memory_limit: str,
) -> Iterator[tuple[int, Shaped]]:
    """The marts of parts.

    Args:
        known: Broadcast: see `segue.warehouse.apart.judged`.
    """
    tables: Mapping[str, pa.Table] = known.value
    for number, part in parts:
        yield number, judged(part.plays, tables, models, memory_limit=memory_limit)
