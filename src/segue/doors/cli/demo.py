"""`segue demo`: the whole journey on simulated listeners."""

from __future__ import annotations

from dataclasses import replace

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("demo", epilog="Example:  segue demo")(demo)


def demo(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the whole journey in a minute.

    Simulates listeners and a catalogue, imports one listener's Spotify export, builds,
    trains, evaluates on held-out weeks, and prints a playlist. It has a data home of its own,
    inside yours, and never touches your data.
    """
    from segue.doors.cli.accounts import account_lines
    from segue.doors.cli.board import board_lines
    from segue.doors.cli.playlist_table import playlist_table
    from segue.flows.demo import LIST_LENGTH
    from segue.flows.demo import demo as run
    from segue.flows.wiring import Wiring

    call = call_of(context)
    home = call.settings().home / "demo"
    own = replace(call, home=home).settings(user_id="demo", lake="", warehouse="duckdb")
    wiring = Wiring(own)
    report = run(wiring, now=now(), progress=call.progress())
    if as_json:
        print_json(report.as_dict())
        return
    say("", "What was read", *account_lines(report.imported))
    say(
        "",
        "Who would have been right about the last weeks",
        *board_lines(report.board, LIST_LENGTH),
    )
    say("", playlist_table(report.playlist), "")
    say(
        f"Playlist   {report.playlist_file}",
        f"Data home  {report.home}",
        f"Export     {report.export}  (simulated; yours has the same shape)",
        "",
        "More from this listener:",
        f"  {report.program} --home {report.home} recommend --user demo --mix rediscover",
        "With your own Spotify export (privacy page of your account, extended history):",
        f"  {report.program} import my_spotify_data.zip && {report.program} build"
        f" && {report.program} train && {report.program} recommend",
    )
