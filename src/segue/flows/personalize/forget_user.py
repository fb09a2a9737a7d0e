"""Personalize is asked to forget a user: a data deletion job, which takes it up to a day."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from segue.aws.personalize_things import DATASET, DELETION, IMPORT
from segue.errors import ConfigError
from segue.flows.personalize.account import Account
from segue.warehouse.s3_files import S3Files

__all__ = ["FOLDER", "Asked", "forget_in_personalize"]

FOLDER: Final = "forget"
"""Where lists of users lie that Personalize is to forget, in the place of the data sets."""

Asked = Literal["would be asked", "asked", "under way", "done", "waits for an import"]
_HEADER: Final = "USER_ID"
_FAILED: Final = "FAILED"
_ENDED: Final = ("COMPLETED", _FAILED)
_MOST_IN_A_SECOND: Final = 100


def forget_in_personalize(
    account: Account, sets: S3Files, user_id: str, now: datetime, *, dry_run: bool
) -> Asked | None:
    """Have Personalize forget a user, or see how far it is with that; None: there is no group.

    The list of the one user stays on S3 until its job has ended, and says that it was asked for:
    names of jobs, which stay for good, tell nothing of the user. Once it has ended the next call
    says so, and the call after it asks anew; a job that failed is made anew at once.

    Raises:
        ServiceError: Personalize refuses.
        ConfigError: No role is named.
    """
    group = account.group()
    if group is None:
        return None
    if not account.settings.personalize.role_arn:
        raise ConfigError(
            "personalize.role_arn is not set",
            field="personalize.role_arn",
            cure="Name the role that Personalize takes on to read the list of users.",
        )
    jobs = {one.name: one for one in account.things.every(DELETION, datasetGroupArn=group.arn)}
    name = _listed(sets, user_id)
    job = None if name is None else jobs.get(_job(account, name))
    if name is not None and job is not None:
        ended = job.status in _ENDED
        if ended and not dry_run:
            sets.remove(name)
        if job.status != _FAILED:
            return "done" if ended else "under way"
        name = None
    if dry_run:
        return "would be asked"
    if _importing(account):
        return "waits for an import"
    name = name or _list(sets, user_id, now)
    account.things.make(
        DELETION,
        _job(account, name),
        datasetGroupArn=group.arn,
        dataSource={"dataLocation": f"{sets.place}/{name}"},
        roleArn=account.settings.personalize.role_arn,
    )
    return "asked"


def _listed(sets: S3Files, user_id: str) -> str | None:
    """The list that names the user, the latest if there are several."""
    wanted = _content(user_id)
    names = [one.name for one in sets.find(f"{FOLDER}/")]
    return next((name for name in reversed(names) if sets.read(name) == wanted), None)


def _list(sets: S3Files, user_id: str, now: datetime) -> str:
    for number in range(_MOST_IN_A_SECOND):
        name = f"{FOLDER}/{now:%Y%m%dT%H%M%S}-{number:02d}.csv"
        if sets.take_over(name, _content(user_id), None):
            return name
    raise ConfigError("there are too many lists of this second", cure="Run it again.")


def _content(user_id: str) -> bytes:
    quoted = '"' + user_id.replace('"', '""') + '"'
    return f"{_HEADER}\n{quoted}\n".encode()


def _job(account: Account, name: str) -> str:
    return f"{account.name}-{name.removesuffix('.csv').replace('/', '-')}"


def _importing(account: Account) -> bool:
    """Whether an import is under way: it would bring back what was forgotten before its end."""
    for one in account.of(DATASET):
        dataset = account.find(one)
        if dataset is not None:
            for job in account.things.every(IMPORT, datasetArn=dataset.arn):
                if job.status != "ACTIVE" and not job.failed:
                    return True
    return False
