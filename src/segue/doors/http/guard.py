"""Who asks, and whether they may: keys, rates, and what is open while there are no keys."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from segue.access.api_key import ApiKey, Scope
from segue.access.keyring import Ring, Unsure
from segue.doors.http.buckets import Buckets, Left
from segue.doors.http.call import FORWARDED, Call
from segue.doors.http.problems import ProblemError

__all__ = ["OPEN", "Guard", "allow", "allow_user", "names_this_machine"]

OPEN: Final = frozenset(("/health/live", "/health/ready", "/version", "/openapi.json"))
"""Paths that need no key: they are the same for everybody."""

_ANYBODY: Final = ApiKey(
    "-", "anybody on this machine", frozenset({"admin"}), datetime(2000, 1, 1, tzinfo=UTC)
)
_LOOPBACK: Final = re.compile(
    rb"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE
)
_CURE: Final = "Make a key with `segue keys create` and send it as “Authorization: Bearer …”."


class Guard:
    """Lets in who may come in.

    Args:
        ring: The keys.
        rate: Requests a second for keys that have no rate of their own; 0: as many as come.
        loopback: Whether the service listens to this machine alone; then everything is open until
            the first key is made.
        share: This process's share of every rate.
    """

    def __init__(self, ring: Ring, *, rate: float, loopback: bool, share: float = 1.0) -> None:
        self._ring = ring
        self._rate = rate
        self._loopback = loopback
        self._buckets = Buckets(share=share)

    async def admit(self, call: Call) -> Left | None:
        """Find out whose request it is, and count it.

        Returns:
            What the key may still ask for; None: as much as it likes.

        Raises:
            ProblemError: It may not come in.
        """
        if call.path in OPEN:
            return None
        if self._loopback and self._ring.empty:
            _refuse_strangers(call)
            call.key = _ANYBODY
            return None
        call.key = await self._key(call)
        left = self.left(call.key)
        if left is not None and left.wait_s:
            raise ProblemError(
                429,
                "too-often",
                "This key has made as many requests as it may for now.",
                cure="Wait as long as Retry-After says; events can be sent in batches.",
                retry_after=max(1, round(left.wait_s + 0.5)),
                headers=left.headers,
            )
        return left

    def known(self, call: Call) -> ApiKey | None:
        """Whose request it is, if that can be said at once; nothing is counted."""
        if self._loopback and self._ring.empty:
            return _ANYBODY if names_this_machine(call.headers) else None
        token = _token(call)
        key = None if token is None else self._ring.at_hand(token)
        return None if isinstance(key, Unsure) else key

    def left(self, key: ApiKey) -> Left | None:
        """Count a request of a key that is known; None: it may ask as much as it likes."""
        rate = self._rate if key.rate is None else key.rate
        return self._buckets.take(key.key_id, rate) if rate and key is not _ANYBODY else None

    async def _key(self, call: Call) -> ApiKey:
        text = _token(call)
        if text is None:
            raise ProblemError(
                401,
                "no-key",
                "This needs an API key.",
                cure=_CURE,
                headers=((b"www-authenticate", b'Bearer realm="segue"'),),
            )
        key = self._ring.at_hand(text)
        if isinstance(key, Unsure):
            key = await asyncio.get_running_loop().run_in_executor(None, self._ring.look_up, text)
        if key is None:
            raise ProblemError(
                401,
                "wrong-key",
                "There is no such API key, or it was revoked.",
                cure="`segue keys list` shows which there are; `segue keys create` makes one.",
                headers=((b"www-authenticate", b'Bearer realm="segue", error="invalid_token"'),),
            )
        return key


def allow(call: Call, scope: Scope | None) -> ApiKey:
    """The key of a call, if it may do this.

    Args:
        scope: What is needed; None: any key that is not of one user alone.

    Raises:
        ProblemError: It may not.
    """
    key = call.key
    assert key is not None, "the guard has not been asked"
    if scope is None:
        if key.user_id is None:
            return key
        raise ProblemError(403, "not-allowed", "The key of one user may not do this.")
    if not key.may(scope):
        raise ProblemError(
            403,
            "not-allowed",
            f"This needs a key with the scope “{scope}”.",
            cure=f"Make one with `segue keys create NAME --scope {scope}`.",
            headers=(
                (
                    b"www-authenticate",
                    b'Bearer realm="segue", error="insufficient_scope", scope="%s"'
                    % scope.encode(),
                ),
            ),
        )
    return key


def allow_user(call: Call, user_id: str) -> None:
    """Refuse a user who is none of the key's; whether they exist is not told.

    Raises:
        ProblemError: The key is of another user.
    """
    assert call.key is not None, "the guard has not been asked"
    if not call.key.sees(user_id):
        raise ProblemError(
            403,
            "not-allowed",
            "This key is of one user, and not of the one who is asked about.",
            cure="Ask about the user of the key, or use a key of all users.",
        )


def _token(call: Call) -> str | None:
    """What a request was sent with as its key."""
    scheme, _, token = call.headers.get(b"authorization", b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


def names_this_machine(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request names this machine as the one that it asks, and no other asks through it.

    Args:
        headers: At least `host` and those of `FORWARDED`; names in small letters.
    """
    return FORWARDED.isdisjoint(headers) and _is_loopback(headers.get(b"host", b""))


@lru_cache(maxsize=256)
def _is_loopback(host: bytes) -> bool:
    """Whether a name is this machine's, or none."""
    return not host or _LOOPBACK.fullmatch(host) is not None


def _refuse_strangers(call: Call) -> None:
    """While everything is open, only programs of this machine may come in.

    A web page that was made to look as if it came from here names another host; a proxy says for
    whom it asks.
    """
    if not names_this_machine(call.headers):
        raise ProblemError(
            403,
            "no-keys-yet",
            "Without API keys only programs on this machine are served.",
            cure=_CURE,
        )
