"""A folder that appears whole or not at all, and never over somebody else's files."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from segue.errors import BusyError, ConfigError, StorageError

__all__ = ["KIND", "MARK", "is_ours", "made_whole"]

MARK: Final = "simulation.json"
"""The file by which a folder is known as one of ours."""

KIND: Final = "segue simulation"
"""What that file says it is."""


def is_ours(folder: Path) -> bool:
    """Whether a simulation was written here before."""
    try:
        told = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("kind") == KIND


@contextmanager
def made_whole(out: Path) -> Iterator[Path]:
    """A new folder to write to; it takes the place of `out` when the context ends well.

    What a killed run left beside `out` is cleared away first; an error leaves `out` as it was.

    Raises:
        ConfigError: `out` is a file, or holds something else than a simulation.
        BusyError: Another run is writing to the same place.
        StorageError: The disk is full or the place cannot be written.
    """
    out = out.expanduser().resolve()
    if not out.name:
        raise ConfigError(f"{out} is no place for a simulation", field="out", cure="Name a folder.")
    work, old = (out.with_name(f".{out.name}.{end}") for end in ("partial", "old"))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _lock(out.with_name(f".{out.name}.lock"), out):
            if old.exists() and not out.exists():
                old.rename(out)  # a run was killed between the two renames
            _check(out)
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                yield work
                _swap(work, out, old)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"cannot write the simulation to {out}: {error.strerror or error}",
            cure="Nothing was changed; free some space or choose another folder.",
        ) from error


def _check(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigError(
            f"{out} is a file", field="out", cure="Name a folder that is new or empty."
        )
    if any(out.iterdir()) and not is_ours(out):
        raise ConfigError(
            f"{out} is not empty and was not made by a simulation",
            field="out",
            cure="Name a folder that is new or empty.",
        )


def _swap(work: Path, out: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    work.rename(out)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _lock(path: Path, out: Path) -> Iterator[None]:
    with path.open("a") as file:
        busy = BusyError(
            f"another simulation is being written to {out}",
            cure="Wait for it to end, or choose another folder.",
        )
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy from error
        if not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
            raise busy  # its holder ended, and removed it, between our opening and locking it
        try:
            yield
        finally:
            path.unlink()
