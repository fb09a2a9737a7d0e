"""`segue catalogue`: tracks that may be recommended, with audio features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.doors.cli.context import AsJson
from segue.doors.cli.ingest import SkipBroken, print_report, run_import
from segue.errors import ConfigError

__all__ = ["Columns", "add_to", "parse_columns"]

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="OURS=THEIRS",
        help="Which column of the table is meant, such as track_id=song_ref; repeatable.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Tracks that may be recommended: tables with audio features.",
    )
    group.command("add", epilog="Example:  segue catalogue add tracks.csv --name kaggle")(add)
    app.add_typer(group, name="catalogue")


def add(
    context: typer.Context,
    inputs: Annotated[list[Path], typer.Argument(help="Tables, folders or archives of tables.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the catalogue; default: the file's name.")
    ] = None,
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
        name=name or inputs[0].stem,
        skip_broken=skip_broken,
        columns=parse_columns(column),
    )
    print_report(report, as_json=as_json, next_step="segue build")


def parse_columns(given: list[str] | None) -> dict[str, str]:
    """--column OURS=THEIRS options as a mapping."""
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
