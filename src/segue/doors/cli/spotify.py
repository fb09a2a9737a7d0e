"""`segue spotify`: sign in, look, collect and sign out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from segue.doors.cli.context import AsJson, User, call_of, now, print_json, say
from segue.doors.cli.countdown import sign_in_words
from segue.errors import ConfigError

if TYPE_CHECKING:
    from segue.flows.spotify.household import Household
    from segue.flows.spotify.poll import PollReport
    from segue.flows.spotify.sign_in import SignedIn
    from segue.services.request_queue import Usage

__all__ = ["add_to"]

_WAIT_S = 600.0
_APPS = "https://www.spotify.com/account/apps"
_MISSING_WORDS = "Not agreed to, so that some things will not work:"

ClientId = Annotated[
    str | None,
    typer.Option(
        "--client-id",
        metavar="ID",
        help="Of your app at developer.spotify.com/dashboard; SPOTIFY_CLIENT_ID says the same.",
    ),
]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Where the browser comes back; 0: any.")
]
Users = Annotated[
    list[str] | None,
    typer.Option("--user", help="Of whom; repeatable. Default: everybody who is signed in."),
]
Paste = Annotated[
    bool,
    typer.Option("--paste", help="No browser here: sign in elsewhere and paste the address back."),
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Show the address only; open no browser.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Spotify: sign in, see how much may still be asked, collect what was played.",
    )
    group.command("login", epilog="Example:  segue spotify login --client-id 4fe3fecfe5334…")(login)
    group.command("status", epilog="Example:  segue spotify status --json")(status)
    group.command("poll", epilog="Example:  segue spotify poll --json")(poll)
    group.command("library", epilog="Example:  segue spotify library --user ann")(library)
    group.command("logout", epilog="Example:  segue spotify logout --user ann")(logout)
    app.add_typer(group, name="spotify")


def login(
    context: typer.Context,
    user: User = None,
    client_id: ClientId = None,
    port: Port = 0,
    paste: Paste = False,
    no_browser: NoBrowser = False,
    as_json: AsJson = False,
) -> None:
    """Sign in, for six months at most, with an app of your own.

    Register an app at https://developer.spotify.com/dashboard, free of charge for owners of
    Spotify Premium, with the redirect address http://127.0.0.1/callback (no port, not
    “localhost”). Everybody who signs in must be on the app's list of five users. No client secret
    is needed.
    """
    from segue.flows.spotify.sign_in import begin, finish
    from segue.flows.wiring import Wiring
    from segue.services.spotify.loopback import Loopback, can_listen_for

    settings = call_of(context).settings()
    user_id = user or settings.user_id
    house = Wiring(settings).spotify(now)
    if paste or not can_listen_for(house.redirect_uri):
        attempt = begin(house, user_id, client_id=client_id)
        _show(attempt.url(house.accounts_url), "Open this address in a browser, on any machine:")
        came_back = _pasted()
    else:
        attempt = begin(house, user_id, client_id=client_id)  # better to learn of faults first
        listening = Loopback(house.redirect_uri, port=port)
        try:
            attempt = begin(
                house, user_id, client_id=client_id, redirect_uri=listening.redirect_uri
            )
            address = attempt.url(house.accounts_url)
            _show(address, "Sign in here, in a browser on this machine:")
            if not no_browser:
                _open(address)
            came_back = listening.wait(attempt.fits, seconds=_WAIT_S)
        finally:
            listening.close()
    done = finish(house, user_id, attempt, came_back)
    if as_json:
        facts = done.facts.as_dict(now())
        print_json({**facts, "name": done.name, "missing_scopes": list(done.missing)})
    else:
        say(*_welcome(done, house))


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show who is signed in and for how long, and how much may still be asked today."""
    from segue.flows.spotify.sign_in import sign_ins
    from segue.flows.wiring import Wiring

    house = Wiring(call_of(context).settings()).spotify(now)
    moment, usage = now(), house.usage
    found = [one.as_dict(moment) for one in sign_ins(house)]
    if as_json:
        until = usage.blocked_until
        requests = {
            "budget": usage.budget,
            "used": usage.used,
            "left": usage.left,
            "by_purpose": dict(usage.by_purpose),
            "blocked_until": None if until is None else until.isoformat(),
            "reason": usage.reason,
        }
        print_json({"sign_ins": found, "requests": requests, "secrets": house.secrets.where})
        return
    if not found:
        say("Nobody is signed in.", "", "Next: segue spotify login")
    for one in found:
        say(sign_in_words(one))
        say(*([f"  may: {', '.join(one['scopes'])}"] if one["scopes"] else []))
    say(*_usage_lines(usage), f"Tokens are kept in {house.secrets.where}.")


def poll(context: typer.Context, users: Users = None, as_json: AsJson = False) -> None:
    """Collect what was played lately, of everybody who is signed in; each play is kept once.

    Spotify tells the last 50 plays of half a minute or more: about two and a half hours of
    listening. Run it every 20 to 30 minutes; one look is one request a user.
    """
    from segue.flows.spotify.poll import poll_everybody
    from segue.flows.spotify.sign_in import sign_ins
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings()
    wiring = Wiring(settings)
    house = wiring.spotify(now)
    known = tuple(one.user_id for one in sign_ins(house))
    wanted = tuple(users or known or (settings.user_id,))
    reports = poll_everybody(house, wiring.lake, wanted)
    if as_json:
        print_json([report.as_dict() for report in reports])
    else:
        for report in reports:
            say(*_report_lines(report))
    if failed := [report.error for report in reports if report.error is not None]:
        raise failed[0] if not as_json else typer.Exit(1)


def library(context: typer.Context, users: Users = None, as_json: AsJson = False) -> None:
    """Read saved tracks, top tracks, and playlists that users own or collaborate on.

    Only what changed since the last time is asked for. Playlists of others, Discover Weekly among
    them, are closed to apps.
    """
    from segue.flows.spotify.library import read_library
    from segue.flows.spotify.sign_in import sign_ins
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings()
    wiring = Wiring(settings)
    house = wiring.spotify(now)
    wanted = users or [one.user_id for one in sign_ins(house)] or [settings.user_id]
    reports = [read_library(house, wiring.lake, user_id) for user_id in wanted]
    if as_json:
        print_json([report.as_dict() for report in reports])
        return
    for one in reports:
        say(
            f"{one.user_id}: {one.saved:,} saved tracks, {one.top:,} places in top tracks and"
            f" {one.items:,} places in playlists are new.",
            f"  Playlists: {one.read:,} read, {one.unchanged:,} unchanged, {one.closed:,} closed"
            " to apps, since others own them.",
        )


def logout(context: typer.Context, user: User = None, as_json: AsJson = False) -> None:
    """Throw the tokens of a user away. What was collected stays; see `segue forget`."""
    from segue.flows.spotify.sign_in import sign_out
    from segue.flows.wiring import Wiring

    settings = call_of(context).settings()
    user_id = user or settings.user_id
    house = Wiring(settings).spotify(now)
    gone = sign_out(house, user_id)
    if as_json:
        print_json({"user": user_id, "signed_out": gone})
        return
    if not gone:
        say(f"“{user_id}” was not signed in at Spotify.")
        return
    say(
        f"“{user_id}” is signed out of Spotify; the tokens are gone.",
        f"Take back the app's access as well: {_APPS}",
        "",
        "What was collected stays. To remove it, as Spotify's terms may ask for:",
        f"  segue forget --user {user_id} --source spotify_api      (what `segue spotify` read)",
        f"  segue forget --user {user_id} --source spotify_live     (what `segue listen` reported)",
    )
    if house.given.get("SPOTIFY_REFRESH_TOKEN") and user_id == house.main_user:
        say("", "SPOTIFY_REFRESH_TOKEN is still set and signs this user in again.")


def _report_lines(report: PollReport) -> list[str]:
    who = report.user_id
    if report.error is not None:
        return [f"{who}: nothing was collected: {report.error.message}"]
    latest = "" if report.latest is None else f"; the last one {report.latest:%Y-%m-%d %H:%M} UTC"
    more = f", {report.others:,} podcasts or nameless" if report.others else ""
    lines = [f"{who}: {report.told:,} plays told, {report.kept:,} new{more}{latest}"]
    if report.gap is not None:
        lines += [
            f"  Plays between {report.gap.since:%Y-%m-%d %H:%M} and"
            f" {report.gap.until:%Y-%m-%d %H:%M} UTC may be missing: Spotify tells the last 50.",
            "  Collect more often; your data export fills the gap later (segue import).",
        ]
    return lines


def _show(address: str, words: str) -> None:
    """On standard error, so that --json stays JSON; flushed, since somebody waits for it."""
    typer.echo(f"{words}\n\n  {address}\n", err=True)
    sys.stderr.flush()


def _open(address: str) -> None:
    import webbrowser

    try:
        webbrowser.open(address)
    except webbrowser.Error:
        return  # the address is on the screen


def _pasted() -> str:
    typer.echo(
        "Then copy the whole address of the page that the browser ends at (it need not load)"
        " and paste it here:",
        err=True,
    )
    sys.stderr.flush()
    text = sys.stdin.readline().strip()
    if not text:
        raise ConfigError(
            "no address was pasted", field="paste", cure="Run segue spotify login --paste again."
        )
    return text


def _welcome(done: SignedIn, house: Household) -> list[str]:
    facts, who = done.facts, done.name or done.facts.account
    lines = [f"Signed in{f' as {who}' if who else ''}, for user “{facts.user_id}”."]
    if facts.expires_at is not None:
        lines.append(f"This lasts until {facts.expires_at:%d %b %Y}, whatever is done; then again.")
    lines.append(f"Tokens are kept in {house.secrets.where}.")
    if done.missing:
        lines += [_MISSING_WORDS, *(f"  {scope}" for scope in done.missing)]
    return lines


def _usage_lines(usage: Usage) -> list[str]:
    spent = ", ".join(f"{purpose} {number:,}" for purpose, number in usage.by_purpose.items())
    lines = [
        f"Requests in 24 hours: {usage.used:,} of {usage.budget:,} used, {usage.left:,} left"
        + (f" ({spent})" if spent else "")
    ]
    if usage.blocked_until is not None:
        why = {"quota": "the developer account's quota is used up", "rate": "too many at a time"}
        lines.append(
            f"No requests before {usage.blocked_until:%Y-%m-%d %H:%M:%S} UTC: "
            f"{why.get(usage.reason, usage.reason)}."
        )
    return lines
