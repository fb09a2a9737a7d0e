"""The stand-in as a server on loopback: one address for the service's three parts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import botocore.session

from segue.fakes.clock import Clock
from segue.fakes.faults import Fault, Faults
from segue.fakes.loopback import Loopback
from segue.fakes.messages import Answer, Request
from segue.fakes.personalize.control import Control
from segue.fakes.personalize.holdings import Read
from segue.fakes.personalize.resources import RefusalError, Resources
from segue.fakes.personalize.runtime import Runtime
from segue.fakes.personalize.shapes import misfits
from segue.fakes.request_log import Asked, RequestLog

__all__ = ["FakePersonalize"]

_TARGET: Final = "AmazonPersonalize."
_PATHS: Final[Mapping[str, tuple[str, str]]] = {
    "/events": ("personalize-events", "PutEvents"),
    "/items": ("personalize-events", "PutItems"),
    "/users": ("personalize-events", "PutUsers"),
    "/recommendations": ("personalize-runtime", "GetRecommendations"),
    "/personalize-ranking": ("personalize-runtime", "GetPersonalizedRanking"),
}


class FakePersonalize(Loopback):
    """Personalize on loopback, for boto3 with `endpoint_url`.

    Requests and answers are held against botocore's own model of the service: names, types,
    lengths, ranges, words. What has to be created takes its time, by the stand-in's clock.
    Recommendations are co-occurrence in the rows it was given, no more.

    Args:
        read: How files on S3 are read: an address to the files under it.
        clock: What time it is.
        seconds: How long a creation takes on that clock.
        port: Where it listens; 0: any free port.
    """

    def __init__(
        self,
        read: Read | None = None,
        *,
        clock: Clock | None = None,
        seconds: float = 0.0,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.clock = Clock() if clock is None else clock
        self.resources = Resources(self.clock, seconds)
        self.control = Control(self.resources, _nothing if read is None else read)
        self.runtime = Runtime(self.control)
        self.faults = Faults()
        self.log = RequestLog()
        self._lock = threading.RLock()
        session = botocore.session.get_session()
        parts = ("personalize", "personalize-events", "personalize-runtime")
        self._models = {part: session.get_service_model(part) for part in parts}

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that PutEvents brought, in order."""
        return [one for group in self.control.holdings.values() for one in group.events]

    def take(self, request: Request) -> tuple[Answer, Fault]:
        """Answer, with the next fault that is meant for such a request."""
        part, operation = self._asked_for(request)
        with self._lock:
            fault = self.faults.next(request.method, operation) or Fault()
        time.sleep(fault.seconds)
        with self._lock:
            try:
                if fault.before:
                    answer = Answer(0)
                elif fault.status:
                    name = fault.reason or "ThrottlingException"
                    raise RefusalError(name, "out of order", fault.status)
                else:
                    answer = self._answer(part, operation, request)
            except RefusalError as error:
                answer = _refusal(error)
            self.log.append(
                Asked(
                    self.clock.now(), request.method, operation, request.path, answer.status,
                    fault=str(fault), received=len(request.body), sent=len(answer.body),
                )
            )  # fmt: skip
        return answer, fault

    def _asked_for(self, request: Request) -> tuple[str, str]:
        target = request.headers.get("x-amz-target", "")
        if request.path == "/" and target.startswith(_TARGET):
            return "personalize", target.removeprefix(_TARGET)
        return _PATHS.get(request.path, ("", request.path))

    def _answer(self, part: str, operation: str, request: Request) -> Answer:
        model = self._models.get(part)
        if model is None or operation not in model.operation_names:
            raise RefusalError("UnknownOperationException", f"unknown operation {operation}", 404)
        if "authorization" not in request.headers:
            raise RefusalError("MissingAuthenticationTokenException", "not signed", 403)
        shapes = model.operation_model(operation)
        told = _body(request.body)
        if wrong := list(misfits(told, shapes.input_shape)):
            raise RefusalError("ValidationException", "; ".join(wrong))
        side: Control | Runtime = self.control if part == "personalize" else self.runtime
        given = side.answer(operation, told)
        if shapes.output_shape is None:
            return Answer(200, b"", {"Content-Type": "application/json"})
        given = _known(given, shapes.output_shape)
        if wrong := list(misfits(given, shapes.output_shape, exact=False)):
            raise AssertionError(f"the stand-in answers {operation} wrongly: {wrong}")
        kind = "application/x-amz-json-1.1" if part == "personalize" else "application/json"
        return Answer(200, json.dumps(given).encode(), {"Content-Type": kind})


def _nothing(address: str) -> Sequence[bytes]:
    del address
    return ()


def _body(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or b"{}")
    except ValueError as error:
        raise RefusalError("SerializationException", "the body is no JSON") from error
    if not isinstance(told, dict):
        raise RefusalError("SerializationException", "the body is no object")
    return told


def _known(value: Any, shape: Any) -> Any:
    """The value without what the model has no member for: inputs are kept whole inside."""
    if shape.type_name == "structure":
        return {
            name: _known(inner, shape.members[name])
            for name, inner in value.items()
            if name in shape.members and inner is not None
        }
    if shape.type_name == "list":
        return [_known(inner, shape.member) for inner in value]
    return value


def _refusal(error: RefusalError) -> Answer:
    told = {"__type": error.name, "message": error.message}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.name}
    return Answer(error.status, json.dumps(told).encode(), headers)
