"""`segue catalogue add` and `segue crowd add`: tracks to recommend, and other people's taste."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.doors.cli.context import AsJson
from segue.doors.cli.ingest import SkipBroken, print_report, run_import
from segue.errors import ConfigError

__all__ = ["add_to", "parse_columns"]

Inputs = Annotated[list[Path], typer.Argument(help="Files, folders or archives.")]
Name = Annotated[str | None, typer.Option(help="What to call it; default: the first file's name.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="OURS=THEIRS",
        help="Which column of a table is meant, such as track_id=song_ref; repeatable.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register both command groups."""
    catalogue = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Tracks that may be recommended: tables with audio features.",
    )
    catalogue.command("add", epilog="Example:  segue catalogue add tracks.csv --name mine")(
        add_catalogue
    )
    crowd = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="What other listeners play: tables and known data sets.",
    )
    crowd.command("add", epilog="Example:  segue crowd add hetrec2011-lastfm-2k --name hetrec")(
        add_crowd
    )
    app.add_typer(catalogue, name="catalogue")
    app.add_typer(crowd, name="crowd")


def add_catalogue(
    context: typer.Context,
    inputs: Inputs,
    name: Name = None,
    column: Columns = None,
    skip_broken: SkipBroken = False,
    as_json: AsJson = False,
) -> None:
    """Add a table of tracks with ids, names, genres and audio features.

    Columns are recognised under their common names; the same track under several genres
    becomes one track with several genres.
    """
    report = run_import(
        context,
        inputs,
        "catalogue",
        name=name or inputs[0].resolve().stem,
        skip_broken=skip_broken,
        columns=parse_columns(column),
    )
    print_report(report, as_json=as_json, next_step="segue build", kind="catalogue")


def add_crowd(
    context: typer.Context,
    inputs: Inputs,
    name: Name = None,
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
        name=name or inputs[0].resolve().stem,
        skip_broken=skip_broken,
        columns=parse_columns(column),
    )
    print_report(report, as_json=as_json, next_step="segue build", kind="crowd")


def parse_columns(given: list[str] | None) -> dict[str, str]:
    """--column OURS=THEIRS options as a mapping.

    Raises:
        ConfigError: One of them is not of that form.
    """
    pairs = {}
    for text in given or ():
        ours, equals, theirs = text.partition("=")
        if not (ours and equals and theirs):
            raise ConfigError(
                f"--column {text}: OURS=THEIRS is wanted",
                field="column",
                cure="For example --column track_id=song_ref.",
            )
        pairs[ours.strip()] = theirs.strip()
    return pairs
