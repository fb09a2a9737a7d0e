"""`segue feedback`: say what you like, know, or never want to hear again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.flows.feedback_words import About, FeedbackReport
    from segue.music.feedback import Verb

__all__ = ["add_to", "parse_moment"]

_TRACK: Final = "Its id, a Spotify URI or link, or “Artist - Title”."
_DONE: Final = {
    "like": "More like",
    "less": "Less of",
    "known": "Known already:",
    "hide": "Never again:",
    "not_me": "Not you:",
    "undo": "Taken back:",
}

Tracks = Annotated[list[str], typer.Argument(metavar="TRACK…", help=_TRACK)]
AnyTracks = Annotated[list[str] | None, typer.Argument(metavar="[TRACK…]", help=_TRACK)]
Artists = Annotated[
    list[str] | None, typer.Option("--artist", help="Everything by this artist; repeatable.")
]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="When it was said (UTC); default: now.")
]
Since = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Plays from here on (UTC).")
]
Until = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Plays up to here; a day: to its end.")
]
LastSession = Annotated[
    bool, typer.Option("--last-session", help="The plays of your last session.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Say what you like, know, or never want to hear again. The next playlist knows it.",
    )
    commands: dict[str, tuple[Callable[..., None], str]] = {
        "like": (like, "segue feedback like “Nina Simone - Sinnerman”"),
        "less": (less, "segue feedback less --artist “Coldplay”"),
        "known": (known, "segue feedback known spotify:track:6rqhFgbbKwnb9MLmUQDhG6"),
        "hide": (hide, "segue feedback hide “Wham! - Last Christmas”"),
        "not-me": (not_me, "segue feedback not-me --from 2026-01-31T20:00 --to 2026-02-01T04:00"),
        "undo": (undo, "segue feedback undo “Wham! - Last Christmas”"),
        "list": (show, "segue feedback list --all"),
    }
    for name, (command, example) in commands.items():
        group.command(name, epilog=f"Example:  {example}")(command)
    app.add_typer(group, name="feedback")


def like(
    context: typer.Context,
    tracks: Tracks,
    user: User = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """More like this: it counts as five finished plays."""
    _say(context, "like", _about(tracks), user=user, at=at, as_json=as_json)


def less(
    context: typer.Context,
    tracks: AnyTracks = None,
    artist: Artists = None,
    user: User = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Less of this: a track rests for 90 days, and what is near it comes less often."""
    _say(context, "less", _about(tracks, artist), user=user, at=at, as_json=as_json)


def known(
    context: typer.Context,
    tracks: Tracks,
    user: User = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """You know it already: it is no discovery."""
    _say(context, "known", _about(tracks), user=user, at=at, as_json=as_json)


def hide(
    context: typer.Context,
    tracks: AnyTracks = None,
    artist: Artists = None,
    user: User = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Never again: no mix has it, nor another recording of the song."""
    _say(context, "hide", _about(tracks, artist), user=user, at=at, as_json=as_json)


def not_me(
    context: typer.Context,
    tracks: AnyTracks = None,
    since: Since = None,
    until: Until = None,
    last_session: LastSession = False,
    user: User = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Somebody else played this: those plays say nothing about you.

    A party, or children on the account. The plays stay in the lake, and `undo` brings them back.
    """
    about = _about(tracks, since=since, until=until, last_session=last_session)
    _say(context, "not_me", about, user=user, at=at, as_json=as_json)


def undo(
    context: typer.Context,
    tracks: AnyTracks = None,
    artist: Artists = None,
    since: Since = None,
    until: Until = None,
    last_session: LastSession = False,
    user: User = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take back what was said of a track, an artist or plays."""
    about = _about(tracks, artist, since=since, until=until, last_session=last_session)
    _say(context, "undo", about, user=user, at=at, as_json=as_json)


def show(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help="Also what was taken back or replaced.")
    ] = False,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Show what you said, the latest first."""
    from segue.flows.feedback import words
    from segue.flows.fresh_marts import FreshMarts
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    wiring = Wiring(settings)
    marts = FreshMarts(wiring.snapshots.current(), wiring.lake)
    found = words(marts, settings.user_id, every=every)
    if as_json:
        print_json(
            {"user_id": settings.user_id, "words": [word.as_dict() for word in found]},
        )
        return
    if not found:
        say("Nothing yet. `segue feedback --help` shows what can be said.")
    for word in found:
        gone = "" if word.stands or word.verb == "undo" else "  (no longer)"
        verb = word.verb.replace("_", "-")
        say(f"{word.said_at:%Y-%m-%d %H:%M}  {verb:<6}  {word.about}{gone}")


def _about(
    tracks: list[str] | None,
    artists: list[str] | None = None,
    *,
    since: str | None = None,
    until: str | None = None,
    last_session: bool = False,
) -> About:
    from segue.flows.feedback_words import About

    if last_session and (since or until):
        raise ConfigError(
            "--last-session and --from or --to are two spans of time",
            field="last-session",
            cure="Give one of them.",
        )
    return About(
        tracks=tuple(tracks or ()),
        artists=tuple(artists or ()),
        since=parse_moment(since, "from"),
        until=parse_moment(until, "to", to_the_end=True),
        last_session=last_session,
    )


def _say(
    context: typer.Context, verb: Verb, about: About, *, as_json: bool, **options: Any
) -> None:
    from segue.flows.feedback import feedback
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=options["user"])
    wiring = Wiring(settings)
    report = feedback(
        verb,
        about,
        lake=wiring.lake,
        snapshot=wiring.snapshots.current(),
        user_id=settings.user_id,
        now=now(),
        at=parse_moment(options["at"], "at"),
    )
    if as_json:
        print_json(report.as_dict())
    else:
        say(*_lines(verb, report))


def _lines(verb: Verb, report: FeedbackReport) -> list[str]:
    lines = [f"{_DONE[verb]} {word.about}" for word in report.words]
    if report.plays:
        plays = "1 play" if report.plays == 1 else f"{report.plays:,} plays"
        lines.append(f"{plays} {'left' if verb == 'not_me' else 'came back to'} your history.")
    return [*lines, "The next `segue recommend` knows it."]


def parse_moment(text: str | None, field: str, *, to_the_end: bool = False) -> datetime | None:
    """A day, or a day and a time, in UTC.

    Args:
        to_the_end: A day alone means its last moment, not its first.

    >>> parse_moment("2026-01-31T20:00", "from")
    datetime.datetime(2026, 1, 31, 20, 0, tzinfo=datetime.timezone.utc)
    """
    if text is None:
        return None
    day_only = re.fullmatch(r"\s*\d{4}-\d\d-\d\d\s*", text) is not None
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"--{field} {text}: a time is wanted",
            field=field,
            cure="Write 2026-01-31 or 2026-01-31T20:00; times are UTC.",
        ) from error
    return datetime.combine(moment, time.max, UTC) if day_only and to_the_end else moment
