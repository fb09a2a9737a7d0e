"""`segue tracks`: looking tracks up."""

from __future__ import annotations

from typing import Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, print_json, say

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look tracks up.")
    group.callback()(lambda: None)  # so that one command stays a group
    group.command("search", epilog="Example:  segue tracks search nina simone sinerman")(search)
    app.add_typer(group, name="tracks")


def search(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS…", help="Of artist and title, in any order.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Tracks at most.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find tracks by artist and title; small mistakes and missing ends do not matter."""
    from segue.flows.online.track_finder import found_tracks
    from segue.flows.wiring import Wiring

    bundle = Wiring(call_of(context).settings()).bundles.current()
    found = found_tracks(bundle, " ".join(words), limit)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    for one in found:
        about = " · ".join(str(part) for part in (one.album, one.year) if part)
        say(f"{one.track_id}  {', '.join(one.artists)} - {one.title}{about and f'  ({about})'}")
    if not found:
        say("No track here is called like that.")
