"""A machine that makes models, an S3 and a PostgreSQL, and services that have nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from segue.recommenders.bundle import BundleStore
from tests.doors.home import Home
from tests.doors.running import Running

__all__ = ["PLACE", "House", "tracks_for"]

PLACE: Final = "s3://made/here"


@dataclass
class House:
    """What services share.

    Args:
        folder: Of all homes of services.
        maker: The home that models are made in.
        server: Address of PostgreSQL.
        environment: How S3 is reached.
    """

    folder: Path
    maker: Path
    server: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def bundle(self) -> str:
        """The name of the last models that were made."""
        return BundleStore(self.maker / "models").current().name

    def publish(self) -> str:
        """Bring what is in the maker's home to S3; returns the bundle's name."""
        Home(self.maker)("aws", "publish", "--to", PLACE, **self.environment).ok()
        return self.bundle

    def replica(self, name: str, **more: Any) -> Path:
        """The home of a service that has nothing but settings.

        Args:
            more: Further settings of the section `service`.
        """
        home = self.folder / name
        home.mkdir(mode=0o700, exist_ok=True)
        told = "".join(f"{key} = {value!r}\n" for key, value in more.items())
        home.joinpath("segue.toml").write_text(
            f'lake = "s3://lake/here"\n[service]\nstore = "postgresql"\nurl = "{self.server}"\n'
            f'follow = "{PLACE}"\nfollow_seconds = 1\n{told}[web]\nenabled = false\n',
            encoding="utf-8",
        )
        return home


def tracks_for(replica: Running, user: str, holder: str = "recommend") -> list[str]:
    """What a service recommends to a user."""
    with replica.client(holder) as client:
        told = client.get("/recommendations", params={"user_id": user, "k": 6})
        return [track["track_id"] for track in told.raise_for_status().json()["tracks"]]
