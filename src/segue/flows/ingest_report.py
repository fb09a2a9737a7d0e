"""What an import tells afterwards: every file, every row, every fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue.errors import SegueError
from segue.music.account import Account

__all__ = ["FileReport", "IngestReport", "InputReport", "RejectExample"]


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file that a source recognised.

    Args:
        file: Its name within the input.
        source: Name of the source.
        account: Its rows, counted; all zero when it was skipped.
        error: Why it was skipped, when it was.
    """

    file: str
    source: str
    account: Account
    error: SegueError | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values; `error` only where there is one."""
        entry = {"file": self.file, "source": self.source, **self.account.as_dict()}
        return entry if self.error is None else entry | {"error": _error(self.error)}


@dataclass(frozen=True, slots=True)
class RejectExample:
    """One rejected row, to show what a reason means."""

    file: str
    row: int
    field: str | None
    detail: str | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"file": self.file, "row": self.row, "field": self.field, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class InputReport:
    """What became of one input.

    Args:
        input: What the user named.
        files: The recognised files; empty when the input failed.
        ignored: Files that no source recognised.
        unopened: Archives inside the input and links out of it, which are not opened.
        examples: Reason -> the first few rejected rows.
        commit_id: The import in the lake; empty when the input failed.
        error: Why it failed; nothing of it is in the lake then.
    """

    input: Path
    files: tuple[FileReport, ...] = ()
    ignored: tuple[str, ...] = ()
    unopened: tuple[str, ...] = ()
    examples: Mapping[str, Sequence[RejectExample]] = field(default_factory=dict)
    commit_id: str = ""
    error: SegueError | None = None

    @property
    def account(self) -> Account:
        """The account of all its files."""
        return sum((file.account for file in self.files), Account())

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "input": str(self.input),
            "commit": self.commit_id or None,
            "files": [file.as_dict() for file in self.files],
            "total": self.account.as_dict(),
            "ignored": list(self.ignored),
            "unopened": list(self.unopened),
            "examples": {
                reason: [example.as_dict() for example in examples]
                for reason, examples in sorted(self.examples.items())
            },
            "error": None if self.error is None else _error(self.error),
        }


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of every input, in the order they were named."""

    inputs: tuple[InputReport, ...]

    @property
    def total(self) -> Account:
        """The account of everything."""
        return sum((report.account for report in self.inputs), Account())

    @property
    def failed(self) -> tuple[InputReport, ...]:
        """The inputs of which nothing was imported."""
        return tuple(report for report in self.inputs if report.error is not None)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values: `inputs`, all `files` in one list, `total`, and the first fault."""
        faults = [_error(report.error) for report in self.failed if report.error is not None]
        return {
            "error": faults[0] if faults else None,
            "inputs": [report.as_dict() for report in self.inputs],
            "files": [
                {"input": str(report.input), **file.as_dict()}
                for report in self.inputs
                for file in report.files
            ],
            "total": self.total.as_dict(),
        }


def _error(error: SegueError) -> dict[str, str]:
    return {"kind": type(error).__name__, "message": error.message, "cure": error.cure}
