"""The accounts service: /authorize with its redirect rules and PKCE, and /api/token."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from segue.fakes.clock import months_later
from segue.fakes.messages import Answer, Request, as_json, oauth_error
from segue.fakes.spotify.consent_page import consent_page
from segue.fakes.spotify.people import SCOPES, App, Code, Grant
from segue.fakes.spotify.world import World, new_token

__all__ = ["authorize", "redirect_fault", "token"]

_CODE_MINUTES: Final = 10
_LOOPBACK: Final = ("127.0.0.1", "::1")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


class _RefusedError(Exception):
    """The request cannot be granted: an error word and a description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.answer = oauth_error(error, description, status)


def authorize(world: World, request: Request) -> Answer:
    """The page on which a user lets an app in; it redirects back with a code or an error."""
    asked = request.query if request.method == "GET" else request.form()
    app = world.apps.get(asked.get("client_id", ""))
    if app is None:
        return _page(400, "INVALID_CLIENT: Invalid client")
    target = asked.get("redirect_uri", "")
    if fault := redirect_fault(app, target):
        return _page(400, f"INVALID_CLIENT: {fault}")
    if asked.get("response_type") != "code":
        return _back(target, asked, error="unsupported_response_type")
    scopes = frozenset(asked.get("scope", "").split())
    if not scopes <= SCOPES:
        return _page(400, "INVALID_SCOPE: Invalid scope")
    challenge, method = asked.get("code_challenge", ""), asked.get("code_challenge_method", "")
    if (challenge or method) and (method != "S256" or len(challenge) != 43):
        return _page(400, "invalid_request: code_challenge_method must be S256")
    user = world.users.get(asked.get("user", "") or world.signed_in)
    if user is None:
        return _page(400, "nobody is signed in at this browser")
    if world.rules.asks and "answer" not in asked:
        return consent_page(world, app, asked)
    agreed = asked["answer"] == "agree" if "answer" in asked else user.consents
    if not agreed:
        return _back(target, asked, error="access_denied")
    code = new_token("AQ")
    now = world.clock.now()
    world.codes[code] = Code(app.client_id, user.id, target, scopes, challenge, now)
    world.changes += 1
    return _back(target, asked, code=code)


def redirect_fault(app: App, target: str) -> str:
    """Why people may not be sent there; empty: they may.

    Since November 2025: https anywhere, or http on a loopback address; not on `localhost`. A
    loopback address registered without a port stands for every port.
    """
    try:
        there, port = urlsplit(target), urlsplit(target).port
    except ValueError:
        return "Invalid redirect URI"
    loopback = there.hostname in _LOOPBACK
    if there.hostname == "localhost" or (there.scheme == "http" and not loopback):
        return "Insecure redirect URI"
    if there.scheme == "http" and port is not None and loopback:
        host = f"[{there.hostname}]" if there.hostname == "::1" else there.hostname
        anywhere = urlunsplit(("http", host or "", there.path, there.query, ""))
        if anywhere in app.redirect_uris:
            return ""
    return "" if target in app.redirect_uris else "Invalid redirect URI"


def token(world: World, request: Request) -> Answer:
    """Exchange a code or a refresh token for an access token."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method != "POST" or kind != "application/x-www-form-urlencoded":
        return oauth_error("unsupported_media_type", "send a form", 415)
    form = request.form()
    try:
        app, secret_shown = _client(world, request, form)
        grant_type = form.get("grant_type", "")
        if grant_type not in _GRANTS:
            raise _RefusedError(
                "unsupported_grant_type", "grant_type parameter is missing or unknown"
            )
        told = _GRANTS[grant_type](world, app, form, secret_shown)
    except _RefusedError as refused:
        return refused.answer
    world.changes += 1
    return as_json(told, headers={"Cache-Control": "no-store"})


def _client(world: World, request: Request, form: Mapping[str, str]) -> tuple[App, bool]:
    """The app that asks, and whether it showed its secret."""
    scheme, _, basic = request.headers.get("authorization", "").partition(" ")
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(basic, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _RefusedError("invalid_client", "Invalid client", 400) from error
    app = world.apps.get(client_id)
    if app is None:
        raise _RefusedError("invalid_client", "Invalid client", 400)
    if secret and not hmac.compare_digest(secret.encode(), app.client_secret.encode()):
        raise _RefusedError("invalid_client", "Invalid client secret", 400)
    return app, bool(secret)


def _from_code(
    world: World, app: App, form: Mapping[str, str], secret_shown: bool
) -> dict[str, object]:
    code = world.codes.pop(form.get("code", ""), None)  # whatever comes of it, it is used up
    now = world.clock.now()
    if code is None or code.client_id != app.client_id:
        raise _RefusedError("invalid_grant", "Invalid authorization code")
    if now - code.made_at > timedelta(minutes=_CODE_MINUTES):
        raise _RefusedError("invalid_grant", "Authorization code expired")
    if form.get("redirect_uri") != code.redirect_uri:
        raise _RefusedError("invalid_grant", "Invalid redirect URI")
    if code.challenge:
        _verify(code.challenge, form.get("code_verifier", ""))
    elif not secret_shown:
        raise _RefusedError("invalid_client", "Invalid client", 400)
    grant = Grant(app.client_id, code.user_id, code.scopes, now, bool(code.challenge))
    refresh = new_token("AQ")
    world.grants[refresh] = grant
    return _told(world, grant, refresh)


def _verify(challenge: str, verifier: str) -> None:
    if not _VERIFIER.match(verifier):
        raise _RefusedError("invalid_request", "code_verifier must be provided")
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(made, challenge):
        raise _RefusedError("invalid_grant", "code_verifier was incorrect")


def _from_refresh(
    world: World, app: App, form: Mapping[str, str], secret_shown: bool
) -> dict[str, object]:
    shown = form.get("refresh_token", "")
    if not shown:
        raise _RefusedError("invalid_request", "refresh_token must be supplied")
    grant = world.grants.get(shown)
    if grant is None or grant.client_id != app.client_id:
        raise _RefusedError("invalid_grant", "Refresh token revoked")
    if not grant.pkce and not secret_shown:
        raise _RefusedError("invalid_client", "Invalid client", 400)
    if world.clock.now() >= months_later(grant.authorised_at, world.rules.refresh_months):
        del world.grants[shown]
        raise _RefusedError("invalid_grant", "Refresh token expired")
    if world.rules.rotates == "always" or (world.rules.rotates == "pkce" and grant.pkce):
        del world.grants[shown]
        shown = new_token("AQ")
        world.grants[shown] = grant
        return _told(world, grant, shown)
    return _told(world, grant, "")


def _for_itself(
    world: World, app: App, form: Mapping[str, str], secret_shown: bool
) -> dict[str, object]:
    del form
    if not secret_shown:
        raise _RefusedError("invalid_client", "Invalid client", 400)
    access = world.issue(app.client_id, "", frozenset(), world.clock.now())
    return {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": world.rules.access_seconds,
    }


def _told(world: World, grant: Grant, refresh: str) -> dict[str, object]:
    access = world.issue(grant.client_id, grant.user_id, grant.scopes, world.clock.now())
    told: dict[str, object] = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": world.rules.access_seconds,
        "scope": " ".join(sorted(grant.scopes)),
    }
    return told | ({"refresh_token": refresh} if refresh else {})


_GRANTS: Final[Mapping[str, Callable[[World, App, Mapping[str, str], bool], dict[str, object]]]] = {
    "authorization_code": _from_code,
    "refresh_token": _from_refresh,
    "client_credentials": _for_itself,
}


def _back(target: str, asked: Mapping[str, str], **more: str) -> Answer:
    there = urlsplit(target)
    told = [*parse_qsl(there.query, keep_blank_values=True), *more.items()]
    if "state" in asked:
        told.append(("state", asked["state"]))
    return Answer(302, b"", {"Location": urlunsplit(there._replace(query=urlencode(told)))})


def _page(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
