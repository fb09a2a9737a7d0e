"""`segue secrets`: tokens and passwords of services, in the store of secrets."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, print_json, say

__all__ = ["add_to"]

Service = Annotated[
    str, typer.Argument(metavar="SERVICE", help="lastfm, listenbrainz or subsonic.")
]
Name = Annotated[
    str, typer.Option("--name", help="Your name there; asked for, if not given and not set.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Keep tokens and passwords of Last.fm, ListenBrainz and Subsonic, for each user.",
    )
    group.command("set", epilog="Example:  segue secrets set listenbrainz --name ann")(keep)
    group.command("list", epilog="Example:  segue secrets list --json")(show)
    group.command("remove", epilog="Example:  segue secrets remove listenbrainz")(remove)
    app.add_typer(group, name="secrets")


def keep(context: typer.Context, service: Service, name: Name = "", user: User = None) -> None:
    """Keep your account; the token or password is asked for, or read from standard input.

    It is no option of the command, since others on this machine could read it there.
    """
    from pydantic import SecretStr

    from segue.flows.accounts import SECRET_OF, keep_account
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    known = settings.section(service).get("user") if service in SECRET_OF else None
    asked = sys.stdin.isatty() and service in SECRET_OF
    there = name or known or ""
    if asked and not there:
        there = typer.prompt("Your name there", err=True)
    if asked:
        words = SECRET_OF[service].replace("_", " ")
        secret = typer.prompt(f"The {words} (not shown)", hide_input=True, default="", err=True)
    else:
        secret = sys.stdin.readline()
    where = keep_account(
        Wiring(settings),
        service,
        user_id=settings.user_id,
        name=there,
        secret=SecretStr(secret),
    )
    say(f"{settings.user_id}: the account “{there}” at {service} is kept in {where}.")


def show(context: typer.Context, as_json: AsJson = False) -> None:
    """List the accounts that are kept, and where; nothing secret is shown."""
    from segue.flows.accounts import kept_accounts
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    kept = kept_accounts(wiring)
    if as_json:
        names = ("service", "user", "name")
        print_json([dict(zip(names, one, strict=True)) for one in kept])
        return
    if not kept:
        say("No accounts are kept.", "", "Next: segue secrets set listenbrainz")
        return
    say(*(f"{service:<14}{user}: {name}" for service, user, name in kept))
    say("", f"They are in {wiring.secrets.where}.")


def remove(context: typer.Context, service: Service, user: User = None) -> None:
    """Throw away an account that is kept. What was collected from it stays."""
    from segue.errors import ConfigError
    from segue.flows.accounts import remove_account
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    if not remove_account(Wiring(settings), service, user_id=settings.user_id):
        raise ConfigError(
            f"no account of {settings.user_id} at {service} is kept",
            field="service",
            cure="See segue secrets list; accounts in the settings are removed there.",
        )
    say(f"{settings.user_id}: the account at {service} is gone.")
