"""`segue dev`: stand-ins for the services Segue speaks to, for trying things out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from segue.doors.cli.context import say
from segue.errors import ConfigError

__all__ = ["add_to"]

Port = Annotated[int, typer.Option("--port", help="Where it listens; 0: any free port.")]
State = Annotated[
    Path | None,
    typer.Option("--state", metavar="FILE", help="Keep its state in this file."),
]
Users = Annotated[
    list[str] | None,
    typer.Option("--user", metavar="NAME", help="Who has an account there; repeatable."),
]
Tracks = Annotated[int, typer.Option("--tracks", min=1, help="How many invented tracks it has.")]
Ask = Annotated[
    bool, typer.Option("--ask", help="Wait for a person on the consent page; otherwise all agree.")
]
OpenApi = Annotated[
    Path | None,
    typer.Option("--openapi", metavar="FILE", help="Compare all with this OpenAPI description."),
]


def add_to(app: typer.Typer) -> None:
    """Register the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Stand-ins for the services Segue speaks to, for trying things out.",
    )
    group.callback()(_dev)
    group.command(
        "fake-spotify",
        epilog="Example:  segue dev fake-spotify --state spotify.json --user alice --ask",
    )(fake_spotify)
    app.add_typer(group, name="dev")


def _dev() -> None:
    """Stand-ins for the services Segue speaks to, for trying things out."""


def fake_spotify(
    port: Port = 8910,
    state: State = None,
    users: Users = None,
    tracks: Tracks = 2_000,
    ask: Ask = False,
    openapi: OpenApi = None,
) -> None:
    """A Spotify on this machine, with invented music, until Ctrl-C.

    It keeps to the real one's rules. Below /control are its own pages: `GET /control` tells what
    is there, `POST /control/player` presses the buttons of a player.
    """
    from segue.fakes.spotify.control import control
    from segue.fakes.spotify.openapi_check import load_openapi
    from segue.fakes.spotify.server import FakeSpotify
    from segue.fakes.spotify.state_file import StateFile
    from segue.fakes.spotify.trying_out import a_world

    file = None if state is None else StateFile(state)
    world = a_world(file, users or ["alice"], tracks=tracks, asks=ask)
    server = FakeSpotify(
        world,
        port=port,
        checks=None if openapi is None else load_openapi(openapi),
        control=control,
        after=None if file is None else file.write,
    )
    try:
        server.start()
    except OSError as error:
        raise ConfigError(
            f"nothing can listen at port {port}: {error.strerror}",
            field="port",
            cure="Name another port with --port; 0 takes a free one.",
        ) from error
    app = next(iter(world.apps.values()))
    say(
        f"A stand-in for Spotify listens at {server.url}",
        f"  users          {', '.join(world.users)}",
        f"  client id      {app.client_id}",
        f"  client secret  {app.client_secret}",
        f"  redirects to   {', '.join(app.redirect_uris)} (any port)",
        f"  its own pages  {server.url}/control",
        "",
        "To let Segue speak to it rather than to Spotify:",
        f"  export SEGUE_SPOTIFY__API_URL={server.url}/v1",
        f"  export SEGUE_SPOTIFY__ACCOUNTS_URL={server.url}",
        f"  export SPOTIFY_CLIENT_ID={app.client_id}",
        "",
        "Ctrl-C ends it.",
    )
    try:
        threading.Event().wait()
    finally:
        server.stop()
        for violation in world.violations:
            say(f"not as described: {violation}")
        if file is not None:
            file.write(world, anyway=True)  # what was heard since is no request
