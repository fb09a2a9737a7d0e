"""Settings of services of AWS."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from segue.settings.part import Part

__all__ = ["AmazonPersonalize"]


class AmazonPersonalize(Part):
    """Amazon Personalize as one more recommender."""

    name: str = Field(
        "segue",
        pattern=r"^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,19}$",
        description="Name of the dataset group, and before the names of all else.",
    )
    region: str = Field("", description="Region; else AWS_REGION or the AWS files.")
    endpoint_url: str = Field(
        "", description="Address of something that is not Amazon's, for trying things out."
    )
    bucket: str = Field(
        "",
        description="Where the data sets are put for it to read: s3://bucket/prefix.",
    )
    role_arn: str = Field(
        "", description="Role that Personalize takes on to read there: arn:aws:iam::…:role/…."
    )
    solutions: tuple[str, ...] = Field(
        ("for-you",), description="Which are trained: for-you, similar."
    )
    tps: int = Field(
        1, ge=1, description="Requests a second a campaign is kept ready for, billed by the hour."
    )
    whole_every_days: int = Field(
        7, ge=1, description="All plays are imported anew after so many days; else only new ones."
    )
    live_sources: tuple[str, ...] = Field(
        (),
        description="Sources whose plays Personalize is told as events, so that imports leave them"
        " out.",
    )
    events: str = Field(
        "",
        description="Where raw events lie in Parquet by day, for daily data sets: s3://bucket/events.",
    )
    ledger: str = Field(
        "",
        description="Where daily data sets keep account of what they took: s3://bucket/datasets.",
    )
    catalogue: str = Field(
        "",
        description="Tracks for daily data sets: a Parquet file of the mart `tracks`, a folder of"
        " them, or a folder of snapshots; s3://….",
    )
    profiles: str = Field("", description="Table of profiles in DynamoDB, for daily data sets.")
    event_days: int = Field(
        90, ge=1, description="So many days of raw events the first daily data sets look back."
    )
    told_since: date | None = Field(
        None,
        description="Since this day Personalize is told events as they happen, so that daily data"
        " sets leave them out.",
    )
