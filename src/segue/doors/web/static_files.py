"""Styles, modules and fonts under names that change with what they hold, so that they keep."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segue.errors import ConfigError

__all__ = ["StaticFile", "StaticFiles"]

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_TEXT: Final = frozenset((".css", ".js", ".svg"))
_NAMED: Final = re.compile(
    r"""(?<=["'(])(?:\./)([a-z0-9_/.-]+\.(?:css|js|svg|png|woff2))(?=["')])"""
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent.

    Args:
        packed: The same with gzip; None: that would not make it smaller.
    """

    body: bytes
    media_type: str
    packed: bytes | None


class StaticFiles:
    """The files of a folder, read once.

    Styles and modules name others as “./name.js”, from the folder up; what is sent has the names
    with hashes in their place.

    Args:
        folder: Holds them.
    """

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._folder = folder
        self._files: dict[str, StaticFile] = {}
        self._names: dict[str, str] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix in _TYPES:
                self.address(path.relative_to(folder).as_posix())

    def address(self, name: str) -> str:
        """Where a file is, such as /static/base.3f2a9c1e.css.

        Raises:
            ConfigError: There is none of that name.
        """
        if name not in self._names:
            self._names[name] = ""  # whoever names it meanwhile goes in a circle
            self._names[name] = self._added(name)
        if not self._names[name]:
            raise ConfigError(f"static files name each other in a circle: {name}")
        return f"/static/{self._names[name]}"

    def find(self, path: str) -> StaticFile | None:
        """The file at an address of `address`; None: there is none."""
        return self._files.get(path.removeprefix("/static/"))

    def _added(self, name: str) -> str:
        path = self._folder / name
        if path.suffix not in _TYPES or not path.is_file():
            raise ConfigError(f"there is no static file “{name}”")
        body = path.read_bytes()
        if path.suffix in (".css", ".js"):
            body = _NAMED.sub(lambda found: self.address(found[1]), body.decode()).encode()
        digest = hashlib.sha256(body).hexdigest()[:10]
        named = f"{name.removesuffix(path.suffix)}.{digest}{path.suffix}"
        packed = gzip.compress(body, 9, mtime=0) if path.suffix in _TEXT else None
        self._files[named] = StaticFile(body, _TYPES[path.suffix], packed)
        return named
