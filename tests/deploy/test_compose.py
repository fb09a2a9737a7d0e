"""compose.yaml as Docker Compose itself reads it. No container is started here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

DOCKER: Final = Path(__file__).parents[2] / "deploy" / "docker"
COMPOSE: Final = (
    Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-cdk") / "bin" / "docker-compose"
)
PROFILES: Final = ("bi", "listen", "monitoring")
AT_ONCE: Final = {"warehouse", "migrate", "api", "worker"}
FOREIGN: Final = {"lightdash", "pgadmin"}
"""Whose images do not start with a file system that may only be read."""

pytestmark = pytest.mark.xdist_group("compose")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder, with secrets as the script makes them, and no `.env`."""
    copy = tmp_path_factory.mktemp("repository") / "deploy" / "docker"
    shutil.copytree(DOCKER, copy, ignore=shutil.ignore_patterns(".env", "secrets"))
    subprocess.run([copy / "secrets.sh"], check=True, capture_output=True)
    return copy


def read(folder: Path, *profiles: str, **variables: str) -> dict[str, Any]:
    """The whole of it, as Compose means it."""
    if not COMPOSE.exists():
        pytest.skip("no environment with Docker Compose: make dev")
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        [COMPOSE, *chosen, "config", "--format", "json"],
        cwd=folder,
        env={**clean, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def everything(folder: Path) -> dict[str, Any]:
    """All profiles."""
    services: dict[str, Any] = read(folder, *PROFILES)["services"]
    return services


def test_without_a_profile_there_is_what_segue_needs(folder: Path) -> None:
    assert set(read(folder)["services"]) == AT_ONCE


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        ("bi", {"results", "lightdash", "pgadmin"}),
        ("listen", {"listen"}),
        ("monitoring", {"prometheus", "grafana"}),
    ],
)
def test_a_profile_adds_its_services(folder: Path, profile: str, services: set[str]) -> None:
    assert set(read(folder, profile)["services"]) == AT_ONCE | services


def test_each_starts_when_what_it_needs_is_there(everything: dict[str, Any]) -> None:
    for name, service in everything.items():
        for other, wanted in service.get("depends_on", {}).items():
            ends = everything[other].get("command") == ["migrate"]
            usual = "service_completed_successfully" if ends else "service_healthy"
            assert wanted["condition"] == usual, f"{name} waits for {other}"
            # images of Segue bring a health check along
            ours = everything[other]["image"].startswith("segue:")
            assert ends or ours or "healthcheck" in everything[other]
    assert {"warehouse", "migrate"} <= set(everything["api"]["depends_on"])


def test_ports_are_open_to_this_machine_only(everything: dict[str, Any]) -> None:
    ports = [port for one in everything.values() for port in one.get("ports", ())]
    assert len(ports) == 6
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert len({port["published"] for port in ports}) == len(ports)


def test_processes_may_do_little(everything: dict[str, Any]) -> None:
    for name in set(everything) - FOREIGN:
        service = everything[name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
    added = {name for name, service in everything.items() if service.get("cap_add")}
    assert added == {"warehouse"}


def test_secrets_are_files_and_nothing_else(folder: Path, everything: dict[str, Any]) -> None:
    kept = {one.name: one.read_text().strip() for one in (folder / "secrets").iterdir()}
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    used = {one["source"] for service in everything.values() for one in service.get("secrets", ())}
    assert used | {"lightdash.env"} == set(kept)
    for name in set(everything) - {"lightdash"}:  # which reads no files
        said = json.dumps(everything[name])
        assert not any(secret in said for secret in kept.values()), name
    for name, service in everything.items():
        for key, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN", key) and name != "lightdash":
                given = {f"/run/secrets/{one['source']}" for one in service["secrets"]}
                assert key.endswith("_FILE") and value in given, f"{name}: {key}"


def test_secrets_stay_when_they_are_made_again(folder: Path) -> None:
    before = {one.name: one.read_text() for one in (folder / "secrets").iterdir()}
    again = subprocess.run([folder / "secrets.sh"], check=True, capture_output=True, text=True)
    assert again.stdout == ""
    assert {one.name: one.read_text() for one in (folder / "secrets").iterdir()} == before


def test_what_is_kept_is_kept_in_volumes(folder: Path) -> None:
    told = read(folder, *PROFILES)
    for name, service in told["services"].items():
        for mount in service.get("volumes", ()):
            if mount["type"] == "volume":
                assert mount["source"] in told["volumes"]
            else:
                assert Path(mount["source"]).is_file(), f"{name}: {mount['source']}"
                assert mount["read_only"] is True
    assert told["services"]["api"]["volumes"] == told["services"]["worker"]["volumes"]


def test_every_choice_of_the_example_is_read(folder: Path) -> None:
    example = (folder / ".env.example").read_text()
    names = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    asked = set(re.findall(r"\$\{(\w+)", (folder / "compose.yaml").read_text()))
    assert set(names) == asked
    told = read(folder, SEGUE_LISTEN="0.0.0.0:80", SEGUE_WAREHOUSE="postgresql")["services"]
    assert told["api"]["ports"][0]["host_ip"] == "0.0.0.0"
    assert told["worker"]["environment"]["SEGUE_WAREHOUSE"] == "postgresql"


def test_pgadmin_and_lightdash_know_the_warehouse(everything: dict[str, Any]) -> None:
    servers = json.loads((DOCKER / "bi" / "servers.json").read_text(encoding="utf-8"))["Servers"]
    [server] = servers.values()
    assert server["Host"] == everything["lightdash"]["environment"]["PGHOST"] == "warehouse"
    assert server["Username"] == "segue_read"
    assert not re.search("password", json.dumps(servers), re.IGNORECASE)


def test_roles_are_those_of_the_guide() -> None:
    guide = (DOCKER.parents[1] / "docs" / "warehouse.md").read_text(encoding="utf-8")
    script = (DOCKER / "bi" / "roles.sh").read_text(encoding="utf-8")
    for line in guide.split("### Database and roles", 1)[1].split("\n### ", 1)[0].splitlines():
        if line.startswith(("revoke", "create schema", "grant usage", "alter default")):
            assert line in script


def test_the_dashboard_and_the_alerts_speak_of_numbers_there_are() -> None:
    doors = DOCKER.parents[1] / "src" / "segue" / "doors" / "http"
    told = (doors / "gauges.py").read_text() + (doors / "numbers.py").read_text()
    known = set(re.findall(r'"(segue_\w+)"', told))
    board = json.loads((DOCKER / "monitoring" / "grafana" / "segue.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    alerts = yaml.safe_load((DOCKER / "monitoring" / "alerts.yaml").read_text())
    queries += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    names = {name for query in queries for name in re.findall(r"segue_\w+", query)}
    assert len(names) >= 7
    assert {re.sub(r"_(total|bucket)$", "", name) for name in names} <= known
    source = yaml.safe_load((DOCKER / "monitoring" / "grafana" / "datasources.yaml").read_text())
    uid = source["datasources"][0]["uid"]
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {uid}


def test_prometheus_asks_the_api_with_its_key(everything: dict[str, Any]) -> None:
    told = yaml.safe_load((DOCKER / "monitoring" / "prometheus.yaml").read_text())
    [job] = told["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["api:8000"]}]
    [secret] = everything["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret['source']}"
