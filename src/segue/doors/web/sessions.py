"""Who somebody is from one page to the next: a signed cookie, and what proves a form is ours."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from itsdangerous import BadData, URLSafeTimedSerializer

from segue.errors import StorageError
from segue.own_folder import own_folder

__all__ = ["COOKIE", "Session", "Sessions", "page_secret"]

COOKIE: Final = "segue_session"
_DAY_S: Final = 86_400
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody in one browser.

    Args:
        user_id: Whose music they look at.
        nonce: Random, so that no two browsers have the same token.
        key_id: The API key they came with; empty: none.
        mark: Of the password they came with: another one ends the session; empty: none.
        chosen: Whether they said whose music they want to look at; empty: they did not.
    """

    user_id: str
    nonce: str
    key_id: str = ""
    mark: str = ""
    chosen: str = ""

    @classmethod
    def new(cls, user_id: str, *, key_id: str = "", mark: str = "") -> Session:
        """Somebody who has just come."""
        return cls(user_id, secrets.token_urlsafe(16), key_id, mark)


class Sessions:
    """Writes and reads the cookies of sessions.

    Args:
        secret: What they are signed with.
        days: For which one holds.
        https: Whether browsers may send it over https alone.
    """

    def __init__(self, secret: bytes, *, days: int, https: bool) -> None:
        self._secret = secret
        self._signer = URLSafeTimedSerializer(
            secret, salt="segue page", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._seconds = days * _DAY_S
        self._more = "; Secure" if https else ""

    def cookie(self, session: Session) -> str:
        """The header Set-Cookie."""
        told = [getattr(session, name) for name in Session.__slots__]
        value = self._signer.dumps(told)
        return (
            f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={self._seconds}{self._more}"
        )

    def ended(self) -> str:
        """The header Set-Cookie that ends a session."""
        return f"{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{self._more}"

    def read(self, value: str) -> Session | None:
        """The session of a cookie; None: it is not one of ours, or too old."""
        try:
            told: Any = self._signer.loads(value, max_age=self._seconds)
        except BadData:
            return None
        if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
            return None
        most = len(Session.__slots__)
        return Session(*told) if most - 1 <= len(told) <= most else None  # `chosen` came later

    def token(self, session: Session) -> str:
        """What proves that a form comes from a page that this session was shown."""
        return hmac.new(self._secret, f"form\x1f{session.nonce}".encode(), "sha256").hexdigest()

    def proves(self, session: Session, token: str) -> bool:
        """Whether it does; it takes as long whatever is given."""
        return hmac.compare_digest(self.token(session).encode(), token.encode())


def page_secret(path: Path) -> bytes:
    """The secret of a data home's sessions, made when it is first needed, for its owner only.

    Raises:
        StorageError: It cannot be read or written.
    """
    try:
        own_folder(path.parent)
        if not path.exists():
            _make(path)
        found = path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{path} cannot be used: {error.strerror or error}",
            cure="Mend the permissions of the data home.",
        ) from error
    if len(found) != _BYTES:
        raise StorageError(
            f"{path} is damaged", cure="Remove it: everybody then signs in once again."
        )
    return found


def _make(path: Path) -> None:
    """Write a new one in one step; whoever comes second takes that of the first."""
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, secrets.token_bytes(_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
