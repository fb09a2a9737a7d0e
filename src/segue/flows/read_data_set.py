"""A public data set read into memory, by the sources that import the same files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.errors import ConfigError, SourceError
from segue.evaluation.data_splits import TEST, TRAIN, VALID
from segue.features.listens import Listens
from segue.flows.data_set_friends import friends_among
from segue.flows.data_set_tracks import TrackNames
from segue.flows.wiring import load_adapter
from segue.music import columns as c
from segue.music.lake_tables import ARTIST_TAGS, CROWD
from segue.progress import Progress
from segue.sources.base import Chunk, FileSource, InputFile, ReadOptions
from segue.sources.hetrec_friends import FriendRows, friend_rows
from segue.sources.inputs import InputLimits, open_input
from segue.sources.interaction_table import InteractionTable
from segue.sources.item_lists import ItemLists

__all__ = ["DATA_SETS", "read_data_set"]

_log = logging.getLogger(__name__)

DATA_SETS: Final[dict[str, str]] = {
    "hetrec-lastfm": "HetRec 2011 Last.fm: artists of 1,892 listeners, with tags",
    "nowplaying": "any file with one listening session a line",
    "lastfm-360k": "Last.fm-360K: artists of 360,000 listeners",
    "lastfm-1k": "Last.fm-1K: dated plays of a thousand listeners",
    "million-playlist": "slices of the Million Playlist Dataset",
    "table": "any table of user, item and perhaps count and timestamp",
    "split-files": "a folder with train, valid and test files",
}
"""Names of data sets and what they are; the last two are formats of any data set."""

_SOURCES: Final = {
    "hetrec-lastfm": "hetrec",
    "nowplaying": "crowd_sessions",
    "lastfm-360k": "lastfm_360k",
    "lastfm-1k": "lastfm_1k",
    "million-playlist": "million_playlist",
}
_PARTS: Final = {
    "train": TRAIN,
    "training": TRAIN,
    "valid": VALID,
    "validation": VALID,
    "val": VALID,
    "dev": VALID,
    "test": TEST,
    "testing": TEST,
}

Ints = npt.NDArray[np.int64]


def read_data_set(
    name: str,
    path: Path,
    *,
    test: Path | None = None,
    now: datetime,
    columns: Mapping[str, str] | None = None,
    limits: InputLimits | None = None,
    progress: Progress,
) -> Listens:
    """Read a data set whole.

    Args:
        name: One of DATA_SETS.
        path: A file, folder or archive.
        test: Another one of the same format, held out; `path` is then what is learned from.
        now: Rows later than a day after it are not used; aware UTC.
        columns: Which column of a table is what: Segue's name -> the file's.
        limits: How much an archive may unpack to.

    Raises:
        ConfigError: There is no such data set.
        SourceError: The files are not that data set, broken, or hold no rows.
    """
    if name not in DATA_SETS:
        raise ConfigError(
            f"there is no data set “{name}”",
            field="dataset",
            cure=f"Choose one of: {', '.join(DATA_SETS)}.",
        )
    options = ReadOptions(user_id="", name=name, now=now, columns=dict(columns or {}))
    gathered = _Gathered()
    if test is None:
        _read(name, path, gathered, options, limits, progress)
    else:
        _read(name, path, gathered, options, limits, progress, part=TRAIN)
        _read(name, test, gathered, options, limits, progress, part=TEST)
    data = gathered.listens(name)
    _log.info("read %d rows of %s", len(data), name)
    return data


def _read(
    name: str,
    path: Path,
    gathered: _Gathered,
    options: ReadOptions,
    limits: InputLimits | None,
    progress: Progress,
    *,
    part: int | None = None,
) -> None:
    before = gathered.n_rows
    with open_input(path, limits) as opened:
        options = replace(options, siblings={file.name: file for file in opened.files})
        claimed = _claimed(name, opened.path, opened.files)
        if name == "hetrec-lastfm":
            gathered.friends.extend(friend_rows(opened.files))
        progress.start(f"Reading {opened.path.name}", sum(f.size for f, _, _ in claimed), "bytes")
        for file, source, own_part in claimed:
            for chunk in source.read(file, options):
                gathered.add(chunk, own_part if part is None else part)
            progress.advance(file.size)
    if gathered.n_rows == before:
        raise SourceError(
            "there is not one row that can be used",
            path=path,
            cure="Check that the download is complete, and that --dataset names what it is.",
        )
    progress.done(f"{gathered.n_rows - before:,} rows")


def _claimed(
    name: str, path: Path, files: Sequence[InputFile]
) -> list[tuple[InputFile, FileSource, int]]:
    """The files to read, by what, and which part of a fixed split they are."""
    if name == "split-files":
        return _parts(path, files)
    if name == "table":
        found: list[tuple[InputFile, FileSource, int]] = [
            (file, _reader_of(file), -1) for file in files if not file.name.startswith(".")
        ]
        if len(found) > 1:
            raise SourceError(
                f"holds {len(found)} files, and a table is one",
                path=path,
                cure="Give the file itself, or use --dataset split-files for a folder of parts.",
            )
        return found
    source: FileSource = load_adapter("sources", _SOURCES[name])()
    any_name = name == "nowplaying" and len(files) == 1
    found = [(file, source, -1) for file in files if any_name or source.claims(file)]
    if not found:
        raise SourceError(
            f"holds nothing that looks like {name} ({DATA_SETS[name]})",
            path=path,
            cure="Check the path, or use --dataset table for a table of user, item and count.",
        )
    return found


def _parts(path: Path, files: Sequence[InputFile]) -> list[tuple[InputFile, FileSource, int]]:
    found: dict[int, InputFile] = {}
    for file in files:
        words = Path(file.name).name.lower().replace("-", ".").replace("_", ".").split(".")
        for word in words:
            if word in _PARTS and _PARTS[word] not in found:
                found[_PARTS[word]] = file
                break
    if TRAIN not in found or TEST not in found:
        raise SourceError(
            "a train file and a test file are wanted; the names of the files are "
            + (", ".join(file.name for file in files[:8]) or "none"),
            path=path,
            cure="Name them train.txt, test.txt and, where there is one, valid.txt"
            " (or NAME.train.inter and so on).",
        )
    return [(file, _reader_of(file), part) for part, file in sorted(found.items())]


def _reader_of(file: InputFile) -> FileSource:
    lists = ItemLists()
    return lists if lists.claims(file) else InteractionTable()


def _apart(rows: pa.Table) -> pa.Table:
    """Sessions that are only numbered by line are others than those of the training file."""
    listeners, sessions = rows[c.LISTENER_ID], rows[c.SESSION_ID]
    numbered = pc.all(pc.equal(listeners, sessions)).as_py()
    if not numbered or sessions.null_count:
        return rows
    own = pc.binary_join_element_wise("test", listeners, "-")
    for name in (c.LISTENER_ID, c.SESSION_ID):
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), own)
    return rows


@dataclass
class _Codes:
    """Gives every distinct text a number, in order of appearance."""

    index: dict[str | None, int] = field(default_factory=dict)

    def of(self, column: pa.ChunkedArray | pa.Array) -> Ints:
        """The number of each text; null is a text of its own."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        index = self.index
        places = [index.setdefault(text, len(index)) for text in encoded.dictionary.to_pylist()]
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        return np.array(places, np.int64)[codes] if len(codes) else np.empty(0, np.int64)


@dataclass
class _Gathered:
    """Rows of a crowd as numbers, chunk after chunk."""

    listeners: _Codes = field(default_factory=_Codes)
    tracks: _Codes = field(default_factory=_Codes)
    sessions: _Codes = field(default_factory=_Codes)
    names: TrackNames = field(default_factory=TrackNames)
    arrays: list[tuple[npt.NDArray[np.generic], ...]] = field(default_factory=list)
    friends: list[FriendRows] = field(default_factory=list)
    n_rows: int = 0
    rejected: int = 0

    def add(self, chunk: Chunk, part: int) -> None:
        """Count a chunk in."""
        if chunk.table is CROWD:
            self.rejected += chunk.rejects.num_rows
        rows = chunk.rows if part != TEST else _apart(chunk.rows)
        if chunk.table is ARTIST_TAGS:
            self.names.tagged(rows)
        if chunk.table is not CROWD or not rows.num_rows:
            return
        plays = rows[c.PLAYS].fill_null(1.0).to_numpy().astype(np.float32)
        kept = np.isfinite(plays) & (plays > 0)
        known = len(self.tracks.index)
        tracks = self.tracks.of(rows[c.TRACK_REF])
        self.names.add(rows, tracks, known)
        micros = rows[c.PLAYED_AT].cast(pa.int64()).cast(pa.float64()).to_numpy()
        named = rows[c.SESSION_ID].is_valid().to_numpy()
        sessions = np.full(len(plays), -1, np.int64)
        if named.any():
            whose = pc.binary_join_element_wise(
                rows[c.LISTENER_ID], rows[c.SESSION_ID].fill_null(""), "\x1f"
            )
            sessions = np.where(named, self.sessions.of(whose), -1)
        position = rows[c.POSITION].fill_null(0).to_numpy().astype(np.int64)
        listeners = self.listeners.of(rows[c.LISTENER_ID])
        columns = (listeners, tracks, plays, micros / 1e6, sessions, position)
        parts = np.full(len(plays), part, np.int8)
        self.arrays.append(tuple(column[kept] for column in (*columns, parts)))
        self.n_rows += int(kept.sum())

    def listens(self, name: str) -> Listens:
        """All of it, rows of a session together and in order."""
        whole = [np.concatenate(column) for column in zip(*self.arrays, strict=True)]
        self.arrays.clear()
        listeners, tracks, plays, at, sessions, position, part = whole
        if (sessions >= 0).any():
            order = np.lexsort((position, np.nan_to_num(at), sessions))
            listeners, tracks, plays, at, sessions, part = (
                column[order] for column in (listeners, tracks, plays, at, sessions, part)
            )
        catalogue, row_of = self.names.catalogue([ref or "" for ref in self.tracks.index])
        ids = {listener: f"crowd:{name}:{listener}" for listener in self.listeners.index}
        friends, unusable = friends_among(ids, self.friends)
        return Listens(
            name=name,
            catalogue=catalogue,
            listener_ids=np.array(list(ids.values()), dtype=object),
            listeners=listeners.astype(np.int64),
            tracks=row_of[tracks],
            plays=plays.astype(np.float32),
            at=at.astype(np.float64),
            sessions=sessions.astype(np.int64),
            part=part.astype(np.int8) if part.max(initial=-1) >= 0 else np.empty(0, np.int8),
            rejected=self.rejected + unusable,
            friends=friends,
        )
