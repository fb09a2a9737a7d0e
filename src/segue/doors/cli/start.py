"""`segue start`: from exports to playlists in one go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, Call, User, call_of, now, say
from segue.doors.cli.ingest import SkipBroken, run_import

if TYPE_CHECKING:
    from segue.flows.ingest_report import IngestReport

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("start", epilog="Example:  segue start my_spotify_data.zip")(start)


def start(
    context: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(help="As of segue import; none: only build and train."),
    ] = None,
    user: User = None,
    skip_broken: SkipBroken = False,
    uploaded: Annotated[
        str, typer.Option(hidden=True, help="Take the files of this upload, and remove them.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Import, build and train: from your exports to playlists.

    With --json each part is one line: the account of the import as soon as it is known, then the
    snapshot and the models.
    """
    call = call_of(context)
    if inputs or uploaded:
        report = _imported(context, inputs or [], uploaded, user=user, skip_broken=skip_broken)
        _tell_import(report, as_json=as_json)
        if not report.total.read and report.failed:
            raise typer.Exit(1)
    snapshot = _build(call)
    bundle, tracks = _train(call)
    if as_json:
        typer.echo(json.dumps({"snapshot": snapshot, "bundle": bundle, "tracks": tracks}))
    else:
        say(f"{tracks:,} tracks may be recommended.", "", "Next: segue recommend")


def _imported(
    context: typer.Context,
    inputs: list[Path],
    uploaded: str,
    *,
    user: str | None,
    skip_broken: bool,
) -> IngestReport:
    from segue.flows.home_parts import UPLOADS
    from segue.flows.uploads import Uploads, inputs_in

    settings = call_of(context).settings(user_id=user)
    uploads = Uploads(settings.home / UPLOADS, settings.web.upload_bytes)
    if uploaded:
        inputs = [*inputs, *inputs_in(uploads.of(uploaded))]
    try:
        return run_import(context, inputs, "history", user=user, skip_broken=skip_broken)
    finally:
        uploads.drop(uploaded)


def _tell_import(report: IngestReport, *, as_json: bool) -> None:
    from segue.doors.cli.accounts import account_lines, failure_lines

    if as_json:
        typer.echo(json.dumps({"import": report.as_dict()}))
        return
    say(*account_lines(report, "history"), "")
    for line in failure_lines(report):
        typer.echo(line, err=True)


def _build(call: Call) -> str:
    from segue.doors.local_zone import clocks_of
    from segue.flows.compact import compact_if_due
    from segue.flows.not_mine import build_by_rules
    from segue.flows.wiring import Wiring

    wiring = Wiring(call.settings())
    zone = clocks_of(wiring.settings)
    report = build_by_rules(wiring, zone=zone, clock=now, progress=call.progress())
    at_least = wiring.settings.compact_at
    compact_if_due(wiring.lake, at_least=at_least, progress=call.progress(), now=now())
    return report.snapshot


def _train(call: Call) -> tuple[str, int]:
    from segue.flows.train import train
    from segue.flows.wiring import Wiring

    settings = call.settings()
    wiring = Wiring(settings)
    report = train(
        snapshot=wiring.snapshots.current(),
        bundles=wiring.bundles,
        training_sources=settings.training.sources,
        seed=settings.training.seed,
        threads=settings.training.threads,
        left_out=settings.training.left_out,
        refit=settings.training.refit,
        engine=settings.training.engine,
        spark=settings.spark,
        models=settings.models,
        progress=call.progress(),
        now=now(),
    )
    return report.bundle, report.tracks
