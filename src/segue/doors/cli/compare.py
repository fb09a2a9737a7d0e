"""`segue compare`: two recommenders in the same playlists, and which one you prefer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say
from segue.doors.cli.deliver import AsFormat, Format, Output, deliver
from segue.doors.cli.recommend import MixName

if TYPE_CHECKING:
    from segue.evaluation.bootstrap import Estimate
    from segue.flows.compare import Home, Tally
    from segue.flows.fresh_marts import FreshMarts
    from segue.flows.wiring import Wiring
    from segue.flows.wishes import Wishes

__all__ = ["add_to"]

Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Which experiment, if there are several.")
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="The moment the playlist is for, from which plays count (UTC); default: now.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Put two recommenders into the same playlists, and see which one you prefer.",
    )
    group.command("start", epilog="Example:  segue compare start --a hybrid --b als -o mix.m3u")(
        start
    )
    group.command("next", epilog="Example:  segue compare next -o mix.m3u")(another)
    group.command("status", epilog="Example:  segue compare status")(status)
    group.command("tally", epilog="Example:  segue compare tally --json")(tally)
    group.command("stop", epilog="Example:  segue compare stop hybrid-or-als-discover")(stop)
    app.add_typer(group, name="compare")


def start(
    context: typer.Context,
    a: Annotated[
        str,
        typer.Option(
            "--a",
            metavar="WHAT",
            help="A recommender, or “playlist” for all; settings after commas: "
            "playlist,adventurous=0.8 (also per_artist, recent_hours).",
        ),
    ],
    b: Annotated[str, typer.Option("--b", metavar="WHAT", help="What to compare it with.")],
    mix: Annotated[MixName, typer.Option(help="What sort of playlists.")] = MixName.discover,
    size: Annotated[int | None, typer.Option(min=2, max=300, help="Tracks (30).")] = None,
    seed: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACK", help="A track to start from; repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the experiment.")] = None,
    user: User = None,
    as_of: AsOf = None,
    as_format: AsFormat = Format.table,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Begin an experiment, and make its first playlist.

    Both contenders propose tracks as they would alone; then they pick in turn, a coin saying who
    goes first (team draft). Listen to the playlist, import and build your history as usual, and
    `segue compare status` tells whose tracks you finish, skip and like.
    """
    from segue.flows.compare import start as run

    wiring = _wiring(context, user)
    playlist = run(
        wiring.experiments,
        a,
        b,
        home=_home(wiring),
        wishes=_wishes(wiring, mix=mix.value, size=size, seeds=tuple(seed or ())),
        name=name,
        seed=wiring.settings.training.seed,
        as_of=_utc(as_of),
    )
    deliver(playlist, wiring, Format.json if as_json else as_format, output)


def another(
    context: typer.Context,
    name: Name = None,
    user: User = None,
    as_of: AsOf = None,
    as_format: AsFormat = Format.table,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Make the next playlist of a running experiment, for any user."""
    from segue.flows.compare import another as run
    from segue.flows.compare import chosen

    wiring = _wiring(context, user)
    experiment = chosen(wiring.experiments, name, running=True)
    playlist = run(
        experiment,
        wiring.experiments,
        home=_home(wiring),
        wishes=_wishes(wiring, mix=experiment.mix, size=experiment.size, seeds=experiment.seeds),
        as_of=_utc(as_of),
    )
    deliver(playlist, wiring, Format.json if as_json else as_format, output)


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every experiment with its verdict so far."""
    from segue.flows.compare import tally as run

    wiring = _wiring(context, None)
    experiments = wiring.experiments.all()
    found = [run(one, wiring.experiments, _marts(wiring)) for one in experiments]
    if as_json:
        print_json({"experiments": [one.as_dict() for one in found]})
        return
    if not found:
        say("No experiment yet. Begin with `segue compare start --a hybrid --b als`.")
    for one in found:
        stopped = " (stopped)" if one.experiment.stopped_at else ""
        say(f"{one.experiment.name}{stopped}: {one.preference.verdict}")


def tally(context: typer.Context, name: Name = None, as_json: AsJson = False) -> None:
    """Show what became of the tracks of each contender."""
    from segue.flows.compare import chosen
    from segue.flows.compare import tally as run

    wiring = _wiring(context, None)
    found = run(chosen(wiring.experiments, name), wiring.experiments, _marts(wiring))
    if as_json:
        print_json(found.as_dict())
    else:
        say(*_lines(found))


def stop(context: typer.Context, name: Name = None, as_json: AsJson = False) -> None:
    """End an experiment; what it found stays."""
    from segue.flows.compare import chosen

    wiring = _wiring(context, None)
    experiment = chosen(wiring.experiments, name, running=True)
    wiring.experiments.stop(experiment.name, now())
    if as_json:
        print_json(chosen(wiring.experiments, experiment.name).as_dict())
    else:
        say(f"{experiment.name} is stopped; `segue compare tally` still tells what it found.")


def _wiring(context: typer.Context, user: str | None) -> Wiring:
    from segue.flows.wiring import Wiring

    return Wiring(call_of(context).settings(user_id=user))


def _marts(wiring: Wiring) -> FreshMarts:
    from segue.flows.fresh_marts import FreshMarts

    return FreshMarts(wiring.snapshots.current(), wiring.lake)


def _home(wiring: Wiring) -> Home:
    from segue.flows.compare import Home

    return Home(wiring.bundles.current(), _marts(wiring), wiring.settings.user_id, now())


def _wishes(wiring: Wiring, *, mix: str, size: int | None, seeds: tuple[str, ...]) -> Wishes:
    from segue.flows.wishes import Wishes

    usual = wiring.settings.recommend
    return Wishes(
        mix=mix,
        size=usual.size if size is None else size,
        adventurous=usual.adventurous,
        seeds=seeds,
        per_artist=usual.per_artist,
        recent_hours=usual.recent_hours,
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _lines(found: Tally) -> list[str]:
    from segue.evaluation.preference import ENOUGH

    experiment, outcome = found.experiment, found.preference
    until = f"; plays up to {found.until:%d %b %Y}" if found.until else ""
    lines = [
        f"{experiment.name}: {outcome.playlists} playlist{'s' * (outcome.playlists != 1)}, "
        f"{outcome.heard} listened to, "
        f"for {', '.join(found.users) or 'nobody'}{until}",
        "",
        f"{'':<28} {'tracks':>7} {'plays':>7} {'finishes':>9} {'skips':>6} {'likes':>6}"
        f" {'heard out or liked':>20}",
    ]
    for team, text in (("a", experiment.a), ("b", experiment.b)):
        one = outcome.teams["a" if team == "a" else "b"]
        lines.append(
            f"{team.upper()}  {text:<25} {one.impressions:>7,} {one.plays:>7,}"
            f" {one.finishes:>9,} {one.skips:>6,} {one.likes:>6,} {_percent(one.rate):>20}"
        )
    wins = outcome.wins
    return [
        *lines,
        "",
        f"Pairs: A {wins['a']}, B {wins['b']}, undecided {outcome.ties}; "
        f"A's share {_percent(outcome.share)}; "
        f"odds {outcome.odds:,.1f} : 1 ({ENOUGH:.0f} : 1 is enough).",
        f"Verdict: {outcome.verdict}.",
    ]


def _percent(one: Estimate) -> str:
    return f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"
