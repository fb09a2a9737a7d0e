"""`segue forget`: a user or a source leaves the data home for good."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.flows.forget import Loss

__all__ = ["add_to", "require_agreement"]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("forget", epilog="Example:  segue forget --user ann --dry-run")(forget)


def forget(
    context: typer.Context,
    user: Annotated[
        str | None, typer.Option("--user", help="Whose data; without it: everybody's.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Only what came from this source, such as spotify_api."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go, and leave it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a user's or a source's data from everything in the data home.

    From the lake with its rejected rows and feedback, the warehouse, snapshots, models, logs of
    tuning, experiments, events, API keys and older homes that were put aside. Shows first what
    would go. Once begun it is done, even when it is killed: the next command goes on with it.
    Other users' data stay, row for row; marts and models are made anew by `segue build` and
    `segue train`.
    """
    from segue.flows.forget import Whose, look
    from segue.flows.forget import forget as run
    from segue.flows.wiring import Wiring

    if user is None and source is None:
        raise ConfigError(
            "nobody is named",
            field="user",
            cure="Give --user, --source, or both; to remove everything, remove the data home.",
        )
    call = call_of(context)
    whose = Whose(user, source)
    wiring = Wiring(call.settings())
    if not yes:
        loss = look(wiring, whose)
        if not as_json:
            say(*_lines(loss, "would go" if dry_run else "will go"))
        if dry_run:
            if as_json:
                print_json({**loss.as_dict(), "done": False})
            return
        require_agreement(as_json=as_json)
    loss = run(wiring, whose, progress=call.progress(), now=now())
    if as_json:
        print_json({**loss.as_dict(), "done": True})
    else:
        say(*_lines(loss, "went"), *_afterwards(loss))


def require_agreement(*, as_json: bool) -> None:
    """Ask whether it is meant; without somebody to ask nothing is removed.

    Raises:
        ConfigError: Nobody can be asked.
    """
    if as_json or not sys.stdin.isatty():
        raise ConfigError(
            "nothing was removed: nobody has agreed to it",
            field="yes",
            cure="Say --yes to do it, or --dry-run to see what would go.",
        )
    if not typer.confirm("Remove it for good?", err=True):
        raise typer.Exit(1)


def _lines(loss: Loss, verb: str) -> list[str]:
    whose = loss.whose
    who = "everybody’s data" if whose.user_id is None else f"all data of {whose.user_id}"
    which = "" if whose.source is None else f" from {whose.source}"
    lines = [f"Of {who}{which} {verb}:"]
    lines += [
        f"  {rows:>11,}  {table} from {source}" for (table, source), rows in loss.rows.items()
    ]
    counted = (
        (loss.rejects, "rejected rows"),
        (loss.imports, "imports and words of feedback"),
        (loss.experiments, "playlists of experiments"),
        (loss.playlists, "files of playlists"),
        (loss.keys, "API keys"),
    )
    lines += [f"  {number:>11,}  {what}" for number, what in counted if number]
    if loss.events:
        lines.append("               all events of the user")
    if loss.made:
        lines.append(f"  as a whole, since it was made of everybody’s data: {', '.join(loss.made)}")
    if loss.asides:
        lines.append(f"  the same from older homes: {', '.join(loss.asides)}")
    return lines


def _afterwards(loss: Loss) -> list[str]:
    lines = [
        "",
        "An export that was forgotten can be imported again.",
        "Backups that were made before still hold it; so may copies on other disks.",
    ]
    if loss.left:
        lines += ["", "Next: segue build, then segue train"]
    return lines
