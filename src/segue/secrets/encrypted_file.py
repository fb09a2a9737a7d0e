"""Secrets in one encrypted file: AES-256-GCM under a passphrase, or under a key file beside it."""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from segue.errors import SecretError, StorageError
from segue.own_folder import own_folder
from segue.secrets.base import Place, checked, merged

__all__ = ["EncryptedFile"]

_log = logging.getLogger(__name__)

_FORMAT: Final = 1
_FILE: Final = "secrets.enc"
_KEY: Final = "secrets.key"
_LOCK: Final = "lock"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 16
_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}
"""32 MB and about a tenth of a second for each guess; see RFC 7914."""

Lock = Literal["passphrase", "file"]


@dataclass(frozen=True, slots=True)
class _Header:
    """What stands unencrypted before the secrets; it is authenticated with them."""

    lock: Lock
    salt: bytes

    def bytes(self) -> bytes:
        told = {"format": _FORMAT, "lock": self.lock, "salt": base64.b64encode(self.salt).decode()}
        return json.dumps({**told, **_SCRYPT}, sort_keys=True).encode()


class EncryptedFile:
    """Secrets in `secrets.enc`, a private file of a private folder.

    Without a passphrase the key lies beside it: that protects a copy of the file (a backup), not
    somebody who may read the whole folder. A passphrase given later locks the file at the next
    change, and the key file goes.

    Args:
        place: The folder and the passphrase.
    """

    name: ClassVar[str] = "file"

    def __init__(self, place: Place) -> None:
        self._folder = place.folder.absolute()
        self._passphrase = place.passphrase
        self._lock = threading.Lock()
        self._keys: dict[bytes, bytes] = {}

    @property
    def where(self) -> str:
        """The file."""
        return f"the encrypted file {self._folder / _FILE}"

    def read(self, name: str) -> Mapping[str, str]:
        """The fields of a secret. See `SecretStore`."""
        checked(name)
        with self._lock, self._storing():
            try:
                handle = os.open(self._folder / _LOCK, os.O_RDONLY)
            except FileNotFoundError:  # it comes before the first secret
                return {}
            with _locked(handle, fcntl.LOCK_SH):
                return self._load().get(name, {})

    def write(self, name: str, fields: Mapping[str, str | None]) -> None:
        """Change some fields of a secret. See `SecretStore`."""
        checked(name)
        with self._changing() as secrets:
            secrets[name] = merged(secrets.get(name, {}), fields)
            if not secrets[name]:
                del secrets[name]

    def delete(self, name: str) -> bool:
        """Remove a secret. See `SecretStore`."""
        checked(name)
        with self._changing() as secrets:
            return secrets.pop(name, None) is not None

    # --- the file -------------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[dict[str, dict[str, str]]]:
        """All secrets, written when they changed; one process and thread at a time."""
        with self._lock, self._storing():
            own_folder(self._folder)
            handle = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            with _locked(handle, fcntl.LOCK_EX):
                secrets = self._load()
                before = json.dumps(secrets, sort_keys=True)
                yield secrets
                if json.dumps(secrets, sort_keys=True) != before:
                    self._save(secrets)

    def _load(self) -> dict[str, dict[str, str]]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            content = _private(self._folder / _FILE)
        except FileNotFoundError:
            return {}
        head, _, sealed = content.partition(b"\n")
        header = self._header(head)
        key = self._key(header)
        try:
            nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            found: dict[str, dict[str, str]] = json.loads(AESGCM(key).decrypt(nonce, text, head))
        except (InvalidTag, ValueError) as error:
            raise self._closed(header) from error
        return found

    def _save(self, secrets: Mapping[str, Any]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        lock: Lock = "passphrase" if self._passphrase is not None else "file"
        known = next(iter(self._keys), None) if lock == "passphrase" else None
        header = _Header(lock, known or os.urandom(_SALT_BYTES))
        key, nonce, head = self._key(header, make=True), os.urandom(_NONCE_BYTES), header.bytes()
        sealed = AESGCM(key).encrypt(nonce, json.dumps(secrets).encode(), head)
        _write_atomically(self._folder / _FILE, head + b"\n" + nonce + sealed)
        if lock == "passphrase":
            (self._folder / _KEY).unlink(missing_ok=True)

    def _header(self, head: bytes) -> _Header:
        try:
            told = json.loads(head)
            if told["format"] > _FORMAT:
                raise SecretError(
                    f"{self.where} was written by a newer Segue",
                    cure="Install the newer version again.",
                )
            header = _Header(told["lock"], base64.b64decode(told["salt"]))
            if header.bytes() == head and told["lock"] in ("passphrase", "file"):
                return header
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged() from error
        raise self._damaged()

    def _key(self, header: _Header, *, make: bool = False) -> bytes:
        """The key that a header asks for; derived once, since that takes its time."""
        if header.lock == "file":
            return self._key_file(make=make)
        if self._passphrase is None:
            raise SecretError(
                f"{self.where} is locked with a passphrase",
                cure="Set SEGUE_SECRETS__PASSPHRASE to it.",
            )
        if header.salt not in self._keys:
            from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

            kdf = Scrypt(salt=header.salt, length=_KEY_BYTES, **_SCRYPT)
            self._keys[header.salt] = kdf.derive(self._passphrase.get_secret_value().encode())
        return self._keys[header.salt]

    def _key_file(self, *, make: bool) -> bytes:
        path = self._folder / _KEY
        with suppress(FileNotFoundError):
            key = _private(path)
            if len(key) == _KEY_BYTES:
                return key
            raise SecretError(f"{path} is no key: {len(key)} bytes", cure=self._begin_again)
        if not make:
            raise SecretError(
                f"the key {path} that opens {self._folder / _FILE} is gone", cure=self._begin_again
            )
        key = os.urandom(_KEY_BYTES)
        _write_atomically(path, key)
        return key

    @property
    def _begin_again(self) -> str:
        return f"Bring it back; or remove {self._folder / _FILE} and sign in to the services anew."

    def _closed(self, header: _Header) -> SecretError:
        if header.lock == "passphrase":
            return SecretError(
                f"{self.where} does not open with this passphrase, or it is damaged",
                cure="Check SEGUE_SECRETS__PASSPHRASE, or bring the file back.",
            )
        return SecretError(
            f"{self.where} does not open with the key beside it, or it is damaged",
            cure=self._begin_again,
        )

    def _damaged(self) -> SecretError:
        return SecretError(f"{self.where} is damaged", cure=self._begin_again)

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"secrets cannot be kept in {self._folder}: {error.strerror or error}",
                cure="Mend its permissions or free space; or name another store with"
                " secrets.store.",
            ) from error


@contextmanager
def _locked(handle: int, kind: int) -> Iterator[None]:
    """Hold the lock behind an open file, which is closed in the end."""
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


def _private(path: Path) -> bytes:
    """The content of a file, which is closed to others should it be open to them."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            _log.warning("%s could be read by others (mode %o); that is mended", path, mode)
            os.fchmod(file.fileno(), 0o600)
        return file.read()


def _write_atomically(path: Path, content: bytes) -> None:
    """Let a private file change in one moment, kept for good."""
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
