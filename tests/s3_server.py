"""A real S3 on loopback, and a proxy in front of it that can be told to misbehave.

The server is moto's: other services of AWS are there, too, and behind the proxy.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["FORBIDDEN", "Fault", "Proxy", "Request", "S3Server", "keys", "s3_proxy", "s3_server"]

_PROGRAM = Path(__file__).with_name("moto_server.py")


@dataclass(frozen=True)
class S3Server:
    """moto's server, in a process of its own."""

    url: str

    def environment(self, **more: str) -> dict[str, str]:
        """What a process finds in its environment that uses this S3."""
        return {**os.environ, **keys(), "AWS_ENDPOINT_URL_S3": self.url, **more}

    def client(self) -> Any:
        """A client that is none of Segue's."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="tester",
            aws_secret_access_key="secret",
        )

    def bucket(self, name: str) -> str:
        """A new bucket."""
        self.client().create_bucket(Bucket=name)
        return name

    def names(self, bucket: str) -> list[str]:
        """The keys in a bucket."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def keys() -> dict[str, str]:
    """Credentials as the environment holds them."""
    return {
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


@contextmanager
def s3_server(**environment: str) -> Iterator[S3Server]:
    """A server that ends with the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **keys(), **environment},
    )
    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, "the S3 of the tests did not start"
            time.sleep(0.05)
        yield S3Server(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Request:
    """What a client asked for.

    Args:
        operation: Of DynamoDB, Kinesis and the like: DynamoDB_20120810.GetItem; else empty.
    """

    method: str
    path: str
    size: int
    operation: str = ""

    def is_put_of(self, folder: str) -> bool:
        """Whether a file below a folder of the lake is written."""
        return self.method == "PUT" and f"/{folder}/" in self.path


@dataclass(frozen=True)
class Fault:
    """How a request is answered.

    Args:
        status: Answer with this status and do not ask S3; 0: ask S3.
        code: S3's code for it.
        reasons: Of DynamoDB, why a transaction was cancelled, for each of its items.
        before: Close the connection without asking S3.
        after: Ask S3, then close the connection without an answer.
        half: Ask S3, and give half of the answer's body.
        seconds: Wait before all that.
        without: Leave out this header.
        flip: Change one byte of the answer's body.
    """

    status: int = 0
    code: str = "InternalError"
    reasons: tuple[str, ...] = ()
    before: bool = False
    after: bool = False
    half: bool = False
    seconds: float = 0
    without: str = ""
    flip: bool = False

    def __str__(self) -> str:
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return " ".join(f"{name}={told[name]}" for name in told if told[name] != _DEFAULTS[name])


_DEFAULTS = {one.name: one.default for one in fields(Fault)}
FORBIDDEN = Fault(403, "AccessDenied")


@dataclass
class Proxy:
    """Between a client and S3.

    Args:
        url: Where the client finds it.
        fault: Asked for each request: None means that it is passed on as it is.
        seen: All requests.
        sent: Bytes of the answers.
    """

    url: str = ""
    fault: Callable[[Request], Fault | None] = lambda request: None
    seen: list[Request] = field(default_factory=list)
    sent: int = 0

    def once(self, fits: Callable[[Request], bool], fault: Fault, times: int = 1) -> None:
        """Let the first requests that fit meet a fault."""
        left = [fault] * times

        def found(request: Request) -> Fault | None:
            return left.pop() if left and fits(request) else None

        self.fault = found


@contextmanager
def s3_proxy(server: S3Server) -> Iterator[Proxy]:
    """A proxy that ends with the test."""
    proxy = Proxy()
    target = server.url.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def _pass(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            request = Request(self.command, self.path, size, self.headers.get("X-Amz-Target", ""))
            proxy.seen.append(request)
            fault = proxy.fault(request) or Fault()
            time.sleep(fault.seconds)
            if fault.before:
                self.rfile.read(size // 2)
                self._break_off()
                return
            body = self.rfile.read(size)
            if fault.status:
                self._refuse(fault)
                return
            asked = http.client.HTTPConnection(target, timeout=60)
            sent = {n: v for n, v in self.headers.items() if n.lower() != fault.without.lower()}
            asked.request(self.command, self.path, body, sent)
            answer = asked.getresponse()
            content = answer.read()
            asked.close()
            if fault.after:
                self._break_off()
                return
            if fault.flip:
                content = bytes([content[0] ^ 1]) + content[1:]
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
            self.send_header("Content-Length", str(length or 0))
            self.end_headers()
            if fault.half:
                self.wfile.write(content[: len(content) // 2])
                self._break_off()
                return
            if self.command != "HEAD":
                self.wfile.write(content)
                proxy.sent += len(content)

        def _refuse(self, fault: Fault) -> None:
            kind, said = "xml", "<Error><Code>%s</Code><Message>so be it</Message></Error>"
            if "X-Amz-Target" in self.headers:  # DynamoDB, Kinesis and the like
                kind, said = "x-amz-json-1.0", '{"__type": "%s", "message": "so be it"}'
            text = said % fault.code
            if fault.reasons:
                told = {"CancellationReasons": [{"Code": one} for one in fault.reasons]}
                text = json.dumps({**json.loads(text), **told})
            self.send_response(fault.status)
            self.send_header("Content-Type", f"application/{kind}")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        def _break_off(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass  # noqa: N815 - as the base wants

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away is no news."""

    with Server(("127.0.0.1", 0), Handler) as listening:
        proxy.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            listening.shutdown()
            thread.join()
