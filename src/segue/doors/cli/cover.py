"""`segue playlist cover`: a playlist's cover as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.doors.cli.context import call_of, say
from segue.errors import ConfigError

__all__ = ["cover"]


def cover(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A playlist that segue recommend -o FILE.json wrote.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A .jpg; default: beside the file."),
    ] = None,
    title: Annotated[
        bool, typer.Option("--title/--no-title", help="Whether the title is written on it.")
    ] = True,
) -> None:
    """Draw a playlist's cover from how its tracks sound: a JPEG of 640 by 640 pixels.

    `segue publish --cover` uploads it to Spotify.
    """
    from segue.flows.board_files import write_whole
    from segue.flows.cover import draw_cover
    from segue.flows.playlist_file import read_playlist
    from segue.flows.wiring import Wiring

    target = output or file.with_suffix(".jpg")
    if target.suffix.lower() not in (".jpg", ".jpeg"):
        raise ConfigError(
            f"--output {target}: a cover is a JPEG",
            field="output",
            cure="Let its name end in .jpg.",
        )
    playlist = read_playlist(file)
    drawn = draw_cover(Wiring(call_of(context).settings()), playlist, lettering=title)
    write_whole(target, drawn)
    say(f"{playlist.title}: its cover is in {target} ({len(drawn) / 1000:.0f} KB)")
