"""Sign in at Spotify and out of it, and say who is signed in."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from segue.errors import ConfigError, ServiceError, SignInError, Temporary
from segue.flows.spotify.household import Household
from segue.flows.spotify.names import SERVICE, secret_name
from segue.services.sign_ins import SignInFacts
from segue.services.spotify.accounts import SCOPES, Attempt
from segue.services.spotify.records import Person
from segue.services.spotify.tokens import (
    AUTHORISED,
    REFRESH,
    SCOPE,
    VARIABLES,
    ends_at,
    granted_fields,
)

__all__ = ["SignedIn", "adopt", "begin", "finish", "sign_ins", "sign_out"]

_log = logging.getLogger(__name__)

_REGISTER: Final = (
    "Register an app at https://developer.spotify.com/dashboard (its owner needs Spotify Premium), "
    "with the redirect address {}; then give its client id: --client-id, SPOTIFY_CLIENT_ID, or "
    "client_id under [spotify] in segue.toml."
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What came of a sign-in.

    Args:
        facts: Who, since when, for how long.
        name: What the person is called at Spotify; empty: it was not told.
        missing: Scopes that were asked for and not granted.
    """

    facts: SignInFacts
    name: str
    missing: tuple[str, ...]


@dataclass
class _InMemory:
    """Tokens that are not kept yet."""

    fields: dict[str, str] = field(default_factory=dict, repr=False)

    def read(self) -> Mapping[str, str]:
        return dict(self.fields)

    def write(self, fields: Mapping[str, str | None]) -> None:
        changed = {**self.fields, **fields}
        self.fields = {key: value for key, value in changed.items() if value is not None}


def begin(
    house: Household, user_id: str, *, client_id: str | None = None, redirect_uri: str | None = None
) -> Attempt:
    """A try to sign in; its `url` is where the user says yes.

    Args:
        client_id: Of the app; None: as settings, the environment or the last sign-in say.
        redirect_uri: Where the browser is sent; None: the setting.

    Raises:
        ConfigError: No client id is known, or Spotify sends nobody to that address.
    """
    known = client_id or house.place(user_id).read().get("spotify_client_id", "")
    if not known:
        raise ConfigError(
            "no client id of a Spotify app is known",
            field="client_id",
            cure=_REGISTER.format(house.redirect_uri),
        )
    return Attempt.new(known, redirect_uri or house.redirect_uri)


def finish(house: Household, user_id: str, attempt: Attempt, came_back: str) -> SignedIn:
    """Turn the address that the browser came back with into a sign-in that lasts.

    Nothing is kept unless Spotify answers the new token. The tokens of an older sign-in are
    replaced in one moment.

    Raises:
        SignInError: The user said no, or the address is not the answer to this try.
        ConfigError: This user was signed in with another account.
        ServiceError: Spotify refuses the app or the user.
        ServiceDownError: It does not answer.
        SecretError: The tokens cannot be kept.
    """
    granted = house.accounts.exchange(attempt, attempt.code(came_back))
    now = house.clock()
    scopes = granted.scopes or SCOPES
    tokens = _InMemory()
    tokens.write(
        {
            **granted_fields(granted, now),
            "spotify_client_id": attempt.client_id,
            "authorised_at": now.isoformat(),
            "scope": " ".join(scopes),
            "flow": "pkce",
        }
    )
    before = house.sign_ins.of(user_id)
    person = _person(house, user_id, tokens)
    account = person.account or (before.account if before else "")
    if before and before.account and before.account != account:
        raise ConfigError(
            f"“{user_id}” was signed in as another Spotify account before, now it is {account}",
            field="user",
            cure="Two people's plays would end up in one history. Give --user NAME for another "
            f"person, or `segue spotify logout --user {user_id}` first.",
        )
    facts = SignInFacts(user_id, account, tuple(scopes), now, ends_at(now))
    house.place(user_id).write(tokens.read())
    house.sign_ins.keep(facts)
    _log.info("signed in at Spotify, until %s", facts.expires_at)
    return SignedIn(facts, person.name, tuple(sorted(set(SCOPES) - set(scopes))))


def sign_out(house: Household, user_id: str) -> bool:
    """Throw the tokens of a user away; whether there were any. Plays stay.

    Raises:
        SecretError: The store of secrets cannot be written.
    """
    known = house.secrets.delete(secret_name(user_id))
    noted = house.state.exists and house.sign_ins.remove(user_id)
    return known or noted


def adopt(house: Household, user_id: str) -> None:
    """Note a sign-in that the store of secrets holds and this home has not seen.

    It was made elsewhere: on somebody's own computer, for functions that share the store.

    Raises:
        SecretError: The store of secrets cannot be read.
    """
    kept = house.place(user_id).read()
    if house.given.get(VARIABLES[REFRESH]) or not kept.get(REFRESH):
        return
    authorised_at = _aware(kept.get(AUTHORISED, ""))
    known = house.sign_ins.of(user_id)
    if known is not None and known.authorised_at == authorised_at:
        return
    house.sign_ins.keep(
        SignInFacts(
            user_id,
            known.account if known else "",
            tuple(kept.get(SCOPE, "").split()),
            authorised_at,
            None if authorised_at is None else ends_at(authorised_at),
        )
    )


def sign_ins(house: Household) -> Sequence[SignInFacts]:
    """Everybody who is signed in, and whose sign-in has ended; no store of secrets is opened.

    The user of a token in the environment is among them, though nobody knows since when.
    """
    found = list(house.sign_ins.all())
    of_environment = house.given.get("SPOTIFY_REFRESH_TOKEN")
    if of_environment and all(one.user_id != house.main_user for one in found):
        found.append(SignInFacts(house.main_user, "", (), None, None))
    return found


def _aware(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _person(house: Household, user_id: str, tokens: _InMemory) -> Person:
    """Who it is; nobody's name where Spotify cannot say so now."""
    try:
        return house.api(user_id, "sign_in", place=tokens).me()
    except SignInError:
        raise
    except ServiceError as error:
        if isinstance(error, Temporary):
            _log.info("%s did not say who signed in", SERVICE)
            return Person("", "")
        raise
