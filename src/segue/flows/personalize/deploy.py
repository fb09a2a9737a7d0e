"""Make what costs nothing by being there, and take down everything again."""

from __future__ import annotations

from typing import Any, Final

from segue.aws.personalize_things import (
    CAMPAIGN,
    DATASET,
    FILTER,
    GROUP,
    SCHEMA,
    SOLUTION,
    TRACKER,
    Thing,
)
from segue.errors import ServiceError
from segue.flows.personalize.account import Account, Found
from segue.flows.personalize.wanted import Wanted
from segue.progress import Progress

__all__ = ["deploy", "destroy", "ensure"]

_DOWN: Final = (CAMPAIGN, FILTER, TRACKER, SOLUTION, DATASET, SCHEMA, GROUP)


def deploy(account: Account, progress: Progress) -> tuple[Found, ...]:
    """Make the dataset group, schemas, data sets, event tracker and filters that are missing.

    Run again, it goes on where it stands. Nothing that is made here is billed by the hour.

    Raises:
        ServiceError: Personalize will not make one of them.
    """
    made = []
    for one in account.wanted:
        if one.bill:
            continue
        made.append(Found(one, ensure(account, one, progress)))
    return tuple(made)


def ensure(account: Account, one: Wanted, progress: Progress) -> Thing:
    """The thing, made and waited for where it is not there yet."""
    found = account.find(one)
    if found is not None and found.failed:
        raise ServiceError(
            f"the {one.noun.said} {one.name} failed when it was made: {found.failed}",
            service="Amazon Personalize",
            cure="`segue personalize destroy` takes it away; then deploy again.",
        )
    if found is None:
        told: dict[str, Any] = dict(one.told)
        for member, needed in one.needs.items():
            there = account.find(needed)
            told[member] = there.arn if there else ensure(account, needed, progress).arn
        progress.start(f"{one.noun.said} {one.name}")
        arn = account.things.make(one.noun, one.name, **told)
    elif found.status == "ACTIVE":
        return found
    else:
        progress.start(f"{one.noun.said} {one.name}")
        arn = found.arn
    if one.noun is SCHEMA:
        ready = account.things.look(SCHEMA, arn)
    else:
        ready = account.things.wait(one.noun, arn)
    progress.done("made")
    return ready


def destroy(account: Account, progress: Progress) -> tuple[str, ...]:
    """Remove everything of this name, what is billed by the hour first; the ARNs removed.

    Data sets on S3 stay. Run again after an interruption, it goes on.
    """
    removed = []
    for noun in _DOWN:
        for one in account.of(noun):
            found = account.find(one)
            if found is None:
                continue
            progress.start(f"{noun.said} {one.name}")
            account.things.remove(noun, found.arn)
            removed.append(found.arn)
            progress.done("removed")
    return tuple(removed)
