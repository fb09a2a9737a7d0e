"""Settings of histories and what is made of them: reading, counting, matching, training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from segue.music.training_sources import TRAINING_SOURCES
from segue.settings.part import Part

__all__ = ["Engine", "InputLimits", "Matching", "PlayRules", "Recommending", "SparkSettings"]
__all__ += ["Training", "TrainingData"]

Engine = Literal["local", "spark"]
TrainingData = Literal["newest", "marts", "spark"]


class InputLimits(Part):
    """How much an archive may unpack to; a guard against zip bombs."""

    max_member_bytes: int = Field(
        4 * 1024**3, gt=0, description="Largest file inside an archive, unpacked, in bytes."
    )
    max_total_bytes: int = Field(
        32 * 1024**3, gt=0, description="All files of an archive together, unpacked, in bytes."
    )
    max_ratio: float = Field(
        200.0, gt=1, description="Largest ratio of unpacked to packed size of one file."
    )
    max_members: int = Field(100_000, gt=0, description="Most files in one archive or folder.")


class PlayRules(Part):
    """What counts as a play; applied when the warehouse is built, never at import."""

    counted_ms: int = Field(
        30_000, ge=0, description="A play counts from this many milliseconds on."
    )
    finished_share: float = Field(
        0.9, gt=0, le=1, description="Heard for this share of the track: finished."
    )
    session_gap_minutes: int = Field(
        30, gt=0, description="A pause longer than this starts a new session."
    )
    same_play_seconds: int = Field(
        90,
        ge=0,
        description="Two sources may differ by this much about the start of the same play.",
    )


class Matching(Part):
    """How played tracks are found in catalogues."""

    fuzzy_threshold: float = Field(
        90.0, ge=50, le=100, description="Lowest fuzzy score, 0 to 100, that is a match."
    )


class Training(Part):
    """What the models learn from."""

    sources: tuple[str, ...] = Field(
        TRAINING_SOURCES,
        description="Sources of plays that models may learn from; add spotify_api to opt in.",
    )
    left_out: tuple[str, ...] = Field(
        ("bpr", "crowd_blend", "item_knn", "next_track", "rp3beta", "track2vec"),
        description="Installed recommenders that are neither trained nor compared.",
    )
    refit: bool = Field(
        False,
        description="Begin from the published models where a model can: sooner done, but the "
        "result depends on them, too.",
    )
    engine: Engine = Field(
        "local",
        description="“spark” has plays read, factors solved and sessions counted by a cluster; "
        "what is learned is the same.",
    )
    data: TrainingData = Field(
        "newest",
        description="What models learn from: the published “marts”, the data set of `segue build "
        "--engine spark`, or the newest of the two.",
    )
    seed: int = Field(17, ge=0, description="Seed of everything random in training.")
    threads: int = Field(0, ge=0, description="Threads for training; 0 means all cores.")
    publish_to: str = Field(
        "",
        pattern=r"^(s3://[^/]+(/.*)?)?$",
        description="s3://bucket/prefix where services find new models and marts (service.follow).",
    )


class SparkSettings(Part):
    """Where Spark runs, for `--engine spark` and training.engine = "spark"."""

    master: str = Field("local[*]", description="local[*], spark://host:port, yarn, k8s://…")
    config: dict[str, str] = Field(
        default_factory=dict, description="Further settings of Spark, by their full names."
    )


class Recommending(Part):
    """How playlists are put together."""

    size: int = Field(30, ge=1, le=1000, description="Tracks in a playlist.")
    adventurous: float = Field(0.3, ge=0, le=1, description="From the familiar (0) to the far (1).")
    per_artist: int = Field(2, ge=1, description="Most tracks of one artist in a playlist.")
    recent_hours: int = Field(
        8, ge=0, description="A track played within this many hours is left out."
    )
    count_shown: bool = Field(
        True,
        description="Count in reports what `segue recommend` shows on a terminal as recommended.",
    )
