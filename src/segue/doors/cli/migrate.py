"""`segue migrate`: tables for the live service, before it starts."""

from __future__ import annotations

import typer

from segue.doors.cli.context import AsJson, call_of, print_json, say

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("migrate", epilog="Example:  segue migrate")(migrate)


def migrate(context: typer.Context, as_json: AsJson = False) -> None:
    """Make the tables of events and API keys, or bring them up to date.

    Services do so by themselves when they start. Where they run with a role that may not, this is
    run before them, with one that may.
    """
    from segue.flows.migrate import migrate as run
    from segue.flows.wiring import Wiring

    done = run(Wiring(call_of(context).settings()))
    if as_json:
        print_json(done.as_dict())
        return
    say(f"Events and API keys are ready: {done.store}.")
    if not done.keys:
        say("", "Next: segue keys create NAME, or segue keys password")
