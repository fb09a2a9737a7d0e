"""What kind of JSON a file may hold, judged by its first bytes: enough to claim it or not."""

from __future__ import annotations

import re

from segue.sources.base import InputFile
from segue.sources.json_text import encoding_of

__all__ = ["base_name", "json_start", "keys_seen"]

_KEY = re.compile(r'"([^"\\]{1,60})"\s*:')


def base_name(file: InputFile) -> str:
    """The file's name without its folders, in lower case."""
    return file.name.replace("\\", "/").rsplit("/", 1)[-1].lower()


def json_start(file: InputFile) -> str:
    """The first characters of a file that may be JSON, without white space; else nothing."""
    head = file.head()
    encoding, mark = encoding_of(head[:4])
    text = head[mark:].decode(encoding, "replace").lstrip()
    return text if text.startswith(("[", "{")) else ""


def keys_seen(file: InputFile) -> frozenset[str]:
    """Keys in the first few kilobytes of a JSON file, at any depth; none for other files."""
    return frozenset(_KEY.findall(json_start(file)))
