"""`segue listen`: follow what is played, as it is played."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.flows.spotify.listen import Deliver, Heard
    from segue.flows.wiring import Wiring
    from segue.music.event import Event

__all__ = ["add_to"]

_TOKEN: Final = "SEGUE_TOKEN"  # noqa: S105 - the name of a variable
_NAP_S: Final = 1.0

Users = Annotated[
    list[str] | None,
    typer.Option("--user", help="Whom to follow; repeatable. Default: everybody signed in."),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="URL",
        help=f"Report to this service instead of the own log; its key is in {_TOKEN}.",
    ),
]
Once = Annotated[bool, typer.Option("--once", help="Look once at each player, and stop.")]
Minutes = Annotated[
    float | None, typer.Option("--minutes", min=0, help="Stop after so long; default: never.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("listen", epilog="Example:  segue listen --to http://127.0.0.1:8000")(listen)


def listen(
    context: typer.Context,
    users: Users = None,
    to: To = None,
    once: Once = False,
    minutes: Minutes = None,
    as_json: AsJson = False,
) -> None:
    """Follow what is played at Spotify and report plays, pauses, skips and completed tracks.

    Looks at each player about as often as tracks end, rarely while nothing plays, and never beyond
    the budget of requests. It may be stopped and started at any time: what happened meanwhile is
    told as far as the player shows it.
    """
    from segue.flows.spotify.listen import listen as run
    from segue.flows.spotify.listen import listen_once
    from segue.flows.spotify.sign_in import sign_ins
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings()
    wiring = Wiring(settings)
    house = wiring.spotify(now)
    wanted = users or [one.user_id for one in sign_ins(house)] or [settings.user_id]
    with ExitStack() as stack:
        deliver = _to_service(to, stack) if to else _to_log(wiring, stack)
        if once:
            told = [event for user in wanted for event in listen_once(house, user, deliver).events]
            if as_json:
                print_json([_plain(event) for event in told])
            else:
                say(*(_line(event) for event in told), f"{len(told)} events.")
            return
        run(house, wanted, deliver, wait=_waiting(minutes), on_look=_showing(as_json=as_json))


def _to_log(wiring: Wiring, stack: ExitStack) -> Deliver:
    log = wiring.events
    stack.callback(log.close)

    def deliver(events: Sequence[Event]) -> None:
        log.append(events, now()).result()

    return deliver


def _to_service(url: str, stack: ExitStack) -> Deliver:
    from segue.client import EventReport, SegueClient

    client = stack.enter_context(SegueClient(url, os.environ.get(_TOKEN) or None))

    def deliver(events: Sequence[Event]) -> None:
        reports = [EventReport(**_plain_values(event)) for event in events]
        for outcome in client.report(*reports):
            if outcome.outcome == "rejected":  # it would be rejected again: going on loses less
                typer.echo(f"segue: the service refused an event: {outcome.reason}", err=True)

    return deliver


def _waiting(minutes: float | None) -> Callable[[float], bool]:
    """Waits in naps, so that a clock that jumps and a machine that slept are noticed."""
    ends = None if minutes is None else now() + timedelta(minutes=minutes)

    def wait(seconds: float) -> bool:
        until = now() + timedelta(seconds=seconds)
        while (moment := now()) < until:
            if ends is not None and moment >= ends:
                return True
            time.sleep(min(_NAP_S, (until - moment).total_seconds()))
        return ends is not None and now() >= ends

    return wait


def _showing(*, as_json: bool) -> Callable[[Heard], None]:
    troubled: dict[str, str] = {}

    def show(heard: Heard) -> None:
        for event in heard.events:
            if as_json:
                print_json(_plain(event))
            else:
                say(_line(event))
        said = "" if heard.error is None else heard.error.message
        if said != troubled.get(heard.user_id, "") and said:
            typer.echo(f"segue: {heard.user_id}: {said}", err=True)
        troubled[heard.user_id] = said
        sys.stdout.flush()

    return show


def _line(event: Event) -> str:
    heard = "" if event.ms_played is None else f"  heard {event.ms_played / 1000:.0f} s"
    at = event.timestamp.astimezone(UTC)
    return f"{at:%H:%M:%S}  {event.user_id}  {event.event_type:8}  {event.track_id}{heard}"


def _plain_values(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__slots__}


def _plain(event: Event) -> dict[str, Any]:
    told = {**_plain_values(event), "timestamp": event.timestamp.isoformat()}
    return {name: value for name, value in told.items() if value not in (None, {})}
