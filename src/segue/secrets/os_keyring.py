"""Secrets in the keyring of the operating system: GNOME Keyring, KWallet, macOS Keychain."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from segue.errors import SecretError, StorageError
from segue.own_folder import own_folder
from segue.secrets.base import Place, checked, merged

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["OsKeyring", "usable", "was_used"]

_LOCK: Final = "lock"
_TOUCHED: Final = "in-keyring"
"""A file that says: this home's secrets are in a keyring, even if a job without session asks."""
_CURE: Final = (
    "Unlock the keyring of your session, or keep secrets in an encrypted file: "
    "SEGUE_SECRETS__STORE=file, then sign in again."
)


def usable() -> bool:
    """Whether this session has a keyring. Headless machines and cron jobs often have none."""
    return _found() is not None


def was_used(folder: Path) -> bool:
    """Whether secrets of the home with this private folder are in a keyring."""
    return (folder / _TOUCHED).exists()


def _found() -> KeyringBackend | None:
    import keyring
    from keyring.backends import chainer, fail, null
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
    except (KeyringError, RuntimeError):
        return None
    if isinstance(backend, chainer.ChainerBackend) and not backend.backends:
        return None
    return None if isinstance(backend, fail.Keyring | null.Keyring) else backend


class OsKeyring:
    """Secrets as entries of the keyring, each a JSON object, under the service of `place.prefix`.

    Args:
        place: The name of the service, and a folder for the lock between processes.
        backend: The keyring; None: the one of this session.
    """

    name: ClassVar[str] = "keyring"

    def __init__(self, place: Place, backend: KeyringBackend | None = None) -> None:
        self._service = place.prefix
        self._folder = place.folder.absolute()
        self._given = backend
        self._lock = threading.Lock()

    @property
    def where(self) -> str:
        """The keyring's own name."""
        backend = self._given or _found()
        return "the keyring" if backend is None else f"the keyring ({backend.name})"

    def read(self, name: str) -> Mapping[str, str]:
        """The fields of a secret. See `SecretStore`."""
        return self._fields(checked(name))

    def write(self, name: str, fields: Mapping[str, str | None]) -> None:
        """Change some fields of a secret. See `SecretStore`."""
        with self._alone():
            known = self._fields(checked(name))
            changed = merged(known, fields)
            (self._folder / _TOUCHED).touch(mode=0o600)
            with self._asking() as backend:
                if changed:
                    backend.set_password(self._service, name, json.dumps(changed))
                elif known:
                    backend.delete_password(self._service, name)

    def delete(self, name: str) -> bool:
        """Remove a secret. See `SecretStore`."""
        with self._alone():
            if not self._fields(checked(name)):
                return False
            with self._asking() as backend:
                backend.delete_password(self._service, name)
            return True

    def _fields(self, name: str) -> dict[str, str]:
        with self._asking() as backend:
            text = backend.get_password(self._service, name)
        try:
            found = {} if text is None else json.loads(text)
        except ValueError as error:
            raise SecretError(
                f"the entry “{name}” of {self.where} is not Segue's",
                cure="Remove it from the keyring and sign in again.",
            ) from error
        return {str(key): str(value) for key, value in found.items()}

    @contextmanager
    def _asking(self) -> Iterator[KeyringBackend]:
        from keyring.errors import KeyringError

        backend = self._given or _found()
        if backend is None:
            raise SecretError("this session has no keyring", cure=_CURE)
        try:
            yield backend
        except (KeyringError, RuntimeError, OSError) as error:
            raise SecretError(
                f"{self.where} cannot be used: {type(error).__name__}", cure=_CURE
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time: keyrings know no change that keeps the other fields."""
        with self._lock:
            try:
                own_folder(self._folder)
                handle = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            except OSError as error:
                raise StorageError(
                    f"{self._folder} cannot be written: {error.strerror}",
                    cure="Mend its permissions, or name another data home with SEGUE_HOME.",
                ) from error
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)
