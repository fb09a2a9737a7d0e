"""Statistics as files: a page of Markdown, a picture."""

from __future__ import annotations

from pathlib import Path

from segue.analytics.statistics import Statistics
from segue.errors import ConfigError, SinkError
from segue.flows.board_files import write_whole

__all__ = ["check_stats_files", "write_stats"]


def check_stats_files(markdown: Path | None, picture: Path | None) -> None:
    """Look at the names before any work is done.

    Raises:
        ConfigError: The picture is of no known kind.
        SinkError: A folder is not there.
    """
    from segue.analytics.picture import PICTURES

    if picture is not None and picture.suffix.lower().lstrip(".") not in PICTURES:
        kinds = [f".{kind}" for kind in PICTURES]
        raise ConfigError(
            f"--picture {picture}: no such kind of picture",
            field="picture",
            cure=f"Let its name end in {', '.join(kinds[:-1])} or {kinds[-1]}.",
        )
    for path in (markdown, picture):
        if path is not None and not path.expanduser().absolute().parent.is_dir():
            raise SinkError(
                f"{path} cannot be written: there is no such folder",
                cure="Make the folder first, or name another.",
            )


def write_stats(
    told: Statistics, *, markdown: Path | None = None, picture: Path | None = None
) -> None:
    """Write the files that are asked for, each whole or not at all.

    Raises:
        SinkError: A file cannot be written.
    """
    if markdown is not None:
        from segue.analytics.markdown import markdown_page

        write_whole(markdown, markdown_page(told).encode("utf-8"))
    if picture is not None:
        from segue.analytics.picture import draw

        write_whole(picture, draw(told, picture.suffix.lower().lstrip(".")))
