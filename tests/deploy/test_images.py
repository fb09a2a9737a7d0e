"""What images are made of. No image is built here: deploy/docker/build.sh and try.py do that."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCKER: Final = ROOT / "deploy" / "docker"
FILES: Final = (DOCKER, ROOT / "deploy" / "aws" / "image")
TOOLS: Final = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-cdk") / "bin"
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> dict[str, str]:
    """Name -> version of what a lock file installs."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^\s;\\]+)", line) for line in lines)
    return {one[1]: one[2] for one in found if one}


def in_container(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    script = ["sh", str(DOCKER / "segue-container"), *words]
    return subprocess.run(script, env=environment, capture_output=True, text=True)


def test_what_answers_is_a_part_of_what_is_told_of_the_project() -> None:
    told = PROJECT["project"]
    known = {
        *told["dependencies"],
        *(one for e in told["optional-dependencies"].values() for one in e),
    }
    assert set(PROJECT["dependency-groups"]["image-api"]) < known


@pytest.mark.parametrize("flavour", ["api", "worker", "full"])
def test_an_image_has_the_versions_that_are_tested(flavour: str) -> None:
    image, tested = pins(f"image-{flavour}"), pins("dev")
    other = {name for name in set(image) & set(tested) if image[name] != tested[name]}
    assert other <= {"certifi"}, "run tools/lock.sh"
    text = (ROOT / "requirements" / f"image-{flavour}.txt").read_text()
    assert text.count("--hash=sha256:") >= len(image) > 50


def test_flavours_hold_one_another() -> None:
    api, worker, full = (set(pins(f"image-{name}")) for name in ("api", "worker", "full"))
    assert api < worker < full
    assert "dbt-core" in worker - api
    assert "snowflake-connector-python" in full - worker


@pytest.mark.skipif(not (TOOLS / "hadolint").exists(), reason="hadolint is not there: make dev")
@pytest.mark.parametrize("folder", FILES, ids=lambda folder: folder.name)
def test_the_dockerfile_is_as_it_should_be(folder: Path) -> None:
    command = [str(TOOLS / "hadolint"), "Dockerfile"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("folder", FILES, ids=lambda folder: folder.name)
def test_what_the_dockerfile_copies_is_let_through(folder: Path) -> None:
    lines = (folder / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    copied = re.findall(
        r"^COPY (?!--from)(?:--\S+ )*(.+)$", (folder / "Dockerfile").read_text(), re.MULTILINE
    )
    sources = [source for line in copied for source in line.split()[:-1]]
    assert len(sources) > 6
    for source in sources:
        name = source.replace("${FLAVOUR}", "api")
        assert (ROOT / name).exists(), source
        assert any(fnmatch.fnmatch(name, one) for one in allowed), source


def test_a_value_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text('it\'s $HOME & "more"\n')
    told = in_container(
        *("sh", "-c", 'echo "$SEGUE_SERVICE__URL ${SEGUE_SERVICE__URL_FILE-gone}"'),
        SEGUE_SERVICE__URL_FILE=str(file),
    )
    assert told.stdout == 'it\'s $HOME & "more" gone\n', told.stderr


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    told = in_container("api", SEGUE_SERVICE__URL_FILE=str(tmp_path / "nothing"))
    assert told.returncode == 2
    assert "SEGUE_SERVICE__URL_FILE names" in told.stderr


def test_other_programs_keep_their_files() -> None:
    told = in_container(
        "sh", "-c", 'echo "$AWS_WEB_IDENTITY_TOKEN_FILE"', AWS_WEB_IDENTITY_TOKEN_FILE="/x"
    )
    assert told.stdout == "/x\n"


def test_a_worker_is_well_while_it_touches_its_file(tmp_path: Path) -> None:
    (tmp_path / "segue-runs").write_text("worker\n")
    place = {"TMPDIR": str(tmp_path)}
    assert in_container("health", **place).returncode != 0
    (tmp_path / "segue-worker").touch()
    assert in_container("health", **place).returncode == 0
    os.utime(tmp_path / "segue-worker", (1, 1))
    assert in_container("health", **place).returncode != 0


def test_a_flavour_that_is_none_is_refused() -> None:
    done = subprocess.run([DOCKER / "build.sh", "tiny"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "api, worker, full" in done.stderr
