"""Tokens: random, easy to recognise where they were left lying, and kept only as a hash.

A token is `segue_<key id>_<secret>`: the secret is 256 random bits, so a plain SHA-256 of the
token cannot be turned back, and needs no salt.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Token", "digest_of", "key_id_of", "opens"]

_FORM: Final = re.compile(r"segue_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_NOBODY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Token:
    """A token; one that is made here is shown once.

    Args:
        key_id: The public part.
        text: What the holder sends.
    """

    key_id: str
    text: str = field(repr=False)

    @classmethod
    def new(cls) -> Token:
        """A token that nobody can guess."""
        key_id = secrets.token_hex(6)
        return cls(key_id, f"segue_{key_id}_{secrets.token_urlsafe(32)}")

    @classmethod
    def of(cls, text: str) -> Token | None:
        """The token that somebody made elsewhere; None: the text is none."""
        key_id = key_id_of(text)
        return None if key_id is None else cls(key_id, text)

    @property
    def digest(self) -> bytes:
        """What is kept of it: 32 bytes."""
        return digest_of(self.text)


def key_id_of(text: str) -> str | None:
    """The id of the key that a text claims to be the token of; None: it is no token.

    >>> key_id_of("segue_0123456789ab_" + 43 * "x")
    '0123456789ab'
    """
    found = _FORM.fullmatch(text)
    return found[1] if found else None


def opens(text: str, digest: bytes | None) -> bool:
    """Whether a text is the token of a digest, in a time that says nothing of either.

    Args:
        digest: Of the key that the text claims; None: there is no such key.
    """
    same = hmac.compare_digest(digest_of(text), _NOBODY if digest is None else digest)
    return same and digest is not None


def digest_of(text: str) -> bytes:
    """What is kept of a token: its SHA-256."""
    return hashlib.sha256(text.encode()).digest()
