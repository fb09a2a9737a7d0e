"""Import: open each input, let the sources read its files, put the rows into the lake."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import SegueError, SourceError
from segue.flows.ingest_report import FileReport, IngestReport, InputReport, RejectExample
from segue.flows.read_ahead import reading_ahead
from segue.flows.unrecognised import nothing_recognised
from segue.music import columns as c
from segue.music.account import Account
from segue.music.lake_tables import REJECTS
from segue.progress import Progress, Silent
from segue.sources.base import (
    Chunk,
    FileSource,
    InputFile,
    Kind,
    KnowsOwner,
    ReadOptions,
)
from segue.sources.inputs import InputLimits, OpenedInput, open_input
from segue.warehouse.lake import Commit, Lake, LakeImport

__all__ = ["IngestReport", "ingest"]

_log = logging.getLogger(__name__)
_EXAMPLES = 5
_NAMES_SHOWN = 5


def ingest(
    inputs: Sequence[Path],
    *,
    sources: Sequence[FileSource],
    kind: Kind,
    lake: Lake,
    options: ReadOptions,
    limits: InputLimits | None = None,
    progress: Progress | None = None,
    skip_broken: bool = False,
) -> IngestReport:
    """Import inputs, each of them wholly or not at all.

    Args:
        inputs: Archives, folders and files that the user named.
        sources: Every source there is; those of other kinds serve hints only. The first of this
            kind that claims a file reads it.
        kind: What is imported.
        lake: Where the rows go.
        options: User, name, and the time of the import.
        limits: How much an archive may hold; None means the defaults.
        progress: Told how many bytes have been read.
        skip_broken: Leave out a broken file instead of refusing the input that holds it.

    Returns:
        A report with one entry for each input; the fault of one input is in its entry and does
        not undo the others.

    Raises:
        BusyError: Another import is under way.
        StorageError: The lake may not be written at all.
    """
    todo = _Ingest(
        sources=sources,
        kind=kind,
        lake=lake,
        options=options,
        limits=limits or InputLimits(),
        progress=progress or Silent(),
        skip_broken=skip_broken,
    )
    with lake.writing():
        return IngestReport(tuple(todo.one(path) for path in inputs))


@dataclass
class _Notes:
    """What is remembered of one input while it is read."""

    claimed: list[tuple[InputFile, FileSource]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unopened: tuple[str, ...] = ()
    broken: dict[str, SourceError] = field(default_factory=dict)
    examples: dict[str, list[RejectExample]] = field(default_factory=dict)
    read: int = 0
    reading: bool = False

    def forget(self, file: str, rows: int) -> None:
        """The file was broken: what was read of it does not count."""
        self.read -= rows
        for reason, examples in list(self.examples.items()):
            self.examples[reason] = [example for example in examples if example.file != file]
            if not self.examples[reason]:
                del self.examples[reason]


@dataclass(frozen=True)
class _Ingest:
    sources: Sequence[FileSource]
    kind: Kind
    lake: Lake
    options: ReadOptions
    limits: InputLimits
    progress: Progress
    skip_broken: bool

    def one(self, path: Path) -> InputReport:
        """Import one input; its fault becomes part of the report."""
        notes = _Notes()
        try:
            with open_input(path, self.limits, temp_folder=self.lake.scratch) as opened:
                commit = self._import(opened, notes)
        except SegueError as error:
            _log.info("an input was refused: %s", type(error).__name__)
            if notes.reading:
                self.progress.done("refused")
            return InputReport(
                path, ignored=tuple(notes.ignored), unopened=notes.unopened, error=error
            )
        return _report(path, notes, commit)

    def _import(self, opened: OpenedInput, notes: _Notes) -> Commit:
        self._offer(opened, notes)
        size = sum(file.size for file, _ in notes.claimed)
        self.progress.start(f"Reading {opened.path.name}", size, "bytes")
        notes.reading = True
        begun = self.lake.begin(
            self.kind, opened.path, user_id=self.options.user_id, name=self.options.name
        )
        with begun as staged:
            options = replace(self.options, siblings={file.name: file for file in opened.files})
            reads = [partial(source.read, file, options) for file, source in notes.claimed]
            with reading_ahead(reads, at_once=self.lake.threads) as read:
                for (file, source), chunks in zip(notes.claimed, read, strict=True):
                    self._read(file, source, chunks, staged=staged, notes=notes)
            self._check_not_empty(opened.path, notes)
            self.progress.done(f"{notes.read:,} rows in {len(notes.claimed):,} files")
            self.progress.start(f"Storing {opened.path.name}")
            commit = staged.commit(self.options.now, ignored=tuple(notes.ignored))
        total = commit.total
        self.progress.done(f"{total.kept:,} new, {total.duplicate:,} known already")
        return commit

    def _offer(self, opened: OpenedInput, notes: _Notes) -> None:
        notes.unopened = opened.unopened
        mine = [source for source in self.sources if source.kind == self.kind]
        for file in opened.files:
            reader = next((source for source in mine if source.claims(file)), None)
            if reader is None:
                notes.ignored.append(file.name)
            else:
                notes.claimed.append((file, reader))
        if not notes.claimed:
            raise nothing_recognised(opened, self.kind, self.sources)
        _check_one_owner(opened.path, notes.claimed)

    def _read(
        self,
        file: InputFile,
        source: FileSource,
        chunks: Iterator[Chunk],
        *,
        staged: LakeImport,
        notes: _Notes,
    ) -> None:
        staged.file(file.name, source.name)
        reading = _Reading(self.progress, file.size)
        try:
            for chunk in chunks:
                _check(chunk, file, source)
                staged.stage(file.name, chunk)
                notes.read += chunk.read
                _remember(chunk.rejects, notes.examples)
                reading.advance(chunk)
        except SourceError as error:
            if not self.skip_broken:
                raise
            staged.drop(file.name)
            notes.forget(file.name, reading.rows)
            notes.broken[file.name] = error
        reading.finish()

    def _check_not_empty(self, path: Path, notes: _Notes) -> None:
        if len(notes.broken) == len(notes.claimed):
            raise next(iter(notes.broken.values()))
        if notes.read == 0:
            names = ", ".join(file.name for file, _ in notes.claimed[:_NAMES_SHOWN])
            raise SourceError(
                f"the export is empty: there is not one row in {names}",
                path=path,
                cure="Ask for the export again, or check that you chose the right one.",
            )


class _Reading:
    """Progress within one file: chunks count for their size in memory, at most the file's."""

    def __init__(self, progress: Progress, size: int) -> None:
        self._progress = progress
        self._left = size
        self.rows = 0

    def advance(self, chunk: Chunk) -> None:
        """Some rows were read."""
        self.rows += chunk.read
        amount = min(self._left, chunk.rows.nbytes + chunk.rejects.nbytes)
        self._left -= amount
        self._progress.advance(amount)

    def finish(self) -> None:
        """The file was read to its end."""
        self._progress.advance(self._left)


def _check(chunk: Chunk, file: InputFile, source: FileSource) -> None:
    table = chunk.table
    fault = ""
    if not chunk.rows.schema.equals(table.schema) or not chunk.rejects.schema.equals(REJECTS):
        fault = f"rows that do not fit the table {table.name}"
    else:
        for column in table.schema:
            if not column.nullable and chunk.rows[column.name].null_count:
                fault = f"rows without {column.name}"
    if fault:
        raise SourceError(
            f"the source {source.name} gave {fault}",
            path=file.input,
            member=file.name,
            cure="This is a fault of the source, not of your file: please report it.",
        )


def _remember(rejects: pa.Table, examples: dict[str, list[RejectExample]]) -> None:
    for reason in pc.unique(rejects[c.REASON]).to_pylist():
        known = examples.setdefault(reason, [])
        if len(known) < _EXAMPLES:
            same = rejects.filter(pc.equal(rejects[c.REASON], reason))
            rows = same.slice(0, _EXAMPLES - len(known)).to_pylist()
            known.extend(
                RejectExample(row[c.FILE], row[c.ROW], row[c.FIELD], row[c.DETAIL]) for row in rows
            )


def _check_one_owner(path: Path, claimed: Sequence[tuple[InputFile, FileSource]]) -> None:
    """Refuse the histories of several people at once: the lake could not part them again."""
    first: tuple[str, str] | None = None
    for file, source in claimed:
        owner = source.owner(file) if isinstance(source, KnowsOwner) else None
        if owner is None:
            continue
        if first is not None and first[0] != owner:
            raise SourceError(
                f"holds the histories of several people: {first[1]} is of “{first[0]}”,"
                f" {file.name} of “{owner}”",
                path=path,
                cure="Import each person's files by themselves, with --user and a name for each.",
            )
        first = first or (owner, file.name)


def _report(path: Path, notes: _Notes, commit: Commit) -> InputReport:
    accounts = {entry.file: entry.account for entry in commit.accounts}
    return InputReport(
        input=path,
        files=tuple(
            FileReport(
                file.name,
                source.name,
                accounts.get(file.name, Account()),
                error=notes.broken.get(file.name),
            )
            for file, source in notes.claimed
        ),
        ignored=tuple(notes.ignored),
        unopened=notes.unopened,
        examples=notes.examples,
        commit_id=commit.commit_id,
    )
