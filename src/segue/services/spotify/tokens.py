"""The tokens of one sign-in: fresh when they are needed, rotated where they are kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from segue.errors import SignInError
from segue.services.spotify.accounts import SERVICE, Accounts, Granted

__all__ = [
    "AUTHORISED",
    "DERIVED",
    "ENDED",
    "REFRESH",
    "SCOPE",
    "VARIABLES",
    "TokenPlace",
    "Tokens",
    "ends_at",
    "granted_fields",
]

_log = logging.getLogger(__name__)

CLIENT_ID: Final = "spotify_client_id"
CLIENT_SECRET: Final = "spotify_client_secret"  # noqa: S105 - a field's name
REFRESH: Final = "refresh_token"
ACCESS: Final = "access_token"
EXPIRES: Final = "access_token_expires_at"
AUTHORISED: Final = "authorised_at"
SCOPE: Final = "scope"
FLOW: Final = "flow"
REDIRECT: Final = "redirect_uri"

VARIABLES: Final[Mapping[str, str]] = {
    CLIENT_ID: "SPOTIFY_CLIENT_ID",
    CLIENT_SECRET: "SPOTIFY_CLIENT_SECRET",
    REFRESH: "SPOTIFY_REFRESH_TOKEN",
    REDIRECT: "SPOTIFY_REDIRECT_URI",
}
"""Fields of a sign-in that the environment may hold."""

DERIVED: Final = (REFRESH, ACCESS, EXPIRES, AUTHORISED, SCOPE, FLOW)
"""Fields that change while a sign-in lasts."""

ENDED: Final[Mapping[str, str | None]] = {REFRESH: "", ACCESS: None, EXPIRES: None}
"""What a sign-in that has ended leaves: an empty token hides one of the environment."""

_SOON: Final = timedelta(seconds=60)
_MONTHS: Final = 6


class TokenPlace(Protocol):
    """Where the fields of one sign-in are kept."""

    def read(self) -> Mapping[str, str]:
        """The fields; empty where there are none."""

    def write(self, fields: Mapping[str, str | None]) -> None:
        """Change these fields; None takes one away."""


@dataclass(frozen=True)
class Tokens:
    """Access tokens for requests; ask only while nobody else asks for the same sign-in.

    Args:
        place: Where the tokens are kept.
        accounts: Who gives fresh ones.
        clock: The time, aware UTC.
        on_end: Told why, when the sign-in turns out to have ended.
    """

    place: TokenPlace
    accounts: Accounts
    clock: Callable[[], datetime]
    on_end: Callable[[str], None] = lambda why: None

    def require(self) -> None:
        """Be sure that somebody is signed in, as far as what is kept tells.

        Raises:
            SignInError: Nobody is.
        """
        _signed_in(self.place.read())

    def access(self, *, unlike: str = "") -> str:
        """An access token that is good for a minute at least.

        Args:
            unlike: One that was refused.

        Raises:
            SignInError: Nobody is signed in, or the sign-in has ended.
            ServiceDownError: The accounts service does not answer.
        """
        kept = self.place.read()
        known = kept.get(ACCESS, "")
        if known and known != unlike and self._lasts(kept.get(EXPIRES, "")):
            return known
        return self._refreshed(kept)

    def _refreshed(self, kept: Mapping[str, str], *, again: bool = False) -> str:
        client_id, token = _signed_in(kept)
        secret = "" if kept.get(FLOW) == "pkce" else kept.get(CLIENT_SECRET, "")
        try:
            granted = self.accounts.refresh(client_id, token, secret=secret)
        except SignInError as error:
            now_kept = self.place.read()
            if now_kept.get(REFRESH, "") != token and not again:
                # Somebody else was faster: theirs is fresh.
                if (fresh := now_kept.get(ACCESS, "")) and self._lasts(now_kept.get(EXPIRES, "")):
                    return fresh
                return self._refreshed(now_kept, again=True)
            self.place.write(ENDED)
            self.on_end(error.message)
            raise
        self.place.write(granted_fields(granted, self.clock()))
        _log.info("Spotify: a fresh access token")
        return granted.access_token

    def _lasts(self, expires: str) -> bool:
        try:
            ends = datetime.fromisoformat(expires)
        except ValueError:
            return False
        return ends.tzinfo is not None and ends - _SOON > self.clock()


def _signed_in(kept: Mapping[str, str]) -> tuple[str, str]:
    """Client id and refresh token."""
    client_id, token = kept.get(CLIENT_ID, ""), kept.get(REFRESH, "")
    if not token or not client_id:
        raise SignInError(
            "nobody is signed in at Spotify", service=SERVICE, cure="Sign in: segue spotify login."
        )
    return client_id, token


def granted_fields(granted: Granted, now: datetime) -> dict[str, str | None]:
    """The fields that a refresh changes; what was not told stays."""
    ends = now + timedelta(seconds=granted.expires_in)
    fields: dict[str, str | None] = {ACCESS: granted.access_token, EXPIRES: ends.isoformat()}
    if granted.refresh_token:
        fields[REFRESH] = granted.refresh_token
    if granted.scopes:
        fields[SCOPE] = " ".join(granted.scopes)
    return fields


def ends_at(authorised_at: datetime) -> datetime:
    """When a sign-in ends, whatever is done: six months on, by the calendar.

    >>> ends_at(datetime(2026, 8, 31, tzinfo=UTC)).date().isoformat()
    '2027-02-28'
    """
    month = authorised_at.month + _MONTHS
    year, month = authorised_at.year + (month - 1) // 12, (month - 1) % 12 + 1
    first_of_next = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    last = (first_of_next - timedelta(days=1)).day
    return authorised_at.replace(year=year, month=month, day=min(authorised_at.day, last))
