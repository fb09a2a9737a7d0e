"""`segue backup` and `segue restore`: a data home as one file, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from segue.doors.cli.context import AsJson, Call, call_of, now, print_json, say
from segue.errors import ConfigError, SegueError

if TYPE_CHECKING:
    from segue.flows.backup import BackupReport
    from segue.flows.restore import RestoreReport
    from segue.flows.wiring import Wiring

__all__ = ["add_to"]

_STREAM: Final = Path("-")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("backup", epilog="Example:  segue backup /mnt/disk/segue.tar")(backup)
    app.command("restore", epilog="Example:  segue restore /mnt/disk/segue.tar --build")(restore)


def backup(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="File to write, a folder to put one in, or - for a pipe."
        ),
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Check a backup instead of writing one.")
    ] = False,
    with_models: Annotated[
        bool,
        typer.Option("--with-models", help="Also the published snapshot and models."),
    ] = False,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Also passwords that segue.toml holds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put all that cannot be made again into one verified file.

    That is every import with what was rejected, feedback, settings, experiments, logs of tuning
    and playlists. The file is written beside its place, read back, and only then takes its name.
    Events that a PostgreSQL server keeps are not in it, and it says so.
    """
    from segue.flows.backup import Wanted, backup_to_stream
    from segue.flows.backup import backup as run
    from segue.flows.backup import verify as check
    from segue.flows.wiring import Wiring

    call = call_of(context)
    if verify:
        with _opened(file) as (stream, size):
            report = check(stream, file, size=size, progress=call.progress())
        _tell(report, "Verified", as_json=as_json)
        return
    wiring = Wiring(call.settings())
    store = wiring.lake.store
    what = Wanted(with_models=with_models, with_secrets=with_secrets)
    if file != _STREAM:
        written = run(wiring.home, file, lake=store, what=what, progress=call.progress(), now=now())
        _tell(written, "Wrote", as_json=as_json, elsewhere=wiring.events_elsewhere)
        return
    if as_json:
        raise ConfigError(
            "--json and the backup cannot both go to standard output",
            field="json",
            cure="Leave --json away, or name a file.",
        )
    if sys.stdout.isatty():
        raise ConfigError(
            "a backup is not for the eyes",
            field="file",
            cure="Send it somewhere: segue backup - | ssh disk 'cat > segue.tar'",
        )
    backup_to_stream(
        wiring.home,
        sys.stdout.buffer,
        lake=store,
        what=what,
        progress=call.progress(),
        now=now(),
    )
    for line in _missing(wiring.events_elsewhere):
        typer.echo(line, err=True)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup, or - for a pipe.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside what the home holds now, and keep it.")
    ] = False,
    merge: Annotated[
        bool, typer.Option("--merge", help="Add the rows that are not there yet; nothing else.")
    ] = False,
    build: Annotated[
        bool, typer.Option("--build", help="Then build: warehouse and marts are made anew.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back into the data home.

    Every byte is verified before anything is touched. An empty home is filled; one that holds
    something is put aside whole when you agree (or say --replace), and stays in its folder
    before-… until you remove it. With --merge the backup is imported like any history instead,
    into whatever lake the settings name. Events that a PostgreSQL server keeps stay as they are.
    """
    from segue.flows.restore import restore as run
    from segue.flows.wiring import Wiring

    call = call_of(context)
    wiring = Wiring(call.settings())
    if merge:
        _merge(wiring, file, call, replace=replace, as_json=as_json and not build)
        if build:
            _build(context, as_json=as_json)
        return
    _require_lake_at_home(wiring)
    with _opened(file) as (stream, size):
        replace = replace or _agreed(wiring, file)
        report = run(
            wiring.lock,
            stream,
            file,
            replace=replace,
            size=size,
            progress=call.progress(),
            now=now(),
        )
    if as_json and not build:
        print_json(report.as_dict())
        return
    if not as_json:
        restored = Wiring(call.settings())  # its segue.toml has come with it
        elsewhere = restored.events_elsewhere
        _tell_restored(report, lake=restored.settings.lake, elsewhere=elsewhere, build=build)
    if build:
        _build(context, as_json=as_json)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """The archive and its size, which a pipe does not tell."""
    if file == _STREAM:
        yield sys.stdin.buffer, None
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise SegueError(
            f"{file} cannot be read: {error.strerror or error}",
            cure="Check the name and the permissions of the backup.",
        ) from error
    with stream:
        yield stream, file.stat().st_size


def _agreed(wiring: Wiring, file: Path) -> bool:
    """Whether a person in front of a terminal says that the old home may be put aside."""
    from segue.flows.restore import occupied

    there = occupied(wiring.lock.home)
    if not there or file == _STREAM or not sys.stdin.isatty():
        return False
    typer.echo(f"{wiring.lock.home} is not empty: it holds {', '.join(there)}.", err=True)
    return typer.confirm("Put that aside and restore the backup?", err=True)


def _tell(report: BackupReport, verb: str, *, as_json: bool, elsewhere: str = "") -> None:
    if as_json:
        print_json({**report.as_dict(), "not_in_it": ["events", "API keys"] if elsewhere else []})
        return
    facts = report.about.facts
    made = f"{report.about.made_at:%Y-%m-%d %H:%M} UTC"
    say(
        f"{verb} {report.file}: {report.bytes / 1e6:,.1f} MB, {len(report.files):,} files,"
        f" read back in full, in {report.seconds:.1f} s.",
        f"{facts.get('imports', 0):,} imports with {facts.get('rows', 0):,} rows as of {made},"
        f" by Segue {report.about.segue}; it holds {', '.join(report.about.parts)}.",
    )
    if report.left_out:
        say(f"Left out, since it may be secret: {', '.join(report.left_out)} (--with-secrets).")
    say(*_missing(elsewhere))


def _missing(elsewhere: str) -> tuple[str, ...]:
    """What is not in a backup, where the live service keeps its events on a server."""
    if not elsewhere:
        return ()
    return (
        f"Not in it: events, profiles and API keys, which are in {elsewhere}.",
        "Back that up, too: pg_dump --schema=live.",
    )


def _tell_restored(report: RestoreReport, *, lake: str, elsewhere: str, build: bool) -> None:
    facts = report.about.facts
    say(
        f"Restored {facts.get('imports', 0):,} imports with {facts.get('rows', 0):,} rows,"
        f" as of {report.about.made_at:%Y-%m-%d %H:%M} UTC, into {report.home}"
        f" in {report.seconds:.1f} s.",
    )
    if report.aside is not None:
        say(f"What was there before is in {report.aside}; remove it when you do not miss it.")
    if elsewhere:
        say(
            f"Events, profiles and API keys are in {elsewhere}: they are as they were.",
            "Bring back what was dumped there at the time of the backup: consumers do not bring"
            " events into the lake that they took since.",
        )
    if lake:
        say(
            f"Its settings keep the lake at {lake}; what the backup holds of it is in"
            f" {report.home / 'lake'}.",
            "Remove the setting `lake` to use that, or restore with --merge to bring it there.",
        )
    elif not build:
        say("", "Next: segue build")


def _require_lake_at_home(wiring: Wiring) -> None:
    if wiring.settings.lake:
        raise ConfigError(
            f"the settings keep the lake at {wiring.settings.lake}, and a restore brings back"
            " the lake of the data home",
            field="lake",
            cure="--merge adds what the backup holds to that lake; or remove the setting first.",
        )


def _merge(wiring: Wiring, file: Path, call: Call, *, replace: bool, as_json: bool) -> None:
    from segue.flows.merge_backup import merge

    if replace:
        raise ConfigError(
            "--replace and --merge cannot both be meant", field="merge", cure="Give one of them."
        )
    with _opened(file) as (stream, size):
        report = merge(wiring.lake, stream, file, size=size, progress=call.progress(), now=now())
    if as_json:
        print_json(report.as_dict())
        return
    total = report.account
    say(
        f"Of {total.read:,} rows {total.kept:,} were new and {total.duplicate:,} here already;"
        f" {report.imports:,} imports were made of them in {report.seconds:.1f} s."
    )
    if report.rejects:
        say(f"{report.rejects:,} rows that had been rejected once stay in the backup.")
    say("", "Next: segue build")


def _build(context: typer.Context, *, as_json: bool) -> None:
    from segue.doors.cli.learn import build

    build(context, as_json=as_json)
