"""`segue export`: every table as files for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from segue.doors.cli.context import AsJson, call_of, now, print_json, say

__all__ = ["add_to"]


class Format(StrEnum):
    """What the files are."""

    parquet = "parquet"
    csv = "csv"
    jsonl = "jsonl"


Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or not there.")]
AsFormat = Annotated[Format, typer.Option("--format", help="Of the files.")]
Tables = Annotated[
    str | None, typer.Option("--tables", metavar="A,B", help="Only these; default: all.")
]
OneUser = Annotated[
    str | None, typer.Option("--user", help="Only what is about this user; default: everything.")
]
Raw = Annotated[bool, typer.Option("--raw", help="The raw rows of every import as well.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier export in the folder.")]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        "export",
        epilog="Example:  segue export my-music --format csv\n\n"
        "Example:  segue export ann --user ann --raw",
    )(export)


def export(
    context: typer.Context,
    folder: Folder,
    as_format: AsFormat = Format.parquet,
    tables: Tables = None,
    user: OneUser = None,
    raw: Raw = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write every published table as Parquet, CSV or JSON lines.

    The folder appears whole, with a README and a manifest of rows and checksums. `segue import`
    reads it again.
    """
    from segue.flows.export import export as run
    from segue.flows.wiring import Wiring

    call = call_of(context)
    wiring = Wiring(call.settings())
    report = run(
        wiring.snapshots.current(),
        wiring.lake,
        folder,
        kind=as_format.value,
        now=now(),
        progress=call.progress(),
        names=[name.strip() for name in (tables or "").split(",") if name.strip()],
        user_id=user,
        raw=raw,
        replace=force,
        memory_limit=wiring.settings.memory_limit,
        threads=wiring.settings.threads,
    )
    if as_json:
        print_json(report.as_dict())
        return
    widest = max((len(table.file) for table in report.tables), default=0)
    for table in report.tables:
        say(f"  {table.file:<{widest}}  {table.rows:>12,} rows  {table.bytes / 1e6:>9,.1f} MB")
    if report.left_out:
        say(f"  left out, since they tell of others: {', '.join(report.left_out)}")
    say(f"{len(report.tables)} tables written to {report.folder}")
