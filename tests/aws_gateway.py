"""API Gateway in front of a stream, played for tests: its own mappings, run by Velocity."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

__all__ = ["CDK", "Gateway", "gateway"]

ROOT: Final = Path(__file__).parents[1]
CDK: Final = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-cdk") / "bin"


class Mappings:
    """The door's mappings, in a process that has what plays Velocity."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(CDK / "python"), str(ROOT / "tests/deploy/mapping.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": f"{CDK}:{os.environ['PATH']}"},
        )

    def of(self, bodies: list[Any], answers: list[Any]) -> tuple[list[Any], list[Any]]:
        """What becomes of bodies of requests, and of answers of the stream."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = {"folder": str(ROOT / "deploy/aws"), "bodies": bodies, "answers": answers}
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        requests, found = json.loads(self._process.stdout.readline())
        return requests, found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass
class Gateway:
    """`POST /events` as the door of `deploy/aws` has it.

    Args:
        kinesis: A client.
        stream: Its name.
        keys: Values of API keys that are let in.
        mappings: From bodies to records, and back.
    """

    kinesis: Any
    stream: str
    keys: frozenset[str]
    mappings: Mappings
    url: str = ""
    statuses: list[int] = field(default_factory=list)

    def take(self, key: str, body: Any) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of the answer."""
        if key not in self.keys:
            return 403, {}, {"message": "Forbidden"}
        (asked,), _ = self.mappings.of([body], [])
        records = [
            {"Data": base64.b64decode(one["Data"]), "PartitionKey": one["PartitionKey"]}
            for one in asked["Records"]
        ]
        try:
            told = self.kinesis.put_records(StreamName=self.stream, Records=records)
        except self.kinesis.exceptions.ClientError as error:
            usual, told = 503, {"__type": error.response["Error"]["Code"]}
        else:
            usual = 200
            told.pop("ResponseMetadata")
        _, ((answer, override),) = self.mappings.of([], [told])
        return int(override.get("status", usual)), override["header"], answer


@contextmanager
def gateway(kinesis: Any, stream: str, keys: frozenset[str]) -> Iterator[Gateway]:
    """One that ends with the test."""
    mappings = Mappings()
    made = Gateway(kinesis, stream, keys, mappings)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, answer = made.take(self.headers.get("x-api-key", ""), body)
            made.statuses.append(status)
            told = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(told))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
            mappings.close()
