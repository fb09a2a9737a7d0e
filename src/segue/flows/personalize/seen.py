"""Up to which moment a campaign has seen what people play: for a comparison that is fair."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from segue.aws.personalize_things import CAMPAIGN, DATASET, IMPORT, VERSION, Thing
from segue.errors import SegueError
from segue.flows.personalize.account import Account

__all__ = ["Seen", "seen_by", "settings_of"]

_UNTIL: Final = re.compile(r"-(?:full|incremental)-(\d+)(?:-\d+)?$|-daily-(\d+)-\d+(?:-\d+)?$")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a recommender that is not trained here has learned from.

    Args:
        until: It has seen no play from this moment on, aware UTC; None: nobody knows.
        why: Why nobody knows.
    """

    until: datetime | None = None
    why: str = "nobody knows until when it has seen what is played"

    def unfair_after(self, cut: datetime) -> str:
        """Why it must not be asked about what was played after a moment; empty: it may."""
        if self.until is None:
            return self.why
        if self.until <= cut:
            return ""
        told = f"it has seen plays up to {_said(self.until)}"
        return f"{told}, and what is held out begins at {_said(cut)}"


def seen_by(account: Account, campaigns: Mapping[str, str]) -> Seen:
    """What the campaigns that are asked have seen.

    Args:
        account: Of Personalize.
        campaigns: Setting -> ARN of a campaign.
    """
    told = account.settings.personalize
    if told.told_since is not None or told.live_sources:
        return Seen(None, "it is told what is played as it happens (an event tracker is in use)")
    latest: datetime | None = None
    for arn in filter(None, campaigns.values()):
        try:
            until = _of_campaign(account, arn)
        except SegueError as error:
            return Seen(None, f"nobody knows what it has seen: {error.message}")
        if until is None:
            return Seen()
        latest = until if latest is None else max(latest, until)
    return Seen() if latest is None else Seen(latest)


def settings_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The campaigns that settings of the recommender name."""
    names = ("campaign", "similar_campaign")
    return {name: str(settings[name]) for name in names if settings.get(name)}


def _of_campaign(account: Account, arn: str) -> datetime | None:
    """The moment up to which the plays go that its training had."""
    campaign = account.things.look(CAMPAIGN, arn)
    version = account.things.look(VERSION, str(campaign.told["solutionVersionArn"]))
    for one in account.of(DATASET):
        if one.told["datasetType"] != "Interactions":
            continue
        dataset = account.find(one)
        if dataset is None:
            return None
        jobs = [
            job
            for job in account.things.every(IMPORT, datasetArn=dataset.arn)
            if not job.failed and job.made_at <= version.made_at
        ]
        whole = [job.made_at for job in jobs if job.told.get("importMode") == "FULL"]
        since = max(whole, default=None)
        moments = [_until(job) for job in jobs if since is None or job.made_at >= since]
        return max(moments, default=None)
    return None


def _until(job: Thing) -> datetime:
    """The moment in the name of an import job; of a stranger's, when it was made."""
    found = _UNTIL.search(job.name)
    return datetime.fromtimestamp(int(found[1] or found[2]), tz=UTC) if found else job.made_at


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
