"""Hand over: every table as files that other programs read, or one person's share of them."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow.compute as pc

import segue
from segue.errors import ConfigError, UnknownUserError
from segue.music import columns as c
from segue.music.lake_tables import LAKE_TABLES
from segue.music.marts import MARTS
from segue.progress import Progress
from segue.warehouse.base import RawFile
from segue.warehouse.export_sql import Format, mart_sql
from segue.warehouse.export_writer import ExportedTable, ExportWriter, new_folder
from segue.warehouse.mart_words import MartWords, mart_words
from segue.warehouse.snapshots import Snapshot

__all__ = ["ExportReport", "HasFiles", "export"]

_log = logging.getLogger(__name__)


class HasFiles(Protocol):
    """The lake, as far as an export needs it."""

    def files(self, table: str) -> Sequence[RawFile]:
        """The Parquet files of a lake table, in commit order."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Args:
        folder: Where to.
        snapshot: Name of the published marts.
        user_id: Whose share it is; None for everybody's.
        tables: A file each.
        left_out: Tables that say nothing of the user.
    """

    folder: Path
    snapshot: str
    user_id: str | None
    tables: tuple[ExportedTable, ...]
    left_out: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "folder": str(self.folder),
            "snapshot": self.snapshot,
            "user_id": self.user_id,
            "tables": [
                {"name": t.name, "file": t.file, "rows": t.rows, "bytes": t.bytes}
                for t in self.tables
            ],
            "left_out": list(self.left_out),
        }


def export(
    snapshot: Snapshot,
    lake: HasFiles,
    folder: Path,
    *,
    kind: Format,
    now: datetime,
    progress: Progress,
    names: Sequence[str] = (),
    user_id: str | None = None,
    raw: bool = False,
    replace: bool = False,
    memory_limit: str = "1GB",
    threads: int = 0,
) -> ExportReport:
    """Write the published marts, and if wished the lake's raw rows, into a new folder.

    The folder appears whole, with a manifest that names rows and checksums of every file.

    Args:
        snapshot: The marts; all files are of this one, whatever is published meanwhile.
        lake: The raw rows.
        folder: Must be missing or empty.
        kind: Format of the files.
        now: Aware, for the record.
        progress: Told of each table.
        names: Only these marts; empty: all.
        user_id: Only what is about this user; None: everything.
        raw: The lake's rows as well, under `raw/`.
        replace: An earlier export in the folder may go.
        memory_limit: DuckDB's.
        threads: DuckDB's; 0 means all cores.

    Raises:
        ConfigError: There is no table of a name.
        UnknownUserError: There is no such user.
        SinkError: The folder holds something else.
        StorageError: The disk is full or cannot be written.
        WarehouseError: A table cannot be read.
    """
    present = [mart for mart in snapshot.marts if snapshot.files(mart)[0].is_file()]
    chosen = _chosen(names, present)
    if user_id is not None:
        _check_user(snapshot, user_id)
    parameters = {} if user_id is None else {c.USER_ID: user_id}
    words = mart_words()
    tables: list[ExportedTable] = []
    left_out: list[str] = []
    with (
        new_folder(folder, replace=replace) as draft,
        closing(ExportWriter(draft, kind, memory_limit=memory_limit, threads=threads)) as writer,
    ):
        for mart in present:
            writer.see(mart, snapshot.files(mart), MARTS[mart].names)
        raw_tables = LAKE_TABLES if raw else {}
        progress.start("exporting", total=len(chosen) + len(raw_tables), unit="tables")
        for mart in chosen:
            sql = mart_sql(mart, MARTS[mart], of_one=user_id is not None)
            if sql is None:
                left_out.append(mart)
            else:
                told = words.get(mart, MartWords())
                tables.append(
                    writer.write(
                        mart,
                        sql,
                        MARTS[mart],
                        parameters=parameters,
                        description=told.grain,
                        words=told.columns,
                    )
                )
            progress.advance()
        for name, table in raw_tables.items():
            # one person's share holds no crowd and no catalogue
            files = [file.path for file in lake.files(name)]
            mine = user_id is None or c.USER_ID in table.schema.names
            if files and mine:
                writer.see(f"raw_{name}", files, table.schema.names)
                where = "" if user_id is None else " WHERE user_id = $user_id"
                tables.append(
                    writer.write(
                        name,
                        f"SELECT * FROM raw_{name}{where}",
                        table.schema,
                        parameters=parameters,
                        under="raw",
                        description="Raw rows as they were imported.",
                    )
                )
            elif files:
                left_out.append(f"raw/{name}")
            progress.advance()
        facts = {
            "made_at": now.isoformat(),
            "segue": segue.__version__,
            "snapshot": snapshot.name,
            "user_id": user_id,
            "left_out": left_out,
        }
        writer.finish(facts, tables, _page(facts, tables, kind))
    progress.done(f"{len(tables)} tables")
    _log.info("exported %s tables, %s rows", len(tables), sum(table.rows for table in tables))
    place = folder.expanduser().absolute()
    return ExportReport(place, snapshot.name, user_id, tuple(tables), tuple(left_out))


def _chosen(names: Sequence[str], present: Sequence[str]) -> list[str]:
    for name in names:
        if name not in present:
            near = difflib.get_close_matches(name, present, n=1)
            raise ConfigError(
                f"--tables {name}: there is no such table"
                + (f"; did you mean {near[0]}" if near else ""),
                field="tables",
                cure=f"Choose among {', '.join(sorted(present))}.",
            )
    return [mart for mart in present if mart in names or not names]


def _check_user(snapshot: Snapshot, user_id: str) -> None:
    known = tuple(
        sorted(pc.unique(snapshot.read("users", columns=[c.USER_ID])[c.USER_ID]).to_pylist())
    )
    if user_id not in known:
        some = ", ".join(f"“{name}”" for name in known[:5]) or "nobody"
        raise UnknownUserError(user_id, known=known, cure=f"Known here: {some}.")


_FORMATS = {
    "parquet": "Parquet holds the types as they are; times are UTC.",
    "csv": 'CSV, UTF-8: an empty cell is null and `""` an empty text, lists are JSON, '
    "times ISO 8601 in UTC.",
    "jsonl": "JSON lines, UTF-8: an object a line, times ISO 8601 in UTC.",
}


def _page(facts: dict[str, Any], tables: Sequence[ExportedTable], kind: Format) -> str:
    """The README of an export: what is in it, and what the columns hold."""
    whose = "everybody" if facts["user_id"] is None else facts["user_id"]
    lines = [
        "# Export of a Segue home",
        "",
        f"Made {facts['made_at']} by Segue {facts['segue']}, of {whose},"
        f" from snapshot {facts['snapshot']}.",
        f"{_FORMATS[kind]} `manifest.json` has the rows and the SHA-256 of each file.",
        "",
        "`segue import` reads this folder again: the plays in it or, if `raw/` is there, all that",
        "was ever imported of one user, exactly as it was.",
        "",
        "| file | rows | holds |",
        "|---|---:|---|",
        *(f"| {table.file} | {table.rows:,} | {table.description} |" for table in tables),
    ]
    if facts["left_out"]:
        lines += ["", f"Left out, since they tell of others: {', '.join(facts['left_out'])}."]
    for table in tables:
        lines += ["", f"## {table.file}", "", "| column | type | is |", "|---|---|---|"]
        lines += [
            f"| {column['name']} | {column['type']} | {column['description']} |"
            for column in table.columns
        ]
    return "\n".join(lines) + "\n"
