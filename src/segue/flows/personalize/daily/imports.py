"""Import jobs for what a run made: begun one after the other, and looked at until they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from segue.aws.personalize_things import ACTIVE, DATASET, IMPORT, SERVICE, Thing
from segue.errors import NotReadyError, ServiceError
from segue.flows.personalize.daily.interactions import day_entry
from segue.flows.personalize.daily.ledger import Ledger, Run
from segue.flows.personalize.daily.naming import job_name
from segue.flows.personalize.daily.places import Work
from segue.flows.personalize.daily.tracks import tracks_entry
from segue.flows.personalize.daily.users import users_entry

__all__ = ["Job", "import_made", "jobs_entry"]


def jobs_entry(run: Run) -> str:
    """The ledger's entry of a run's import jobs."""
    return f"{run.folder}/jobs.json"


@dataclass(frozen=True, slots=True)
class Job:
    """A folder that is to be imported.

    Args:
        kind: Items, Users or Interactions.
        folder: Below the run's.
        number: Among those of its kind.
        rows: In its files.
        bytes: Likewise.
    """

    kind: str
    folder: str
    number: int
    rows: int
    bytes: int

    @property
    def key(self) -> str:
        """By which the ledger knows it."""
        return f"{self.kind.lower()}-{self.number}"


def import_made(work: Work, ledger: Ledger, run: Run) -> bool:
    """Begin the next import job, or look how one that is under way is doing; whether all are done.

    A job that failed is noted and made again the next time, under another name.

    Raises:
        ServiceError: A job failed; the message has its reason.
        NotReadyError: A data set is not deployed.
    """
    told = ledger.get(jobs_entry(run)) or {}
    for job in _jobs(ledger, run):
        known: dict[str, Any] = told.get(job.key, {"attempt": 1, "arn": "", "mode": ""})
        if known.get("done"):
            continue
        dataset = _dataset(work, job.kind)
        if not known["mode"]:
            known["mode"] = _mode(work, dataset, run, job)
            ledger.put(jobs_entry(run), {**told, job.key: known})
        name = job_name(work.account, job.kind, run.run_id, job.number, known["attempt"])
        there = work.account.things.find(IMPORT, name, datasetArn=dataset.arn)
        if there is None:
            _begin(work, dataset, run, job, name, known["mode"])
            return False
        if there.failed:
            again = {**known, "attempt": known["attempt"] + 1}
            ledger.put(jobs_entry(run), {**told, job.key: again})
            raise ServiceError(
                f"the import job {name} failed: {there.failed}",
                service=SERVICE,
                cure="Mend what it says; the next run goes on with it.",
            )
        if there.status != ACTIVE:
            return False
        told = {**told, job.key: {**known, "arn": there.arn, "done": True, "rows": job.rows}}
        ledger.put(jobs_entry(run), told)
        work.progress.start(f"import job {name}")
        work.progress.done(f"{job.rows:,} rows imported")
    return True


def _begin(work: Work, dataset: Thing, run: Run, job: Job, name: str, mode: str) -> None:
    place = f"{work.places.sets_address}/{job.kind.lower()}/{run.run_id}/{job.folder}/"
    work.account.things.make(
        IMPORT,
        name,
        datasetArn=dataset.arn,
        dataSource={"dataLocation": place},
        roleArn=work.settings.personalize.role_arn,
        importMode=mode,
    )


def _mode(work: Work, dataset: Thing, run: Run, job: Job) -> str:
    """FULL for the first import of a data set, and where everything is made anew.

    Items are always whole: the catalogue is all of them.
    """
    if job.kind == "Items" or (run.whole and job.number == 0):
        return "FULL"
    jobs = work.account.things.every(IMPORT, datasetArn=dataset.arn)
    return "INCREMENTAL" if any(one.status == ACTIVE for one in jobs) else "FULL"


def _dataset(work: Work, kind: str) -> Thing:
    account = work.account
    for one in account.of(DATASET):
        if one.told["datasetType"] == kind:
            found = account.find(one)
            if found is not None and found.status == ACTIVE:
                return found
    raise NotReadyError(
        f"the data set {account.name}-{kind.lower()} is not deployed",
        cure="Run `segue personalize deploy` first.",
    )


def _jobs(ledger: Ledger, run: Run) -> Iterator[Job]:
    """What is to be imported: tracks and users first, so that plays find them."""
    made = {
        "Items": (ledger.get(tracks_entry(run)) or {})["files"],
        "Users": (ledger.get(users_entry(run)) or {})["files"],
        "Interactions": [
            file
            for one in run.days
            for file in (ledger.get(day_entry(run, one.day)) or {})["files"]
        ],
    }
    for kind, files in made.items():
        folders = list(dict.fromkeys(file["folder"] for file in files))
        for number, folder in enumerate(folders):
            those = [file for file in files if file["folder"] == folder]
            rows, size = (sum(one[name] for one in those) for name in ("rows", "bytes"))
            yield Job(kind, folder, number, rows, size)
