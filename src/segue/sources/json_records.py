"""The records of a JSON file one at a time: slow, with little memory, and every fault named.

It is the way round for files that the fast reader cannot take, and says where they break.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segue.errors import SourceError
from segue.sources.base import InputFile
from segue.sources.json_text import TextWindow, fault

__all__ = ["read_records"]

_LONGEST = 64 << 20
"""Characters of the longest single record; a real one has about a thousand."""

# Numbers stay as written, so that 1999 and 1.10 survive as names; control characters are let in.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)
_UNFINISHED = re.compile(r"\s*[-a-zA-Z]*\s*|\\u?[0-9a-fA-F]{0,4}")
_ENDS_EARLY = "it is not complete"


def read_records(file: InputFile, path: Path, within: str = "") -> Iterator[Any]:
    """Every record of a file, in order; numbers come as text, exactly as they were written.

    The file may be a list of records, or records one after the other (JSON Lines).

    Args:
        file: Named in errors.
        path: Its content.
        within: For files whose records lie deeper, the dotted key of the list that holds them:
            "scrobbles" reads {"scrobbles": [record, …]} and [{"scrobbles": [record, …]}, …].

    Raises:
        SourceError: It is not JSON, is cut off, or is not made of records; with row and byte.
    """
    with path.open("rb") as stream:
        yield from _Reader(file, TextWindow(file, stream)).records(within)


class _Reader:
    def __init__(self, file: InputFile, window: TextWindow) -> None:
        self._file = file
        self._window = window
        self._row = 0

    def records(self, within: str) -> Iterator[Any]:
        keys = within.split(".") if within else []
        first = self._window.peek()
        if first not in ("[", "{"):
            raise self._not_json(first)
        while next_one := self._window.peek():
            if next_one == "{" and keys:
                yield from self._inside(keys)
            elif next_one == "{":
                self._row += 1
                yield self._value()
            elif self._row == 0 and first == "[":
                yield from self._pages(keys) if keys else self._list()
                self._nothing_more()
            else:
                raise self._malformed("something that is not a record")

    def _list(self) -> Iterator[Any]:
        """The values of the list that begins here."""
        self._window.at += 1
        if self._window.peek() == "]":
            self._window.at += 1
            return
        while True:
            self._row += 1
            yield self._value()
            match self._window.peek():
                case ",":
                    self._window.at += 1
                    if self._window.peek() == "]":
                        break
                case "]":
                    break
                case "":
                    raise self._cut_off(f"the list is not closed after record {self._row:,}")
                case _:
                    raise self._malformed("no comma between two records")
        self._window.at += 1

    def _pages(self, keys: list[str]) -> Iterator[Any]:
        """The records of a list whose values hold lists of records."""
        for page in self._list():
            inner = page
            for key in keys:
                inner = inner.get(key) if isinstance(inner, dict) else None
            if not isinstance(inner, list):
                raise self._no_list(keys)
            yield from inner

    def _inside(self, keys: list[str]) -> Iterator[Any]:
        """The records of the list under `keys` in the object that begins here."""
        self._window.at += 1
        found = False
        while self._window.peek() != "}":
            key = self._key()
            if key == keys[0] and not found:
                found = True
                if len(keys) > 1 and self._window.peek() == "{":
                    yield from self._inside(keys[1:])
                elif len(keys) == 1 and self._window.peek() == "[":
                    yield from self._list()
                else:
                    raise self._no_list(keys)
            else:
                self._value()
            match self._window.peek():
                case ",":
                    self._window.at += 1
                case "}":
                    pass
                case "":
                    raise self._cut_off("the object is not closed")
                case _:
                    raise self._malformed("no comma between two fields")
        self._window.at += 1
        if not found:
            raise self._no_list(keys)

    def _key(self) -> str:
        if self._window.peek() == "":
            raise self._cut_off("the object is not closed")
        key = self._value() if self._window.peek() == '"' else None
        if not isinstance(key, str) or self._window.peek() != ":":
            raise self._malformed("a field without a name")
        self._window.at += 1
        return key

    def _value(self) -> Any:
        window = self._window
        if window.peek() == "":
            raise self._cut_off(f"the file ends before record {self._row:,}")
        while True:
            try:
                value, end = _DECODER.raw_decode(window.text, window.at)
            except json.JSONDecodeError as error:
                if _may_go_on(error, window.text) and self._grow():
                    continue
                raise self._broken(error) from error
            except RecursionError as error:
                raise self._malformed("lists or objects nested too deeply") from error
            # a number at the very end of the window may go on in the next block
            if end == len(window.text) and self._grow():
                continue
            window.at = end
            return value

    def _grow(self) -> bool:
        if len(self._window.text) - self._window.at > _LONGEST:
            raise self._malformed(f"a value of more than {_LONGEST:,} characters")
        return self._window.more()

    def _nothing_more(self) -> None:
        if self._window.peek():
            raise self._malformed("something after the end of the list")

    def _broken(self, error: json.JSONDecodeError) -> SourceError:
        rest = self._window.text[error.pos :]
        if error.msg.startswith("Unterminated string") or _UNFINISHED.fullmatch(rest):
            return self._cut_off(f"the file ends in the middle of record {max(self._row, 1):,}")
        self._window.at = error.pos
        return self._malformed(f"{error.msg[:1].lower()}{error.msg[1:]}")

    def _cut_off(self, where: str) -> SourceError:
        at = self._window.byte(len(self._window.text))
        cure = "Download or unpack it again; the copy stopped early."
        return fault(
            self._file, f"{_ENDS_EARLY}: {where} (at byte {at:,})", row=self._row or None, cure=cure
        )

    def _malformed(self, what: str) -> SourceError:
        message = f"is not valid JSON at byte {self._window.byte():,}: {what}"
        return fault(self._file, message, row=self._row or None)

    def _no_list(self, keys: list[str]) -> SourceError:
        message = f"has no list “{keys[-1]}” where its records should be"
        return fault(self._file, message, field=keys[-1], cure="Check that it is the right export.")

    def _not_json(self, first: str) -> SourceError:
        start = self._window.text[self._window.at :][:200].lower()
        if first == "":
            return fault(self._file, "the file is empty: it holds nothing but white space")
        if start.startswith("<"):
            page = "is a web page (HTML)" if "<htm" in start or "<!doc" in start else "is XML"
            cure = "Download it again while logged in; the link may have expired."
            return fault(self._file, f"{page}, not JSON", cure=cure)
        if "\0" in start:
            return fault(self._file, "is binary data or zero bytes, not JSON text")
        return fault(self._file, "is not JSON: it begins with neither “[” nor “{”")


def _may_go_on(error: json.JSONDecodeError, text: str) -> bool:
    """Whether the fault may only be that the text ends here."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(text) - 12
