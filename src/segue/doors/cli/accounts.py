"""An import's account, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.flows.ingest_report import FileReport, IngestReport, InputReport, RejectExample

__all__ = ["account_lines"]

WIDEST_NAME = 60


def account_lines(report: IngestReport) -> list[str]:
    """A line a file, what was rejected and why, and the total."""
    lines: list[str] = []
    for entry in report.inputs:
        lines += _input_lines(entry)
    total = report.total
    if len(report.inputs) > 1 or sum(len(entry.files) for entry in report.inputs) > 1:
        lines += ["", f"Total: {_sum(total.read, total.kept, total.duplicate, total.rejected)}"]
    return lines


def _input_lines(entry: InputReport) -> Iterator[str]:
    yield str(entry.input)
    if entry.error is not None:
        yield f"  not imported: {entry.error.message}"
        if entry.error.cure:
            yield f"  {entry.error.cure}"
        return
    for file in entry.files:
        yield from _file_lines(file)
    for reason, examples in sorted(entry.examples.items()):
        yield f"  {reason.replace('_', ' ')}, for example: {_example(examples[0])}"
    for name in entry.unopened:
        yield f"  not opened: {_short(name)}"
    if entry.ignored:
        shown = ", ".join(_short(name) for name in entry.ignored[:4])
        more = f" and {len(entry.ignored) - 4:,} more" if len(entry.ignored) > 4 else ""
        yield f"  not a history, left alone: {shown}{more}"


def _file_lines(file: FileReport) -> Iterator[str]:
    yield f"  {_short(file.file)}  ({file.source})"
    if file.error is not None:
        yield f"    left out: {file.error}"
        return
    account = file.account
    yield f"    {_sum(account.read, account.kept, account.duplicate, account.rejected)}"


def _example(example: RejectExample) -> str:
    place = f"{_short(example.file)}, row {example.row:,}"
    if example.field:
        place += f", field {example.field}"
    return f"{place}: {example.detail}" if example.detail else place


def _sum(read: int, kept: int, duplicate: int, rejected: Mapping[str, int]) -> str:
    parts = [f"{kept:,} kept", f"{duplicate:,} duplicate"]
    parts += [f"{n:,} {reason.replace('_', ' ')}" for reason, n in sorted(rejected.items())]
    return f"{read:,} read = " + " + ".join(parts)


def _short(name: str) -> str:
    return name if len(name) <= WIDEST_NAME else "…" + name[-(WIDEST_NAME - 1) :]
