"""`segue lake`: the files that everything is made of, and their upkeep."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.warehouse.lake_check import LakeStatus

__all__ = ["add_to"]

AtLeast = Annotated[
    int,
    typer.Option(
        "--at-least", min=2, help="Small files of one user, source and year worth the work."
    ),
]
KeepHours = Annotated[
    float,
    typer.Option(
        "--keep-hours",
        min=0,
        help="How long files stay that were put together, or that a killed import left: "
        "somebody may be reading or writing them.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Look after the lake, where everything that was ever imported is kept.",
    )
    group.command("status", epilog="Example:  segue lake status --json")(status)
    group.command("compact", epilog="Example:  segue lake compact")(compact)
    group.command("verify", epilog="Example:  segue lake verify")(verify)
    app.add_typer(group, name="lake")


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how many files, rows and bytes there are, and what could be tidied up."""
    from segue.flows.wiring import Wiring

    found = Wiring(call_of(context).settings()).lake.status(now())
    if as_json:
        print_json(found.as_dict())
    else:
        say(*_status_lines(found))


def compact(
    context: typer.Context,
    at_least: AtLeast = 2,
    keep_hours: KeepHours = 24,
    as_json: AsJson = False,
) -> None:
    """Put small files together, and remove files that nothing names any more.

    Builds and imports elsewhere may go on meanwhile, and nothing is loaded twice because of it.
    `segue build` does the same by itself once there are many small files (setting compact_at).
    """
    from segue.flows.wiring import Wiring

    call = call_of(context)
    report = Wiring(call.settings()).lake.compact(
        now(), at_least=at_least, grace=timedelta(hours=keep_hours), progress=call.progress()
    )
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    if report.merged:
        say(
            f"{report.merged:,} small files became {report.made:,}; "
            f"all {report.rows:,} rows are in them."
        )
    else:
        say("There is nothing to put together.")
    if report.removed:
        say(f"Removed {report.removed:,} files that nothing named ({_size(report.removed_bytes)}).")


def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Read every file of the lake and compare it with its checksum.

    Exit code 1 if anything is missing or has changed.
    """
    from segue.flows.wiring import Wiring

    call = call_of(context)
    lake = Wiring(call.settings()).lake
    faults = lake.verify(call.progress())
    if as_json:
        found = [dataclasses.asdict(fault) for fault in faults]
        print_json({"where": lake.store.where, "whole": not faults, "faults": found})
    else:
        for fault in faults:
            of = f" (commit {fault.commit_id})" if fault.commit_id else ""
            say(f"{fault.file}{of}: {fault.what}")
        if not faults:
            say(f"{lake.store.where}: every file is as it was written.")
    if faults:
        if not as_json:
            say("", "Put these files back from a backup, or import their sources again.")
        raise typer.Exit(1)


def _status_lines(found: LakeStatus) -> list[str]:
    if not found.commits:
        return [f"Lake  {found.where}: nothing yet", "", "Next: segue import my_spotify_data.zip"]
    lines = [f"Lake  {found.where}: {found.commits:,} commits, the last {found.last_commit}", ""]
    width = max((len(f"{one.table} {one.partition}") for one in found.shares), default=0)
    for one in found.shares:
        name = f"{one.table} {one.partition}".ljust(width)
        least = "at least " if one.shared else ""
        of = f" of {least}{one.users:,} users" if one.users > 1 else ""
        lines.append(
            f"{name}  {one.rows:>12,} rows{of} in {one.files:,} files"
            f" ({one.small:,} small), {_size(one.bytes)}"
        )
    waiting = [("replaced", found.replaced), ("left by killed imports", found.orphans)]
    lines += [f"{files:,} files {what}, {_size(size)}" for what, (files, size) in waiting if files]
    if found.most_small > 1 or found.removable:
        lines += ["", "Next: segue lake compact"]
    return lines


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
