"""Step Functions: moto interprets a definition, and what its tasks invoke runs here.

moto has no functions without Docker; its interpreter asks an API of Lambda at MOTO_PORT, so that
is where the one stands that these tests play.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.lambda_runtime import FunctionError
from tests.s3_server import S3Server, s3_server

__all__ = ["Execution", "StateMachines", "state_machines"]

_ROLE: Final = "arn:aws:iam::123456789012:role/machine"
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True)
class Execution:
    """What became of an execution.

    Args:
        status: SUCCEEDED, FAILED …
        output: Of the last state; None: it failed.
        error: Its name; empty: there was none.
        states: Names of the states, in the order in which they were entered.
    """

    status: str
    output: Any
    error: str
    states: tuple[str, ...]


class StateMachines:
    """Runs definitions.

    Args:
        server: moto's.
    """

    def __init__(self, server: S3Server) -> None:
        import boto3

        self._client = boto3.client(
            "stepfunctions",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="tester",
            aws_secret_access_key="secret",
        )

    def run(self, definition: str, told: object) -> Execution:
        """Execute a definition to its end."""
        name = uuid.uuid4().hex
        machine = self._client.create_state_machine(
            name=name, definition=definition, roleArn=_ROLE
        )["stateMachineArn"]
        begun = self._client.start_execution(stateMachineArn=machine, input=json.dumps(told))
        arn, end = begun["executionArn"], time.monotonic() + _PATIENCE_S
        while (found := self._client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < end, "the execution does not end"
            time.sleep(0.05)
        history = self._client.get_execution_history(executionArn=arn)["events"]
        return Execution(
            found["status"],
            json.loads(found["output"]) if "output" in found else None,
            found.get("error", ""),
            tuple(
                one["stateEnteredEventDetails"]["name"]
                for one in history
                if "stateEnteredEventDetails" in one
            ),
        )


@contextmanager
def state_machines(function: Callable[[Any], Any]) -> Iterator[StateMachines]:
    """Step Functions whose tasks all invoke one function, here."""

    class Lambda(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            told, failed = json.loads(self.rfile.read(size)), ""
            try:
                answer = function(told)
            except FunctionError as error:
                failed = "Unhandled"
                answer = {"errorType": error.kind, "errorMessage": str(error)}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if failed:
                self.send_header("X-Amz-Function-Error", failed)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Lambda) as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            with s3_server(MOTO_PORT=str(api.server_address[1])) as server:
                config = {"stepfunctions": {"execute_state_machine": True}}
                asked = urllib.request.Request(
                    f"{server.url}/moto-api/config", json.dumps(config).encode(), method="POST"
                )
                with urllib.request.urlopen(asked):
                    yield StateMachines(server)
        finally:
            api.shutdown()
            thread.join()
