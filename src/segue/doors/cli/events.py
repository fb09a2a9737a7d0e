"""`segue events`: the log of what happened while people listened, and who follows it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.flows.consume import Taken

__all__ = ["add_to"]

_PROFILES: Final = "profiles"

Only = Annotated[
    str | None, typer.Option("--consumer", help="Only this one: profiles or lake; default: all.")
]
Which = Annotated[
    str, typer.Argument(metavar="[CONSUMER]", help="What is to be made again from the log.")
]


FromStore = Annotated[
    str, typer.Argument(metavar="FROM", help="Where they are: sqlite (in the home) or postgresql.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Look after the event log: what happened while people listened, and who follows it.",
    )
    group.command("status", epilog="Example:  segue events status --json")(status)
    group.command("take", epilog="Example:  segue events take --consumer lake")(take)
    group.command("parked", epilog="Example:  segue events parked --json")(parked)
    group.command("retry", epilog="Example:  segue events retry --consumer lake")(retry)
    group.command("rebuild", epilog="Example:  segue events rebuild profiles")(rebuild)
    group.command("copy", epilog="Example:  segue events copy sqlite")(copy)
    app.add_typer(group, name="events")


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how far each consumer has got, and how many events it could not take."""
    from segue.flows.event_consumers import consumers, event_status
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    found = event_status(wiring.events, consumers(wiring))
    if as_json:
        print_json(found.as_dict())
        return
    say("No events yet." if not found.last else f"Last event: {found.last:,}")
    for one in found.consumers:
        behind = f"{one.behind:,} behind" if one.behind else "up to date"
        parked_too = f", {len(one.parked):,} parked" if one.parked else ""
        say(f"{one.name:<10} {behind}{parked_too}")
    if any(one.parked for one in found.consumers):
        say("", "Next: segue events parked")


def take(context: typer.Context, only: Only = None, as_json: AsJson = False) -> None:
    """Let the consumers take what waits, as the service does by itself."""
    from segue.flows.consume import consume, settle
    from segue.flows.event_consumers import consumer_called, consumers
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    asked = consumers(wiring) if only is None else (consumer_called(wiring, only),)
    for one in asked:
        settle(wiring.events, one, now=now())
    _tell([consume(wiring.events, one, now=now()) for one in asked], as_json=as_json)


def parked(context: typer.Context, only: Only = None, as_json: AsJson = False) -> None:
    """Show the events that a consumer could not take, and why."""
    from segue.flows.event_consumers import consumer_called, consumers, event_status
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    asked = consumers(wiring) if only is None else (consumer_called(wiring, only),)
    found = [
        (of.name, one) for of in event_status(wiring.events, asked).consumers for one in of.parked
    ]
    if as_json:
        print_json(
            [{"consumer": name, **asdict(one), "at": one.at.isoformat()} for name, one in found]
        )
        return
    for name, one in found:
        say(f"{name:<10} event {one.position:,}  {one.at:%Y-%m-%d %H:%M}  {one.error}")
    say(*(("", "Next: segue events retry") if found else ("Nothing is parked.",)))


def retry(context: typer.Context, only: Only = None, as_json: AsJson = False) -> None:
    """Try the parked events again; what works now is parked no more.

    Exit code 1 if some still cannot be taken.
    """
    from segue.flows.consume import retry_parked
    from segue.flows.event_consumers import consumer_called, consumers
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    asked = consumers(wiring) if only is None else (consumer_called(wiring, only),)
    done = [retry_parked(wiring.events, one, now=now()) for one in asked]
    _tell(done, as_json=as_json)
    if any(one.parked for one in done):
        raise typer.Exit(1)


def rebuild(context: typer.Context, which: Which = _PROFILES, as_json: AsJson = False) -> None:
    """Forget what a consumer keeps, and make it again from the log: it comes out the same."""
    from segue.flows.consume import rebuild as again
    from segue.flows.event_consumers import consumer_called
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    done = again(wiring.events, consumer_called(wiring, which), now=now())
    _tell([done], as_json=as_json)


def _tell(done: list[Taken], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in done])
        return
    for one in done:
        parked_too = f", {one.parked:,} parked" if one.parked else ""
        events = f"{one.events:,} event{'' if one.events == 1 else 's'}"
        say(f"{one.consumer:<10} {events} taken{parked_too}")


def copy(context: typer.Context, source: FromStore, as_json: AsJson = False) -> None:
    """Bring events, and API keys, from another store into the one that the settings name.

    For a service that moves to PostgreSQL, or back: stop it, change service.store, then copy.
    Consumers go on from where they were. What was copied stays where it is, too.
    """
    from segue.flows.copy_events import copy_store
    from segue.flows.wiring import Wiring

    call = call_of(context)
    done = copy_store(Wiring(call.settings()), source, progress=call.progress())
    if as_json:
        print_json(done.as_dict())
        return
    say(f"Copied {done.events:,} events and {done.keys:,} API keys.", "", "Next: segue serve")
