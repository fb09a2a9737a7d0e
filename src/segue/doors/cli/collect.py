"""`segue collect`: what was played, from every service with an account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.flows.collect import Collected

__all__ = ["add_to"]

_EXAMPLES = "Examples:  segue collect  |  segue collect lastfm --since 2026-01-01"

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE]...",
        help="spotify, lastfm, listenbrainz; default: all with an account.",
        show_default=False,
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help="Read plays from this day on again (Last.fm, ListenBrainz).",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("collect", epilog=_EXAMPLES)(collect)


def collect(
    context: typer.Context,
    sources: Names = None,
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """Collect what was played since the last time: Spotify, Last.fm, ListenBrainz.

    The first time reads the whole history of Last.fm and ListenBrainz; where that is interrupted,
    or the day's budget of requests ends, the next time goes on. Each play is kept once, whoever
    tells it.
    """
    from segue.flows.collect import collect as collect_plays
    from segue.flows.wiring import Wiring

    call = call_of(context)
    report = collect_plays(
        Wiring(call.settings()),
        clock=now,
        sources=tuple(sources or ()),
        since=None if since is None else since.replace(tzinfo=UTC),
        progress=call.progress(),
    )
    if as_json:
        print_json(report.as_dict())
    else:
        for one in report.collected:
            say(*_lines(one))
    if failed := [one.error for one in report.failed if one.error is not None]:
        raise failed[0] if not as_json else typer.Exit(1)


def _lines(one: Collected) -> list[str]:
    who = f"{one.source} of {one.name or one.user_id}"
    account = one.account
    rejected = sum(account.rejected.values())
    lines = [
        f"{who}: {account.read:,} plays read, {account.kept:,} new,"
        f" {account.duplicate:,} known already"
        + (f", {rejected:,} rejected" if rejected else "")
        + (f", {one.skipped:,} left aside" if one.skipped else "")
        + ("" if one.latest is None else f"; the last one {one.latest:%Y-%m-%d %H:%M} UTC")
    ]
    for gap in one.gaps:
        when = "" if gap.since is None or gap.until is None else _span(gap.since, gap.until)
        plays = "Some plays" if gap.plays is None else f"{gap.plays:,} plays"
        lines.append(f"  {plays}{when} may be missing: {gap.why}.")
    if one.unread_until is not None:
        lines.append(
            f"  Plays up to {one.unread_until:%Y-%m-%d %H:%M} UTC are still to be read: run it"
            " again, it goes on from there."
        )
    if one.error is not None:
        lines.append(f"  Stopped: {one.error.message}.")
    return lines


def _span(since: datetime, until: datetime) -> str:
    return f" between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M} UTC"
