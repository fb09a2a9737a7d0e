"""`segue simulate`: listeners and a catalogue that do not exist."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from segue.doors.cli.context import AsJson, call_of, print_json, say

if TYPE_CHECKING:
    from segue.sources.simulation import Habit

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("simulate", epilog="Example:  segue simulate ./world --users 500 --tracks 20000")(
        simulate
    )


def simulate(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder for the files, new or an earlier world.")],
    users: Annotated[int, typer.Option(help="Listeners in all.")] = 200,
    tracks: Annotated[int, typer.Option(help="Tracks in the catalogue.")] = 10_000,
    plays_per_user: Annotated[int, typer.Option(help="Plays of a crowd listener, mean.")] = 1_500,
    days: Annotated[int, typer.Option(help="Days that the histories span.")] = 730,
    histories: Annotated[int, typer.Option(help="Listeners who get a Spotify export.")] = 1,
    history_plays: Annotated[int, typer.Option(help="Streams in each of these, about.")] = 20_000,
    habit: Annotated[
        list[str] | None,
        typer.Option(
            help="Their habits in turn: mixed, binger, loyalist, explorer, rotator, regular."
        ),
    ] = None,
    end: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="Day after the last play.")
    ] = datetime(2026, 11, 1),
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 17,
    catalogue: Annotated[str, typer.Option(help="csv, or parquet for large catalogues.")] = "csv",
    workers: Annotated[int, typer.Option(help="Processes for the crowd.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Invent listeners and a catalogue, any number.

    Writes a catalogue with audio features, a crowd, and Spotify exports, all invented, in the
    formats that the real sources read. Any size is streamed to disk: it takes time, not memory.
    """
    from segue.flows.simulate import simulate as run
    from segue.sources.simulation import HABITS, SimulationSettings

    settings = SimulationSettings(
        users=users,
        tracks=tracks,
        plays_per_user=plays_per_user,
        days=days,
        histories=histories,
        history_plays=history_plays,
        # SimulationSettings refuses what is not a habit or a format, by name.
        habits=cast(tuple["Habit", ...], tuple(habit or HABITS)),
        end=end.replace(tzinfo=UTC),
        seed=seed,
        catalogue=cast(Literal["csv", "parquet"], catalogue),
        workers=workers,
    )
    report = run(settings, out, call_of(context).progress())
    if as_json:
        print_json(report.as_dict())
        return
    say(
        f"{report.tracks:,} tracks            {report.catalogue}",
        f"{report.crowd_plays:,} plays of {report.crowd_users:,} others  {report.out / 'crowd'}*",
        *(f"{user}'s export   {path}" for user, path in report.histories.items()),
        "",
        f"Next: segue catalogue add {report.catalogue}",
    )
    if report.crowd:
        crowd = report.crowd[0].parent if len(report.crowd) > 1 else report.crowd[0]
        say(f"      segue crowd add {crowd} --name simulated")
    for path in report.histories.values():
        say(f"      segue import {path}")
        break
