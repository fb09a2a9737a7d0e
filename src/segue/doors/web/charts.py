"""Pictures as the page shows them: with a heading, their numbers, and files to take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlencode

from markupsafe import Markup

from segue.doors.web.ask import Download
from segue.doors.web.pictures import Picture, Theme, table_html
from segue.doors.web.trouble import Trouble

__all__ = ["Chart", "chart_of", "file_of"]

_KINDS: Final = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture on the page.

    Args:
        key: Names it among the pictures of the page.
        title: What it is.
        words: What it shows.
        says_more: The words say what its names and numbers do not.
        drawing: SVG.
        table: Its numbers, as an HTML table.
        files: Words -> addresses of files.
        wide: Another drawing of the same for large screens; empty: there is none.
    """

    key: str
    title: str
    words: str
    says_more: bool
    drawing: Markup
    table: Markup
    files: Mapping[str, str]
    wide: Markup


def chart_of(
    picture: Picture, address: str, asked: Mapping[str, str], *, wide: Picture | None = None
) -> Chart:
    """A picture for the page.

    Args:
        picture: What to show.
        address: Where its files are.
        asked: What the files need to know: the window, for example.
        wide: The same drawn for large screens.
    """

    def file(kind: str, theme: str) -> str:
        return f"{address}?{urlencode({**asked, 'picture': picture.key, 'as': kind, 'on': theme})}"

    return Chart(
        key=picture.key,
        title=picture.title,
        words=picture.words,
        says_more=not picture.key.startswith("top-"),
        drawing=Markup(picture.svg()),  # noqa: S704 - our own drawing, names escaped in it
        table=Markup(table_html(picture.table)),  # noqa: S704 - likewise
        files={
            "PNG": file("png", "light"),
            "PNG, dark": file("png", "dark"),
            "SVG": file("svg", "light"),
        },
        wide=Markup(wide.svg()) if wide else Markup(""),  # noqa: S704 - likewise
    )


def file_of(picture: Picture, kind: str, theme: str, *, name: str) -> Download:
    """A picture as a file.

    Args:
        picture: What it shows.
        kind: png or svg.
        theme: light or dark.
        name: Of the file, without its ending.
    """
    if kind not in _KINDS or theme not in ("light", "dark"):
        raise Trouble(404, "There is no such picture", "The links below each picture are right.")
    chosen = cast(Theme, theme)
    body = picture.png(chosen) if kind == "png" else picture.file(chosen).encode()
    return Download(body, _KINDS[kind], f"{name}.{kind}")
