"""How a change comes to AWS: who may, by what, and that the files that say so hold together."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.synthesis import ROOT, listed, needs_cdk, of, run, synth

pytestmark = needs_cdk
WORKFLOW = ROOT / ".github/workflows/deploy-aws.yml"
SCRIPT = ROOT / "deploy/aws/deliver.sh"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivery")
    done = synth(folder, "parts=delivery", "repository=ann/segue", "branch=main")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def resources(out: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(
        (out / "segue-delivery.template.json").read_text()
    )["Resources"]
    return found


def test_a_repository_must_be_named_as_github_does(tmp_path: Path) -> None:
    for name in ("ann", "ann/segue:*", "ann/*", "ann/segue/x"):
        done = synth(tmp_path, "parts=delivery", f"repository={name}")
        assert (done.returncode, "owner/name" in done.stderr) == (1, True)


def test_one_repository_and_one_environment_may_deploy(
    resources: dict[str, dict[str, Any]],
) -> None:
    trusts = [one["AssumeRolePolicyDocument"]["Statement"][0] for one in of(resources, "IAM::Role")]
    (github,) = [one for one in trusts if one["Action"] == "sts:AssumeRoleWithWebIdentity"]
    assert github["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:ann/segue:environment:aws",
        }
    }
    assert not of(resources, "IAM::AccessKey")
    assert not of(resources, "IAM::User")
    for policy in of(resources, "IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = listed(statement["Action"])
            assert not any("*" in action for action in actions)
            assert actions == ["ecr:GetAuthorizationToken"] or "*" not in listed(
                statement["Resource"]
            )


def test_images_are_scanned_never_change_and_do_not_pile_up(
    resources: dict[str, dict[str, Any]],
) -> None:
    (images,) = of(resources, "ECR::Repository")
    assert images["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert images["ImageTagMutability"] == "IMMUTABLE"
    rules = json.loads(images["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged", "any"]


def test_codebuild_and_github_do_the_same(resources: dict[str, dict[str, Any]]) -> None:
    (project,) = of(resources, "CodeBuild::Project")
    spec = yaml.safe_load((ROOT / project["Source"]["BuildSpec"]).read_text())
    built = [one for phase in spec["phases"].values() for one in phase.get("commands", ())]
    workflow = yaml.safe_load(WORKFLOW.read_text())
    jobs = workflow["jobs"]
    acted = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    steps = ["deploy/aws/deliver.sh push", "deploy/aws/deliver.sh deploy"]
    assert built == ["deploy/aws/deliver.sh test", *steps]
    assert acted == ["make test", *steps]
    assert workflow["permissions"] == {}
    assert jobs["deploy"]["needs"] == "test"
    assert jobs["deploy"]["environment"] == "aws"
    assert jobs["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in WORKFLOW.read_text()


def test_linters_find_nothing(out: Path, tmp_path: Path) -> None:
    templates = [str(path) for path in out.glob("*.template.json")]
    lint = run("cfn-lint", "-r", "eu-west-1", "-i", "W3005", "-t", *templates)
    assert lint.returncode == 0, lint.stdout
    settings = str(ROOT / "deploy/aws/checkov.yaml")
    scan = run("checkov", "-d", str(out), "--config-file", settings, folder=out)
    assert scan.returncode == 0, scan.stdout
    schema = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW))
    assert schema.returncode == 0, schema.stdout
    (tmp_path / ".github/workflows").mkdir(parents=True)
    shutil.copy(WORKFLOW, tmp_path / ".github/workflows")
    words = ("--framework", "github_actions", "--quiet", "--compact", "--skip-download")
    scan = run("checkov", "-d", str(tmp_path), *words, folder=tmp_path)
    assert scan.returncode == 0, scan.stdout


def test_the_script_builds_a_commit_once_and_deploys_it(tmp_path: Path) -> None:
    """The programs that it calls are stand-ins, which write down how they were called."""
    for name in ("aws", "docker", "make", "git"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\necho "{name} $*" >> "$CALLS"\n'
            'case "$*" in rev-parse*) echo abc123def456;; describe-images*|*describe-images*)'
            ' exit "$MISSING";; *get-login-password*) echo token;; esac\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def called(*words: str, missing: int = 1, **more: str) -> tuple[int, str]:
        calls = tmp_path / "calls"
        calls.write_text("")
        environment = {
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(calls),
            "MISSING": str(missing),
            **more,
        }
        done = subprocess.run([str(SCRIPT), *words], env=environment, capture_output=True)
        return done.returncode, calls.read_text()

    images = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/segue"
    code, calls = called("push", IMAGES=images)
    assert code == 0
    assert f"docker push {images}:abc123def456" in calls
    assert "docker" not in called("push", missing=0, IMAGES=images)[1]
    code, calls = called("deploy", IMAGES=images, DEPLOY_ARGS="-c shards=2")
    assert "make deploy-aws ARGS=-c name=segue -c image=abc123def456 -c shards=2" in calls
    assert called("push")[0] != 0
    assert called()[0] == 2
