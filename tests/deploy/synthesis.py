"""Writes the CloudFormation templates of the parts that are chosen, and reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["CDK", "ROOT", "TRACKING", "listed", "needs_cdk", "of", "run", "statements", "synth"]

ROOT = Path(__file__).parents[2]
CDK = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-cdk") / "bin"
TRACKING = "11111111-2222-3333-4444-555555555555"
needs_cdk = [
    pytest.mark.skipif(not (CDK / "node").exists(), reason="no environment of the CDK: make dev"),
    pytest.mark.xdist_group("aws_templates"),
]


def run(*command: str, folder: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the CDK's environment."""
    environment = {**os.environ, "PATH": f"{CDK}:{os.environ['PATH']}", **more}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


def synth(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Write templates, told -c for each word."""
    told = [part for word in words for part in ("-c", word)]
    return run("python", "app.py", *told, folder=ROOT / "deploy/aws", SEGUE_SYNTH_OUT=str(out))


def of(resources: dict[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in resources.values() if one["Type"] == f"AWS::{kind}"]


def statements(resources: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for policy in of(resources, "IAM::Policy"):
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
