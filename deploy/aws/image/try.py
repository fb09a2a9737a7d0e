"""Tries an image of functions that buildah has built: `deploy/aws/image/try.py [IMAGE]`, as root.

No engine for containers is needed. The image's entry point is started as Lambda starts it: in a
mount namespace of its own, on a root that is only read, with a /tmp of its own in memory, as a user
that is neither root nor the image's (Lambda takes one of its own), and with no way to more
privileges. What is tried: handlers start; then all tests that invoke functions by AWS's runtime,
with the image in the place of this environment, against moto's server, the fake Spotify and the
stand-in for Personalize.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve()
REPOSITORY: Final = HERE.parents[3]
HANDLERS: Final = ("update", "collect", "sync", "datasets", "hot", "profiles", "users")
"""All but `serve`, which wants models."""

TESTS: Final = (
    "tests/doors/aws/test_image.py",
    "tests/doors/aws/test_as_lambda.py",
    "tests/doors/aws/test_home_functions.py",
    "tests/doors/aws/test_serve.py",
    "tests/doors/aws/test_stream_handlers.py",
    "tests/doors/aws/test_users.py",
    "tests/doors/aws/test_end_to_end.py",
)
LAMBDAS_USER: Final = 993
STARTS: Final = 3
_ENTER: Final = """
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$1/tmp"
mount --rbind /dev "$1/dev"
mount --rbind /proc "$1/proc"
root=$1; folder=$2; who=$3; shift 3
exec unshare --root "$root" --wd "$folder" setpriv --reuid "$who" --regid "$who" --clear-groups \\
    --no-new-privs --bounding-set=-all "$@"
"""
_PROBE: Final = """
import os, sys
def refused(path):
    try:
        open(path, "w")
    except OSError as error:
        return error.strerror
    return ""
print(os.getuid(), *(refused(p) or "WRITTEN" for p in ("/opt/segue/x", "/etc/x", "/x")), sep=" | ")
open("/tmp/x", "w").close()
"""


def run(*words: str) -> str:
    """What a program says; it has to end well."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


class Image:
    """An image, mounted until it is closed."""

    def __init__(self, name: str) -> None:
        self._container = run("buildah", "from", "--pull-never", name)
        self.root = run("buildah", "mount", self._container)
        told: dict[str, Any] = json.loads(run("buildah", "inspect", "--type", "image", name))
        self.config: dict[str, Any] = told["Docker"]["config"]
        self.processor: str = told["Docker"]["architecture"]

    def inside(self, words: Sequence[str]) -> list[str]:
        """A command that runs another one in the image; it stays the same process."""
        left = [f"--unset={name}" for name in os.environ if name.startswith("PYTHON")]
        left += ["--unset=PYTHONPATH", "--unset=LAMBDA_TASK_ROOT"]
        place = [self.root, self.config["WorkingDir"], str(LAMBDAS_USER)]
        enter = ["unshare", "--mount", "sh", "-c", _ENTER, "try", *place]
        return [*enter, "env", *left, *self.config["Env"], *words]

    def megabytes(self) -> int:
        """Of its files."""
        return int(run("du", "--summarize", "--block-size=1000000", self.root).split()[0])

    def close(self) -> None:
        """Let go of it."""
        run("buildah", "rm", self._container)


def starts(handler: str) -> str:
    """How long a handler takes until it asks for work, and what memory it has then."""
    from tests.lambda_runtime import Function

    seconds, cpu, memory = [], [], []
    for _ in range(STARTS):
        function = Function(f"segue.doors.aws.{handler}.handler", {})
        try:
            function.start()
            seconds.append(function.init_seconds)
            cpu.append(function.cpu_seconds)
            memory.append(function.peak_mb)
        finally:
            function.close()
    told = (statistics.median(one) for one in (seconds, cpu, memory))
    return "{} starts in {:.2f} s, {:.2f} s of processor, {:.0f} MB".format(handler, *told)


def main(name: str, tests: Sequence[str]) -> int:
    """Try it, and say what was seen; the number that pytest ends with."""
    image = Image(name)
    try:
        user = image.config["User"].split(":")[0]
        assert user not in ("", "0", "root"), "the image's user is root"
        print(f"{name}: {image.megabytes()} MB of files, {image.processor}, user {user}")
        python = image.config["Entrypoint"][0]
        who, *refused = run(*image.inside([python, "-c", _PROBE])).split(" | ")
        assert "WRITTEN" not in refused, refused
        print(f"runs as {who}; outside of /tmp: {', '.join(sorted(set(refused)))}")
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "function"
            command = shlex.join(image.inside(image.config["Entrypoint"]))
            program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            program.chmod(0o700)
            os.environ["SEGUE_TEST_FUNCTION"] = str(program)
            for handler in HANDLERS:
                print(starts(handler), flush=True)
            pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
            return subprocess.run(pytest, cwd=REPOSITORY).returncode
    finally:
        image.close()


if __name__ == "__main__":
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "src")]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", nargs="?", default="localhost/segue:lambda")
    parser.add_argument("tests", nargs="*", default=TESTS, help="instead of all of them")
    asked = parser.parse_args()
    sys.exit(main(asked.image, asked.tests))
