"""`segue keys`: who may speak to the service, and what they may do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.access.api_key import ApiKey
    from segue.access.tokens import Token

__all__ = ["add_to"]

Label = Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")]
KeyId = Annotated[
    str, typer.Argument(metavar="KEY", help="Its id, as `segue keys list` shows it, or its token.")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help="What it may do: ingest, recommend, admin; repeatable. Default: the first two.",
    ),
]
OneUser = Annotated[
    str | None, typer.Option("--user", help="The only user it may speak for and ask about.")
]
Source = Annotated[
    str | None,
    typer.Option("--source", help="Source of all events that come with it; default: as they say."),
]
Rate = Annotated[
    float | None,
    typer.Option("--rate", help="Requests a second; default: setting service.rate."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where its token is, made elsewhere; nothing changes if there is such a key already.",
    ),
]
Every = Annotated[bool, typer.Option("--all", help="Also keys that were revoked.")]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Say who may speak to the service, and what they may do.",
    )
    group.command("create", epilog="Example:  segue keys create “web player” --scope ingest")(
        create
    )
    group.command("list", epilog="Example:  segue keys list --json")(show)
    group.command("revoke", epilog="Example:  segue keys revoke 3f1c9a52be07")(revoke)
    group.command("password", epilog="Example:  segue keys password --user ann")(password)
    app.add_typer(group, name="keys")


def password(
    context: typer.Context,
    user: User = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the password away instead.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave a password that is there already.")
    ] = False,
) -> None:
    """Set the password with which somebody signs in to the page of `segue serve`.

    It is asked for, or read from standard input. Whoever is signed in has to sign in again.
    """
    import sys

    from segue.access.passwords import LEAST, Passwords
    from segue.flows.home_parts import ACCESS, PASSWORDS
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    kept = Passwords(Wiring(settings).home / ACCESS / PASSWORDS)
    if remove:
        there_was = kept.forget(settings.user_id)
        say(f"{settings.user_id} has no password {'any more' if there_was else 'here'}.")
        return
    if keep and settings.user_id in kept.users():
        say(f"{settings.user_id} has a password already; it stays.")
        return
    if sys.stdin.isatty():
        asked = f"Password for {settings.user_id} (at least {LEAST} characters)"
        given = typer.prompt(asked, hide_input=True, confirmation_prompt=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    kept.set(settings.user_id, given)
    say(f"{settings.user_id} can sign in to the page of `segue serve` with it.")


def create(
    context: typer.Context,
    label: Label,
    scopes: Scopes = None,
    user: OneUser = None,
    source: Source = None,
    rate: Rate = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its token is shown once: only a hash of it is kept."""
    from segue.flows.keys import create_key
    from segue.flows.wiring import Wiring

    key, token = create_key(
        Wiring(call_of(context).settings()).keys,
        label,
        scopes or ("ingest", "recommend"),
        now=now(),
        user_id=user,
        source=source,
        rate=rate,
        token=None if token_file is None else _token_in(token_file),
    )
    if token_file is not None:  # whoever has the file has the token
        gone = "" if key.revoked_at is None else " It was revoked, and opens nothing."
        if as_json:
            print_json(key.as_dict())
        else:
            say(f"Key {key.key_id}, “{key.label}”, is there: {_what(key)}.{gone}")
        return
    if as_json:
        print_json({**key.as_dict(), "token": token.text})
        return
    say(
        f"{token.text}",
        "",
        f"Key {key.key_id}, “{key.label}”: {_what(key)}.",
        "Keep the token now: it is not shown again. Clients send it as",
        "  Authorization: Bearer <token>",
    )


def show(context: typer.Context, every: Every = False, as_json: AsJson = False) -> None:
    """Show the keys; tokens are not among what is kept of them."""
    from segue.flows.keys import every_key
    from segue.flows.wiring import Wiring

    store = Wiring(call_of(context).settings()).keys
    found = sorted(
        (key for key in every_key(store) if every or key.revoked_at is None),
        key=lambda key: (key.created_at, key.key_id),
    )
    if as_json:
        print_json([key.as_dict() for key in found])
        return
    if not found:
        say("No keys.", "", "Next: segue keys create NAME")
    for key in found:
        used = f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        gone = "" if key.revoked_at is None else f"  revoked {key.revoked_at:%Y-%m-%d %H:%M}"
        say(f"{key.key_id}  {key.label}: {_what(key)}; {used}{gone}")


def revoke(context: typer.Context, key_id: KeyId, as_json: AsJson = False) -> None:
    """Let a key open nothing any more; services notice within a second."""
    from segue.access.tokens import key_id_of
    from segue.flows.wiring import Wiring

    # Who has only the token gives that; it is not repeated in an error.
    key = Wiring(call_of(context).settings()).keys.revoke(key_id_of(key_id) or key_id, now())
    if as_json:
        print_json(key.as_dict())
    else:
        say(f"Key {key.key_id}, “{key.label}”, opens nothing any more.")


def _token_in(file: Path) -> Token:
    """The token that a file holds, and nothing else; it is in no message."""
    from segue.access.tokens import Token
    from segue.errors import ConfigError

    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"{file} cannot be read: {why}", field="token_file", cure="Name a file with a token."
        ) from error
    token = Token.of(text)
    if token is None:
        raise ConfigError(
            f"{file} holds no token of Segue",
            field="token_file",
            cure="A token is segue_, 12 hex digits, _ and 43 characters of base64url.",
        )
    return token


def _what(key: ApiKey) -> str:
    """What a key may do, in words."""
    words = [", ".join(sorted(key.scopes))]
    words += [f"only user {key.user_id}"] if key.user_id is not None else []
    words += [f"source {key.source}"] if key.source is not None else []
    words += [f"{key.rate:g} requests a second"] if key.rate is not None else []
    return "; ".join(words)
