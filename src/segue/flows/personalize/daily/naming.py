"""What import jobs of daily data sets are called: by that they are told from all others."""

from __future__ import annotations

from segue.aws.personalize_things import DATASET, IMPORT, Thing
from segue.flows.personalize.account import Account

__all__ = ["WORD", "job_name", "ours", "replaced"]

WORD = "daily"


def job_name(account: Account, kind: str, run_id: str, number: int, attempt: int) -> str:
    """Of an import job: the data set, the run, which of its folders, and which attempt it is."""
    name = f"{account.name}-{kind.lower()}-{WORD}-{run_id}-{number}"
    return name if attempt == 1 else f"{name}-{attempt}"


def ours(account: Account) -> bool:
    """Whether there is any import job of daily data sets."""
    return any(f"-{WORD}-" in job.name for job in _every(account))


def replaced(account: Account) -> bool:
    """Whether an import of another kind took the place of all that daily data sets had brought."""
    jobs = [job for job in _every(account, "Interactions") if not job.failed]
    mine = [job.made_at for job in jobs if f"-{WORD}-" in job.name]
    return bool(mine) and any(
        job.told.get("importMode") == "FULL" and job.made_at > max(mine)
        for job in jobs
        if f"-{WORD}-" not in job.name
    )


def _every(account: Account, kind: str = "") -> list[Thing]:
    found = []
    for one in account.of(DATASET):
        if kind and one.told["datasetType"] != kind:
            continue
        dataset = account.find(one)
        if dataset is not None:
            found += list(account.things.every(IMPORT, datasetArn=dataset.arn))
    return found
