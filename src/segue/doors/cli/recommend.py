"""`segue recommend`: a playlist with a reason for every track."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of
from segue.doors.cli.context import now as moment
from segue.doors.cli.deliver import AsFormat, Format, Output, deliver
from segue.errors import ConfigError
from segue.music.moods import Bound

__all__ = ["MixName", "add_to", "parse_range"]


class MixName(StrEnum):
    """What sort of playlist."""

    discover = "discover"
    rediscover = "rediscover"
    daily = "daily"
    similar = "similar"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        "recommend",
        epilog="Example:  segue recommend --mix discover --genre jazz --year 1955-1970 -o jazz.m3u",
    )(recommend)


def recommend(
    context: typer.Context,
    mix: Annotated[
        MixName,
        typer.Option(
            help="discover: only what you do not know; rediscover: forgotten favourites; "
            "daily: both beside what you play now; similar: around --seed tracks."
        ),
    ] = MixName.discover,
    size: Annotated[int | None, typer.Option(min=1, max=1000, help="Tracks (30).")] = None,
    adventurous: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="0.0 stays near what you know, 1.0 goes far (0.3)."),
    ] = None,
    genre: Annotated[
        list[str] | None, typer.Option(help="Only tracks of this genre; repeatable.")
    ] = None,
    year: Annotated[
        str | None, typer.Option(metavar="FROM-TO", help="Years of release, such as 1990-1999.")
    ] = None,
    tempo: Annotated[
        str | None, typer.Option(metavar="FROM-TO", help="Beats per minute, such as 90-120.")
    ] = None,
    seed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRACK",
            help="A track to start from: its id, Spotify URI or link, or “Artist - Title”; "
            "repeatable.",
        ),
    ] = None,
    exclude_artist: Annotated[
        list[str] | None, typer.Option(help="Nothing by this artist; repeatable.")
    ] = None,
    mood: Annotated[
        str | None,
        typer.Option(
            help="happy, calm, sad, angry, energetic, party, focus or sleep: bounds of how tracks "
            "sound."
        ),
    ] = None,
    sound: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FEATURE=FROM-TO",
            help="An audio feature within bounds, such as acousticness=0.5-1; repeatable.",
        ),
    ] = None,
    minutes: Annotated[
        str | None, typer.Option(metavar="FROM-TO", help="How long a track may be, such as 2-5.")
    ] = None,
    explicit: Annotated[
        bool | None,
        typer.Option(
            "--explicit/--no-explicit",
            help="Only tracks that are known to be explicit, or none of these (either).",
        ),
    ] = None,
    per_artist: Annotated[
        int | None, typer.Option(min=1, help="Most tracks of one artist (2).")
    ] = None,
    user: User = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="The moment the playlist is for (UTC); default: just after your last play.",
        ),
    ] = None,
    as_format: AsFormat = Format.table,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Make a playlist with a reason for every track."""
    from segue.flows.fresh_marts import FreshMarts
    from segue.flows.recommend import Wishes
    from segue.flows.recommend import recommend as run
    from segue.flows.wiring import Wiring

    call = call_of(context)
    settings = call.settings(user_id=user)
    wiring = Wiring(settings)
    wishes = Wishes(
        mix=mix.value,
        size=settings.recommend.size if size is None else size,
        adventurous=settings.recommend.adventurous if adventurous is None else adventurous,
        genres=tuple(genre or ()),
        years=_years(year),
        tempo=parse_range(tempo, "tempo"),
        seeds=tuple(seed or ()),
        exclude_artists=tuple(exclude_artist or ()),
        per_artist=settings.recommend.per_artist if per_artist is None else per_artist,
        recent_hours=settings.recommend.recent_hours,
        mood=mood,
        sound=tuple(_bound(text) for text in sound or ()),
        minutes=parse_range(minutes, "minutes"),
        explicit=explicit,
    )
    playlist = run(
        bundle=wiring.bundles.current(),
        snapshot=FreshMarts(wiring.snapshots.current(), wiring.lake),
        user_id=settings.user_id,
        wishes=wishes,
        now=as_of.replace(tzinfo=UTC) if as_of else None,
    )
    seen = deliver(playlist, wiring, Format.json if as_json else as_format, output)
    if seen and as_of is None and settings.recommend.count_shown:
        from segue.flows.report import note_shown

        note_shown(wiring.home, playlist, now=moment())


def _years(text: str | None) -> tuple[int | None, int | None] | None:
    bounds = parse_range(text, "year")
    if bounds is None:
        return None
    low, high = bounds
    return (None if low is None else int(low), None if high is None else int(high))


def _bound(text: str) -> Bound:
    """FEATURE=FROM-TO."""
    feature, separator, span = text.partition("=")
    if not separator:
        raise ConfigError(
            f"--sound {text}: FEATURE=FROM-TO is wanted",
            field="sound",
            cure="For example --sound energy=0.6-1.",
        )
    low, high = parse_range(span, "sound") or (None, None)
    return feature.strip(), low, high


def parse_range(text: str | None, field: str) -> tuple[float | None, float | None] | None:
    """FROM-TO, FROM-, -TO or a single number, as bounds.

    >>> parse_range("90-120", "tempo")
    (90.0, 120.0)
    """
    if text is None:
        return None
    number = r"\d+(?:\.\d+)?"
    single = re.fullmatch(rf"\s*({number})\s*", text)
    if single:
        return float(single[1]), float(single[1])
    both = re.fullmatch(rf"\s*({number})?\s*[-–:]\s*({number})?\s*", text)
    if not both or not (both[1] or both[2]):
        raise ConfigError(
            f"--{field} {text}: FROM-TO is wanted",
            field=field,
            cure=f"For example --{field} " + ("1990-1999." if field == "year" else "90-120."),
        )
    low = float(both[1]) if both[1] else None
    high = float(both[2]) if both[2] else None
    if low is not None and high is not None and low > high:
        raise ConfigError(
            f"--{field} {text}: the first number is above the second",
            field=field,
            cure=f"Write --{field} {both[2]}-{both[1]}.",
        )
    return low, high
