"""`segue update`: the whole job in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.flows.update.report import StepReport, UpdateReport

__all__ = ["add_to"]

Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STEP",
        help="Only this step: collect, build, train, recommend, publish or notify; repeatable.",
    ),
]
Skip = Annotated[
    list[str] | None, typer.Option(metavar="STEP", help="Without this step; repeatable.")
]
Users = Annotated[
    list[str] | None, typer.Option("--user", help="Whose playlists; repeatable. [everybody's]")
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("update", epilog="Example:  segue update --skip train --dry-run")(update)


def update(
    context: typer.Context,
    only: Only = None,
    skip: Skip = None,
    user: Users = None,
    at_once: Annotated[
        bool, typer.Option("--now", help="Refresh playlists though they are not due.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Collect, build, train if due, make playlists that are due, publish them, and tell.

    A step that has nothing to do or is not set up is skipped and says so; one that fails stops
    nothing that can still go on. Run it again after any interruption: it goes on. Exit codes: 11
    collecting failed, 12 building, 13 training, 14 recommending, 15 publishing, 16 telling.
    """
    from segue.doors.local_zone import clocks_of
    from segue.flows.update.run import Wanted
    from segue.flows.update.run import update as run
    from segue.flows.wiring import Wiring

    call = call_of(context)
    wanted = Wanted(tuple(only or ()), tuple(skip or ()), tuple(user or ()), at_once, dry_run)
    settings = call.settings()
    report = run(
        Wiring(settings),
        wanted,
        clock=now,
        zone=clocks_of(settings),
        progress=call.progress(),
        on_step=(lambda step: None) if as_json else _say_step,
    )
    if as_json:
        print_json(report.as_dict())
    else:
        say(*_summary(report))
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _say_step(step: StepReport) -> None:
    say(f"{step.step:<10} {step.state:<8} {step.words}" + (f"  ({step.seconds:.1f} s)"))
    if step.cure:
        say(f"{'':<19} {step.cure}")
    faults = [one for one in step.details if "playlist" in one and "error" in one]
    for one in faults if len(step.details) > 1 else ():
        say(f"{'':<19} {one['playlist']}: {one['error']['message']}")
    for one in step.details:
        if "to" in one and "error" not in one:
            added, removed = len(one["added"]), len(one["removed"])
            say(
                f"{'':<19} {one['playlist']}: {one['tracks']} tracks at {one['destination']}"
                f" ({added} added, {removed} removed, {len(one['unmatched'])} not to be found)"
            )


def _summary(report: UpdateReport) -> list[str]:
    seconds = (report.ended_at - report.started_at).total_seconds()
    asked = ", ".join(f"{service} {number}" for service, number in report.requests.items())
    return ["", f"{seconds:.1f} s" + (f"; requests: {asked}" if asked else "")]
