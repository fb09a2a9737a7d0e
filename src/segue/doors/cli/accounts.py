"""An import's account, as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from segue.doors.cli.reject_words import words_for

if TYPE_CHECKING:
    from segue.flows.ingest_report import FileReport, IngestReport, InputReport, RejectExample
    from segue.music.account import Account
    from segue.sources.base import Kind

__all__ = ["account_lines", "failure_lines"]

_WIDEST_NAME = 60
_NAMES_SHOWN = 4
_COUNTED = ("read", "kept", "duplicate", "rejected")
_LEFT_ALONE: Mapping[Kind, str] = {
    "history": "no listening history, left alone",
    "catalogue": "no table of tracks, left alone",
    "crowd": "no listening of others, left alone",
}


def account_lines(report: IngestReport, kind: Kind = "history") -> list[str]:
    """For every input that was imported its files, what was rejected and why; and the total."""
    lines: list[str] = []
    imported = [entry for entry in report.inputs if entry.error is None]
    for entry in imported:
        lines += _input_lines(entry, kind)
    if len(imported) > 1:
        lines += ["", f"Total: {_sum(report.total)}"]
    return lines


def failure_lines(report: IngestReport) -> list[str]:
    """For every input of which nothing was imported, why, and what to do about it."""
    lines: list[str] = []
    for entry in report.failed:
        if entry.error is not None:
            lines.append(f"segue: not imported: {entry.error.message}")
            lines += [f"       {entry.error.cure}"] if entry.error.cure else []
    return lines


def _input_lines(entry: InputReport, kind: Kind) -> Iterator[str]:
    yield str(entry.input)
    read = [file for file in entry.files if file.error is None]
    if len(read) > 1:
        yield from _table(read)
    yield f"  {_sum(entry.account)}"
    yield from _rejects(entry, several=len(entry.files) > 1)
    for file in entry.files:
        if file.error is not None:
            yield f"  left out: {file.error}"
    if entry.unopened:
        yield f"  not opened: {_names(entry.unopened)}"
    if entry.ignored:
        yield f"  {_LEFT_ALONE[kind]}: {_names(entry.ignored)}"


def _table(files: Sequence[FileReport]) -> Iterator[str]:
    """A line a file, numbers aligned; a folder that all files share is said once."""
    folder = _shared_folder([file.file for file in files])
    rows = [[f"{n:,}" for n in _counts(file.account)] for file in files]
    heads = [*zip(_COUNTED, *rows, strict=True)]
    widths = [max(map(len, column)) for column in heads]
    heading = f"file in {folder}" if folder else "file"
    names = [heading, *(_short(file.file.removeprefix(folder)) for file in files)]
    for cells, name in zip([_COUNTED, *rows], names, strict=True):
        numbers = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        yield f"  {numbers}  {name}"


def _counts(account: Account) -> tuple[int, int, int, int]:
    return account.read, account.kept, account.duplicate, sum(account.rejected.values())


def _shared_folder(names: Sequence[str]) -> str:
    folders = {PurePosixPath(name).parent for name in names}
    only = folders.pop()
    return "" if folders or only == PurePosixPath() else f"{only}/"


def _rejects(entry: InputReport, *, several: bool) -> Iterator[str]:
    """Why rows were rejected, the most frequent reason first, each with an example."""
    for reason, n in Counter(entry.account.rejected).most_common():
        examples = entry.examples.get(reason, ())
        shown = f" (for example {_example(examples[0], several=several)})" if examples else ""
        yield f"    {n:,} × {words_for(reason)}{shown}"


def _example(example: RejectExample, *, several: bool) -> str:
    place = f"row {example.row:,}"
    if several:
        place = f"{_short(PurePosixPath(example.file).name)}, {place}"
    if example.field:
        place += f", field {example.field}"
    return f"{place}: {example.detail}" if example.detail else place


def _sum(account: Account) -> str:
    parts = [f"{account.kept:,} kept", f"{account.duplicate:,} duplicate"]
    if account.rejected:
        parts.append(f"{sum(account.rejected.values()):,} rejected")
    return f"{account.read:,} read = " + " + ".join(parts)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _short(name: str) -> str:
    return name if len(name) <= _WIDEST_NAME else "…" + name[-(_WIDEST_NAME - 1) :]
