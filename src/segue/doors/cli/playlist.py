"""`segue playlist`: synchronise, archive and restore playlists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say
from segue.doors.cli.cover import cover
from segue.doors.cli.publish import open_sink, report_lines

if TYPE_CHECKING:
    from segue.playlists.archive import Change
    from segue.playlists.service_base import Item

__all__ = ["add_to"]

_SHOWN = 20
_DAY = "%Y-%m-%d"
_PLAYLIST = (
    "Its address or id at Spotify, listenbrainz:ID, subsonic:ID, saved (your saved tracks at "
    "Spotify), or a .json file of segue recommend."
)
Source = Annotated[str, typer.Argument(help=_PLAYLIST)]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Playlists elsewhere: add what is new, keep their history, bring it back.",
    )
    group.command(
        "sync",
        epilog="Example:  segue playlist sync saved https://open.spotify.com/playlist/3cEYp…",
    )(sync)
    group.command("archive", epilog="Example:  segue playlist archive 3cEYpjA9oz9GiPac4AsH4n")(
        archive
    )
    group.command("history", epilog="Example:  segue playlist history 3cEYpjA9oz9GiPac4AsH4n")(
        history
    )
    group.command(
        "restore",
        epilog="Example:  segue playlist restore 3cEYpjA9oz9GiPac4AsH4n --at 2026-10-01 --to "
        "october.json",
    )(restore)
    group.command("cover", epilog="Example:  segue playlist cover week.json -o week.jpg")(cover)
    app.add_typer(group, name="playlist")


def sync(
    context: typer.Context,
    source: Source,
    target: Annotated[str, typer.Argument(help="Where to: one of yours, named the same way.")],
    dry_run: DryRun = False,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Add what is new in one playlist to another, each song once; nothing is taken out.

    Two tracks are the same song when their id, their ISRC or their artist and title are the same.
    """
    from segue.flows.sync_playlist import sync_playlist
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    done = sync_playlist(
        Wiring(settings), source, target, user_id=settings.user_id, clock=now, dry_run=dry_run
    )
    if as_json:
        print_json(done.as_dict())
        return
    report = done.report
    verb = "would be added" if dry_run else "added"
    say(
        f"{done.title}: {report.read:,} tracks read, {len(report.added):,} {verb}, "
        f"{report.known:,} were there; the target holds {report.tracks:,} "
        f"({done.requests} requests)"
    )
    say(*_listed("+", report.added))
    if report.unmatched:
        say("Not to be found there:", *_listed(" ", report.unmatched))


def archive(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(help=_PLAYLIST)],
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Keep what playlists hold, with all that was added and removed since they were first kept.

    Run it as often as they change. Spotify's own playlists, Discover Weekly among them, are closed
    to apps: copy them into one of yours there, and archive that.
    """
    from segue.flows.playlist_history import archive_of, keep_state
    from segue.flows.playlist_places import place_of, read_place
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    wiring = Wiring(settings)
    kept = archive_of(wiring.home, settings.user_id)
    told = []
    for place in [place_of(source) for source in sources]:
        read = read_place(wiring, place, user_id=settings.user_id, clock=now)
        change = keep_state(kept, read, now=now())
        changes = None if change is None else change.as_dict()
        told.append({"playlist": place.name, "title": read.title, "change": changes})
        if not as_json:
            say(_kept(read.title, len(read.items), change))
    if as_json:
        print_json(told)


def history(
    context: typer.Context, source: Source, user: User = None, as_json: AsJson = False
) -> None:
    """Show what was added to an archived playlist and removed from it, and when."""
    from segue.flows.playlist_history import archive_of
    from segue.flows.playlist_places import place_of
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    kept = archive_of(Wiring(settings).home, settings.user_id)
    changes = kept.changes(place_of(source).name)
    if as_json:
        print_json([change.as_dict() for change in changes])
        return
    if not changes:
        say("Nothing of it is archived.", "", "Next: segue playlist archive")
    for change in changes:
        say(f"{change.at:%Y-%m-%d %H:%M} UTC  {change.title}: {change.tracks:,} tracks")
        say(*_listed("+", _names(change.added)), *_listed("-", _names(change.removed)))


def restore(
    context: typer.Context,
    source: Source,
    at: Annotated[
        datetime,
        typer.Option(
            formats=[_DAY, "%Y-%m-%dT%H:%M:%S"],
            help="The moment (UTC); a day means its end.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(help="Where to: a service, or a file (.json, .m3u, .jspf, .csv)."),
    ],
    dry_run: DryRun = False,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Bring back what an archived playlist held, as a playlist of its own.

    The playlist that was archived is left as it is.
    """
    from segue.flows.playlist_history import archive_of, restored
    from segue.flows.playlist_places import place_of
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    wiring = Wiring(settings)
    moment = at.replace(tzinfo=UTC)
    if moment.time() == datetime.min.time():
        moment += timedelta(days=1) - timedelta(microseconds=1)
    kept = archive_of(wiring.home, settings.user_id)
    playlist = restored(kept, place_of(source), at=moment, user_id=settings.user_id)
    sink = open_sink(wiring, settings, to, "")
    report = sink.publish(playlist, dry_run=dry_run)
    if as_json:
        print_json({"title": playlist.title, **report.as_dict()})
    else:
        say(*report_lines(playlist.title, report))


def _kept(title: str, number: int, change: Change | None) -> str:
    if change is None:
        return f"{title}: {number:,} tracks, as before"
    return (
        f"{title}: {change.tracks:,} tracks kept; {len(change.added):,} added, "
        f"{len(change.removed):,} removed since the last time"
    )


def _names(items: tuple[Item, ...]) -> tuple[str, ...]:
    return tuple(
        f"{', '.join(item.artists)} - {item.title}" if item.title else item.key for item in items
    )


def _listed(sign: str, names: tuple[str, ...]) -> list[str]:
    more = [f"  {sign} … and {len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return [f"  {sign} {name}" for name in names[:_SHOWN]] + more
