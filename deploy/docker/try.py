"""Tries an image that buildah has built: `deploy/docker/try.py [IMAGE]`, as root.

No engine for containers is needed: the image's own entry point, environment, user and folder are
used in a new mount and process namespace (unshare), with the image read-only, /tmp a file system
in memory, and no way to more privileges. It listens on this machine's loopback. What is tried:
without keys it refuses; tables, a key and a password come from secrets; the API answers over HTTP,
at PORT; the health check of the image says so; it ends with 0 when told to.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_ENTER = """
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$1/tmp"
mount --bind "$2" "$1/data"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=0755 tmpfs "$1/run"
mkdir "$1/run/secrets"
mount --bind "$3" "$1/run/secrets"
root=$1; folder=$4; who=$5; shift 5
exec unshare --root "$root" --wd "$folder" setpriv --reuid "$who" --regid "$who" --clear-groups \\
    --no-new-privs --bounding-set=-all "$@"
"""


def run(*words: str) -> str:
    """What a program says; it has to end well."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


class Image:
    """An image, mounted for as long as the block lasts."""

    def __init__(self, name: str) -> None:
        self._container = run("buildah", "from", "--pull-never", name)
        self.root = run("buildah", "mount", self._container)
        told = json.loads(run("buildah", "inspect", "--type", "image", name))
        self.config: dict[str, Any] = told["Docker"]["config"]

    def start(self, words: Sequence[str], home: Path, given: Path, **more: str) -> Any:
        """A process of the image, in namespaces of its own.

        Args:
            words: The command; the entry point comes before it.
            given: A folder, seen as /run/secrets.
            more: Variables beside those of the image.
        """
        variables = dict(one.split("=", 1) for one in self.config["Env"]) | more
        who = self.config["User"].split(":")[0]
        inside = [*self.config["Entrypoint"], *words]
        around = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            _ENTER,
            "try",
        ]
        places = [self.root, str(home), str(given), self.config["WorkingDir"], who]
        return subprocess.Popen(
            [*around, *places, "env", "-i", *(f"{k}={v}" for k, v in variables.items()), *inside],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def close(self) -> None:
        """Let go of it."""
        run("buildah", "rm", self._container)


def ask(url: str, token: str = "", body: Any = None) -> tuple[int, Any]:
    """The status and the answer of the API."""
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=20) as answer:
            said = answer.read().decode()
            return answer.status, json.loads(said) if said.startswith(("{", "[")) else said
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def wait_for(url: str, process: Any) -> None:
    """Until it answers."""
    ends = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < ends:
        with contextlib.suppress(OSError):
            if ask(url)[0] == 200:
                return
        time.sleep(0.2)
    raise SystemExit(f"the image does not answer: {process.stdout.read()}")


@contextlib.contextmanager
def places(who: int) -> Iterator[tuple[Path, Path]]:
    """An empty home and a folder of secrets, for a user."""
    folder = Path(tempfile.mkdtemp(prefix="segue-try-"))
    try:
        home, given = folder / "home", folder / "secrets"
        for one in (home, given):
            one.mkdir(mode=0o700)
            os.chown(one, who, who)
        yield home, given
    finally:
        shutil.rmtree(folder)


def train(name: str, home: Path, given: Path) -> None:
    """Have an image simulate, import, build and train in a home."""
    image = Image(name)
    try:
        began = time.monotonic()
        said, _ = (process := image.start(["demo"], home, given)).communicate(timeout=900)
        assert process.returncode == 0, said
        print(f"{name} simulated, imported, built and trained in {time.monotonic() - began:.0f} s")
    finally:
        image.close()


def main(name: str, trainer: str) -> None:
    """Try it, and say what was seen."""
    image = Image(name)
    who = int(image.config["User"].split(":")[0])
    more = {"SEGUE_HOME": "/data/demo"} if trainer else {}
    token = f"segue_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        with places(who) as (home, given):
            (given / "admin_token").write_text(token)
            (given / "page_password").write_text(secrets.token_urlsafe(12))
            for one in given.iterdir():
                one.chmod(0o444)
            alone = image.start(["api"], home, given, PORT=str(port))
            said, _ = alone.communicate(timeout=120)
            assert alone.returncode == 2 and "no API keys" in said, said
            print("without keys it refuses:", said.splitlines()[0])

            if trainer:
                train(trainer, home, given)
            made = image.start(
                ["migrate"],
                home,
                given,
                ADMIN_TOKEN_FILE="/run/secrets/admin_token",
                PAGE_PASSWORD_FILE="/run/secrets/page_password",
                **more,
            )
            said, _ = made.communicate(timeout=120)
            assert made.returncode == 0, said
            assert token not in said
            print("migrate:", " | ".join(said.splitlines()))

            began = time.monotonic()
            service = image.start(["api"], home, given, PORT=str(port), **more)
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/health/live", service)
            print(f"answers after {time.monotonic() - began:.1f} s:", *ask(f"{url}/version"))
            event = {
                "event_id": "1",
                "user_id": "ann",
                "track_id": "Ann Lee - Alone",
                "event_type": "like",
            }
            event["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
            status, answer = ask(f"{url}/events", token, event)
            assert status == 200 and answer["accepted"] == 1, answer
            assert ask(f"{url}/events", body=event)[0] == 401
            status, numbers = ask(f"{url}/metrics", token)
            assert status == 200 and "segue_ready" in numbers
            status, ready = ask(f"{url}/health/ready")
            assert (status, ready["ready"]) == ((200, True) if trainer else (503, False)), ready
            print("an event is accepted, without a key none; ready:", ready["ready"])
            if trainer:
                status, answer = ask(f"{url}/recommendations?user_id=demo&k=2", token)
                assert status == 200 and len(answer["tracks"]) == 2, answer
                print("recommended:", *(one["reason"] for one in answer["tracks"]), sep="\n  ")
            children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
            inside = ["nsenter", "--target", children[0], "--mount", "--pid", "--root", "--wd"]
            check = image.config["Healthcheck"]["Test"][1:]
            variables = [*image.config["Env"], f"PORT={port}"]
            run(*inside, "env", "-i", *variables, *check)
            told = run(
                *inside,
                *("env", "-i", *variables, *(f"{k}={v}" for k, v in more.items())),
                *("SEGUE_USER_ID_FILE=/run/secrets/page_password", "segue", "keys", "list"),
            )
            assert "admin: admin" in told, told
            uid = Path(f"/proc/{children[0]}/status").read_text().split("Uid:")[1].split()[0]
            print(f"the health check agrees; it runs as {uid}")
            os.kill(int(children[0]), signal.SIGTERM)
            said, _ = service.communicate(timeout=60)
            assert service.returncode == 0, said
            print("it ends with 0")
    finally:
        image.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", nargs="?", default="localhost/segue:api")
    parser.add_argument("--trained-by", default="", metavar="IMAGE", help="makes models first")
    asked = parser.parse_args()
    main(asked.image, asked.trained_by)
