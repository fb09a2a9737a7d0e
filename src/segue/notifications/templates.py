"""A user's own words for messages: one file a kind, with names to be filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Final

from segue.errors import ConfigError
from segue.notifications.base import KINDS, Message

__all__ = ["SUBJECT", "Templates"]

SUBJECT: Final = re.compile(r"\ASubject:[ \t]*(.*)\n+", re.IGNORECASE)
_LARGEST: Final = 64_000


@dataclass(frozen=True, slots=True)
class Templates:
    """The files `<kind>.md` (Markdown) and `<kind>.txt` (plain text) of a folder; none is needed.

    A first line “Subject: …” is the title. `$name` or `${name}` stands for a fact of the message,
    `$title` and `$body` for Segue's own words, `$$` for a dollar sign. Where there is only one of
    the two files, it is used for both.

    Args:
        folder: It need not be there.
    """

    folder: Path

    def filled(self, message: Message) -> Message:
        """The message in the user's words; as it is where there is no template for it.

        Raises:
            ConfigError: A template cannot be read, or names what is not known; says file and line.
        """
        text, marked = self._text(message.kind, "txt"), self._text(message.kind, "md")
        if text is None and marked is None:
            return message
        path_text, source_text = text or marked or (Path(), "")
        path_marked, source_marked = marked or text or (Path(), "")
        plain = _filled(path_text, source_text, message, message.body_text)
        rich = _filled(path_marked, source_marked, message, message.body_markdown)
        title = _subject(plain) or _subject(rich) or message.title
        return replace(
            message,
            title=" ".join(title.split()),
            body_text=SUBJECT.sub("", plain, count=1),
            body_markdown=SUBJECT.sub("", rich, count=1),
        )

    def present(self) -> tuple[str, ...]:
        """Names of the files that are used."""
        names = (f"{kind}.{ending}" for kind in KINDS for ending in ("txt", "md"))
        return tuple(name for name in names if (self.folder / name).exists())

    def strangers(self) -> tuple[str, ...]:
        """Names of files here that are of no kind of message."""
        known = {f"{kind}.{ending}" for kind in KINDS for ending in ("txt", "md")}
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in self.folder.iterdir() if path.name not in known))

    def _text(self, kind: str, ending: str) -> tuple[Path, str] | None:
        path = self.folder / f"{kind}.{ending}"
        try:
            if not path.exists():
                return None
            if path.stat().st_size > _LARGEST:
                raise ValueError(f"it has more than {_LARGEST:,} bytes")
            return path, path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(
                f"the template {path} cannot be read: {said}",
                field="template",
                cure="Mend it, or remove it to get Segue's own words.",
            ) from error


def _subject(text: str) -> str:
    found = SUBJECT.match(text)
    return found[1].strip() if found else ""


def _filled(path: Path, source: str, message: Message, body: str) -> str:
    # the pattern that finds a subject wants the end of its line
    text = source.replace("\r\n", "\n") + ("" if source.endswith("\n") else "\n")
    values = {**message.facts, "title": message.title, "body": body, "user": message.user_id}
    for found in Template.pattern.finditer(text):
        name = found["named"] or found["braced"]
        if found["invalid"] is None and (name is None or name in values):
            continue
        line = text.count("\n", 0, found.start()) + 1
        what = "a lone $ (write $$ for a dollar sign)" if name is None else f"there is no ${name}"
        raise ConfigError(
            f"the template {path}, line {line}: {what}",
            field="template",
            cure=f"Known for {message.kind} are: {', '.join(f'${n}' for n in sorted(values))}.",
        )
    return Template(text).substitute(values)
