"""How a delimited text file is written: its encoding, delimiter, quotes and header."""

from __future__ import annotations

import codecs
import csv
import io
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.errors import SourceError
from segue.sources.text_encoding import encoding_of, is_binary
from segue.sources.unpacking import Place

__all__ = [
    "SAVE_AS",
    "Coding",
    "Layout",
    "coding_of",
    "fitted_header",
    "layout_of",
    "no_rows",
    "records_of",
    "refuse_other_formats",
    "sample_of",
    "transcoded",
]

_log = logging.getLogger(__name__)

_SCAN = 1 << 22
_SAMPLE = 1 << 18
_DELIMITERS = ",\t;|"
_NO_TEXT = "is not a table but binary data"
SAVE_AS = "Give a CSV or TSV file in UTF-8, or a Parquet file."


@dataclass(frozen=True, slots=True)
class Coding:
    """How bytes become text; `damaged`: UTF-8 with some bytes that are not."""

    name: str = "utf-8"
    damaged: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the file's bytes are UTF-8 as they stand."""
        return self.name == "utf-8" and not self.damaged


@dataclass(frozen=True, slots=True)
class Layout:
    """How text becomes records; `skip`: lines before the first record."""

    delimiter: str
    quoted: bool
    skip: int = 0


def no_rows(place: Place, header: Sequence[str] = ()) -> SourceError:
    """The error of a table with no rows, or with a header only."""
    only = (
        f"holds one line and no rows: {', '.join(header)[:200]}" if any(header) else "holds no rows"
    )
    return place.error(only, "Check that the download or the export was complete.")


def coding_of(place: Place, path: Path) -> Coding:
    """Judge a file's encoding by all of its bytes.

    UTF-8 if it is, UTF-16 if it looks so; UTF-8 with damage if most of its other characters are
    well formed; otherwise Windows-1252, which Latin-1 text is too.

    Raises:
        SourceError: It is binary.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while block := file.read(_SCAN):
                if b"\0" in block:
                    return _wide(place, path)
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _not_utf8(place, path)
    with path.open("rb") as file:
        if is_binary(file.read(_SAMPLE)):
            raise place.error(_NO_TEXT, SAVE_AS)
    return Coding()


def _wide(place: Place, path: Path) -> Coding:
    coding = encoding_of(path)
    if coding is None or not coding.startswith("utf-16"):
        raise place.error(f"{_NO_TEXT} (it holds NUL bytes)", SAVE_AS)
    return Coding(coding)


def _not_utf8(place: Place, path: Path) -> Coding:
    coding = encoding_of(path)
    if coding is None:
        raise place.error(_NO_TEXT, SAVE_AS)
    if coding == "utf-8-sig":
        _log.warning("%s: rows with bytes that are not UTF-8 are rejected", _named(place))
        return Coding(damaged=True)
    _log.info("%s is not UTF-8; it is read as %s", _named(place), coding)
    return Coding(coding)


def _named(place: Place) -> str:
    return f"{place.path.name} {place.member}".strip()


class _Transcoded(io.RawIOBase):
    """The bytes of a text file, as UTF-8."""

    def __init__(self, path: Path, coding: Coding) -> None:
        self._text = path.open(encoding=coding.name, errors="replace", newline="")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as io
        if not self._rest:
            self._rest = self._text.read(_SCAN).encode("utf-8", "replace")
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def close(self) -> None:
        self._text.close()
        super().close()


def transcoded(path: Path, coding: Coding) -> io.BufferedReader:
    """The bytes of a text file, as UTF-8; what cannot be decoded becomes U+FFFD."""
    return io.BufferedReader(_Transcoded(path, coding), _SCAN)


def sample_of(path: Path, coding: Coding) -> tuple[str, bool]:
    """The start of the text, and whether it is all of it."""
    with path.open(encoding=coding.name, errors="replace", newline="") as file:
        sample = file.read(_SAMPLE)
        return sample.removeprefix("\ufeff"), not file.read(1)


def refuse_other_formats(place: Place, sample: str) -> None:
    """Refuse what is text, and no table.

    Raises:
        SourceError: It is a web page, XML or JSON.
    """
    start = sample.lstrip()[:200].lower()
    if start.startswith(("<!doctype", "<html", "<?xml")):
        raise place.error(
            "is a web page or XML, not a table", "Download the table itself; " + SAVE_AS
        )
    if re.match(r'\{\s*"|\[\s*[\[{]', start):
        raise place.error("is JSON, not a table", SAVE_AS)


def layout_of(sample: str, quoted: bool | None) -> Layout:
    """Judge the delimiter by which lines split alike, and whether fields are quoted."""
    if hint := re.match(r"sep=(.)\r?\n", sample):
        return Layout(hint[1], quoted is not False, skip=1)
    lines = [line for line in sample.splitlines()[:200] if line.strip()]
    if len(sample) == _SAMPLE:
        lines = lines[:-1] or lines
    best = max(_DELIMITERS, key=lambda d: _fitness(lines, d))
    if quoted is None:
        quoted = best != "\t" or _is_quoted_tsv(lines)
    return Layout(best, quoted)


def _fitness(lines: Sequence[str], delimiter: str) -> tuple[bool, bool, int]:
    """How well a delimiter explains the lines: the header splits, others split alike, finely."""
    widths = [_width(line, delimiter) for line in lines]
    if not widths or widths[0] < 2:
        return (False, False, 0)
    alike = sum(width == widths[0] for width in widths)
    return (True, 2 * alike >= len(widths), widths[0])


def _width(line: str, delimiter: str) -> int:
    outside = re.sub(r'"(?:[^"]|"")*"', "", line)
    return outside.count(delimiter) + 1


def _is_quoted_tsv(lines: Sequence[str]) -> bool:
    """Tab-separated data sets seldom quote, and quotes in their titles are just quotes."""
    if lines and lines[0].lstrip("\ufeff").startswith('"'):
        return True
    quoted = [re.findall(r'(?:^|\t)"([^\t]*)"(?=\t|$)', line) for line in lines]
    return any('""' in field for fields in quoted for field in fields)


def records_of(sample: str, layout: Layout, *, whole: bool) -> list[list[str]]:
    """The first records of a sample, without the last unless the sample is all there is."""
    text = sample.split("\n", layout.skip)[-1] if layout.skip else sample
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=layout.delimiter,
        quoting=csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
    )
    records: list[list[str]] = []
    try:
        for record in reader:
            if record:
                records.append(record)
            if len(records) > 500:
                return records
    except csv.Error:  # a field beyond all limits: reading says where
        return records
    return records if whole or len(records) < 2 else records[:-1]


def fitted_header(header: Sequence[str], records: Sequence[Sequence[str]]) -> list[str]:
    """The header, with the one name that is missing when rows are one field longer.

    R writes row names without a header; some programs end each row with a delimiter.
    """
    if not records or any(len(record) != len(header) + 1 for record in records):
        return list(header)
    if all(not record[-1] for record in records):
        return [*header, ""]
    return ["", *header]
