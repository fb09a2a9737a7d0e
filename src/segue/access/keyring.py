"""Which key a token opens with: answered from memory, and never later than a second or so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from segue.access.api_key import ApiKey
from segue.access.base import KeyStore, KnownKey
from segue.access.tokens import digest_of, key_id_of, opens
from segue.errors import SegueError

__all__ = ["Keyring", "Ring", "Unsure"]

_log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 0.5
_NOTE_EVERY_S: Final = 30.0
_TRUSTED_S: Final = 300.0
_MOST: Final = 50_000


class Unsure(Enum):
    """What memory alone cannot answer."""

    ASK = "ask the store"


class Ring(Protocol):
    """What a service asks about keys: of a store of Segue's, or of somebody else's."""

    @property
    def empty(self) -> bool:
        """Whether there never was a key, as far as this process knows."""

    def at_hand(self, token: str) -> ApiKey | Unsure | None:
        """The key that a token opens with, without waiting for anything; None: it opens nothing."""

    def look_up(self, token: str) -> ApiKey | None:
        """The same; it may take a while."""

    def forget(self, user_id: str) -> int:
        """Remove the keys of one user; how many."""

    def start(self) -> None:
        """Begin to follow whoever keeps the keys."""

    def close(self) -> None:
        """Stop that."""


class Keyring:
    """The keys of a store, as one process that serves has them at hand.

    A thread asks the store twice a second whether anything was added or revoked; then all is
    looked up again. If the store cannot be asked, what is at hand is trusted for five minutes: that
    long a server may take to be up again, and nobody can revoke a key there meanwhile.

    Args:
        store: Where the keys are kept; closed by whoever opened it.
        clock: Tells the moment, aware UTC; for when keys were last used.

    >>> ring = Keyring(store, clock=now)  # doctest: +SKIP
    >>> ring.start()  # doctest: +SKIP
    >>> ring.look_up("segue_0123456789ab_…")  # doctest: +SKIP
    ApiKey(key_id='0123456789ab', …)
    """

    def __init__(self, store: KeyStore, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._at_hand: dict[str, KnownKey | None] = {}
        self._open: dict[bytes, ApiKey] = {}  # by digests, which nobody can aim at
        self._used: set[str] = set()
        self._version = store.version()
        self._asked_at = time.monotonic()
        self._ever = self._version > 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def empty(self) -> bool:
        """Whether there never was a key, as far as this process knows."""
        return not self._ever

    def at_hand(self, token: str) -> ApiKey | Unsure | None:
        """The key that a token opens with, without waiting for anything; None: it opens nothing."""
        if time.monotonic() - self._asked_at > _TRUSTED_S:
            return Unsure.ASK
        key = self._open.get(digest_of(token))
        if key is not None:
            self._used.add(key.key_id)
            return key
        key_id = key_id_of(token)
        if key_id is None:
            return None
        if key_id not in self._at_hand:
            return Unsure.ASK
        return self._checked(token, self._at_hand.get(key_id))

    def look_up(self, token: str) -> ApiKey | None:
        """The same, asking the store; it may take a while.

        Raises:
            WarehouseError: The store cannot be asked.
        """
        key_id = key_id_of(token)
        if key_id is None:
            return None
        at_hand, open_ = self._at_hand, self._open
        found = self._store.find(key_id)
        if len(at_hand) >= _MOST:
            at_hand.clear()
            open_.clear()
        at_hand[key_id] = found  # a dict of before a change is nobody's any more
        key = self._checked(token, found)
        if key is not None:
            open_[digest_of(token)] = key
        return key

    def still(self, key_id: str) -> ApiKey | None:
        """The key of an id, for whoever came in with it before; None: it opens nothing any more.

        Raises:
            WarehouseError: The store cannot be asked.
        """
        at_hand = self._at_hand
        if time.monotonic() - self._asked_at > _TRUSTED_S or key_id not in at_hand:
            at_hand[key_id] = self._store.find(key_id)
        known = at_hand[key_id]
        if known is None or known.key.revoked_at is not None:
            return None
        self._used.add(key_id)
        return known.key

    def forget(self, user_id: str) -> int:
        """Remove the keys of one user, here and in the store; how many.

        Raises:
            WarehouseError: The store cannot be written.
        """
        gone = self._store.forget(user_id)
        self._refresh()
        return gone

    def start(self) -> None:
        """Begin to follow the store."""
        self._thread = threading.Thread(target=self._follow, name="keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following, and note what was used."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._note_use()

    def _checked(self, token: str, known: KnownKey | None) -> ApiKey | None:
        if not opens(token, None if known is None else known.digest) or known is None:
            return None
        if known.key.revoked_at is not None:
            return None
        self._used.add(known.key.key_id)
        return known.key

    def _follow(self) -> None:
        noted_at = time.monotonic()
        while not self._stop.wait(_LOOK_EVERY_S):
            self._refresh()
            if time.monotonic() - noted_at >= _NOTE_EVERY_S:
                self._note_use()
                noted_at = time.monotonic()

    def _refresh(self) -> None:
        try:
            version = self._store.version()
        except SegueError as error:
            _log.warning("API keys cannot be read again: %s", error)
            return
        if version != self._version:
            self._at_hand, self._open = {}, {}
            self._version = version
            self._ever = self._ever or version > 0
        self._asked_at = time.monotonic()

    def _note_use(self) -> None:
        used, self._used = self._used, set()
        if not used:
            return
        try:
            self._store.used(dict.fromkeys(used, self._clock()))
        except SegueError as error:  # nobody waits for it, and the next time may do
            _log.info("when API keys were used cannot be noted: %s", error)
            self._used |= used
