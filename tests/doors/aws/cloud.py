"""What a function finds around it: a bucket, secrets, a topic, and a Spotify."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from segue.doors.aws import at_home
from segue.fakes.spotify import FakeSpotify
from tests.s3_server import S3Server

__all__ = ["Cloud", "LambdaContext", "play"]


@dataclass
class LambdaContext:
    """As Lambda hands it over."""

    millis: int = 60_000
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """How long the invocation may still take."""
        return self.millis


class Cloud:
    """One user's functions, on moto's server; each `cold` start finds an empty disk."""

    def __init__(
        self, s3: S3Server, bucket: str, home: Path, set_variable: Callable[[str, str], None]
    ) -> None:
        self.s3, self.bucket, self.home = s3, bucket, home
        self.prefix = f"t{uuid.uuid4().hex[:8]}"
        self.set = set_variable
        for name, value in {
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_REGION": "us-east-1",
            "SEGUE_HOME": str(home),
            "SEGUE_USER_ID": "ann",
            "SEGUE_LAKE": f"s3://{bucket}/lake",
            "SEGUE_STATE": f"s3://{bucket}/homes/update",
            "SEGUE_SECRETS__PREFIX": self.prefix,
            "SEGUE_THREADS": "1",
        }.items():
            set_variable(name, value)
        at_home.forget_homes()

    def cold(self) -> None:
        """The next invocation finds nothing of the last one."""
        shutil.rmtree(self.home, ignore_errors=True)
        at_home.forget_homes()

    def client(self, service: str) -> Any:
        """A client that is none of Segue's."""
        import boto3

        return boto3.client(service, endpoint_url=self.s3.url, region_name="us-east-1")

    def secret(self, name: str) -> dict[str, str]:
        """The fields of a secret."""
        found = self.client("secretsmanager").get_secret_value(SecretId=f"{self.prefix}/{name}")
        fields: dict[str, str] = json.loads(found["SecretString"])
        return fields

    def keep_secret(self, name: str, fields: Mapping[str, str]) -> str:
        """Make a secret; its full name."""
        full = f"{self.prefix}/{name}"
        self.client("secretsmanager").create_secret(Name=full, SecretString=json.dumps(fields))
        return full

    def signed_in(self, spotify: FakeSpotify) -> str:
        """Let the environment know Spotify and ann's refresh token, which is told."""
        token = spotify.world.grant(spotify.world.apps["the-app"], spotify.world.users["alice"])
        self.set("SPOTIFY_CLIENT_ID", "the-app")
        self.set("SPOTIFY_REFRESH_TOKEN", token)
        self.at(spotify)
        return token

    def at(self, spotify: FakeSpotify) -> None:
        """Where Spotify is."""
        self.set("SEGUE_SPOTIFY__API_URL", f"{spotify.url}/v1")
        self.set("SEGUE_SPOTIFY__ACCOUNTS_URL", spotify.url)


def play(spotify: FakeSpotify, tracks: range, *, hours_ago: float) -> None:
    """Alice plays some tracks, one after the other."""
    begun = datetime.now(tz=UTC) - timedelta(hours=hours_ago)
    for minutes, n in enumerate(tracks):
        at = begun + timedelta(minutes=4 * minutes)
        spotify.world.players["alice"].played(spotify.world.catalogue.track(n).uri, at)
