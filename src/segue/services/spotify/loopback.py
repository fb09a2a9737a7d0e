"""Waits on a loopback port for the browser that comes back from Spotify."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from segue.errors import ConfigError, SignInError
from segue.services.spotify.accounts import AGAIN, SERVICE

__all__ = ["Loopback", "can_listen_for"]

_HOSTS: Final = ("127.0.0.1", "::1")
_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><title>Segue</title>"
    "<body style='font:1.1rem system-ui;margin:4rem'><p>{}</p>"
)
_LONGEST: Final = 8192


def can_listen_for(redirect_uri: str) -> bool:
    """Whether a browser that is sent to this address comes to this machine."""
    there = urlsplit(redirect_uri)
    return there.scheme == "http" and there.hostname in _HOSTS


class Loopback:
    """Listens at a redirect address from when it is made until `close`.

    Args:
        redirect_uri: On 127.0.0.1 or [::1]. Without a port any free one is taken, which Spotify
            allows for an address that was registered without one.
        port: This port instead; 0: that of the address.

    Raises:
        ConfigError: The port cannot be listened at.
    """

    def __init__(self, redirect_uri: str, *, port: int = 0) -> None:
        there = urlsplit(redirect_uri)
        host, wanted = there.hostname or _HOSTS[0], port or there.port or 0
        self._found = threading.Event()
        self._came_back = ""
        self._accepts: Callable[[str], bool] = lambda address: False
        kind = _Server6 if ":" in host else _Server
        try:
            self._server = kind((host, wanted), _handler(self, there.path or "/"))
        except OSError as error:
            raise ConfigError(
                f"nobody can listen at port {wanted} of {host}: {error.strerror}",
                field="port",
                cure="Give another --port, or sign in with --paste.",
            ) from error
        shown = f"[{host}]" if ":" in host else host
        place = f"{shown}:{self._server.server_address[1]}"
        self.redirect_uri = urlunsplit((there.scheme, place, there.path, there.query, ""))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    def wait(self, accepts: Callable[[str], bool], *, seconds: float) -> str:
        """The first address with which a browser comes that is accepted.

        Raises:
            SignInError: None came in time.
        """
        self._accepts = accepts
        ends = time.monotonic() + seconds
        # short waits, so that Ctrl-C is heard on every system
        while not self._found.wait(0.2):
            if time.monotonic() > ends:
                raise SignInError(
                    f"nobody came back from Spotify within {seconds:.0f} seconds",
                    service=SERVICE,
                    cure=AGAIN + " On a machine without a browser: segue spotify login --paste.",
                )
        return self._came_back

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def came(self, target: str) -> bool:
        """A browser came with this path and query; whether it is the one that is waited for."""
        if not self._accepts(target) or self._found.is_set():
            return False
        self._came_back = target
        self._found.set()
        return True


class _Server(HTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _handler(listening: Loopback, path: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # a connection that says nothing holds nobody up for longer

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            """Say nothing: addresses hold codes."""

        def do_GET(self) -> None:
            if urlsplit(self.path).path != path or len(self.path) > _LONGEST:
                self._page(404, "Nothing is here.")
            elif listening.came(self.path):
                self._page(200, "Done. You can close this page and go back to Segue.")
            else:
                self._page(400, "This does not belong to the sign-in that Segue waits for.")

        def _page(self, status: int, words: str) -> None:
            body = _PAGE.format(words).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

    return Handler
