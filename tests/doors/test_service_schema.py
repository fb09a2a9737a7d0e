"""The service keeps to its own description, whatever is sent to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from segue.music.event import EVENT_TYPES
from tests.doors.running import Running

pytestmark = pytest.mark.xdist_group("service")


def test_schemathesis_finds_nothing(served: Running, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            str(program),
            "run",
            f"{served.url}/openapi.json",
            *("--header", f"Authorization: Bearer {served.tokens['tester']}"),
            *("--max-examples", "12", "--seed", "1", "--no-color"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=240,
    )
    told = "\n".join(line[:300] for line in done.stdout.splitlines())
    assert done.returncode == 0, told[-8_000:]
    assert "Tested: 14" in told
    with served.client() as client:
        assert client.get("/health/ready").is_success
    assert "Traceback" not in served.log.read_text()


def test_the_description_has_an_example_for_whatever_is_sent_or_told(served: Running) -> None:
    with served.client() as client:
        told = client.get("/openapi.json").json()
    events = told["paths"]["/events"]["post"]
    examples = events["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == {"one", "batch"}
    assert examples["one"]["value"]["event_type"] in EVENT_TYPES
    for path, operations in told["paths"].items():
        for verb, operation in operations.items():
            assert operation["summary"], (verb, path)
            assert operation["description"], (verb, path)
            assert operation["responses"]["500"], (verb, path)
            is_open = path.startswith("/health") or path == "/version"
            assert ("security" in operation) != is_open, (verb, path)
    assert told["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_examples_of_the_description_are_taken(served: Running) -> None:
    with served.client("admin") as client:
        told = client.get("/openapi.json").json()
        examples = told["paths"]["/events"]["post"]["requestBody"]["content"]["application/json"]
        batch = examples["examples"]["batch"]["value"]
        answer: httpx2.Response = client.post("/events", json=batch)
    assert answer.json()["rejected"] == 0


def test_the_page_about_the_service_names_every_path(served: Running) -> None:
    text = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")
    with served.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
        (parameters,) = [
            {one["name"] for one in operation["parameters"]}
            for operation in paths["/recommendations"].values()
        ]
    for path in paths:
        assert f"{path}`" in text or f"{path}?" in text, path
    for name in parameters - {"user_id"}:
        assert f"`{name}`" in text, name
