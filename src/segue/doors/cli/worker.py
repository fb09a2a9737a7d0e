"""`segue worker`: events and schedules, without a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.doors.cli.context import call_of, say

__all__ = ["add_to"]

Schedules = Annotated[
    bool, typer.Option("--schedules/--no-schedules", help="Whether it runs the schedules, too.")
]
Alive = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Touch this file every 10 seconds, for a health check."),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("worker", epilog="Example:  segue worker --alive /tmp/segue-worker")(worker)


def worker(context: typer.Context, schedules: Schedules = True, alive: Alive = None) -> None:
    """Take events and run schedules, without answering anybody, until told to stop.

    `segue serve` takes events as well: of all that share an event log, one does at a time.
    """
    from segue.doors.http.worker import work

    settings = call_of(context).settings(schedule={"in_service": schedules})
    work(settings, say, alive=alive)
