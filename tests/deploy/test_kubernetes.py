"""What Kubernetes is told, as kustomize puts it together: its schemas, its rules, its sense."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "kubernetes"
TOOLS: Final = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-cdk") / "bin"
OVERLAYS: Final = ("minikube", "cloud")
URL: Final = "postgresql://segue_build:hidden@db.example.org/segue?sslmode=verify-full"


def renderer() -> list[str]:
    """The command that puts an overlay together: kustomize, ours or the system's, or kubectl."""
    ours = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-kustomize") / "usr/bin/kustomize"
    for program, word in ((str(ours), "build"), ("kustomize", "build"), ("kubectl", "kustomize")):
        if (found := shutil.which(program)) is not None:
            return [found, word]
    return []


pytestmark = [
    pytest.mark.skipif(not renderer(), reason="there is no kustomize here: tools/setup.sh dev"),
    pytest.mark.xdist_group("kubernetes"),
]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each overlay, with all that it says in `all.yaml`; secrets are made for it."""
    copy = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(FOLDER, copy / "in", ignore=shutil.ignore_patterns("secrets"))
    for overlay in OVERLAYS:
        words = [copy / "in" / "secrets.sh", overlay, *([URL] if overlay == "cloud" else [])]
        subprocess.run(words, check=True, capture_output=True)
        told = [*renderer(), str(copy / "in" / "overlays" / overlay)]
        done = subprocess.run(told, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (copy / overlay).mkdir()
        (copy / overlay / "all.yaml").write_text(done.stdout)
    return copy


def everything(rendered: Path, overlay: str) -> list[dict[str, Any]]:
    text = (rendered / overlay / "all.yaml").read_text()
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def pods(rendered: Path, overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and specification of every kind of pod."""
    for one in everything(rendered, overlay):
        spec = one.get("spec", {})
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if one["kind"] in ("CronJob", "Deployment", "Job", "StatefulSet"):
            yield f"{one['kind']} {one['metadata']['name']}", spec["template"]


def tool(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    if not (TOOLS / str(words[0])).exists():
        pytest.skip(f"{words[0]} is not there: make dev")
    clean = {**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    clean.pop("PYTHONPATH", None)
    told = [str(TOOLS / str(words[0])), *(str(word) for word in words[1:])]
    return subprocess.run(told, cwd=folder, env=clean, capture_output=True, text=True, timeout=300)


def test_kubernetes_understands_all_of_it(rendered: Path) -> None:
    files = [f"{overlay}/all.yaml" for overlay in OVERLAYS]
    done = tool("kubernetes-validate", "--strict", *files, folder=rendered)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count("passed") == sum(len(everything(rendered, one)) for one in OVERLAYS)


def test_checkov_finds_nothing(rendered: Path) -> None:
    reasons = FOLDER / "checkov.yaml"
    both = [word for overlay in OVERLAYS for word in ("-d", overlay)]
    done = tool("checkov", *both, "--config-file", reasons, folder=rendered)
    assert done.returncode == 0, done.stdout
    skipped = [line for line in reasons.read_text().splitlines() if "- CKV_" in line]
    assert skipped and all(" # " in line for line in skipped)


def test_a_cloud_fetches_what_was_built_and_nothing_else(rendered: Path) -> None:
    """What checkov is not asked, as it holds for clusters alone that have a registry."""
    for name, template in pods(rendered, "cloud"):
        spec = template["spec"]
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            assert re.search("@sha256:[0-9a-f]{64}$", container["image"]), name
            assert container["imagePullPolicy"] == "Always", name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted(rendered: Path, overlay: str) -> None:
    found = dict(pods(rendered, overlay))
    assert len(found) >= 7
    for name, template in found.items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }, name
            assert set(container["resources"]) == {"limits", "requests"}, name
            mounted = {one["name"] for one in container["volumeMounts"]}
            assert mounted <= {one["name"] for one in spec["volumes"]} | {"data"}, name
    [namespace] = [one for one in everything(rendered, overlay) if one["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_api_of_a_cloud_needs_nobodys_volume_and_follows_what_is_published(
    rendered: Path,
) -> None:
    found = dict(pods(rendered, "cloud"))
    spec = found.pop("Deployment segue-api")["spec"]
    assert "affinity" not in spec, "any node will do"
    assert not any("persistentVolumeClaim" in volume for volume in spec["volumes"])
    [home] = [volume for volume in spec["volumes"] if volume["name"] == "home"]
    assert set(home) == {"name", "emptyDir"}
    told = {one["name"]: one["value"] for one in spec["containers"][0]["env"]}
    [settings] = [one for one in everything(rendered, "cloud") if one["kind"] == "ConfigMap"]
    place = settings["data"]["SEGUE_TRAINING__PUBLISH_TO"]
    assert place.startswith("s3://") and told["SEGUE_SERVICE__FOLLOW"] == place
    for name, template in found.items():  # all others share a home, and so a node: never the API's
        mounted = [volume for volume in template["spec"]["volumes"] if volume["name"] == "home"]
        assert mounted[0]["persistentVolumeClaim"]["claimName"] == "segue-home", name
        [rule] = template["spec"]["affinity"]["podAffinity"].popitem()[1]
        labels, chosen = template["metadata"]["labels"], rule["labelSelector"]
        assert chosen["matchLabels"].items() <= labels.items(), name
        [never] = chosen["matchExpressions"]
        assert (never["operator"], never["values"]) == ("NotIn", ["api"]), name
        assert labels[never["key"]] != "api", name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_settings_are_settings_of_segue(rendered: Path, overlay: str) -> None:
    """A variable that nothing reads would be a setting that nobody has made."""
    from segue.settings import Settings

    sections = Settings.model_fields
    for name, value in _variables(rendered, overlay):
        if name.startswith("SEGUE_"):
            section, _, field = name.removeprefix("SEGUE_").removesuffix("_FILE").partition("__")
            assert section.lower() in sections, name
            if field:
                part: Any = sections[section.lower()].annotation
                assert field.lower() in part.model_fields, f"{name}={value}"


def _variables(rendered: Path, overlay: str) -> Iterator[tuple[str, str]]:
    for one in everything(rendered, overlay):
        if one["kind"] == "ConfigMap":
            yield from one["data"].items()
    for _, template in pods(rendered, overlay):
        for variable in template["spec"]["containers"][0].get("env", ()):
            yield variable["name"], variable["value"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_names_lead_to_what_is_there(rendered: Path, overlay: str) -> None:
    known = {(one["kind"], one["metadata"]["name"]) for one in everything(rendered, overlay)}
    for name, template in pods(rendered, overlay):
        spec = template["spec"]
        assert ("ServiceAccount", spec["serviceAccountName"]) in known, name
        for volume in spec["volumes"]:
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in known, name
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in known, name
        for source in spec["containers"][0].get("envFrom", ()):
            assert ("ConfigMap", source["configMapRef"]["name"]) in known, name
    for one in everything(rendered, overlay):
        if one["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
            spec = one["spec"]
            chosen = spec.get("selector") or spec.get("podSelector")
            labels = chosen.get("matchLabels", {} if "matchLabels" in chosen else chosen)
            labels = {} if chosen == {} else labels
            fitting = [
                name
                for name, template in pods(rendered, overlay)
                if labels.items() <= template["metadata"]["labels"].items()
            ]
            assert fitting, f"{one['kind']} {one['metadata']['name']} chooses nothing"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_files_and_in_no_variable(rendered: Path, overlay: str) -> None:
    secrets = rendered / "in" / "overlays" / overlay / "secrets"
    kept = [one.read_text() for one in secrets.iterdir()]
    assert len(kept) >= 4
    for one in everything(rendered, overlay):
        if one["kind"] != "Secret":
            assert not any(secret in json.dumps(one) for secret in kept)
    for name, template in pods(rendered, overlay):
        for variable in template["spec"]["containers"][0].get("env", ()):
            assert "valueFrom" not in variable, name
            if variable["name"].endswith("_FILE"):
                file = Path(variable["value"])
                assert (secrets / file.name).exists(), f"{name}: {file}"
    assert all(one.stat().st_mode & 0o077 == 0 for one in secrets.iterdir())


def test_the_database_of_the_cloud_is_the_one_that_was_given(rendered: Path) -> None:
    overlay = rendered / "in" / "overlays"
    assert (overlay / "cloud" / "secrets" / "service_url").read_text() == URL
    password = (overlay / "minikube" / "secrets" / "postgres_password").read_text().strip()
    told = (overlay / "minikube" / "secrets" / "service_url").read_text()
    assert told == f"postgresql://segue:{password}@postgresql/segue"


def test_the_cloud_wants_to_know_where_its_database_is(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "k", ignore=shutil.ignore_patterns("secrets"))
    done = subprocess.run([tmp_path / "k/secrets.sh", "cloud"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "address of PostgreSQL" in done.stderr


def test_what_runs_by_itself_is_a_command_of_segue(rendered: Path) -> None:
    import typer.main

    from segue.doors.cli.app import app

    known: Any = typer.main.get_command(app)
    script = (FOLDER.parent / "docker" / "segue-container").read_text()
    words = {"api", "health", "listen", "migrate", "worker"}
    assert all(re.search(rf"^    {word}\)", script, re.MULTILINE) for word in words)
    for name, template in pods(rendered, "cloud"):
        [first, *_] = template["spec"]["containers"][0]["args"]
        assert first in words or first in known.commands, name
    schedules = [one for one in everything(rendered, "cloud") if one["kind"] == "CronJob"]
    assert {"segue-build", "segue-train", "segue-update"} <= {
        one["metadata"]["name"] for one in schedules
    }
    assert {one["spec"]["concurrencyPolicy"] for one in schedules} == {"Forbid"}


def test_both_patches_say_the_same(rendered: Path) -> None:
    usual = yaml.safe_load((FOLDER / "base" / "pod.yaml").read_text())["spec"]["template"]
    scheduled = yaml.safe_load((FOLDER / "base" / "scheduled-pod.yaml").read_text())
    assert scheduled["spec"]["jobTemplate"]["spec"]["template"] == usual
