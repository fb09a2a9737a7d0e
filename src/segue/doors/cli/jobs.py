"""`segue jobs`: commands that run in the background: begin, look, read, end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say
from segue.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from segue.jobs.base import Job

__all__ = ["add_to", "follow", "job_line"]

_LOOK_EVERY_S = 0.2

JobId = Annotated[
    str, typer.Argument(metavar="ID", help="Of the job, or its kind: then the latest of that kind.")
]
Follow = Annotated[
    bool, typer.Option("--wait", "-w", help="Show what it says until it is over; leave as it does.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        invoke_without_command=True,
        rich_markup_mode=None,
        help="Commands in the background: `segue jobs` lists them.",
        callback=without_words,
    )
    group.command("list", epilog="Example:  segue jobs list --json")(listed)
    group.command("show", epilog="Example:  segue jobs show build")(show)
    group.command("cancel", epilog="Example:  segue jobs cancel build")(cancel)
    group.command(
        "run",
        epilog="Example:  segue jobs run build      (options of the command go behind it)",
        context_settings={"allow_extra_args": True, "allow_interspersed_args": False},
    )(run)
    app.add_typer(group, name="jobs")


def without_words(context: typer.Context) -> None:
    """Commands in the background: begin them, look at them, end them."""
    if context.invoked_subcommand is None:
        listed(context)


def listed(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the jobs of this data home, the latest first."""
    from segue.flows.jobs import jobs

    found = jobs(_home(context), limit=limit)
    if as_json:
        print_json([job.as_dict() for job in found])
        return
    say(*(job_line(job) for job in found))
    if not found:
        say("There are no jobs yet.", "", "Next: segue jobs run build")


def show(
    context: typer.Context, job_id: JobId, wait: Follow = False, as_json: AsJson = False
) -> None:
    """Show how far a job is and what it said."""
    from segue.flows.jobs import job_log, wait_for_job

    home = _home(context)
    found = _found(home, job_id)
    if as_json:
        found = wait_for_job(home, found.job_id) if wait else found
        after, text = 0, ""
        while (part := job_log(home, found.job_id, after)).after > after:
            after, text = part.after, text + part.text
        print_json(found.as_dict() | {"log": text})
        return
    say(job_line(found), f"  segue {' '.join(found.command)}", "")
    found = follow(home, found, wait=wait)
    if wait and found.exit_code != 0:
        raise typer.Exit(found.exit_code or 1)


def cancel(context: typer.Context, job_id: JobId, as_json: AsJson = False) -> None:
    """End a job: it is asked to, and killed if it has not ended after ten seconds.

    What it has committed stays done, as after Ctrl-C.
    """
    from segue.flows.jobs import cancel_job

    home = _home(context)
    was = _found(home, job_id)
    found = cancel_job(home, was.job_id)
    if as_json:
        print_json(found.as_dict())
        return
    say(f"{found.job_id} was over before." if was.is_over else job_line(found))


def run(
    context: typer.Context,
    command: Annotated[
        str, typer.Argument(metavar="COMMAND", help="Any command of segue, with its options.")
    ],
    kind: Annotated[
        str, typer.Option(help="What it is called; of a kind one runs at a time. [the command]")
    ] = "",
    user: User = None,
    wait: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Run a command in the background, where it goes on when this terminal is closed.

    Options of `segue jobs run` stand before the command.
    """
    from segue.flows.jobs import start_job, wait_for_job

    home = _home(context)
    words = (command, *context.args)
    begun = start_job(home, kind or _kind(words), words, user=user or "", now=now())
    if as_json:
        found = wait_for_job(home, begun.job_id) if wait else begun
        print_json(found.as_dict())
    elif wait:
        found = follow(home, begun, wait=True)
    else:
        say(f"Begun as {begun.job_id}.", "", f"Next: segue jobs show {begun.job_id}")
        return
    if wait and found.exit_code != 0:
        raise typer.Exit(found.exit_code or 1)


def follow(home: Path, job: Job, *, wait: bool) -> Job:
    """Print what a job says, until it is over or (without waiting) until now; the job then."""
    from segue.flows import jobs

    after = 0
    while True:
        part = jobs.job_log(home, job.job_id, after)
        if part.text:
            typer.echo(part.text, nl=False)
        if part.is_all or (part.after == after and not wait):
            return jobs.job(home, job.job_id)
        if part.after == after:
            time.sleep(_LOOK_EVERY_S)
        after = part.after


def job_line(job: Job) -> str:
    """A job in one line."""
    share = f" {job.progress:.0%}" if job.progress is not None and not job.is_over else ""
    words = f"  {job.words}" if job.words else ""
    return f"{job.job_id}  {job.state}{share}{words}"


def _kind(words: tuple[str, ...]) -> str:
    """The command's own name: its words before any option or argument that is none of its name."""
    from segue.doors.cli.app import command_name

    name = command_name(words)
    if not name:
        raise ConfigError(
            f"there is no command “{words[0]}”", field="command", cure="See `segue --help`."
        )
    return "-".join(name)


def _found(home: Path, job_id: str) -> Job:
    from segue.flows.jobs import job, jobs

    latest = jobs(home, kind=job_id, limit=1)
    return latest[0] if latest else job(home, job_id)


def _home(context: typer.Context) -> Path:
    return call_of(context).settings().home
