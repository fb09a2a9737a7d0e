"""Path templates: /users/{id} and what the words in braces are in a path."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

__all__ = ["words_in"]


def words_in(template: str, path: str) -> dict[str, str] | None:
    """What the words of a template are in a path; None: it is another path."""
    found = _pattern(template).fullmatch(path)
    return None if found is None else {k: unquote(v) for k, v in found.groupdict().items()}


@lru_cache(maxsize=1_000)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
