"""Settings of the live service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from segue.settings.part import Part

__all__ = ["Service"]


class Service(Part):
    """The live service."""

    store: Literal["sqlite", "postgresql"] = Field(
        "sqlite",
        description="Where events, profiles, words and API keys are kept: a file in home, or a "
        "PostgreSQL server that several services share.",
    )
    url: SecretStr | None = Field(
        None,
        description="Address of that server's database; unset: what [postgresql] says.",
    )
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen at; any but this machine's own needs API keys.",
    )
    port: int = Field(
        8000, ge=0, le=65535, description="Port; PORT says the same. 0: one that is free."
    )
    follow: str = Field(
        "",
        pattern=r"^(s3://[^/]+(/.*)?)?$",
        description="s3://bucket/prefix of models and marts that somebody else publishes "
        "(training.publish_to): this service answers with these, and takes newer ones up.",
    )
    follow_seconds: float = Field(
        30.0, ge=1, description="So often newer ones are looked for there."
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that answer, side by side.")
    ahead: int = Field(
        100_000,
        ge=0,
        description="Users whose usual recommendations are made before they ask, while there is "
        "nothing else to do; those who played last come first. 0: nobody.",
    )
    patience_ms: float = Field(
        100.0,
        ge=0,
        description="Longest that recommendations may be expected to wait for a full answer to be "
        "begun; else they are quick ones, by fewer steps. As much as wait_ms: always full ones.",
    )
    wait_ms: float = Field(
        500.0,
        gt=0,
        description="Longest that recommendations wait to be made; more are sent away, to come "
        "back later.",
    )
    rate: float = Field(
        1000.0,
        ge=0,
        description="Requests a second for an API key that has no rate of its own; 0: no limit.",
    )
    batch: int = Field(500, ge=1, le=10_000, description="Most events in one request.")
    body_bytes: int = Field(1024**2, ge=1024, description="Largest body of a request, in bytes.")
    in_flight: int = Field(
        1000, ge=1, description="Requests under way at once in a process; more are sent away."
    )
    connections: int = Field(
        2000, ge=1, description="Connections open at once in a process; more are sent away."
    )
    slow_seconds: float = Field(
        15.0, gt=0, description="So long a client may take to send a request or fetch an answer."
    )
    drain_seconds: int = Field(
        20, ge=0, description="So long requests may finish when the service is told to stop."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Web pages that may ask, such as https://player.example."
    )
    access_log: bool = Field(True, description="Whether each request is a line of the log.")
