"""Settings of whom to tell what happened."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from segue.settings.part import Part

__all__ = ["Notifications"]


class Notifications(Part):
    """Where messages go; destinations may be kept in the store of secrets as well."""

    urls: tuple[SecretStr, ...] = Field(
        (),
        description="Apprise URLs that are told everything, such as ntfy://my-topic; those that"
        " hold a password better with `segue notify add`.",
    )
    sns_topic_arn: str = Field(
        "",
        pattern=r"^(arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+(\.fifo)?)?$",
        description="A topic of AWS SNS that is told everything; SNS_TOPIC_ARN says the same.",
    )
    sns_endpoint_url: str = Field("", description="Address of an SNS that is not AWS's.")
    off: tuple[
        Literal[
            "playlist_refreshed",
            "token_expiring",
            "collection_stopped",
            "build_failed",
            "weekly_report",
        ],
        ...,
    ] = Field((), description="Kinds of messages that are not sent.")
    attempts: int = Field(3, ge=1, le=10, description="So often a message is tried.")
    wait_seconds: float = Field(2.0, ge=0, le=60, description="Between two tries.")
    timeout_seconds: float = Field(
        30.0, gt=0, le=600, description="For all tries of a message at one destination together."
    )
