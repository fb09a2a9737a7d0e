"""The order of commits: manifests with numbers, of which each is given once.

    commits/00000007.json            a commit; whoever makes the file first has the number
    checkpoints/00000064.json.gz     the manifests of all commits up to this number, in one file

A checkpoint says nothing new: it spares whoever comes with an empty cache the reading of thousands
of small manifests. Every commit whose number is not in it is read by itself.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from segue.errors import BusyError, StorageError, WarehouseError
from segue.warehouse.lake_manifest import (
    Commit,
    LakeFile,
    commit_of,
    manifest_bytes,
    manifest_of,
    parse_manifest,
)
from segue.warehouse.lake_store import Found, LakeStore

__all__ = ["LakeLog", "LakeState"]

_log = logging.getLogger(__name__)
_MANIFEST: Final = re.compile(r"commits/(\d{8})(-\d{8}T\d{6}Z)?\.json")
_CHECKPOINT: Final = re.compile(r"checkpoints/(\d{8})\.json\.gz")
_COMMITS_A_CHECKPOINT: Final = 64
_READ_AT_ONCE: Final = 16
_MOST_TRIES: Final = 200


@dataclass(frozen=True)
class LakeState:
    """The lake after one of its commits.

    Args:
        commits: All of them, in order.
    """

    commits: tuple[Commit, ...]

    @property
    def next_number(self) -> int:
        """The number of the commit that comes next."""
        return 1 + (self.commits[-1].number if self.commits else 0)

    @cached_property
    def files(self) -> tuple[LakeFile, ...]:
        """The files that count, in the order of their commits."""
        gone = self.replaced_by
        return tuple(
            file for commit in self.commits for file in commit.files if file.name not in gone
        )

    @cached_property
    def replaced_by(self) -> Mapping[str, Commit]:
        """Name of a file that does not count any more -> the commit that took its place."""
        return {name: commit for commit in self.commits for name in commit.replaced}


class LakeLog:
    """Reads commits, and adds one to them.

    Args:
        store: Where the manifests are.
    """

    def __init__(self, store: LakeStore) -> None:
        self.store = store
        self._read: dict[str, tuple[str, Commit]] = {}  # manifest -> its tag and content
        self._old: tuple[Commit, ...] | None = None  # what a checkpoint told
        self._state = LakeState(())

    def state(self) -> LakeState:
        """The lake as it is now.

        Raises:
            WarehouseError: A manifest is damaged.
            StorageError: The lake cannot be read.
        """
        if self._old is None:
            self._old = self._from_checkpoint()
        past = self._old[-1].number if self._old else 0
        found = [
            entry
            for entry in self.store.find("commits", after=f"commits/{past + 1:08d}" if past else "")
            if _MANIFEST.fullmatch(entry.name)
        ]
        fresh = [entry for entry in found if self._read.get(entry.name, ("",))[0] != entry.tag]
        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            manifests = pool.map(self._manifest, fresh)
            read = {entry.name: one for entry, one in zip(fresh, manifests, strict=True)}
        if read or len(found) != len(self._read):
            known = self._read | read
            self._read = {entry.name: known[entry.name] for entry in found}
            commits = (*self._old, *(commit for _, commit in self._read.values()))
            self._state = LakeState(_in_order(commits, self.store.where))
        return self._state

    def append(self, commit: Commit) -> bool:
        """Let a commit count, if its number is still free; then it is one from here on."""
        done = self.store.create(commit.manifest, manifest_bytes(commit))
        if done and commit.number % _COMMITS_A_CHECKPOINT == 0:
            self._write_checkpoint()
        return done

    def surely_lacks(self, commit: Commit) -> bool:
        """Whether a commit that could not be appended will not count later on, either."""
        return self.store.surely_lacks(commit.manifest)

    def retrying(self) -> range:
        """How often to try for the next number before giving way."""
        return range(_MOST_TRIES)

    def gave_way(self) -> BusyError:
        """Nothing was committed: there was always somebody faster."""
        return BusyError(
            f"too many others are writing to {self.store.where}",
            cure="Run it again; nothing was changed.",
        )

    def rewrite(
        self, commits: Iterable[Commit], *, on_step: Callable[[str], None] = lambda step: None
    ) -> None:
        """Put other manifests in the place of those with the same numbers.

        For forgetting: what is no file of `replaced` must not be missed by anybody. Checkpoints
        are removed first, since they repeat what manifests say.

        Args:
            commits: How they read from now on.
            on_step: Told "manifest" after each.
        """
        wanted = tuple(commits)
        if not wanted:
            return
        self.store.remove([found.name for found in self.store.find("checkpoints")])
        for commit in wanted:
            self.store.replace(commit.manifest, manifest_bytes(commit))
            on_step("manifest")
        self._start_over()

    def _start_over(self) -> None:
        self._old, self._read, self._state = None, {}, LakeState(())

    # --- reading --------------------------------------------------------------------------------

    def _manifest(self, found: Found) -> tuple[str, Commit]:
        place = f"{self.store.where}/{found.name}"
        try:
            content = self.store.read(found.name)
        except OSError as error:
            raise WarehouseError(
                f"the manifest {place} cannot be read ({error})",
                cure="Restore it from a backup, or move it away to undo that import.",
            ) from error
        return found.tag, commit_of(parse_manifest(content, place), place, self.store)

    def _from_checkpoint(self) -> tuple[Commit, ...]:
        names = [
            entry.name
            for entry in self.store.find("checkpoints")
            if _CHECKPOINT.fullmatch(entry.name)
        ]
        for name in reversed(names):
            try:
                manifests = json.loads(gzip.decompress(self.store.read(name)))["manifests"]
                return tuple(commit_of(manifest, name, self.store) for manifest in manifests)
            except (OSError, EOFError, ValueError, KeyError, WarehouseError) as error:
                _log.warning("%s/%s is damaged and not used: %s", self.store.where, name, error)
        return ()

    def _write_checkpoint(self) -> None:
        """Spare others some reading; the lake is whole without it."""
        try:
            self._start_over()  # what was rewritten elsewhere since we began is not repeated
            state = self.state()
            manifests = [_without_gone(commit, state) for commit in state.commits]
            content = gzip.compress(json.dumps({"manifests": manifests}).encode(), mtime=0)
            name = f"checkpoints/{state.commits[-1].number:08d}.json.gz"
            self.store.replace(name, content)
        except StorageError as error:
            _log.info("no checkpoint was written: %s", error.message)


def _without_gone(commit: Commit, state: LakeState) -> dict[str, Any]:
    """A manifest for a checkpoint: pieces of files that were put together again tell nothing."""
    manifest = manifest_of(commit)
    for entry in manifest["files"]:
        if entry["path"] in state.replaced_by:
            entry.pop("pieces", None)
    return manifest


def _in_order(commits: tuple[Commit, ...], where: str) -> tuple[Commit, ...]:
    ordered = tuple(sorted(commits, key=lambda commit: commit.number))
    for one, other in pairwise(ordered):
        if one.number == other.number:
            raise WarehouseError(
                f"two commits of {where} have the number {one.number}: two lakes were mixed",
                cure=f"Move one of commits/{one.number:08d}*.json away.",
            )
    return ordered
