"""`segue sql`: a question of your own to the published tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from segue.doors.cli.context import AsJson, call_of, print_json, say
from segue.errors import ConfigError, SinkError

if TYPE_CHECKING:
    import pyarrow as pa

    from segue.flows.sql import TableWords
    from segue.settings import Settings

__all__ = ["add_to"]

_SHOWN: Final = 50  # rows of a table, unless --limit says otherwise

Query = Annotated[
    str | None, typer.Argument(metavar="[QUERY]", help="One SELECT; default: standard input.")
]
FromFile = Annotated[
    Path | None, typer.Option("--file", "-f", metavar="FILE", help="Read the query from a file.")
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=0, help="Most rows; 0: all. Default: 50 in a table, else all.", metavar="N"
    ),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to a file: .csv or .json."),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0, metavar="SECONDS", help="Stop after so long; 0: never.")
]
Tables = Annotated[bool, typer.Option("--tables", help="List the tables.")]
Describe = Annotated[
    str | None, typer.Option("--describe", metavar="TABLE", help="List the columns of a table.")
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        "sql",
        epilog='Example:  segue sql "SELECT artist, plays FROM artists ORDER BY plays DESC LIMIT 5"'
        "\n\nExample:  segue sql --describe plays",
    )(sql)


def sql(
    context: typer.Context,
    query: Query = None,
    file: FromFile = None,
    limit: Limit = None,
    as_csv: AsCsv = False,
    output: Output = None,
    timeout: Timeout = 300.0,
    list_tables: Tables = False,
    describe: Describe = None,
    as_json: AsJson = False,
) -> None:
    """Ask the published tables in SQL (DuckDB's), read-only.

    Tables go by their names: plays, tracks, artists, users … Nothing can be written, and no
    other file, address or setting can be reached.
    """
    from segue.flows.wiring import Wiring

    wiring = Wiring(call_of(context).settings())
    if list_tables or describe is not None:
        from segue.flows.sql import tables

        found = tables(wiring.snapshots.current(), describe)
        _print_tables(found, as_json=as_json, columns=describe is not None)
        return
    kind = _kind(as_json, as_csv, output)
    text = _query_text(query, file)
    shown = _SHOWN if limit is None and kind == "table" else limit or 0
    with _rows(text, wiring.settings, timeout) as rows:
        _deliver(rows, kind, shown, output)


@contextmanager
def _rows(text: str, settings: Settings, timeout: float) -> Iterator[pa.RecordBatchReader]:
    from segue.flows.sql import ask
    from segue.flows.wiring import Wiring

    with ask(
        Wiring(settings).snapshots.current(),
        text,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        seconds=timeout,
    ) as rows:
        yield rows


def _query_text(query: str | None, file: Path | None) -> str:
    """What is asked: an argument, a file or standard input, one of them."""
    if query is not None and file is not None:
        raise ConfigError("a query and --file are given", field="file", cure="Give one of them.")
    if query is not None and query != "-":
        return query
    if file is None:
        if sys.stdin.isatty():
            raise ConfigError(
                "there is no query",
                field="query",
                cure='For example: segue sql "SELECT * FROM users", or segue sql --tables.',
            )
        return sys.stdin.read()
    try:
        return file.expanduser().read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file} is not UTF-8 text", field="file", cure="Save it as UTF-8."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}", field="file", cure="Name another file."
        ) from error


def _kind(as_json: bool, as_csv: bool, output: Path | None) -> str:
    if as_json and as_csv:
        raise ConfigError("--json and --csv are given", field="csv", cure="Give one of them.")
    if as_json or as_csv:
        return "json" if as_json else "csv"
    if output is None:
        return "table"
    kind = output.suffix.lower().lstrip(".")
    if kind not in ("csv", "json"):
        raise ConfigError(
            f"-o {output}: which format is not clear",
            field="output",
            cure="Let its name end in .csv or .json, or give --csv or --json.",
        )
    return kind


def _deliver(rows: pa.RecordBatchReader, kind: str, limit: int, output: Path | None) -> None:
    from segue.flows.row_files import write_csv, write_json
    from segue.flows.sql import limited, type_words

    if kind == "table":
        from segue.doors.cli.sql_table import print_rows

        print_rows(rows, limit)
        return
    chosen = limited(rows, limit)
    with _stream(output) as out:
        if kind == "csv":
            count = write_csv(chosen, out)
        else:
            count = write_json(chosen, out, types=type_words(rows.schema))
    if output is not None:
        say(f"{count:,} rows written to {output}")


@contextmanager
def _stream(output: Path | None) -> Iterator[TextIO]:
    """Standard output in UTF-8, or a file that appears whole."""
    if output is None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        with nullcontext(sys.stdout) as out:
            yield out
        return
    path = output.expanduser().absolute()
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            yield file
        aside.replace(path)
    except OSError as error:
        raise SinkError(
            f"{path} cannot be written: {error.strerror or error}",
            cure="Name another file, or mend the folder's permissions.",
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def _print_tables(found: tuple[TableWords, ...], *, as_json: bool, columns: bool) -> None:
    if as_json:
        from dataclasses import asdict

        print_json({"tables": [asdict(table) for table in found]})
        return
    from segue.doors.cli.sql_table import describe_table, list_tables

    if columns:
        describe_table(found[0])
    else:
        list_tables(found)
