"""Accounts at services with a token or a password: in the settings, or kept for each user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import SecretStr

from segue.errors import ConfigError
from segue.flows.wiring import Wiring
from segue.services.sign_ins import SignIns

__all__ = [
    "ACCOUNTS",
    "SECRET_OF",
    "AccountThere",
    "account_at",
    "accounts_at",
    "keep_account",
    "kept_accounts",
    "remove_account",
]

SECRET_OF: Final[Mapping[str, str]] = {
    "lastfm": "api_key",
    "listenbrainz": "token",
    "subsonic": "password",
}
"""Service, which is a section of the settings -> which of its fields is secret."""

ACCOUNTS: Final = "accounts"
"""Under this name the home's state file keeps whose accounts are in the store of secrets."""

_NAME: Final = "user"
_ALSO: Final = "also"


@dataclass(frozen=True, slots=True)
class AccountThere:
    """A user's account at a service.

    Args:
        service: A key of SECRET_OF.
        user_id: Whose it is here.
        name: What the user is called there; empty: not known.
        secret: Token, password or key; empty: there is none.
        is_kept: It is in the store of secrets, not in the settings.
    """

    service: str
    user_id: str
    name: str
    secret: str = field(repr=False)
    is_kept: bool = False


def account_at(wiring: Wiring, service: str, user_id: str) -> AccountThere:
    """One user's account: the one that is kept, else, for the user of the settings, that of these.

    Raises:
        SecretError: The store of secrets is locked, damaged or gone.
    """
    told = wiring.settings.section(service)
    secret = told[SECRET_OF[service]]
    given = "" if secret is None else secret.get_secret_value()
    if _marks(wiring).mark(user_id, service) is not None:
        kept = wiring.secrets.read(_secret_name(service, user_id))
        # an API key is that of an app, so one of the settings is for everybody
        shared = given if service == "lastfm" else ""
        secret_there = kept.get(SECRET_OF[service], "") or shared
        return AccountThere(service, user_id, kept.get(_NAME, ""), secret_there, is_kept=True)
    if user_id != wiring.settings.user_id:
        return AccountThere(service, user_id, "", given if service == "lastfm" else "")
    return AccountThere(service, user_id, told[_NAME] or "", given)


def accounts_at(wiring: Wiring, service: str) -> tuple[AccountThere, ...]:
    """The accounts of everybody at a service, those without a name left out.

    The user of the settings may have more names there (`also`); each is an account.

    Raises:
        SecretError: The store of secrets is locked, damaged or gone.
    """
    main = wiring.settings.user_id
    users = dict.fromkeys((main, *_users(wiring, service)))
    found = []
    for user_id in users:
        first = account_at(wiring, service, user_id)
        also = wiring.settings.section(service).get(_ALSO, ()) if user_id == main else ()
        names: dict[str, str] = {}
        for name in (first.name, *(name.strip() for name in also)):
            names.setdefault(name.casefold(), name)
        found += [replace(first, name=name) for name in names.values() if name]
    return tuple(found)


def keep_account(
    wiring: Wiring, service: str, *, user_id: str, name: str, secret: SecretStr
) -> str:
    """Keep a user's account in the store of secrets, in the place of an older one.

    Args:
        name: What the user is called there.
        secret: Token, password or key; empty where the service needs none.

    Returns:
        Where it is kept, in words.

    Raises:
        ConfigError: There is no such service, or something is missing.
        SecretError: The store cannot be written.
    """
    _check(service)
    value = secret.get_secret_value().strip()
    needs_none = service == "lastfm" and wiring.settings.section("lastfm")["api_key"] is not None
    if not name.strip() or not (value or needs_none or service == "listenbrainz"):
        missing = "the name there" if not name.strip() else f"the {_words(service)}"
        raise ConfigError(f"{missing} is missing", field=service, cure="Give both.")
    fields = {_NAME: name.strip(), SECRET_OF[service]: value or None}
    wiring.secrets.write(_secret_name(service, user_id), fields)
    _marks(wiring).set_mark(user_id, service, name.strip())
    return wiring.secrets.where


def remove_account(wiring: Wiring, service: str, *, user_id: str) -> bool:
    """Throw a kept account away; whether there was one. Plays stay.

    Raises:
        ConfigError: There is no such service.
        SecretError: The store cannot be written.
    """
    _check(service)
    gone = wiring.secrets.delete(_secret_name(service, user_id))
    if wiring.services.exists:
        with wiring.services.writing() as connection:
            connection.execute(
                "delete from marks where service = ? and user_id = ? and name = ?",
                (ACCOUNTS, user_id, service),
            )
    return gone


def kept_accounts(wiring: Wiring) -> Sequence[tuple[str, str, str]]:
    """Service, user and the name there, of every kept account; no store of secrets is opened."""
    if not wiring.services.exists:
        return ()
    with wiring.services.reading() as connection:
        return connection.execute(
            "select name, user_id, value from marks where service = ? order by name, user_id",
            (ACCOUNTS,),
        ).fetchall()


def _users(wiring: Wiring, service: str) -> list[str]:
    return [user_id for known, user_id, _ in kept_accounts(wiring) if known == service]


def _check(service: str) -> None:
    if service not in SECRET_OF:
        raise ConfigError(
            f"no account at “{service}” can be kept",
            field="service",
            cure=f"Choose one of: {', '.join(SECRET_OF)}; for Spotify: segue spotify login.",
        )


def _marks(wiring: Wiring) -> SignIns:
    return SignIns(wiring.services, ACCOUNTS)


def _secret_name(service: str, user_id: str) -> str:
    return f"{service}/{user_id}"


def _words(service: str) -> str:
    return SECRET_OF[service].replace("_", " ").replace("api", "API")
