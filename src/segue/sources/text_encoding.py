"""Which encoding a text file is written in, judged by its bytes."""

from __future__ import annotations

import codecs
from pathlib import Path

__all__ = ["encoding_of", "encoding_of_head", "is_binary"]

_BLOCK = 1 << 20
_CONTROL = bytes(set(range(32)) - {7, 8, 9, 10, 12, 13, 27})


def encoding_of_head(head: bytes) -> str | None:
    """The encoding as far as the first bytes tell.

    Returns:
        "utf-8-sig" (with or without the mark), "utf-16", "utf-16-le", "utf-16-be", "cp1252" for
        bytes that are no UTF-8, or None for bytes that are no text.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for name, odd in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if len(head) >= 8 and odd.count(0) > 0.7 * len(odd) and head.count(0) < 0.6 * len(head):
            return name
    if is_binary(head):
        return None
    try:
        codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def is_binary(head: bytes) -> bool:
    """Whether bytes are no text in any one-byte encoding or UTF-8."""
    return 0 in head or len(head) - len(head.translate(None, _CONTROL)) > len(head) // 50


def encoding_of(path: Path) -> str | None:
    """The encoding of a whole file.

    A file in UTF-8 with a few broken bytes stays UTF-8; where broken bytes prevail, it was
    written by an older Windows program (cp1252, which Latin-1 is a part of).

    Returns:
        As `encoding_of_head`; None for a file that is no text.
    """
    with path.open("rb") as file:
        guess = encoding_of_head(file.read(_BLOCK))
        if guess is None or guess.startswith("utf-16"):
            return guess
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        broken = foreign = 0
        while block := file.read(_BLOCK):
            text = decoder.decode(block)
            if not text.isascii():
                broken += text.count("�")
                foreign += sum(not part.isascii() for part in text.split())
    return "utf-8-sig" if broken * 4 <= foreign else "cp1252"
