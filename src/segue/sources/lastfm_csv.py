"""Listening histories in CSV, as the exporters for Last.fm write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import SourceError
from segue.music import columns as c
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.csv_layout import CLOCK, HistoryLayout, find_layout
from segue.sources.csv_records import LineTooLongError, record_batches
from segue.sources.database import database
from segue.sources.exported import is_exported
from segue.sources.scrobbles import BAD_ROW, FAULT, SCROBBLES, TIME, Scrobbles, raw_json
from segue.sources.text_encoding import encoding_of, encoding_of_head
from segue.sources.timestamps import any_ambiguous, day_comes_first, is_clock
from segue.sources.unpacking import Place

__all__ = ["LastfmCsv"]

_SUFFIXES = (".csv", ".tsv", ".txt", ".tab")
_HISTORY_NAME = re.compile(r"last\.?fm|scrobbl|recent[-_ ]?tracks", re.IGNORECASE)
_LOVED_NAME = re.compile(r"loved", re.IGNORECASE)
_SAMPLE_BYTES = 1 << 16
_BATCH = 50_000


class LastfmCsv:
    """Last.fm plays as CSV or TSV: with or without a header, in any column order.

    Known layouts are those of lastfm-to-csv, lastfm.ghan.nl and lastfmstats.com; any table
    whose header names an artist, a track and a time is read too.
    """

    name: ClassVar[str] = "lastfm"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "Last.fm history (CSV)"

    def claims(self, file: InputFile) -> bool:
        """Whether it is a table with an artist, a track and a time, and no audio features."""
        base = file.name.rsplit("/", 1)[-1]
        if not base.casefold().endswith(_SUFFIXES) or _LOVED_NAME.search(base):
            return False
        if is_exported(file):
            return False
        head = file.head(_SAMPLE_BYTES)
        layout = find_layout(_sample(head, encoding_of_head(head)))
        if layout is not None:
            return not layout.missing
        return base.casefold().endswith((".csv", ".tsv")) and bool(_HISTORY_NAME.search(base))

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The plays of the file.

        Raises:
            SourceError: Not text, or no column for the time, the artist or the track.
        """
        with file.on_disk() as path, database() as connection:
            place = Place(file.input, "" if file.name == file.input.name else file.name)
            table = _Table.open(path, place, options)
            yield from _chunks(table, Scrobbles(connection, file, options, self.name))


def _sample(head: bytes, encoding: str | None) -> str:
    """Whole lines from the start of a file; none for bytes that are no text."""
    if encoding is None:
        return ""
    text = head.decode(encoding, errors="replace")
    return text.rpartition("\n")[0] if len(head) >= _SAMPLE_BYTES and "\n" in text else text


@dataclass(frozen=True, slots=True)
class _Table:
    """A text file of records, and how to read it."""

    path: Path
    place: Place
    encoding: str
    layout: HistoryLayout

    @classmethod
    def open(cls, path: Path, place: Place, options: ReadOptions) -> _Table:
        """Find out how a file is written."""
        encoding = encoding_of(path)
        if encoding is None:
            raise place.error(
                "this is not text, so it cannot be a CSV file",
                "Export the history again, as CSV in UTF-8.",
            )
        with path.open("rb") as file:
            sample = _sample(file.read(_SAMPLE_BYTES), encoding)
        layout = find_layout(sample, options.columns)
        if layout is None or layout.missing:
            raise _no_history(place, layout)
        return cls(path, place, encoding, layout)

    def batches(self) -> Iterator[list[list[str]]]:
        """Records in file order, without the header; a damaged one has another width."""
        width = len(self.layout.names)
        skip = int(self.layout.has_header)
        with self.path.open(encoding=self.encoding, errors="replace") as text:
            try:
                for batch in record_batches(text, self.layout.delimiter, width):
                    records = batch[skip:]
                    skip = max(skip - len(batch), 0)
                    for at in [i for i, record in enumerate(records) if len(record) != width]:
                        records[at] = self._repaired(records[at])
                    for start in range(0, len(records), _BATCH):
                        yield records[start : start + _BATCH]
            except LineTooLongError as error:
                raise self.place.error(
                    "a line has over a million characters, so this is no table of plays",
                    "Export the history again, as CSV.",
                ) from error

    def _repaired(self, record: list[str]) -> list[str]:
        """A record without what some exporters add: empty fields, an unquoted comma in a date."""
        width = len(self.layout.names)
        time = self.layout.place[c.PLAYED_AT]
        if len(record) > width and not any(field.strip() for field in record[width:]):
            return record[:width]
        if len(record) == width + 1 and is_clock(record[time + 1]):
            moment = f"{record[time]}, {record[time + 1].strip()}"
            return [*record[:time], moment, *record[time + 2 :]]
        return record

    def times(self) -> Iterator[str]:
        """The time of every record, as it is written."""
        at = self.layout.place[c.PLAYED_AT]
        for records in self.batches():
            yield from (record[at] for record in records if len(record) > at)


def _no_history(place: Place, layout: HistoryLayout | None) -> SourceError:
    missing = layout.missing if layout else (c.PLAYED_AT, c.ARTIST, c.TITLE)
    spoken = {c.PLAYED_AT: "time", c.ARTIST: "artist", c.TITLE: "track"}
    found = f" among {', '.join(layout.names)}" if layout else ""
    return SourceError(
        f"no column for {', '.join(spoken[name] for name in missing)}{found}",
        path=place.path,
        member=place.member,
        row=1,
        field=spoken[missing[0]],
        cure="A listening history has a header line such as “artist,album,track,date”"
        " and one play a line.",
    )


def _chunks(table: _Table, scrobbles: Scrobbles) -> Iterator[Chunk]:
    row, asked = 0, False
    for records in table.batches():
        found = _scrobbles(records, table.layout, first_row=row + 1)
        if not asked and any_ambiguous(found[TIME]):
            asked = True  # of the whole file, which is read once more for this
            scrobbles = replace(scrobbles, day_first=day_comes_first(table.times()))
        yield scrobbles.chunk(found, partial(_raw, records, table.layout.names))
        row += len(records)


def _scrobbles(records: list[list[str]], layout: HistoryLayout, first_row: int) -> pa.Table:
    """Records as a table in the schema SCROBBLES."""
    n, width = len(records), len(layout.names)
    blank = [""] * width
    broken = [len(record) != width for record in records]
    whole = [blank if bad else r for bad, r in zip(broken, records, strict=True)]
    texts = list(zip(*whole, strict=True))
    faults = [BAD_ROW if bad else None for bad in broken]
    known: dict[str, pa.Array] = {
        c.ROW: pa.array(range(first_row, first_row + n), pa.int64()),
        FAULT: pa.array(faults, pa.string()),
    }
    for ours, at in layout.place.items():
        name = TIME if ours == c.PLAYED_AT else ours
        if name in SCROBBLES.names:
            known[name] = _column(pa.array(texts[at], pa.string()), SCROBBLES.field(name).type)
    if CLOCK in layout.place:
        clock = pa.array(texts[layout.place[CLOCK]], pa.string())
        known[TIME] = pc.binary_join_element_wise(known[TIME], clock, " ")
    return pa.table(
        [known.get(field.name, pa.nulls(n, field.type)) for field in SCROBBLES], schema=SCROBBLES
    )


def _column(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_floating(kind):
        return texts
    numeric = pc.match_substring_regex(texts, r"^[0-9]{1,15}(?:\.[0-9]+)?$")
    return pc.if_else(numeric, texts, None).cast(kind)


def _raw(records: list[list[str]], names: Sequence[str], places: Sequence[int]) -> list[str]:
    return [
        raw_json(dict(zip(names, record, strict=True)) if len(record) == len(names) else record)
        for record in (records[at] for at in places)
    ]
