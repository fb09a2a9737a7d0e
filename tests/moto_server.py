"""moto's server, with writes to S3 one after the other.

S3 decides a conditional put in one moment; moto looks first and writes afterwards, in threads, so
two collectors could both be told that they were the first.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import run_simple

__all__ = ["main"]


class _PutsInTurn:
    """moto's application, of which one PUT runs at a time."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner
        self._turn = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return self._inner(environ, start_response)
        with self._turn:
            return self._inner(environ, start_response)


def main(port: int) -> None:
    """Serve on a port of loopback until the process ends."""
    application = DomainDispatcherApplication(create_backend_app)
    run_simple(
        "127.0.0.1",
        port,
        _PutsInTurn(application),
        threaded=True,
        request_handler=MotoRequestHandler,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
