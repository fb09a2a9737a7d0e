"""From JSON records of scrobbling services to chunks: what their formats have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from segue.music import columns as c
from segue.sources import reject_reasons as reasons
from segue.sources.base import Chunk, InputFile, ReadOptions
from segue.sources.database import database
from segue.sources.json_text import encoding_of, fault
from segue.sources.scrobbles import SCROBBLES, Scrobbles, raw_json

__all__ = ["Heard", "head_text", "json_chunks", "names_of", "number_of", "text_of"]

_BATCH = 20_000
_HEAD_BYTES = 1 << 14


class Heard(NamedTuple):
    """One record in our words; the fields are those of SCROBBLES after `row`."""

    fault: str | None = None
    time: str | None = None
    spare_time: str | None = None
    title: str | None = None
    artist: str | None = None
    artists: list[str] | None = None
    album: str | None = None
    spotify_uri: str | None = None
    recording_mbid: str | None = None
    isrc: str | None = None
    duration_ms: float | None = None
    ms_played: float | None = None


_NO_RECORD = Heard(fault=reasons.NOT_AN_OBJECT)


def json_chunks(
    records: Iterable[Any],
    file: InputFile,
    options: ReadOptions,
    *,
    source: str,
    expected: str,
    heard: Callable[[dict[str, Any]], Heard],
) -> Iterator[Chunk]:
    """The plays among records.

    Args:
        records: Values of a JSON file, in order, numbers as text.
        file: Named in errors and rejects.
        options: Whose history it is, and what is now.
        source: The value of the `source` column.
        expected: A field that records of this format have.
        heard: What one record says; must not raise on any object.

    Raises:
        SourceError: There are records, and none of the first ones has the expected field.
    """
    row = 1
    remaining = iter(records)
    with database() as connection:
        scrobbles = Scrobbles(connection, file, options, source)
        while batch := list(islice(remaining, _BATCH)):
            if row == 1 and not any(isinstance(r, dict) and expected in r for r in batch):
                raise fault(
                    file,
                    f"its records have no “{expected}”, so they are something else",
                    field=expected,
                    row=1,
                    cure="Check that it is the right export.",
                )
            yield scrobbles.chunk(_table(batch, row, heard), _raw_of(batch))
            row += len(batch)


def _table(batch: Sequence[Any], row: int, heard: Callable[[dict[str, Any]], Heard]) -> pa.Table:
    found = [heard(record) if isinstance(record, dict) else _NO_RECORD for record in batch]
    rows = pa.array(range(row, row + len(batch)), pa.int64())
    columns = [
        pa.array(values, SCROBBLES.field(name).type)
        for name, values in zip(Heard._fields, zip(*found, strict=True), strict=True)
    ]
    return pa.table([rows, *columns], names=[c.ROW, *Heard._fields]).select(SCROBBLES.names)


def _raw_of(batch: Sequence[Any]) -> Callable[[Sequence[int]], list[str]]:
    return lambda places: [raw_json(batch[at]) for at in places]


def text_of(value: Any) -> str | None:
    """A text or a number as text; anything else is None. Half of a surrogate pair is replaced."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def number_of(value: Any, factor: float = 1.0) -> float | None:
    """A number (or a text with one) times a factor; anything else is None."""
    if not isinstance(value, str):
        return None
    try:
        return float(value) * factor
    except ValueError:
        return None


def names_of(values: Any) -> list[str] | None:
    """The texts in a list, or in a list of one; None where there are none."""
    listed = values if isinstance(values, list) else [values]
    return [name for name in map(text_of, listed) if name] or None


def head_text(file: InputFile) -> str:
    """The first characters of a JSON file, for recognising it; empty for bytes that are none."""
    head = file.head(_HEAD_BYTES)
    encoding, mark = encoding_of(head)
    text = head[mark:].decode(encoding, errors="replace").lstrip()
    return text if text.startswith(("{", "[")) else ""
