"""A function as AWS Lambda runs it: AWS's own runtime in a process, and the API that it asks.

What the API answers is said in “Building a custom runtime” of the Lambda Developer Guide. The
variable SEGUE_TEST_FUNCTION names another program that starts a handler: that of an image, say.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

__all__ = ["IN_IMAGE", "Answer", "Function", "FunctionError", "lambda_function"]

_API: Final = "/2018-06-01/runtime/"
_ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:"
_SOURCE: Final = str(Path(__file__).parents[1] / "src")
_IMAGE: Final = "SEGUE_TEST_FUNCTION"
_PROGRAM: Final = os.environ.get(_IMAGE, f"{sys.executable} -m awslambdaric").split()
_LEFT: Final = ("AWS_PROFILE", "PYTHONSTARTUP", "PYTHONWARNINGS")

IN_IMAGE: Final = _IMAGE in os.environ
"""Functions run elsewhere: they see neither these tests nor their files."""


class FunctionError(Exception):
    """The function failed, as Lambda reports it to whoever invoked it.

    Args:
        kind: `errorType`: the name of an exception, Sandbox.Timedout, Runtime.ExitError …
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@dataclass(frozen=True)
class Answer:
    """What a function answered.

    Args:
        value: Out of its JSON.
        seconds: From the moment it was handed its event.
        cold: Whether a process was started for it.
    """

    value: Any
    seconds: float
    cold: bool


@dataclass
class _Work:
    """An invocation on its way."""

    body: bytes
    deadline: float
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    done: threading.Event = field(default_factory=threading.Event)
    handed_at: float = 0.0
    told: bytes = b""
    failed: bool = False


class Function:
    """A function with one process at most, as one environment of Lambda is.

    The process starts with the first invocation, and anew after one that failed at starting, ran
    out of time or ended by itself. It finds nothing in its environment but what Lambda has there.

    Args:
        handler: As a function is configured: segue.doors.aws.hot.handler.
        environment: Its variables.
        timeout: Seconds; an invocation that takes longer is killed.
        name: Of the function.
        log: Takes what it writes; None: nobody reads it.
    """

    def __init__(
        self,
        handler: str,
        environment: Mapping[str, str],
        *,
        timeout: float = 60.0,
        name: str = "function",
        log: Path | None = None,
    ) -> None:
        self._handler, self._environment = handler, dict(environment)
        self._timeout, self._name, self._log = timeout, name, log
        self._works: queue.Queue[_Work | None] = queue.Queue()  # a new one for each process
        self._under_way: dict[str, _Work] = {}
        self._asked = threading.Event()
        self._init_error = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        self.starts: list[float] = []

    @property
    def init_seconds(self) -> float:
        """How long the latest start took: from the process to its first question for work."""
        return self.starts[-1]

    @property
    def cpu_seconds(self) -> float:
        """Of the processor, which the process has used since it started."""
        assert self._process is not None
        told = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def peak_mb(self) -> float:
        """The most memory that the process had so far."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def invoke(self, event: object) -> Answer:
        """Hand over an event and wait for the answer.

        Raises:
            FunctionError: It failed.
        """
        cold = self.start()
        work = _Work(json.dumps(event).encode(), time.time() + self._timeout)
        self._under_way[work.request_id] = work
        self._works.put(work)
        limit = time.monotonic() + self._timeout
        assert self._process is not None
        while not work.done.wait(0.02):
            if time.monotonic() > limit:
                self.stop()
                raise FunctionError("Sandbox.Timedout", f"after {self._timeout:.2f} seconds")
            if self._process.poll() is not None and not work.done.wait(0.05):
                code = self._process.returncode
                self.stop()
                raise FunctionError("Runtime.ExitError", f"the process ended with {code}")
        if work.failed:
            raise _error(work.told)
        return Answer(json.loads(work.told), time.monotonic() - work.handed_at, cold)

    def stop(self) -> None:
        """Take the environment away, as Lambda does with one that is idle or has failed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._works.put(None)  # nobody asks for it any more

    def close(self) -> None:
        """End the process and the API."""
        self.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def start(self) -> bool:
        """Have a process that waits for work; whether there was none.

        Raises:
            FunctionError: It ended while it started.
        """
        if self._process is not None and self._process.poll() is None:
            return False
        self.stop()
        self._works = queue.Queue()
        self._asked.clear()
        self._init_error = b""
        since = time.monotonic()
        output: Any = subprocess.DEVNULL if self._log is None else self._log.open("ab")
        self._process = subprocess.Popen(
            [*_PROGRAM, self._handler],
            env=self._variables(),
            stdout=output,
            stderr=output,
        )
        if self._log is not None:
            output.close()
        while not self._asked.wait(0.005):
            if self._process.poll() is not None:
                self.stop()
                if self._init_error:
                    raise _error(self._init_error)
                raise FunctionError("Runtime.ExitError", "the process ended while it started")
        self.starts.append(time.monotonic() - since)
        return True

    def _variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
        for name in _LEFT:
            kept.pop(name, None)
        return {
            **kept,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": _SOURCE,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": self._name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "_HANDLER": self._handler,
            "LAMBDA_TASK_ROOT": _SOURCE,
            **self._environment,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_address[1]}",
        }

    # --- what the API's threads call ---------------------------------------------------------

    def next_work(self) -> _Work | None:
        """The next invocation, when there is one; None: the process that asked is gone."""
        works = self._works
        self._asked.set()
        work = works.get()
        if work is not None:
            work.handed_at = time.monotonic()
        return work

    def headers(self, work: _Work) -> dict[str, str]:
        """What a function learns of an invocation beside its event."""
        return {
            "Lambda-Runtime-Aws-Request-Id": work.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(work.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN + self._name,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        }

    def answered(self, request_id: str, told: bytes, *, failed: bool) -> bool:
        """Take the answer of an invocation; False: there is no such invocation."""
        work = self._under_way.pop(request_id, None)
        if work is None:
            return False
        work.told, work.failed = told, failed
        work.done.set()
        return True

    def not_started(self, told: bytes) -> None:
        """Take the error of a start."""
        self._init_error = told


def _error(told: bytes) -> FunctionError:
    found = json.loads(told)
    return FunctionError(str(found.get("errorType")), str(found.get("errorMessage")))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, function: Function) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.function = function

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body go together
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path != f"{_API}invocation/next":
            self._say(404, b"{}")
            return
        work = self.server.function.next_work()
        if work is None:
            self.close_connection = True
            return
        self._say(200, work.body, self.server.function.headers(work))

    def do_POST(self) -> None:
        told = self._body()
        words = self.path.removeprefix(_API).split("/")
        function = self.server.function
        if words == ["init", "error"]:
            function.not_started(told)
            self._say(202, b'{"status":"OK"}')
        elif len(words) == 3 and words[0] == "invocation" and words[2] in ("response", "error"):
            known = function.answered(words[1], told, failed=words[2] == "error")
            self._say(202 if known else 400, b'{"status":"OK"}' if known else b"{}")
        else:
            self._say(404, b"{}")

    def _body(self) -> bytes:
        """The whole body; the runtime sends large ones in chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _say(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def lambda_function(
    handler: str, environment: Mapping[str, str], **more: Any
) -> Iterator[Function]:
    """A function that ends with the test."""
    function = Function(handler, environment, **more)
    try:
        yield function
    finally:
        function.close()
