"""`segue report`: a listener's week, on the screen or as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say
from segue.doors.local_zone import machines_zone

if TYPE_CHECKING:
    from segue.notifications.base import Told

__all__ = ["add_to"]

Which = Annotated[
    str | None,
    typer.Option("--week", metavar="WEEK", help="Such as 2026-W46; default: the last over."),
]
Folder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write files into this folder.")
]
Formats = Annotated[
    str, typer.Option("--format", metavar="KINDS", help="Of the files: html, md, png.")
]
Zone = Annotated[
    str | None,
    typer.Option("--time-zone", metavar="ZONE", help="Such as Europe/Berlin; default: setting."),
]
Send = Annotated[
    bool, typer.Option("--notify", help="Send it where `segue notify list` says, once.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Say what you listened to, and what became of recommendations.",
    )
    group.command("weekly", epilog="Example:  segue report weekly --out . --format html,png")(
        weekly
    )
    app.add_typer(group, name="report")


def weekly(
    context: typer.Context,
    week: Which = None,
    out: Folder = None,
    formats: Formats = "html,md,png",
    user: User = None,
    time_zone: Zone = None,
    send: Send = False,
    as_json: AsJson = False,
) -> None:
    """Report a week: favourites, moods, discoveries, and what you did with recommended tracks.

    Without --out it is printed as Markdown.
    """
    from segue.analytics.weekly_page import markdown
    from segue.flows.fresh_marts import FreshMarts
    from segue.flows.report import offers_of, weekly_report
    from segue.flows.report_files import formats_of, weekly_message, write_report
    from segue.flows.wiring import Wiring

    kinds = formats_of(formats)
    settings = call_of(context).settings(user_id=user, time_zone=time_zone)
    wiring, moment = Wiring(settings), now()
    snapshot = wiring.snapshots.current()
    report = weekly_report(
        snapshot,
        offers_of(wiring.home, settings.user_id, now=moment),
        user_id=settings.user_id,
        time_zone=machines_zone() if settings.time_zone == "local" else settings.time_zone,
        now=moment,
        week=week,
        experiments=wiring.experiments,
        marts=FreshMarts(snapshot, wiring.lake),
        memory_limit=settings.memory_limit,
        threads=settings.threads,
    )
    files = [] if out is None else write_report(report, out, kinds)
    told: tuple[Told, ...] = ()
    if send:
        from segue.flows.notify import notify

        told = notify(settings, weekly_message(report), now=moment)
    if as_json:
        sent = [one.as_dict() for one in told]
        print_json({**report.as_dict(), "files": [str(file) for file in files], "sent": sent})
        return
    if out is None and not send:
        say(markdown(report).rstrip())
    say(*(f"written: {file}" for file in files))
    if send:
        from segue.doors.cli.notify import told_lines

        say(*(told_lines(told) or ["Nobody wants to be told: segue notify add"]))
