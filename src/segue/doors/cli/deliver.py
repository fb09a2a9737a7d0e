"""A finished playlist on its way to a terminal or a file, in any format."""

from __future__ import annotations

import sys
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import say

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.music.playlist import Playlist

__all__ = ["AsFormat", "Format", "Output", "deliver"]


class Format(StrEnum):
    """How the playlist is written."""

    table = "table"
    json = "json"
    m3u = "m3u"
    jspf = "jspf"
    csv = "csv"


AsFormat = Annotated[Format, typer.Option("--format", help="table, json, m3u, jspf or csv.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")
]


def deliver(playlist: Playlist, wiring: Wiring, as_format: Format, output: Path | None) -> bool:
    """Print the playlist, or write it to a file.

    Returns:
        Whether a person saw it: as a table, on a terminal.
    """
    chosen = _format(as_format, output)
    if chosen is Format.table:
        from segue.doors.cli.playlist_table import TableFile, playlist_table

        if output is None:
            say(playlist_table(playlist))
        else:
            say(f"written to {TableFile(output).publish(playlist).destination}")
        return output is None and sys.stdout.isatty()
    if output is None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # as the formats are, in any locale
        wiring.sink(chosen.value, sys.stdout).publish(playlist)
        return False
    report = wiring.sink(chosen.value, output).publish(playlist)
    say(f"{report.tracks} tracks written to {report.destination}")
    return False


def _format(asked: Format, output: Path | None) -> Format:
    """The format asked for, else the one that the file's name says."""
    if asked is not Format.table or output is None:
        return asked
    by_suffix = {".m3u": Format.m3u, ".m3u8": Format.m3u, ".json": Format.json}
    by_suffix |= {".jspf": Format.jspf, ".csv": Format.csv}
    return by_suffix.get(output.suffix.lower(), asked)
