"""A server in a thread on a loopback port, with everything that can go wrong on the way."""

from __future__ import annotations

import socket
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from segue.fakes.faults import Fault
from segue.fakes.messages import Answer, Request

__all__ = ["Loopback"]

_MOST_BYTES: Final = 10_000_000


class Loopback(ABC):
    """What every fake service is; use it in a `with` block, or call `start` and `stop`.

    Args:
        port: Where it listens; 0: any free port.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self._url = ""
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @abstractmethod
    def take(self, request: Request) -> tuple[Answer, Fault]:
        """The answer to a request, and what is to become of it on the way back.

        It is called on many threads.
        """

    @property
    def url(self) -> str:
        """Its base address; empty until it listens."""
        return self._url

    def start(self) -> Self:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server.hang_up()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, to end it with the server."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End every connection that is still open, as the end of a process does."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; a fault of ours is."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _handler(service: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            """Say nothing: the world keeps a log."""

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            if size > _MOST_BYTES:
                self._break_off()
                return
            there = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            pairs = tuple(parse_qsl(there.query, keep_blank_values=True))
            body = self.rfile.read(size)
            if len(body) < size:  # it went away before it had said all
                self._break_off()
                return
            given, fault = service.take(
                Request(self.command, there.path, dict(pairs), headers, body, {}, pairs)
            )
            if fault.before or fault.lost:
                self._break_off()
                return
            self._send(_garbled() if fault.garbled else given, half=fault.half)

        def _send(self, given: Answer, *, half: bool) -> None:
            sized = {} if given.status == 204 else {"Content-Length": str(len(given.body))}
            told = {"Date": self.date_time_string(), **given.headers, **sized}
            lines = [f"HTTP/1.1 {given.status} {_words(given.status)}"]
            lines += [f"{name}: {value}" for name, value in told.items()]
            head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
            body = given.body[: len(given.body) // 2] if half else given.body
            self.wfile.write(head + body)  # in one piece, so that no client waits for the second
            if half:
                self._break_off()

        def _break_off(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - as the base wants

    return Handler


def _words(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


def _garbled() -> Answer:
    return Answer(200, b"<html>Just a moment...</html>", {"Content-Type": "text/html"})
