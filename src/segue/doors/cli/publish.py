"""`segue publish`: a playlist to where people listen."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say
from segue.doors.cli.recommend import MixName

if TYPE_CHECKING:
    from segue.flows.wiring import Wiring
    from segue.music.playlist import Playlist
    from segue.playlists.base import PublishReport, Sink
    from segue.settings import Settings

__all__ = ["add_to", "open_sink", "report_lines"]

_SHOWN = 10
_COVER = {
    "uploaded": "  Its cover is drawn and uploaded.",
    "same": "  Its cover has not changed.",
    "planned": "  Its cover would be uploaded.",
    "refused": "  Its cover could not be uploaded.",
}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("publish", epilog="Example:  segue publish --mix discover --to spotify --dry-run")(
        publish
    )


def publish(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="A playlist that segue recommend -o FILE.json wrote; default: a new."),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="Where to: spotify, listenbrainz, subsonic, or a file (.m3u, .json, .jspf, .csv); "
            "repeatable. [spotify]"
        ),
    ] = None,
    mix: Annotated[MixName, typer.Option(help="Which playlist.")] = MixName.discover,
    size: Annotated[int | None, typer.Option(min=1, max=1000, help="Tracks (30).")] = None,
    adventurous: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="As of segue recommend (0.3).")
    ] = None,
    seed: Annotated[
        list[str] | None, typer.Option(metavar="TRACK", help="As of segue recommend; repeatable.")
    ] = None,
    into: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="An existing playlist there to refresh; SPOTIFY_PLAYLIST_ID says the same.",
        ),
    ] = "",
    cover: Annotated[
        bool | None,
        typer.Option(
            "--cover/--no-cover",
            help="Draw its cover and upload it to Spotify. [setting spotify.cover]",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Make a playlist where you listen what it should be, with the smallest change.

    It is made there once, private, and refreshed in place from then on: it stays one playlist. Run
    it again after any interruption.
    """
    from segue.flows.playlist_file import read_playlist
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings(user_id=user)
    wiring = Wiring(settings)
    wanted = to or ["spotify"]
    sinks = [open_sink(wiring, settings, name, into) for name in wanted]
    playlist = (
        read_playlist(file)
        if file is not None
        else _made(wiring, settings, mix.value, size, adventurous, tuple(seed or ()))
    )
    reports = []
    for sink in sinks:
        reports.append(sink.publish(playlist, dry_run=dry_run))
        if not as_json:
            say(*report_lines(playlist.title, reports[-1]))
    hung = None
    if "spotify" in wanted and (settings.spotify.cover if cover is None else cover):
        from segue.flows.cover import hang_cover

        user_id = settings.user_id
        api = wiring.spotify(now).api(user_id, "publish")
        hung = hang_cover(wiring, playlist, api, user_id=user_id, dry_run=dry_run)
        if not as_json:
            say(_COVER[hung.state] + (f" {hung.why}" if hung.why else ""))
    if as_json:
        told = [report.as_dict() for report in reports]
        about = {"playlist_id": playlist.playlist_id, "title": playlist.title}
        drawn = {} if hung is None else {"cover": asdict(hung)}
        print_json({**about, "to": told, **drawn})


def open_sink(wiring: Wiring, settings: Settings, name: str, into: str) -> Sink:
    """A service by name, or a file by its suffix."""
    from segue.flows.destinations import open_sink as opened

    return opened(wiring, name, user_id=settings.user_id, clock=now, into=_id(into))


def _id(given: str) -> str:
    """The id in an address or a URI of a playlist."""
    return given.split("?")[0].rstrip("/").replace(":", "/").rpartition("/")[2]


def _made(
    wiring: Wiring,
    settings: Settings,
    mix: str,
    size: int | None,
    adventurous: float | None,
    seeds: tuple[str, ...],
) -> Playlist:
    from segue.flows.fresh_marts import FreshMarts
    from segue.flows.recommend import Wishes, recommend

    told = settings.recommend
    wishes = Wishes(
        mix=mix,
        size=told.size if size is None else size,
        adventurous=told.adventurous if adventurous is None else adventurous,
        seeds=seeds,
        per_artist=told.per_artist,
        recent_hours=told.recent_hours,
    )
    return recommend(
        bundle=wiring.bundles.current(),
        snapshot=FreshMarts(wiring.snapshots.current(), wiring.lake),
        user_id=settings.user_id,
        wishes=wishes,
    )


def report_lines(title: str, report: PublishReport) -> list[str]:
    """What was done, or would be, for people."""
    if not report.requests:  # a file
        return [f"{report.tracks} tracks written to {report.destination}"]
    verb = "would be" if report.dry_run else "is"
    state = f"{title}: {report.tracks} tracks; " + (
        f"{len(report.added)} added, {len(report.removed)} removed, {report.kept} kept"
        if report.changed
        else "nothing has changed"
    )
    lines = [state, f"  It {verb} at {report.destination} ({report.requests} requests)."]
    if report.replaced:
        lines.append(f"  {report.replaced} stand for the same song under another id.")
    if report.dry_run:
        lines += _listed("+", report.added) + _listed("-", report.removed)
    if report.unmatched:
        lines += ["  Not to be found there:", *_listed(" ", report.unmatched)]
    return lines


def _listed(sign: str, names: tuple[str, ...]) -> list[str]:
    more = [f"  {sign} … and {len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return [f"  {sign} {name}" for name in names[:_SHOWN]] + more
