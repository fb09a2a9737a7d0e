"""A weekly report as files, and as a message."""

from __future__ import annotations

import re
from pathlib import Path

from segue.analytics.weekly import WeeklyReport
from segue.analytics.weekly_page import FORMATS, markdown, page, picture, plain_text
from segue.errors import ConfigError, SinkError
from segue.flows.board_files import write_whole
from segue.notifications.base import Attachment, Message
from segue.notifications.messages import weekly_report as message_of

__all__ = ["formats_of", "weekly_message", "write_report"]

_UNSAFE = re.compile(r"[^\w.-]")


def formats_of(text: str) -> tuple[str, ...]:
    """Kinds of files, as in “html,png”.

    Raises:
        ConfigError: One of them is not known.
    """
    asked = tuple(dict.fromkeys(word.strip().lower() for word in text.split(",") if word.strip()))
    wrong = [word for word in asked if word not in FORMATS]
    if wrong or not asked:
        raise ConfigError(
            f"--format {text}: a report cannot be written as “{(wrong or [''])[0]}”",
            field="format",
            cure=f"Choose from {', '.join(FORMATS)}.",
        )
    return asked


def write_report(report: WeeklyReport, folder: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write a report into a folder, which is made; each file whole or not at all.

    Returns:
        The files, such as week-ann-2026-W46.html.

    Raises:
        SinkError: The folder or a file cannot be written.
    """
    try:
        folder.expanduser().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(
            f"{folder} cannot be made: {error.strerror}", cure="Name another folder with --out."
        ) from error
    name = f"week-{_UNSAFE.sub('_', report.user_id)}-{report.week}"
    files = [folder.expanduser() / f"{name}.{kind}" for kind in formats]
    for file, kind in zip(files, formats, strict=True):
        write_whole(file, _content(report, kind))
    return files


def weekly_message(report: WeeklyReport) -> Message:
    """The report as a message, with its page and picture."""
    return message_of(
        user_id=report.user_id,
        week=report.week,
        title=f"Your week, {report.title}",
        text=plain_text(report),
        markdown=markdown(report),
        attachments=(
            Attachment(f"{report.week}.png", picture(report)),
            Attachment(f"{report.week}.html", page(report).encode()),
        ),
    )


def _content(report: WeeklyReport, kind: str) -> bytes:
    if kind == "png":
        return picture(report)
    return (page(report) if kind == "html" else markdown(report)).encode("utf-8", "replace")
