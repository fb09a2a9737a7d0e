"""Records of delimited text, with damage held to the record that it is in."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

__all__ = ["LineTooLongError", "record_batches", "records_of"]

_BLOCK = 1 << 22
_LONGEST_LINE = 1 << 20
_MOST_LINES = 20
"""A record may go on over so many lines; a quote that is open for longer was never closed."""


class LineTooLongError(ValueError):
    """A line is so long that the file cannot be a table."""


def record_batches(
    text: TextIO, delimiter: str, width: int | None = None
) -> Iterator[list[list[str]]]:
    r"""The records of a file, some tens of thousands at a time; empty lines are no records.

    A quote that is opened and never closed costs its own line only: that line is one record of
    the wrong width, and reading goes on with the next line.

    Args:
        text: Opened with universal newlines.
        delimiter: One character.
        width: Fields that a record has; None where this is not yet known.

    Raises:
        LineTooLongError: A line of over a million characters.
    """
    kept: list[str] = []
    rest = ""
    while block := text.read(_BLOCK):
        lines = (rest + block).split("\n")
        rest = lines.pop()
        if len(rest) > _LONGEST_LINE:
            raise LineTooLongError
        records, kept = _read(kept + lines, delimiter, width, last=False)
        yield records
    yield _read([*kept, rest], delimiter, width, last=True)[0]


def records_of(sample: str, delimiter: str) -> list[list[str]]:
    """The records of a text in memory, such as the first lines of a file."""
    lines = sample.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _read(lines, delimiter, None, last=True)[0]


def _read(
    lines: list[str], delimiter: str, width: int | None, *, last: bool
) -> tuple[list[list[str]], list[str]]:
    """Records, and the lines at the end whose record goes on in the next batch."""
    records: list[list[str]] = []
    start = 0
    for at in [i for i, line in enumerate(lines) if line.count('"') & 1]:
        if at < start:
            continue
        records += _whole_lines(lines[start:at], delimiter)
        record, used = _open_record(lines[at : at + _MOST_LINES], delimiter, width)
        if used == 0 and not last and at + _MOST_LINES > len(lines):
            return _not_empty(records), lines[at:]
        records.append(record)
        start = at + max(used, 1)
    records += _whole_lines(lines[start:], delimiter)
    return _not_empty(records), []


def _not_empty(records: list[list[str]]) -> list[list[str]]:
    return [record for record in records if len(record) > 1 or (record and record[0].strip())]


def _whole_lines(lines: list[str], delimiter: str) -> list[list[str]]:
    """Records of lines that are one record each."""
    try:
        records = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        records = []
    if len(records) == len(lines):
        return records
    return [_one_line(line, delimiter) for line in lines]


def _one_line(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return [line]


def _open_record(lines: list[str], delimiter: str, width: int | None) -> tuple[list[str], int]:
    """The record that starts on a line with an odd number of quotes, and its number of lines.

    The number is 0 when no line closes the quote: the record is then the first line alone.
    """
    quotes = 0
    for used, line in enumerate(lines, start=1):
        quotes += line.count('"')
        # A line alone may have a quote that means inches; lines together must balance.
        if used > 1 and quotes & 1:
            continue
        record = _strict(lines[:used], delimiter)
        if record is not None and (used == 1 or width is None or len(record) == width):
            return record, used
    return _one_line(lines[0], delimiter), 0


def _strict(lines: list[str], delimiter: str) -> list[str] | None:
    """One record that takes up all the lines, or None."""
    reader = csv.reader(
        [f"{line}\n" for line in lines], delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        records = list(reader)
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None
