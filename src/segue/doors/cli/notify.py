"""`segue notify`: whom to tell what happened, and whether that works."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.notifications.base import Told

__all__ = ["add_to", "told_lines"]

Label = Annotated[str, typer.Argument(metavar="NAME", help="What you call it, such as phone.")]
Whose = Annotated[
    str, typer.Option("--user", help="Only what concerns this user goes there; default: all.")
]

_EMPTY = (
    "Nobody is told anything yet. Add a destination:",
    "  segue notify add phone      (asks for an apprise URL, such as ntfy://my-topic)",
)


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Say where messages go: mail, ntfy, Discord, Telegram, AWS SNS …",
    )
    group.command("add", epilog="Example:  segue notify add phone")(add)
    group.command("list", epilog="Example:  segue notify list --json")(show)
    group.command("test", epilog="Example:  segue notify test")(test)
    group.command("remove", epilog="Example:  segue notify remove phone")(remove)
    app.add_typer(group, name="notify")


def add(context: typer.Context, label: Label, user: Whose = "") -> None:
    """Keep an apprise URL in the store of secrets; it is asked for, or read from standard input.

    It is no option of the command, since others on this machine could read it there.
    """
    from pydantic import SecretStr

    from segue.flows.notify import add_destination
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    url = (
        typer.prompt("Apprise URL (not shown)", hide_input=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.readline()
    )
    where = add_destination(wiring, label, SecretStr(url.strip()), user_id=user)
    say(f"“{label}” is kept in {where}. Try it: segue notify test")


def show(context: typer.Context, user: Whose = "", as_json: AsJson = False) -> None:
    """List the destinations, the kinds of messages, and your templates; nothing secret is shown."""
    from segue.flows.notify import destinations, templates
    from segue.flows.wiring import Wiring
    from segue.notifications.base import KINDS

    settings = call_of(context).settings()
    wiring = Wiring(settings)
    where = [one.where for one in destinations(wiring, user)]
    own = templates(wiring)
    kinds = {kind: kind not in settings.notifications.off for kind in KINDS}
    if as_json:
        print_json({"destinations": where, "kinds": kinds, "templates": list(own.present())})
        return
    say(*(where or _EMPTY), "")
    say(*(f"{kind:<20}{'sent' if sent else 'off'}" for kind, sent in kinds.items()))
    for name in own.present():
        say(f"your words: {name}")
    for name in own.strangers():
        say(f"{own.folder / name}: no kind of message is called so")


def test(context: typer.Context, user: Whose = "", as_json: AsJson = False) -> None:
    """Send a message to every destination, and look at your templates; exit code 1 if one fails."""
    from segue.flows.notify import try_out
    from segue.flows.wiring import Wiring

    told = try_out(Wiring(call_of(context).settings()), user_id=user, now=now())
    if as_json:
        print_json([one.as_dict() for one in told])
    else:
        say(*(told_lines(told) or _EMPTY))
    if not told or any(one.state == "failed" for one in told):
        raise typer.Exit(1)


def remove(context: typer.Context, label: Label, user: Whose = "") -> None:
    """Forget a destination that `segue notify add` has kept."""
    from segue.flows.notify import remove_destination
    from segue.flows.wiring import Wiring

    remove_destination(Wiring(call_of(context).settings()), label, user_id=user)
    say(f"“{label}” is told nothing any more.")


def told_lines(told: tuple[Told, ...]) -> list[str]:
    """What became of a message, for people."""
    words = {
        "sent": "told",
        "already": "told before",
        "waits": "being told by another process, or by one that died: try again in ten minutes",
        "failed": "NOT told",
    }
    return [
        f"{words[one.state]}: {one.destination}" + (f"\n  {one.why}" if one.why else "")
        for one in told
    ]
