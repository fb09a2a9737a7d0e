"""The text of a JSON file, whatever its encoding, as a window that moves."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from segue.errors import SourceError
from segue.sources.base import InputFile

__all__ = ["TextWindow", "encoding_of", "fault"]

AGAIN = "Download or unpack it again; an editor may have changed it."

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def fault(
    file: InputFile, message: str, *, cure: str = AGAIN, row: int | None = None, field: str = ""
) -> SourceError:
    """The error that this file as a whole is not what it should be."""
    member = "" if file.input.name == file.name else file.name
    return SourceError(message, path=file.input, member=member, row=row, field=field, cure=cure)


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding of a JSON text, and how many bytes its mark has, judged by its first bytes."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    if head[1:2] == b"\0" and head[:1] in b"[{ \r\n\t":
        return "utf-16-le", 0
    if head[:1] == b"\0" and head[1:2] in b"[{ \r\n\t":
        return "utf-16-be", 0
    return "utf-8", 0


class _Decoding:
    """A stream of bytes decoded strictly, a block at a time, from behind its mark."""

    def __init__(self, file: InputFile, stream: BinaryIO) -> None:
        self.encoding, self.bytes_read = encoding_of(stream.read(4))
        self.ended = False
        stream.seek(self.bytes_read)
        self._file = file
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(self.encoding)("strict")

    def read(self, size: int) -> str:
        block = self._stream.read(size)
        self.ended = not block
        before = self.bytes_read - len(self._decoder.getstate()[0])
        self.bytes_read += len(block)
        try:
            return self._decoder.decode(block, final=self.ended)
        except UnicodeDecodeError as error:
            raise self._not_text(before + error.start, error) from error

    def _not_text(self, at: int, error: UnicodeDecodeError) -> SourceError:
        name = self.encoding.upper().removesuffix("-LE").removesuffix("-BE")
        byte = error.object[error.start : error.start + 1].hex()
        return fault(
            self._file,
            f"is not valid {name}: byte {at:,} (0x{byte}) cannot be read as text",
            cure="Save it as UTF-8, or download the export again and do not edit it.",
        )


class TextWindow:
    """The part of a file's text around the place that is being read.

    Args:
        file: Named in errors.
        stream: The open file, at its start.
        block: Characters to add at a time.
    """

    def __init__(self, file: InputFile, stream: BinaryIO, block: int = 1 << 20) -> None:
        self.text = ""
        self.at = 0
        self._decoding = _Decoding(file, stream)
        self._passed = self._decoding.bytes_read
        self._block = block

    def more(self) -> bool:
        """Let go of what was read and add a block; False at the end of the file."""
        while not self._decoding.ended:
            wanted = max(self._block, len(self.text) - self.at)  # a long value stays linear
            if added := self._decoding.read(wanted):
                self._passed += self._length(self.text[: self.at])
                self.text = self.text[self.at :] + added
                self.at = 0
                return True
        return False

    def peek(self) -> str:
        """The next character that is not white space, without passing it; empty at the end."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in " \t\r\n":
                    return self.text[self.at]
                self.at += 1
            if not self.more():
                return ""

    def byte(self, at: int | None = None) -> int:
        """How many bytes of the file lie before a place in `text` (the current one)."""
        return self._passed + self._length(self.text[: self.at if at is None else at])

    def _length(self, text: str) -> int:
        return len(text.encode(self._decoding.encoding))
