"""The services around Segue, as Compose reads them. No container is started here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCKER = Path(__file__).parents[2] / "deploy" / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
BI = {name: service for name, service in COMPOSE["services"].items() if "bi" in service["profiles"]}


def test_the_profile_has_a_warehouse_lightdash_and_pgadmin() -> None:
    assert {"warehouse", "lightdash", "pgadmin"} <= set(BI)


@pytest.mark.parametrize("name", BI)
def test_a_service_is_whole(name: str) -> None:
    service = BI[name]
    for other, wanted in service.get("depends_on", {}).items():
        assert wanted == {"condition": "service_healthy"}
        assert "healthcheck" in BI[other]
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        if source.startswith("./"):
            assert (DOCKER / source).is_file()
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", BI)
def test_secrets_come_from_outside(name: str) -> None:
    example = (DOCKER / ".env.example").read_text(encoding="utf-8")
    told = dict(
        line.split("=", 1) for line in example.splitlines() if "=" in line and line[0] != "#"
    )
    for key, value in BI[name].get("environment", {}).items():
        if re.search("PASSWORD|SECRET", key):
            found = re.fullmatch(r"\$\{(\w+):\?set it in \.env\}", value)
            assert found, key
            assert told[found[1]] == ""


def test_pgadmin_knows_the_warehouse() -> None:
    servers = json.loads((DOCKER / "bi" / "servers.json").read_text(encoding="utf-8"))["Servers"]
    [server] = servers.values()
    assert server["Host"] in BI
    assert server["Username"] == "segue_read"
    assert not re.search("password", json.dumps(servers), re.IGNORECASE)


def test_roles_are_those_of_the_guide() -> None:
    guide = (DOCKER.parents[1] / "docs" / "warehouse.md").read_text(encoding="utf-8")
    script = (DOCKER / "bi" / "roles.sh").read_text(encoding="utf-8")
    for line in guide.split("### Database and roles", 1)[1].split("\n### ", 1)[0].splitlines():
        if line.startswith(("revoke", "create schema", "grant usage", "alter default")):
            assert line in script
