"""Leaderboards as files: Markdown, JSON, a picture."""

from __future__ import annotations

import os
from pathlib import Path

from segue.errors import ConfigError, SinkError
from segue.evaluation.data_board import DataBoard
from segue.evaluation.leaderboard import Leaderboard
from segue.evaluation.summary import summary_of

__all__ = ["check_files", "write_board", "write_whole"]


def check_files(markdown: Path | None, picture: Path | None) -> None:
    """Look at the names before any work is done.

    Raises:
        ConfigError: The picture is of no known kind.
        SinkError: A folder is not there.
    """
    from segue.evaluation.picture import PICTURES

    if picture is not None and picture.suffix.lower().lstrip(".") not in PICTURES:
        raise ConfigError(
            f"--picture {picture}: no such kind of picture",
            field="picture",
            cure=f"Let its name end in {' or '.join('.' + kind for kind in PICTURES)}.",
        )
    for path in (markdown, picture):
        if path is not None and not path.expanduser().absolute().parent.is_dir():
            raise SinkError(
                f"{path} cannot be written: there is no such folder",
                cure="Make the folder first, or name another.",
            )


def write_board(
    board: Leaderboard | DataBoard, *, markdown: Path | None = None, picture: Path | None = None
) -> None:
    """Write the files that are asked for, each whole or not at all.

    Raises:
        SinkError: A file cannot be written.
    """
    told = summary_of(board)
    if markdown is not None:
        from segue.evaluation.markdown import markdown_lines

        write_whole(markdown, ("\n".join(markdown_lines(told)) + "\n").encode("utf-8"))
    if picture is not None:
        from segue.evaluation.picture import picture as draw

        if not told.panels:
            raise SinkError(
                f"{picture} is not drawn: no list had a hit",
                cure="Look at the table, or give more data.",
            )
        write_whole(picture, draw(told, picture.suffix.lower().lstrip(".")))


def write_whole(path: Path, content: bytes) -> None:
    """Let a file appear with all of its content.

    Raises:
        SinkError: It cannot be written.
    """
    path = path.expanduser().absolute()
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise SinkError(
            f"{path} cannot be written: {error.strerror or error}",
            cure="Name another file, or mend the folder's permissions.",
        ) from error
