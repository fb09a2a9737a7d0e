"""`segue import`: listening histories into the lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say

if TYPE_CHECKING:
    from segue.flows.ingest_report import IngestReport
    from segue.sources.base import Kind

__all__ = ["add_to", "print_report", "run_import"]

SkipBroken = Annotated[
    bool,
    typer.Option("--skip-broken", help="Leave out files that cannot be read, import the others."),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("import", epilog="Example:  segue import my_spotify_data.zip lastfm.csv")(
        import_history
    )


def import_history(
    context: typer.Context,
    inputs: Annotated[
        list[Path], typer.Argument(help="Zip archives, unpacked folders or single files.")
    ],
    user: User = None,
    skip_broken: SkipBroken = False,
    as_json: AsJson = False,
) -> None:
    """Read listening histories, every row accounted for.

    Understood are exports of Spotify, Last.fm, ListenBrainz, Maloja and Koito. For every file,
    read = kept + duplicate + rejected. Importing the same file again keeps nothing new; a file
    that cannot be read changes nothing.
    """
    report = run_import(context, inputs, "history", user=user, skip_broken=skip_broken)
    print_report(report, as_json=as_json, next_step="segue build")


def run_import(
    context: typer.Context,
    inputs: list[Path],
    kind: Kind,
    *,
    user: str | None = None,
    name: str = "",
    skip_broken: bool = False,
    columns: dict[str, str] | None = None,
) -> IngestReport:
    """Import inputs of one kind into the lake of this home."""
    from segue.flows.ingest import ingest
    from segue.flows.wiring import Wiring
    from segue.sources.base import ReadOptions

    call = call_of(context)
    settings = call.settings(user_id=user)
    wiring = Wiring(settings)
    return ingest(
        inputs,
        sources=wiring.sources,
        kind=kind,
        lake=wiring.lake,
        options=ReadOptions(user_id=settings.user_id, name=name, now=now(), columns=columns or {}),
        limits=wiring.limits,
        progress=call.progress(),
        skip_broken=skip_broken,
    )


def print_report(
    report: IngestReport, *, as_json: bool, next_step: str, kind: Kind = "history"
) -> None:
    """Print the account, faults on standard error; leave with exit code 1 if an input failed."""
    from segue.doors.cli.accounts import account_lines, failure_lines

    if as_json:
        print_json(report.as_dict())
    else:
        say(*account_lines(report, kind))
        if report.total.read:
            say("", f"Next: {next_step}")
    for line in failure_lines(report):
        typer.echo(line, err=True)
    if report.failed:
        raise typer.Exit(1)
