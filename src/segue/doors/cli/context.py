"""What the commands share: where the data is, how to show progress, how to answer."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.doors.cli.progress import LineProgress, make_progress

if TYPE_CHECKING:
    from segue.settings import Settings

__all__ = ["AsJson", "Call", "User", "call_of", "now", "print_json", "say"]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
User = Annotated[
    str | None, typer.Option("--user", help="Whose history; default: setting user_id (“me”).")
]


@dataclass(frozen=True, slots=True)
class Call:
    """The options that stand before the command."""

    home: Path | None = None
    quiet: bool = False

    def settings(self, **arguments: Any) -> Settings:
        """All settings, read once for this command; what was interrupted is finished first."""
        from segue.settings import load_settings
        from segue.warehouse.home_journal import may_be_unfinished

        settings = load_settings(home=self.home, **arguments)
        if may_be_unfinished(settings.home):
            from segue.flows.unfinished import finish

            finish(settings, self.progress())
        return settings

    def progress(self) -> LineProgress:
        """Progress on standard error."""
        return make_progress(quiet=self.quiet)


def call_of(context: typer.Context) -> Call:
    """The options of this call."""
    found = context.find_object(Call)
    return found if found is not None else Call()


def now() -> datetime:
    """The clock; rooms get the moment as an argument."""
    return datetime.now(tz=UTC)


def say(*lines: str) -> None:
    """Lines on standard output."""
    for line in lines:
        typer.echo(line)


def print_json(value: Any) -> None:
    """A JSON answer on standard output."""
    as_it_is = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    typer.echo(json.dumps(value, ensure_ascii=not as_it_is, indent=2))
