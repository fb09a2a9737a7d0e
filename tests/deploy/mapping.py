"""What API Gateway's mappings make of a body; runs in `.venv-cdk`, a line of JSON each.

Velocity is played by airspeed; `$input` and `$util` are what API Gateway's documentation says.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from importlib import import_module
from typing import Any


class Missing:
    """What is not there: any comparison with it is false."""

    def size(self) -> int:
        return 0


class Input:
    """`$input`: the body, by JSONPath."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def path(self, at: str) -> Any:
        found = self._at(at)
        return Missing() if found is None else found

    def json(self, at: str) -> str:
        return json.dumps(self._at(at))

    def _at(self, at: str) -> Any:
        found = self._body
        for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", at):
            if number:
                found = found[int(number)]
            else:
                found = found.get(name) if isinstance(found, dict) else None
        return found


class Text(str):
    """A string of Java's."""

    def replaceAll(self, pattern: str, by: str) -> str:  # noqa: N802 - Java's name
        return re.sub(pattern, by, self)


class Util:
    """`$util`."""

    def base64Encode(self, text: str) -> str:  # noqa: N802 - API Gateway's name
        return base64.b64encode(text.encode()).decode()

    def escapeJavaScript(self, text: str) -> Text:  # noqa: N802 - API Gateway's name
        return Text(json.dumps(text)[1:-1].replace("'", "\\'").replace("/", "\\/"))


def main() -> None:
    """For each line {"folder", "bodies", "answers"} print what becomes of each."""
    for line in sys.stdin:
        print(json.dumps(_mapped(json.loads(line))), flush=True)  # noqa: T201 - the answer


def _mapped(told: Any) -> list[Any]:
    airspeed: Any = import_module("airspeed")
    if told["folder"] not in sys.path:
        sys.path.insert(0, told["folder"])
    door: Any = import_module("segue_aws.door")
    requests = [
        airspeed.Template(door.into_stream("s")).merge({"input": Input(body), "util": Util()})
        for body in told["bodies"]
    ]
    answers = []
    for body in told["answers"]:
        context: dict[str, Any] = {"responseOverride": {"header": {}}}
        mapping = door.not_taken() if "__type" in body else door.told_back()
        text = airspeed.Template(mapping).merge({"input": Input(body), "context": context})
        answers.append([json.loads(text), context["responseOverride"]])
    return [[json.loads(one) for one in requests], answers]


if __name__ == "__main__":
    main()
