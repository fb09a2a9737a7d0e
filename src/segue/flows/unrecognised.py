"""The error of an input in which no source knows a file: what it holds, and what might help."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from segue.errors import SourceError
from segue.sources.base import FileSource, InputFile, Kind, LooksInside
from segue.sources.inputs import OpenedInput

__all__ = ["nothing_recognised"]

_NAMES_SHOWN = 5
_FILES_TRIED = 20
_NOUNS: Final[dict[Kind, str]] = {
    "history": "listening history",
    "catalogue": "catalogue of tracks",
    "crowd": "listening of a crowd",
}
_COMMANDS: Final[dict[Kind, str]] = {
    "history": "segue import",
    "catalogue": "segue catalogue add",
    "crowd": "segue crowd add",
}
_TABLES = (".csv", ".tsv", ".tab", ".txt")


def nothing_recognised(
    opened: OpenedInput, kind: Kind, sources: Sequence[FileSource]
) -> SourceError:
    """The error to raise.

    Args:
        opened: The input.
        kind: What was wanted of it.
        sources: Every source there is; those of other kinds tell which command may be meant.
    """
    seen = _some([file.name for file in opened.files] + list(opened.unopened))
    titles = "; ".join(dict.fromkeys(source.title for source in sources if source.kind == kind))
    expected = f"Expected one of: {titles or 'nothing, as no source is installed'}."
    return SourceError(
        f"holds no {_NOUNS[kind]} that Segue knows (it holds {seen})",
        path=opened.path,
        cure=" ".join([*_hints(opened, kind, sources), expected]),
    )


def _hints(opened: OpenedInput, kind: Kind, sources: Sequence[FileSource]) -> Iterator[str]:
    if opened.unopened:
        yield f"What lies inside {_some(opened.unopened)} is not opened: {_way_in(opened, kind)}."
    if any(file.name.startswith("xl/") for file in opened.files):
        yield "It is an Excel workbook: save its sheet as CSV."
    files = opened.files[:_FILES_TRIED]
    if other := next(_of_another_kind(files, kind, sources), ""):
        yield other
        return
    yield from islice(filter(None, map(_unusable, files)), 1)
    if kind == "history" and any(_is_text_table(file) for file in files):
        yield (
            "A table of plays needs a first line that names the artist, the track and the time,"
            " such as “artist,album,track,date”."
        )


def _way_in(opened: OpenedInput, kind: Kind) -> str:
    archives = [opened.path / name for name in opened.unopened if name.lower().endswith(".zip")]
    if archives and opened.path.is_dir():
        first = shlex.quote(str(archives[0]))
        return f"name each by itself, as in `{_COMMANDS[kind]} {first}`, or unpack it"
    return "unpack it first"


def _of_another_kind(
    files: Sequence[InputFile], kind: Kind, sources: Sequence[FileSource]
) -> Iterator[str]:
    # a table of tracks may also pass for a crowd's: the kinds are asked in the order above
    for source in sorted(sources, key=lambda source: list(_COMMANDS).index(source.kind)):
        for file in files if source.kind != kind else ():
            if source.claims(file) and (
                not isinstance(source, LooksInside) or source.recognises(file)
            ):
                command = _COMMANDS[source.kind]
                yield f"{file.name} looks like {source.title}: use `{command}`."


def _unusable(file: InputFile) -> str:
    """What is wrong with a file whatever is wanted of it; nothing when it is text."""
    start = file.head()
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return f"{file.name} is a web page, perhaps an expired download link."
    if b"\0" in start and file.name.lower().endswith((*_TABLES, ".json", ".jsonl")):
        return f"{file.name} is not text but binary data, or damaged."
    return ""


def _is_text_table(file: InputFile) -> bool:
    return file.name.lower().endswith(_TABLES) and not _unusable(file)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
