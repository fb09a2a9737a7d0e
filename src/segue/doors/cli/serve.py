"""`segue serve`: events in, recommendations out, over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from segue.doors.cli.context import call_of, say

__all__ = ["add_to"]

Host = Annotated[
    str | None,
    typer.Option("--host", help="Address to listen at; default: setting service.host (127.0.0.1)."),
]
Port = Annotated[
    int | None,
    typer.Option("--port", help="Port; 0: one that is free; default: service.port (8000)."),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Processes that answer; default: service.workers (1)."),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("serve", epilog="Example:  segue serve --port 8080 --workers 2")(serve)


def serve(
    context: typer.Context, host: Host = None, port: Port = None, workers: Workers = None
) -> None:
    """Take events and answer recommendations over HTTP, until told to stop.

    Without API keys only programs on this machine are served; see `segue keys create`.
    """
    from segue.doors.http.serve import serve as run

    given = {"host": host, "port": port, "workers": workers}
    wanted = {name: value for name, value in given.items() if value is not None}
    settings = call_of(context).settings(service=wanted or None)
    run(settings, lambda address: say(f"Segue listens at {address}"))
