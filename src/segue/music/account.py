"""The honest account of an import: a row is kept, a duplicate, rejected, or forgotten since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Account"]


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the rows of one file, or of many.

    Args:
        read: Rows (records) found.
        kept: Rows that are now in the lake and were not before.
        duplicate: Rows that the lake, or the same import, already had.
        rejected: Reason -> number of rows that were not kept as facts.
        forgotten: Rows that were kept or rejected once, and were removed since on request.

    Raises:
        ValueError: If read is not kept + duplicate + all rejected + forgotten.

    >>> Account(read=3, kept=2, duplicate=0, rejected={"podcast": 1}).read
    3
    """

    read: int = 0
    kept: int = 0
    duplicate: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    forgotten: int = 0

    def __post_init__(self) -> None:
        rest = self.duplicate + sum(self.rejected.values()) + self.forgotten
        if self.read != self.kept + rest:
            raise ValueError(f"the account does not balance: {self}")

    def __add__(self, other: Account) -> Account:
        return Account(
            read=self.read + other.read,
            kept=self.kept + other.kept,
            duplicate=self.duplicate + other.duplicate,
            rejected=dict(Counter(self.rejected) + Counter(other.rejected)),
            forgotten=self.forgotten + other.forgotten,
        )

    def as_dict(self) -> dict[str, Any]:
        """The account as JSON-ready values; `forgotten` only where there is something."""
        told = {
            "read": self.read,
            "kept": self.kept,
            "duplicate": self.duplicate,
            "rejected": dict(sorted(self.rejected.items())),
        }
        return told | {"forgotten": self.forgotten} if self.forgotten else told
