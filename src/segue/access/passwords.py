"""Passwords with which people sign in to the page; what is kept opens nothing by itself.

They are kept as scrypt makes them: C. Percival and S. Josefsson, 2016, “The scrypt Password-Based
Key Derivation Function” (RFC 7914).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Final

from segue.errors import ConfigError, StorageError
from segue.own_folder import own_folder

__all__ = ["LEAST", "Passwords"]

LEAST: Final = 8
"""Characters of a password."""
_MOST: Final = 1_000
_N, _R, _P = 2**15, 8, 1
_MEMORY: Final = 64 * 1024**2
_NOBODY: Final = "0" * 32 + ":" + "0" * 64


class Passwords:
    """The passwords of a data home, a small file for its owner only.

    What was changed holds at once, in processes that run, too.

    Args:
        path: The file; made when the first password is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state: tuple[int, int] | None = None
        self._kept: dict[str, str] = {}

    @property
    def any(self) -> bool:
        """Whether anybody has one."""
        return bool(self._read())

    def users(self) -> tuple[str, ...]:
        """Who has one."""
        return tuple(sorted(self._read()))

    def mark(self, user_id: str) -> str:
        """What changes when the password does; empty: there is none."""
        kept = self._read().get(user_id, "")
        return hashlib.sha256(kept.encode()).hexdigest()[:16] if kept else ""

    def set(self, user_id: str, password: str) -> None:
        """Give somebody a password, in the place of the one before.

        Raises:
            ConfigError: It is too short, or too long.
            StorageError: It cannot be written.
        """
        if not LEAST <= len(password) <= _MOST:
            raise ConfigError(
                f"a password has {LEAST} to {_MOST:,} characters",
                field="password",
                cure="Four words that have nothing to do with each other make a good one.",
            )
        salt = secrets.token_hex(16)
        self._write({**self._read(), user_id: f"{salt}:{_made(password, salt)}"})

    def forget(self, user_id: str) -> bool:
        """Remove somebody's password; whether there was one.

        Raises:
            StorageError: It cannot be written.
        """
        kept = dict(self._read())
        if kept.pop(user_id, None) is None:
            return False
        self._write(kept)
        return True

    def check(self, user_id: str, password: str) -> bool:
        """Whether it is theirs; it takes as long where there is no such user.

        Takes some 60 ms and 32 MB on purpose.
        """
        salt, _, made = self._read().get(user_id, _NOBODY).partition(":")
        return hmac.compare_digest(_made(password[:_MOST], salt), made)

    def _read(self) -> dict[str, str]:
        try:
            found = self.path.stat()
            state = found.st_mtime_ns, found.st_ino
            if state != self._state:
                told = json.loads(self.path.read_text(encoding="utf-8"))
                self._kept = {str(user): str(kept) for user, kept in told.items()}
                self._state = state
        except FileNotFoundError:
            self._kept, self._state = {}, None
        except (OSError, ValueError, AttributeError) as error:
            raise StorageError(
                f"{self.path} cannot be read: {error}",
                cure="Remove it, and set the passwords again with `segue keys password`.",
            ) from error
        return self._kept

    def _write(self, kept: dict[str, str]) -> None:
        fresh = self.path.with_name(f".{self.path.name}-{secrets.token_hex(8)}")
        try:
            own_folder(self.path.parent)
            handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise StorageError(
                f"{self.path} cannot be written: {error.strerror or error}",
                cure="Mend the permissions of the data home.",
            ) from error


def _made(password: str, salt: str) -> str:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=bytes.fromhex(salt),
        n=_N,
        r=_R,
        p=_P,
        maxmem=_MEMORY,
        dklen=32,
    ).hex()
