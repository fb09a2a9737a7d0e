"""The commands of `segue`, put together."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import segue
from segue.doors.cli import (
    add,
    aws,
    backup,
    collect,
    compare,
    demo,
    dev,
    enrich,
    evaluate,
    events,
    export,
    feedback,
    forget,
    ingest,
    jobs,
    keys,
    lake,
    learn,
    listen,
    migrate,
    notify,
    personalize,
    playlist,
    publish,
    recommend,
    report,
    schedule,
    secrets,
    serve,
    spotify,
    sql,
    start,
    stats,
    status,
    tracks,
    tune,
    update,
    worker,
)
from segue.doors.cli import simulate as simulation
from segue.doors.cli.context import Call

__all__ = ["app", "command_name", "usage_of"]

# The command line library keeps the parent of this error to itself.
_WRONG_USE: Final[type[Any]] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="segue",
    no_args_is_help=True,
    # Plain help loads in a third of the time of decorated help.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="New here? `segue demo` makes a playlist from a simulated history in a minute.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"segue {segue.__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder that holds all data; SEGUE_HOME says the same.", metavar="DIR"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; results and errors only.")
    ] = False,
    version: Annotated[
        bool | None,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = None,
) -> None:
    """Turn a listening history into playlists that know you."""
    del version
    context.obj = Call(home=home, quiet=quiet)


start.add_to(app)
ingest.add_to(app)
learn.add_to(app)
recommend.add_to(app)
publish.add_to(app)
playlist.add_to(app)
feedback.add_to(app)
evaluate.add_to(app)
tune.add_to(app)
compare.add_to(app)
status.add_to(app)
stats.add_to(app)
report.add_to(app)
tracks.add_to(app)
sql.add_to(app)
export.add_to(app)
add.add_to(app)
backup.add_to(app)
lake.add_to(app)
events.add_to(app)
keys.add_to(app)
serve.add_to(app)
worker.add_to(app)
migrate.add_to(app)
jobs.add_to(app)
update.add_to(app)
schedule.add_to(app)
spotify.add_to(app)
collect.add_to(app)
enrich.add_to(app)
listen.add_to(app)
notify.add_to(app)
secrets.add_to(app)
personalize.add_to(app)
aws.add_to(app)
forget.add_to(app)
simulation.add_to(app)
demo.add_to(app)
dev.add_to(app)


def command_name(words: Sequence[str]) -> tuple[str, ...]:
    """The words that name a command, such as ("spotify", "poll"); none: there is no such one."""
    group: Any = typer.main.get_command(app)
    named: list[str] = []
    for word in words:
        if not hasattr(group, "commands"):
            break
        if word not in group.commands:
            return ()
        named.append(word)
        group = group.commands[word]
    return tuple(named)


def usage_of(error: Exception) -> str | None:
    """What to tell a person who typed a command that cannot be meant; None for other errors."""
    if not isinstance(error, _WRONG_USE):
        return None
    told = io.StringIO()
    error.show(file=told)
    return told.getvalue().rstrip()
