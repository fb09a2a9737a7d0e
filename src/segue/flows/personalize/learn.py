"""Data sets to Personalize, trainings of them, and campaigns that answer from a training."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from segue.aws.personalize_things import ACTIVE, CAMPAIGN, DATASET, IMPORT, SOLUTION, VERSION, Thing
from segue.errors import ConfigError, NotReadyError
from segue.flows.personalize.account import Account
from segue.flows.personalize.csv_files import Uploads
from segue.flows.personalize.datasets import dataset_sql, interactions_sql
from segue.flows.personalize.deploy import ensure
from segue.flows.personalize.wanted import Wanted
from segue.progress import Progress
from segue.warehouse.s3_client import S3Options, S3Place
from segue.warehouse.snapshot_database import SnapshotDatabase, open_snapshot
from segue.warehouse.snapshots import Snapshot

__all__ = ["Imported", "Mode", "import_all", "run_campaigns", "train"]

Mode = Literal["auto", "whole", "new"]
_MOST_NEW: Final = 1_000_000_000  # bytes: what an import of what is new may have
_FEWEST_PLAYS: Final = 1_000
_FEWEST_USERS: Final = 25
_OURS: Final = re.compile(r"-(full|incremental)-(\d+)(-\d+)?$")  # daily data sets have other names


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a data set.

    Args:
        kind: Interactions, Items or Users.
        mode: FULL or INCREMENTAL; empty: there was nothing new.
        rows: How many were sent.
        bytes: Likewise.
        job: The import job's ARN; empty: there was nothing new.
    """

    kind: str
    mode: str
    rows: int = 0
    bytes: int = 0
    job: str = ""


def import_all(
    account: Account,
    snapshot: Snapshot,
    *,
    mode: Mode,
    now: datetime,
    until: datetime | None = None,
    progress: Progress,
) -> tuple[Imported, ...]:
    """Bring the published marts to Personalize and follow the imports to their end.

    Each import job is named after its data set, its mode and the moment up to which it holds plays.
    So an interrupted run finds its own job again, and a later one knows where to go on.

    Args:
        mode: "new" plays only, the "whole" history, or "auto": new ones, all of them now and then.
        now: Aware UTC.
        until: Nothing that was played from this moment on is sent, and users and tracks are what
            they were then; all that was imported before is replaced.

    Raises:
        ConfigError: No bucket or no role is named.
        NotReadyError: There is too little to learn from, or nothing is deployed.
        ServiceError: An import failed; the message has its reason.
    """
    told = account.settings.personalize
    for field in ("bucket", "role_arn"):
        if not getattr(told, field):
            raise ConfigError(
                f"personalize.{field} is not set",
                field=f"personalize.{field}",
                cure="See docs/personalize.md for the bucket and the role it needs.",
            )
    settings = account.settings
    with open_snapshot(
        snapshot, memory_limit=settings.memory_limit, threads=settings.threads
    ) as database:
        done = []
        for one in account.of(DATASET):
            dataset = account.find(one)
            if dataset is None:
                raise NotReadyError(
                    f"the data set {one.name} is not deployed",
                    cure="Run `segue personalize deploy` first.",
                )
            kind = str(one.told["datasetType"])
            work = _Import(account, database, kind, dataset, now, until)
            done.append(work.run("whole" if until else mode, progress))
    return tuple(done)


@dataclass(frozen=True)
class _Import:
    account: Account
    database: SnapshotDatabase
    kind: str
    dataset: Thing
    now: datetime
    until: datetime | None = None

    def run(self, mode: Mode, progress: Progress) -> Imported:
        jobs = sorted(
            self.account.things.every(IMPORT, datasetArn=self.dataset.arn), key=lambda j: j.made_at
        )
        running = [job for job in jobs if job.status != "ACTIVE" and not job.failed]
        for job in running:
            progress.start(f"import job {job.name}, begun before")
            self.account.things.wait(IMPORT, job.arn)
            progress.done("imported")
        jobs = [job for job in jobs if not job.failed and _OURS.search(job.name)]
        since = self._since(jobs, mode)
        until = self._until()
        if self.kind == "Interactions" and since is not None and since >= until:
            return Imported(self.kind, "")
        return self._send(since, until, progress)

    def _send(self, since: datetime | None, until: datetime, progress: Progress) -> Imported:
        told, how = self.account.settings.personalize, "FULL" if since is None else "INCREMENTAL"
        stamp = until if self.kind == "Interactions" else self.now
        name = f"{told.name}-{self.kind.lower()}-{how.lower()}-{_seconds(stamp)}"
        sql = dataset_sql(self.kind, until=self.until)
        if self.kind == "Interactions":
            sql = interactions_sql(self._sources(), since=since, until=until)
            if since is None:
                self._enough(sql)
        progress.start(f"{self.kind.lower()} to {told.bucket}")
        options = S3Options(**self.account.settings.s3.model_dump())
        uploads = Uploads(S3Place.parse(told.bucket), options)
        written = uploads.write(self.database, sql, f"{self.kind.lower()}/{name}")
        progress.done(f"{written.rows:,} rows, {written.bytes / 1e6:,.1f} MB")
        if not written.rows:
            return Imported(self.kind, "")
        if how == "INCREMENTAL" and written.bytes > _MOST_NEW:
            return self._send(None, until, progress)
        name, job = self._job(name)
        progress.start(f"import job {name}")
        arn = job.arn if job else self._begin(name, written.address, how)
        self.account.things.wait(IMPORT, arn)
        progress.done("imported")
        return Imported(self.kind, how, written.rows, written.bytes, arn)

    def _job(self, name: str) -> tuple[str, Thing | None]:
        """The job of a name, and how it is called: one that failed is made again as another."""
        every = self.account.things.every(IMPORT, datasetArn=self.dataset.arn)
        jobs = {job.name: job for job in every}
        attempt, found = 1, name
        while found in jobs and jobs[found].failed:
            attempt += 1
            found = f"{name}-{attempt}"
        return found, jobs.get(found)

    def _begin(self, name: str, address: str, how: str) -> str:
        told: dict[str, Any] = {
            "datasetArn": self.dataset.arn,
            "dataSource": {"dataLocation": address},
            "roleArn": self.account.settings.personalize.role_arn,
            "importMode": how,
        }
        return self.account.things.make(IMPORT, name, **told)

    def _since(self, jobs: list[Thing], mode: Mode) -> datetime | None:
        """From when on plays are sent; None: all of them."""
        whole = [job for job in jobs if "-full-" in job.name]
        if self.kind != "Interactions" or mode == "whole" or not whole:
            return None
        old = timedelta(days=self.account.settings.personalize.whole_every_days)
        if mode == "auto" and self.now - whole[-1].made_at >= old:
            return None
        return max(_moment(job.name) for job in jobs)

    def _until(self) -> datetime:
        """Just after the latest play: what comes later is for the next time."""
        found = self.database.table("SELECT max(played_at) AS at FROM plays")["at"][0].as_py()
        if found is None:
            raise NotReadyError(
                "there are no plays to learn from", cure="Run `segue import`, then `segue build`."
            )
        latest = datetime.fromtimestamp(math.floor(found.timestamp()) + 1, tz=UTC)
        return latest if self.until is None else min(latest, self.until)

    def _sources(self) -> tuple[str, ...]:
        told = self.account.settings
        live = told.personalize.live_sources
        return tuple(source for source in told.training.sources if source not in live)

    def _enough(self, sql: str) -> None:
        """Amazon wants a thousand interactions, and 25 users with two of them."""
        found = self.database.table(
            "SELECT coalesce(sum(n), 0)::BIGINT AS plays, count(*) FILTER (n >= 2) AS users"
            f' FROM (SELECT "USER_ID", count(*) AS n FROM ({sql}) GROUP BY 1)'
        )
        plays, users = found["plays"][0].as_py(), found["users"][0].as_py()
        if plays >= _FEWEST_PLAYS and users >= _FEWEST_USERS:
            return
        raise NotReadyError(
            f"Personalize learns nothing from {plays:,} plays, and {users:,} users with two or"
            f" more: it wants {_FEWEST_PLAYS:,}, and {_FEWEST_USERS} such users",
            cure="It is for services of many users; Segue's own models learn from one.",
        )


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _moment(name: str) -> datetime:
    found = _OURS.search(name)
    assert found is not None  # others were left out
    return datetime.fromtimestamp(int(found[2]), tz=UTC)


def train(account: Account, progress: Progress) -> tuple[Thing, ...]:
    """Train every solution on what was imported; a training that is under way is waited for.

    Raises:
        NotReadyError: Nothing was imported, and nothing is told as it happens.
        ServiceError: A training failed; the message has its reason.
    """
    _refuse_untaught(account)
    done = []
    for one in account.of(SOLUTION):
        solution = ensure(account, one, progress)
        progress.start(f"training {one.name} (an hour or more)")
        under_way = [
            version
            for version in account.things.every(VERSION, solutionArn=solution.arn)
            if version.status != "ACTIVE" and not version.failed
        ]
        told = {"solutionArn": solution.arn, "trainingMode": "FULL"}
        arn = under_way[0].arn if under_way else account.things.make(VERSION, "", **told)
        done.append(account.things.wait(VERSION, arn))
        progress.done("trained")
    return tuple(done)


def _refuse_untaught(account: Account) -> None:
    """A training of nothing fails after a while, and may be billed."""
    told = account.settings.personalize
    if told.told_since is not None or told.live_sources:
        return
    for one in account.of(DATASET):
        dataset = account.find(one)
        jobs = account.things.every(IMPORT, datasetArn=dataset.arn) if dataset else ()
        if one.told["datasetType"] == "Interactions" and not any(j.status == ACTIVE for j in jobs):
            raise NotReadyError(
                "nothing was imported to learn from", cure="Run `segue personalize import` first."
            )


def run_campaigns(account: Account, progress: Progress) -> tuple[Thing, ...]:
    """Let every campaign answer from the newest training; from then on it is billed by the hour.

    Raises:
        NotReadyError: Nothing has been trained.
        ServiceError: A campaign could not be made.
    """
    done = []
    for one in account.of(CAMPAIGN):
        version = _newest(account, one)
        found = account.find(one)
        progress.start(f"campaign {one.name}")
        if found is None:
            told = {**one.told, "solutionVersionArn": version.arn}
            arn = account.things.make(CAMPAIGN, one.name, **told)
        else:
            arn = found.arn
            if found.told.get("solutionVersionArn") != version.arn:
                told = {**one.told, "solutionVersionArn": version.arn}
                account.things.change(CAMPAIGN, arn, **told)
        done.append(account.things.wait(CAMPAIGN, arn))
        progress.done("answers")
    return tuple(done)


def _newest(account: Account, campaign: Wanted) -> Thing:
    solution = account.find(campaign.needs["solution"])
    version = None if solution is None else account.latest_training(solution)
    if version is None:
        raise NotReadyError(
            f"{campaign.name} has not been trained", cure="Run `segue personalize train` first."
        )
    return version
