"""`segue crowd`: what other listeners play."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.doors.cli.catalogue import Columns, parse_columns
from segue.doors.cli.context import AsJson
from segue.doors.cli.ingest import SkipBroken, print_report, run_import

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="What other listeners play: tables and known data sets.",
    )
    group.command("add", epilog="Example:  segue crowd add hetrec2011-lastfm-2k --name hetrec")(add)
    app.add_typer(group, name="crowd")


def add(
    context: typer.Context,
    inputs: Annotated[list[Path], typer.Argument(help="Files, folders or archives.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the crowd; default: the file's name.")
    ] = None,
    column: Columns = None,
    skip_broken: SkipBroken = False,
    as_json: AsJson = False,
) -> None:
    """Add other listeners' plays, counts or sessions.

    Read are tables of (user, track or artist, count or time) as CSV, TSV or Parquet, one
    session a line, Million-Playlist slices, HetRec 2011, Last.fm-1K and Last.fm-360K.
    """
    report = run_import(
        context,
        inputs,
        "crowd",
        name=name or inputs[0].stem,
        skip_broken=skip_broken,
        columns=parse_columns(column),
    )
    print_report(report, as_json=as_json, next_step="segue build")
