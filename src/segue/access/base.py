"""What every store of API keys can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from segue.access.api_key import ApiKey

__all__ = ["KeyStore", "KnownKey"]


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key, and what is kept of its token.

    Args:
        digest: SHA-256 of the token: 32 bytes.
    """

    key: ApiKey
    digest: bytes = field(repr=False)


class KeyStore(Protocol):
    """Keys and the hashes of their tokens; the tokens themselves are nowhere.

    What was added or revoked is on the disk when the call returns, and seen by every process that
    has the store open. Everything may be called from any thread, and raises StorageError,
    BusyError or WarehouseError where the store cannot be used.
    """

    name: ClassVar[str]

    def add(self, known: KnownKey) -> None:
        """Keep a new key.

        Raises:
            ConfigError: There is a key of this id already.
        """

    def find(self, key_id: str) -> KnownKey | None:
        """The key of this id, revoked or not; None: there is none."""

    def page(self, *, after: str = "", limit: int = 1000) -> Sequence[ApiKey]:
        """The next keys behind an id, by their ids."""

    def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """Let a key open nothing from now on; one that is revoked stays as it is.

        Raises:
            ConfigError: There is no such key.
        """

    def used(self, moments: Mapping[str, datetime]) -> None:
        """Note when keys were last used; ids that are not there are passed over."""

    def forget(self, user_id: str) -> int:
        """Remove the keys of one user; how many."""

    def version(self) -> int:
        """A number that grows with every change of what keys may do; 0: there never was a key.

        It is asked for about twice a second by each process that serves.
        """

    def close(self) -> None:
        """Let go of files and connections."""
