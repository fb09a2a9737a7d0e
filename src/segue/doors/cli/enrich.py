"""`segue enrich`: what open services know of a user's tracks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue.flows.enrich import Enriched, EnrichReport, Plan

__all__ = ["add_to"]

_EXAMPLES = "Examples:  segue enrich --dry-run  |  segue enrich --source listenbrainz"
_WORDS = {
    "sound": "audio features",
    "genres": "genres",
    "year": "a year",
    "popularity": "a popularity",
}

Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help="listenbrainz, lastfm, reccobeats, musicbrainz; repeatable. Default: enrich.sources.",
    ),
]
Requests = Annotated[
    int | None,
    typer.Option("--requests", min=1, help="To each service, in this run; default: the setting."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Ask nothing; show what would be asked, and how long.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("enrich", epilog=_EXAMPLES)(enrich)


def enrich(
    context: typer.Context,
    sources: Sources = None,
    user: User = None,
    requests: Requests = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask open services for tracks like yours, genres, years, popularity and audio features.

    Only services that you name are asked, about the tracks you play most first. Every answer is
    kept: run it again to go on where it was. `segue build` and `segue train` then use it.
    """
    from segue.flows.enrich import enrich as ask
    from segue.flows.enrich import plan
    from segue.flows.wiring import Wiring

    call = call_of(context)
    wiring, wanted = Wiring(call.settings()), tuple(sources or ())
    if dry_run:
        plans = plan(wiring, clock=now, sources=wanted, user_id=user)
        if as_json:
            print_json([one.as_dict() for one in plans])
        else:
            say(*_plan_lines(plans))
        return
    report = ask(
        wiring,
        clock=now,
        sources=wanted,
        user_id=user,
        requests=requests,
        progress=call.progress(),
    )
    if as_json:
        print_json(report.as_dict())
    else:
        say(*_lines(report))
    if failed := [one.error for one in report.failed if one.error is not None]:
        raise failed[0] if not as_json else typer.Exit(1)


def _plan_lines(plans: Sequence[Plan]) -> list[str]:
    lines = [
        f"{one.source}, {one.kind}: {one.questions:,} questions, {one.requests:,} requests,"
        f" {timedelta(seconds=round(one.seconds))}" + (f", {one.days} days" if one.days > 1 else "")
        for one in plans
    ]
    return [*lines, "", "Answers lead to more questions; nothing was asked yet."]


def _lines(report: EnrichReport) -> list[str]:
    lines = [line for one in report.sources for line in _source_lines(one)]
    before, after = report.before, report.after
    for name, words in _WORDS.items():
        was, now_is = before.shares[name], after.shares[name]
        lines.append(f"Plays whose track has {words}: {was:.0%} before, {now_is:.0%} now")
    lines.append(f"New tracks that are like yours: {after.new:,} (before: {before.new:,})")
    if not any(one.found for one in report.sources):
        return lines
    return [*lines, "", "Next: segue build, then segue train"]


def _source_lines(one: Enriched) -> list[str]:
    lines = [
        f"{one.source}: {one.asked:,} questions, {one.found:,} of them answered,"
        f" {one.requests:,} requests"
    ]
    if one.until is not None:
        lines.append(
            f"  The day's budget is used; {one.left:,} questions are left: go on after"
            f" {one.until:%Y-%m-%d %H:%M} UTC."
        )
    elif one.left:
        lines.append(f"  {one.left:,} questions are left: run it again to go on.")
    if one.error is not None:
        lines.append(f"  Stopped: {one.error.message}.")
    return lines
