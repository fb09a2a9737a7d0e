"""The honest account of an import, as the page shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from segue.doors.cli.reject_words import words_for

__all__ = ["Account", "account_of"]

_BEGINNING: Final = '{"import": '
_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Account:
    """What became of all rows.

    Args:
        rejected: Reason in words and number, the most frequent first.
        files: Name, source, read, kept, duplicate, rejected.
        faults: What happened and what to do, for each input that was refused.
        ignored: Names of files that hold no listening history.
    """

    read: int
    kept: int
    duplicate: int
    rejected: tuple[tuple[str, int], ...]
    files: tuple[tuple[str, str, int, int, int, int], ...]
    faults: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]

    @property
    def rejected_total(self) -> int:
        """All that was rejected."""
        return sum(number for _, number in self.rejected)


def account_of(log: str, uploads: str) -> Account | None:
    """The account that a job has told; None: not yet.

    Args:
        log: What the job said.
        uploads: Name of the folder of uploads, which is not shown.
    """
    for line in log.splitlines():
        if line.startswith(_BEGINNING):
            told: Mapping[str, Any] = json.loads(line)["import"]
            return _account(told, re.compile(rf"/\S*/{uploads}/[0-9a-f]+/(files/)?"))
    return None


def _account(told: Mapping[str, Any], place: re.Pattern[str]) -> Account:
    total, inputs = told["total"], told["inputs"]
    rejected = sorted(total["rejected"].items(), key=lambda one: -one[1])
    faults = [one["error"] for one in inputs if one["error"]]
    files = [_file(one) for one in told["files"]]
    return Account(
        total["read"],
        total["kept"],
        total["duplicate"],
        tuple((words_for(reason), number) for reason, number in rejected),
        tuple(files[:_SHOWN]),
        tuple((f"{place.sub('', one['message'])}.", one["cure"]) for one in faults),
        tuple(_flat(one["ignored"] for one in inputs))[:_SHOWN],
    )


def _file(told: Mapping[str, Any]) -> tuple[str, str, int, int, int, int]:
    return (
        told["file"],
        told["source"].replace("_", " "),
        told["read"],
        told["kept"],
        told["duplicate"],
        sum(told["rejected"].values()),
    )


def _flat(lists: Any) -> list[str]:
    found: list[str] = []
    for one in lists:
        found += [str(name) for name in one] if isinstance(one, Sequence) else []
    return found
