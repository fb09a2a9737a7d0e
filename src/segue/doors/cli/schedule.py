"""`segue schedule`: what runs by itself, and files for others that run it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.flows.schedule import ScheduleState
    from segue.flows.wiring import Wiring

__all__ = ["add_to"]

_PATIENCE_S = 900.0


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="What runs by itself: by `segue serve`, by systemd, or by cron.",
    )
    group.command("list", epilog="Example:  segue schedule list --json")(listed)
    group.command("next", epilog="Example:  segue schedule next")(following)
    group.command("run", epilog="Example:  segue schedule run update --wait")(run)
    group.command(
        "systemd", epilog="Example:  segue schedule systemd --out ~/.config/systemd/user"
    )(systemd)
    group.command("cron", epilog="Example:  segue schedule cron | crontab -")(cron)
    app.add_typer(group, name="schedule")


def listed(context: typer.Context, as_json: AsJson = False) -> None:
    """List the schedules: when each runs, when it last did, and how that ended."""
    wiring, zone, found = _found(context)
    if as_json:
        service = wiring.settings.schedule.in_service
        print_json({"in_service": service, "schedules": [one.as_dict() for one in found]})
        return
    for one in found:
        last = "never" if one.last is None else f"{_shown(one.last, zone)} {one.state}".rstrip()
        say(
            f"{one.name}: {one.when}  (segue {' '.join(one.command)})",
            f"  last {last}; next {_shown(one.next, zone)}" + ("; it is due" * one.is_due),
        )
    if not found:
        say("There are no schedules: see docs/schedule.md.")
    elif not wiring.settings.schedule.in_service:
        say("", "`segue serve` does not run them; SEGUE_SCHEDULE__IN_SERVICE=true lets it.")


def following(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what runs next, and when."""
    _, zone, found = _found(context)
    soonest = sorted(found, key=lambda one: one.next)
    if as_json:
        print_json([{"name": one.name, "next": one.next.isoformat()} for one in soonest])
        return
    say(*(f"{_shown(one.next, zone)}  {one.name}" for one in soonest))


def run(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which; without it: all that are due.")
    ] = None,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only if it is due and has not run since.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Show what it says until it is over.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a schedule's command now, as a job; it counts as its last run.

    With --wait, another run of the same command that is under way is waited for.
    """
    from segue.doors.cli.jobs import follow
    from segue.flows.jobs import wait_for_job
    from segue.flows.schedule import run_now

    wiring, zone, found = _found(context)
    if name is None and not if_due:
        raise ConfigError(
            "which schedule?",
            field="name",
            cure=f"Name one of: {', '.join(one.name for one in found)}; or give --if-due.",
        )
    patience_s = _PATIENCE_S if wait else 0.0
    begun = [
        job
        for one in ([name] if name else [one.name for one in found])
        if (job := run_now(wiring, one, now=now(), zone=zone, if_due=if_due, patience_s=patience_s))
        is not None
    ]
    home = wiring.settings.home
    if as_json:
        ended = [wait_for_job(home, job.job_id) if wait else job for job in begun]
        print_json([job.as_dict() for job in ended])
    elif wait:
        ended = [follow(home, job, wait=True) for job in begun]
    else:
        ended = []
        say(*(f"Begun as {job.job_id}." for job in begun))
        if not begun:
            say("Nothing is due.")
    codes = [job.exit_code if job.exit_code is not None else 1 for job in ended] if wait else []
    if failed := [code for code in codes if code]:
        raise typer.Exit(failed[0])


def systemd(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the files go; made if it is not there.")
    ],
) -> None:
    """Write timers and services of systemd, for a user's own manager, and say how to start them."""
    from segue.flows.schedule_files import systemd_units
    from segue.playlists.text_file import put_in_place

    wiring, zone, found = _found(context)
    units = systemd_units(found, segue=_segue(), home=wiring.settings.home, zone=zone.key)
    folder = out.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in units.items():
        put_in_place(folder / name, content.encode())
    timers = " ".join(name for name in units if name.endswith(".timer"))
    say(
        f"{len(units)} files written to {folder}.",
        "",
        "Start them, and let them run while you are not signed in:",
        f"  systemctl --user daemon-reload && systemctl --user enable --now {timers}",
        "  loginctl enable-linger",
    )


def cron(context: typer.Context) -> None:
    """Print lines for crontab."""
    from segue.doors.local_zone import machines_zone
    from segue.flows.schedule_files import cron_lines

    wiring, zone, found = _found(context)
    other = "" if zone.key == machines_zone() else zone.key
    say(*cron_lines(found, segue=_segue(), home=wiring.settings.home, zone=other))


def _found(context: typer.Context) -> tuple[Wiring, ZoneInfo, tuple[ScheduleState, ...]]:
    from segue.doors.local_zone import clocks_of
    from segue.flows.schedule import schedules
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings()
    wiring, zone = Wiring(settings), clocks_of(settings)
    return wiring, zone, schedules(wiring, now=now(), zone=zone)


def _segue() -> list[str]:
    """The words that begin Segue, whatever the path is then."""
    return [sys.executable, "-m", "segue.doors.cli"]


def _shown(when: datetime, zone: ZoneInfo) -> str:
    return f"{when.astimezone(zone):%a %d %b %H:%M}"
