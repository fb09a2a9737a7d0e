"""`segue build` and `segue train`: from raw plays to marts, from marts to models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Final

import typer

from segue.doors.cli.context import AsJson, Call, call_of, now, print_json, say

__all__ = ["add_to"]

_METHODS: Final = {
    "source_id": "their id",
    "isrc": "ISRC",
    "mbid": "MusicBrainz id",
    "name": "artist and title",
    "fuzzy": "nearly the same title",
}
"""Ways of recognising a track that a catalogue or another history names too, in words."""


Replay = Annotated[
    bool,
    typer.Option("--replay", help="Throw the warehouse away and make all of it from the lake."),
]


class _Engine(Enum):
    """Who does the heavy work of a build or a training."""

    LOCAL = "local"
    SPARK = "spark"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(
        "build",
        epilog="Example:  segue build  |  segue build --engine spark",
    )(build)
    app.command("train", epilog="Example:  segue train")(train)


def build(
    context: typer.Context,
    replay: Replay = False,
    engine: Annotated[
        _Engine,
        typer.Option(
            help="“spark” has a cluster make, of the whole lake, only what `segue train` reads; "
            "spark.master says where Spark is.",
        ),
    ] = _Engine.LOCAL,
    as_json: AsJson = False,
) -> None:
    """Shape what was imported, and publish it.

    Loads what is new in the lake, finds out which plays are the same song, runs the dbt
    project with its tests, and publishes a snapshot that everything else reads.
    """
    if engine is _Engine.SPARK:
        _build_on_spark(call_of(context), anew=replay, as_json=as_json)
        return
    from segue.doors.local_zone import clocks_of
    from segue.flows.compact import compact_if_due
    from segue.flows.not_mine import build_by_rules
    from segue.flows.wiring import Wiring

    call = call_of(context)
    wiring = Wiring(call.settings())
    zone = clocks_of(wiring.settings)
    report = build_by_rules(wiring, zone=zone, clock=now, progress=call.progress(), replay=replay)
    at_least = wiring.settings.compact_at
    compact_if_due(wiring.lake, at_least=at_least, progress=call.progress(), now=now())
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    rows = report.rows
    say(
        f"Published snapshot {report.snapshot}: {rows.get('plays', 0):,} plays, "
        f"{rows.get('tracks', 0):,} tracks, {rows.get('artists', 0):,} artists.",
    )
    say(*_matching(report.matches, report.coverage))
    say(f"{report.tests:,} checks passed in {sum(report.seconds.values()):.1f} s.")
    say(f"Made in {report.warehouse}.", *report.notes, "")
    say("Next: segue train")


def _build_on_spark(call: Call, *, anew: bool, as_json: bool) -> None:
    from segue.flows.spark.build import build_data_set
    from segue.flows.wiring import Wiring

    settings = call.settings()
    wiring = Wiring(settings)
    report = build_data_set(
        lake=wiring.lake,
        data_sets=wiring.data_sets,
        rules=wiring.rules,
        spark=settings.spark,
        memory_limit=settings.memory_limit,
        progress=call.progress(),
        now=now(),
        anew=anew,
    )
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    refused = (f"{rows:,} rejected ({why})" for why, rows in report.rejected.items() if rows)
    users = f"{report.users:,} user{'s' if report.users != 1 else ''}"
    say(
        f"Published data set {report.snapshot}: {report.rows['plays']:,} plays of {users}, "
        f"{report.rows['tracks']:,} tracks.",
        f"Read {report.read:,} rows: "
        + ", ".join((f"{report.kept:,} kept", f"{report.duplicate:,} told again", *refused))
        + ".",
        f"Made by {report.engine} in {sum(report.seconds.values()):.1f} s.",
        *([f"{report.resumed:,} parts were there already."] if report.resumed else []),
        "",
        "Next: segue train",
    )


def train(
    context: typer.Context,
    engine: Annotated[
        _Engine | None,
        typer.Option(
            help="Who does the heavy work; spark.master says where Spark is. "
            "Default: setting training.engine.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn the models, and publish them.

    Learns only from sources named by the setting training.sources; content of Spotify's Web
    API is not among them unless you add it (its terms restrict that).
    """
    from segue.flows.train import train as run
    from segue.flows.training_marts import training_marts
    from segue.flows.wiring import Wiring

    call = call_of(context)
    settings = call.settings()
    wiring = Wiring(settings)
    marts, made_by = training_marts(wiring.snapshots, wiring.data_sets, settings.training.data)
    report = run(
        snapshot=marts,
        bundles=wiring.bundles,
        training_sources=settings.training.sources,
        seed=settings.training.seed,
        threads=settings.training.threads,
        left_out=settings.training.left_out,
        refit=settings.training.refit,
        models=settings.models,
        engine=engine.value if engine else settings.training.engine,
        spark=settings.spark,
        progress=call.progress(),
        now=now(),
    )
    published = None
    if settings.training.publish_to:
        from segue.flows.aws.made_elsewhere import publish_made

        published = publish_made(settings, now())
    if as_json:
        print_json(
            report.as_dict()
            | {"data": made_by}
            | ({"published": dataclasses.asdict(published)} if published else {})
        )
        return
    learned = [name for name in report.seconds if name in report.sizes]
    say(
        f"Published bundle {report.bundle}: {', '.join(name for name in learned)}.",
        f"Learned from {report.users:,} user{'s' if report.users != 1 else ''} here, "
        f"{report.listeners:,} other listeners and {report.sessions:,} sessions; "
        f"{report.tracks:,} tracks may be recommended.",
        *([f"Read the data set {report.snapshot} that Spark made."] if made_by == "spark" else []),
        *(f"{name} has nothing to say: {why}" for name, why in report.skipped.items()),
        *(f"{name}: {account}" for name, account in report.learned.items()),
        *([f"What is new is at {settings.training.publish_to}."] if published else []),
        "",
        "Next: segue recommend",
    )


def _matching(matches: Mapping[str, int], coverage: float | None) -> Iterator[str]:
    """How the tracks in histories were recognised, and how many of them a catalogue knows."""
    how = [
        f"{matches[method]:,} by {said}" for method, said in _METHODS.items() if matches.get(method)
    ]
    how += [f"{matches['own']:,} only there"] if matches.get("own") else []
    if how:
        yield f"Tracks in your histories: {', '.join(how)}."
    if coverage is not None:
        yield f"A catalogue knows {coverage:.0%} of them."
