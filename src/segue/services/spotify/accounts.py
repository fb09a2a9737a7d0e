"""Spotify's accounts service: signing in with PKCE, and fresh access tokens."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from segue.errors import ConfigError, ServiceDownError, ServiceError, SignInError

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "ACCOUNTS_URL",
    "SCOPES",
    "SERVICE",
    "Accounts",
    "Attempt",
    "Granted",
    "redirect_fault",
]

SERVICE: Final = "Spotify"
ACCOUNTS_URL: Final = "https://accounts.spotify.com"
SCOPES: Final = (
    "user-read-recently-played",
    "user-read-currently-playing",
    "user-read-playback-state",
    "user-top-read",
    "user-library-read",
    "playlist-read-private",
    "playlist-read-collaborative",
    "playlist-modify-private",
    "playlist-modify-public",
    "ugc-image-upload",
)
"""What Segue asks for: to read what was played, saved and collected, and to write playlists."""

_TRIES: Final = 3
_SERVER_FAULT: Final = 500
_OK: Final = 200
_TOO_MANY: Final = 429
_LOOPBACK: Final = ("127.0.0.1", "::1")
_DESCRIBED: Final = re.compile(r"[\w .,:;'()/-]{0,200}")
AGAIN: Final = "Sign in again: segue spotify login."


@dataclass(frozen=True, slots=True)
class Granted:
    """What a sign-in or a refresh brought; the tokens are not shown.

    Args:
        refresh_token: Empty: the one that was used stays good.
        expires_in: Seconds that the access token is good for.
        scopes: What it allows; empty: not told.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in: where the browser goes, and what only we know until it comes back."""

    client_id: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def new(cls, client_id: str, redirect_uri: str) -> Attempt:
        """A try with a state and a verifier that nobody can guess (RFC 7636)."""
        if fault := redirect_fault(redirect_uri):
            raise ConfigError(
                f"Spotify sends nobody back to {redirect_uri}: {fault}",
                field="redirect_uri",
                cure="Use http://127.0.0.1/callback, or an https:// address, and register exactly "
                "that at https://developer.spotify.com/dashboard.",
            )
        return cls(client_id, redirect_uri, secrets.token_urlsafe(24), secrets.token_urlsafe(64))

    def url(self, accounts_url: str) -> str:
        """Where the user says yes."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(SCOPES),
            "state": self.state,
            "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }
        return f"{accounts_url}/authorize?{urlencode(query)}"

    def fits(self, came_back: str) -> bool:
        """Whether an address is the answer to this try."""
        state = _query(came_back).get("state", "")
        return secrets.compare_digest(state.encode("utf-8", "replace"), self.state.encode())

    def code(self, came_back: str) -> str:
        """The code in the address that the browser was sent back to.

        Raises:
            SignInError: The user said no, or the address is not the answer to this try.
        """
        query = _query(came_back)
        if not self.fits(came_back):
            raise SignInError(
                "the address that came back does not belong to this sign-in",
                service=SERVICE,
                cure="Copy the whole address of the page that Spotify sent the browser to, from "
                "the sign-in that was begun last.",
            )
        if "error" in query:
            raise SignInError(
                "Spotify did not let Segue in: "
                + ("you said no" if query["error"] == "access_denied" else _plain(query["error"])),
                service=SERVICE,
                cure=AGAIN,
            )
        if not query.get("code"):
            raise SignInError("there is no code in that address", service=SERVICE, cure=AGAIN)
        return query["code"]


def _query(address: str) -> dict[str, str]:
    try:
        found = parse_qs(urlsplit(address.strip()).query)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def redirect_fault(uri: str) -> str:
    """Why Spotify sends nobody there; empty: it does.

    >>> redirect_fault("http://127.0.0.1:8000/callback")
    ''
    """
    try:
        there = urlsplit(uri)
        host, _ = there.hostname, there.port
    except ValueError:
        return "it is no address"
    if there.scheme == "https" and host:
        return ""
    if host == "localhost":
        return "since November 2025 “localhost” is refused; write 127.0.0.1"
    if there.scheme == "http" and host in _LOOPBACK:
        return ""
    return "since November 2025 it takes https://, or http:// on 127.0.0.1 and [::1]"


class Accounts:
    """Asks the accounts service for tokens.

    Args:
        url: Its base address.
        http: The client to ask with.
        pause: Waits for so many seconds between two tries.
    """

    def __init__(
        self, url: str, http: httpx2.Client, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.url = url.rstrip("/")
        self._http = http
        self._pause = pause

    def exchange(self, attempt: Attempt, code: str) -> Granted:
        """The tokens for a code.

        Raises:
            SignInError: The code is used up or too old.
            ServiceError: Spotify refuses the app.
            ServiceDownError: It does not answer.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "client_id": attempt.client_id,
            "code_verifier": attempt.verifier,
        }
        # A code is good once: whether a lost answer had used it up, nobody knows.
        return self._granted(form, secret="", tries=1)

    def refresh(self, client_id: str, refresh_token: str, *, secret: str = "") -> Granted:
        """A fresh access token, and a refresh token where Spotify rotates it.

        Args:
            secret: Of the app, for a token that was made with it; empty: it was made with PKCE.

        Raises:
            SignInError: The refresh token has ended; `status` is 400.
            ServiceError: Spotify refuses the app.
            ServiceDownError: It does not answer.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if not secret:
            form["client_id"] = client_id
        return self._granted(form, secret=f"{client_id}:{secret}" if secret else "", tries=_TRIES)

    def _granted(self, form: Mapping[str, str], *, secret: str, tries: int) -> Granted:
        import httpx2  # loaded by whoever opened the client

        basic = base64.b64encode(secret.encode()).decode()
        headers = {"Authorization": f"Basic {basic}"} if secret else {}
        for left in reversed(range(tries)):
            try:
                response = self._http.post(f"{self.url}/api/token", data=form, headers=headers)
            except httpx2.TransportError as error:
                if not left:
                    raise _down(f"does not answer ({type(error).__name__})") from error
            else:
                if response.status_code < _SERVER_FAULT and response.status_code != _TOO_MANY:
                    return _read(response)
                if not left:
                    raise _down(f"is out of order ({response.status_code})")
            self._pause(random.uniform(0.2, 1.0))  # noqa: S311 - nothing is kept secret by it
        raise _down("does not answer")


def _read(response: httpx2.Response) -> Granted:
    try:
        told = response.json()
        told = told if isinstance(told, dict) else {}
    except ValueError:
        told = {}
    if response.status_code != _OK:
        raise _refusal(response.status_code, told)
    try:
        return Granted(
            access_token=str(told["access_token"]),
            refresh_token=str(told.get("refresh_token") or ""),
            expires_in=int(told.get("expires_in") or 3600),
            scopes=tuple(str(told.get("scope") or "").split()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _down("answered with something that is no token") from error


def _refusal(status: int, told: Mapping[str, Any]) -> ServiceError:
    error, said = _plain(told.get("error")), _plain(told.get("error_description"))
    if error == "invalid_grant":
        return SignInError(
            f"the sign-in at Spotify has ended ({said or error})",
            service=SERVICE,
            status=status,
            cure="It lasts six months at most, and ends when you remove the app's access. " + AGAIN,
        )
    if error == "invalid_client":
        return ServiceError(
            f"Spotify does not know this app ({said or error})",
            service=SERVICE,
            status=status,
            cure="Check the client id, and the secret if there is one, at "
            "https://developer.spotify.com/dashboard; then `segue spotify login`.",
        )
    return ServiceError(
        f"Spotify refuses to sign in ({status}: {said or error or 'no reason told'})",
        service=SERVICE,
        status=status,
        cure="Check client id and redirect address at https://developer.spotify.com/dashboard.",
    )


def _down(what: str) -> ServiceDownError:
    return ServiceDownError(
        f"Spotify's accounts service {what}",
        service=SERVICE,
        cure="Check the network, wait a little and run it again.",
    )


def _plain(text: Any) -> str:
    """A description, as far as it is one: nothing that may be a token is repeated."""
    found = _DESCRIBED.fullmatch(text) if isinstance(text, str) else None
    return found[0] if found is not None and len(max(text.split() or [""], key=len)) < 40 else ""
