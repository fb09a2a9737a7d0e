"""What an operator chooses: the parts that are put up, and the few numbers they depend on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from zoneinfo import available_timezones

__all__ = ["PARTS", "Choices"]

PARTS = (
    "pipeline",
    "serving",
    "delivery",
    "personalize",
    "datasets",
    "watching",
    "updater",
    "collector",
    "sync",
)
_AGAIN = (
    r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minute|hour|day)s)\)"
    r"|cron\([^() ]+( [^() ]+){5}\)"
)
_WHEN = _AGAIN + r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
_WORDS = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_TRACKER = r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TAKEN = {"datasets", "events", "events-failed", "lake", "queries"}
"""Of the bucket: what is in there is moved or removed by its age, or is somebody else's."""

_KEPT_DAYS = 8
"""One more than the stream keeps its records: an event that comes again is to be known."""


@dataclass(frozen=True)
class Choices:
    """What is put up.

    Args:
        source: The folder of the package's code.
        name: Before the names of everything, and of Personalize's dataset group.
        parts: Which stacks.
        shards: Of the stream: each takes 1 MB or 1,000 events a second.
        requests: A second, for each API key.
        glacier_days: After so many days raw events move to Glacier.
        event_days: For so long events stay beside a profile.
        tracking_id: Of Personalize's event tracker; empty: events are not told to it.
        image: Tag of the image, in the repository of this name; "here": `cdk deploy` builds it.
        published: Prefix in the bucket where models are published.
        told_since: Day since which Personalize is told events live; empty: always, where there is a
            tracker.
        datasets_when: When daily data sets are made, as EventBridge writes it.
        warm: Functions that are kept ready to recommend; 0: none.
        parallel: Batches of a shard at once, 1 … 10.
        repository: At GitHub, owner/name, whose workflow may deploy; empty: none.
        branch: What CodeBuild builds.
        environment: At GitHub: only a run for it may deploy.
        deploy_args: What CodeBuild deploys with: -c name=value …
        mail: Who hears of alarms; empty: nobody.
        budget: In dollars a month; an alarm beyond it.
        user: Whose playlists and plays.
        time_zone: By whose clocks schedules run.
        memory: Of the updater, in MB.
        update_when: When the updater runs, as EventBridge writes it.
        collect_when: When the collector does.
        sync_when: When the synchroniser does.
        playlist_id: Of the playlist at Spotify that the updater refreshes; empty: it makes one.
        sync_source: What the synchroniser reads.
        sync_target: What it adds to.
        variables: Whether there is a secret for further variables, which is billed by the month.
    """

    source: Path
    name: str
    parts: tuple[str, ...]
    shards: int
    requests: int
    glacier_days: int
    event_days: int
    tracking_id: str
    image: str
    published: str
    told_since: str
    datasets_when: str
    warm: int
    parallel: int
    repository: str
    branch: str
    environment: str
    deploy_args: str
    mail: str
    budget: int
    user: str
    time_zone: str
    memory: int
    update_when: str
    collect_when: str
    sync_when: str
    playlist_id: str
    sync_source: str
    sync_target: str
    variables: bool

    @classmethod
    def of(cls, context: Mapping[str, object], *, source: Path) -> Choices:
        """What cdk.json and -c name=value say.

        Raises:
            ValueError: A value cannot be used; the message names it.
        """

        def told(name: str, usual: str) -> str:
            return str(context.get(name, usual))

        def number(name: str, usual: int, least: int = 1, most: int = 10**9) -> int:
            value = told(name, str(usual))
            if not value.isdecimal() or not least <= int(value) <= most:
                end = f"to {most:,}" if most < 10**9 else "on"
                raise ValueError(f"{name} is “{value}”; give a whole number from {least} {end}")
            return int(value)

        def matching(pattern: str, name: str, usual: str) -> str:
            value = told(name, usual)
            if not re.fullmatch(pattern, value):
                raise ValueError(f"{name} is “{value}”; see docs/aws.md for what it may be")
            return value

        name = told("name", "segue")
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 16:
            raise ValueError(
                f"name is “{name}”; give up to 16 small letters and digits, with single hyphens"
                " between them, a letter first"
            )
        if not told("parts", ",".join(PARTS)).strip():
            raise ValueError(f"no part is chosen; choose from {', '.join(PARTS)}")
        parts = tuple(one.strip() for one in told("parts", ",".join(PARTS)).split(","))
        for part in parts:
            if part not in PARTS:
                raise ValueError(f"there is no part “{part}”; choose from {', '.join(PARTS)}")
        repository = told("repository", "")
        if repository and not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", repository):
            raise ValueError(f"repository is “{repository}”; give owner/name, as at GitHub")
        if "serving" in parts and "pipeline" not in parts:
            raise ValueError("serving answers behind the API of the pipeline: choose that, too")
        if "sync" in parts and not (told("sync_source", "") and told("sync_target", "")):
            if "parts" in context:
                raise ValueError("the part sync needs -c sync_source=… and -c sync_target=…")
            parts = tuple(part for part in parts if part != "sync")
        if "datasets" in parts and not {"pipeline", "personalize"} <= {*parts}:
            raise ValueError(
                "datasets are made of what the pipeline keeps, for personalize: add both"
            )
        return cls(
            source,
            name,
            parts,
            number("shards", 1),
            number("requests", 100),
            number("glacier_days", 90),
            number("event_days", 30, _KEPT_DAYS),
            matching(_TRACKER, "tracking_id", ""),
            matching(_WORDS, "image", "latest"),
            _prefix(told("published", "home")),
            _day(told("told_since", "")),
            matching(_AGAIN, "datasets_when", "cron(30 2 * * ? *)"),
            number("warm", 0, 0),
            number("parallel", 1, 1, 10),
            repository,
            matching(r"[A-Za-z0-9_./-]+", "branch", "main"),
            matching(_WORDS, "environment", "aws"),
            told("deploy_args", ""),
            matching(r"|[^@\s]+@[^@\s]+\.[^@\s.]+", "mail", ""),
            number("budget", 50),
            matching(r"[A-Za-z0-9_.-]{1,40}", "user", "me"),
            _zone(told("time_zone", "UTC")),
            number("memory", 512, 128, 10_240),
            matching(_WHEN, "update_when", "cron(0 6 ? * MON *)"),
            matching(_WHEN, "collect_when", "rate(1 hour)"),
            matching(_WHEN, "sync_when", "cron(30 6 * * ? *)"),
            told("playlist_id", ""),
            told("sync_source", ""),
            told("sync_target", ""),
            matching("yes|no", "variables", "no") == "yes",
        )

    @classmethod
    def names(cls) -> frozenset[str]:
        """What may be said with -c."""
        return frozenset(one.name for one in fields(cls)) - {"source"}

    def has(self, part: str) -> bool:
        """Whether a part is put up."""
        return part in self.parts


def _prefix(told: str) -> str:
    found = told.strip("/")
    if not re.fullmatch(rf"{_WORDS}(/{_WORDS})*", found) or found.split("/")[0] in _TAKEN:
        raise ValueError(
            f"published is “{told}”; give a prefix of the bucket that nothing else is below, such"
            " as home"
        )
    return found


def _day(told: str) -> str:
    try:
        return date.fromisoformat(told).isoformat() if told else ""
    except ValueError:
        raise ValueError(f"told_since is “{told}”; give a day, such as 2026-03-01") from None


def _zone(told: str) -> str:
    zones = available_timezones()
    if zones and told not in zones:
        raise ValueError(f"time_zone is “{told}”; give one such as Europe/Berlin")
    return told
