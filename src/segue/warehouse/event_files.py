"""Raw events in Parquet made into interactions: each row judged, each event counted once.

A day of events is cut into parts by user, and each part is worked on by itself: what memory is
needed does not grow with the number of users.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from segue.errors import StorageError, WarehouseError
from segue.warehouse.connection import connect

__all__ = ["LEARNED_FROM", "DayPart", "EventFiles", "Judging", "RowAccount", "open_scratch"]

LEARNED_FROM: Final = ("play", "complete", "skip", "like")
"""Kinds of events that are interactions with a track."""

_COLUMNS: Final[Mapping[str, str]] = {
    "event_id": "VARCHAR",
    "user_id": "VARCHAR",
    "track_id": "VARCHAR",
    "event_type": "VARCHAR",
    "timestamp": "VARCHAR",
    "ms_played": "BIGINT",
    "source": "VARCHAR",
}
_PART_BYTES: Final = 96 * 1024**2  # of Parquet: about 1.5 million events
_LONGEST: Final = 256  # characters of an id
_OLDEST: Final = timedelta(days=3_653)


@dataclass(frozen=True, slots=True)
class Judging:
    """What becomes of a row.

    Args:
        sources: Whose plays may be learned from.
        now: Nothing can have happened later, aware UTC.
        told: Whether Personalize was told these events as they happened: then they are not
            imported as well.
    """

    sources: Sequence[str]
    now: datetime
    told: bool = False


@dataclass(frozen=True, slots=True)
class RowAccount:
    """What became of every row: read = kept + duplicate + all that was rejected.

    Args:
        read: Rows of files.
        kept: Interactions.
        duplicate: Events that were counted before, in this file or an earlier one.
        rejected: Reason -> rows.
    """

    read: int = 0
    kept: int = 0
    duplicate: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: RowAccount) -> RowAccount:
        reasons = {*self.rejected, *other.rejected}
        return RowAccount(
            self.read + other.read,
            self.kept + other.kept,
            self.duplicate + other.duplicate,
            {
                one: self.rejected.get(one, 0) + other.rejected.get(one, 0)
                for one in sorted(reasons)
            },
        )

    @property
    def whole(self) -> bool:
        """Whether no row is missing."""
        return self.read == self.kept + self.duplicate + sum(self.rejected.values())


@dataclass(frozen=True, slots=True)
class DayPart:
    """A part of a day's events.

    Args:
        number: From 0.
        account: Of its rows.
        csv: Its interactions; None: there are none.
        users: Who did anything, in Parquet.
        ids: Day -> the ids of events of that day that were kept, in Parquet.
    """

    number: int
    account: RowAccount
    csv: Path | None
    users: Path
    ids: Mapping[str, Path]


def open_scratch(folder: Path, *, memory_limit: str, threads: int = 0) -> duckdb.DuckDBPyConnection:
    """A database in memory that goes on in a folder where memory ends."""
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "temp_directory": str(folder / "spilled"),
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = connect(config=config | ({"threads": threads} if threads else {}))
    connection.execute("SET TimeZone = 'UTC'")
    return connection


class EventFiles:
    """The events that came on one day.

    Args:
        connection: Of `open_scratch`.
        folder: An empty one; what is written stays until somebody removes it.
        size: Bytes of all files that will be added.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, size: int) -> None:
        self._connection = connection
        self._folder = folder
        self.parts = max(1, -(-size // _PART_BYTES))
        self.unreadable: list[int] = []
        self._added = 0

    def add(self, paths: Sequence[Path], judging: Judging) -> None:
        """Judge the rows of some files; those that are no Parquet are noted by their number."""
        readable = []
        for path in paths:
            if self._is_readable(path):
                readable.append(path)
            else:
                self.unreadable.append(self._added)
            self._added += 1
        if not readable:
            return
        told = {
            "now": judging.now,
            "oldest": judging.now - _OLDEST,
            "sources": list(judging.sources),
            "kinds": list(LEARNED_FROM),
            "told": judging.told,
            "parts": self.parts,
        }
        listed = ", ".join(_text(path) for path in readable)
        target = self._folder / "judged" / f"{self._added:06d}"
        target.parent.mkdir(exist_ok=True)
        self._run(
            f"COPY ({_judged(self._columns(listed), listed)}) TO {_text(target)}"
            " (FORMAT parquet, PARTITION_BY (part))",
            told,
        )

    def days(self) -> tuple[date, ...]:
        """On which days it happened what came, of rows that were not rejected."""
        if not any(self._judged(number) for number in range(self.parts)):
            return ()
        every = _text(self._folder / "judged" / "*" / "*" / "*.parquet")
        found = self._run(
            f"SELECT DISTINCT happened FROM read_parquet({every}) WHERE reason IS NULL ORDER BY 1"
        )
        return tuple(row[0] for row in found)

    def made(self, known: Sequence[Path], tracks: Path | None) -> Iterator[DayPart]:
        """Interactions, part by part.

        Args:
            known: Ids of events that were kept before, of the days that `days` tells and of those
                beside them.
            tracks: What events may call a track, in Parquet: ref, track_id, duration_ms.
        """
        for number in range(self.parts):
            if self._judged(number):
                yield self._part(number, known, tracks)

    def _part(self, number: int, known: Sequence[Path], tracks: Path | None) -> DayPart:
        folder = self._folder / f"part-{number:04d}"
        folder.mkdir()
        files = _text(self._folder / "judged" / "*" / f"part={number}" / "*.parquet")
        self._run(
            "CREATE OR REPLACE TEMP TABLE came AS SELECT *,"
            " md5_number_lower(user_id || chr(31) || event_id) AS low,"
            " md5_number_upper(user_id || chr(31) || event_id) AS high"
            f" FROM read_parquet({files}, hive_partitioning = false)"
        )
        before = "SELECT NULL::UBIGINT AS low, NULL::UBIGINT AS high WHERE false"
        if known:
            before = f"FROM read_parquet([{', '.join(map(_text, known))}])"
        self._run(
            "CREATE OR REPLACE TEMP TABLE kept AS SELECT first.* FROM ("
            " SELECT * FROM came WHERE reason IS NULL QUALIFY row_number() OVER ("
            "PARTITION BY low, high ORDER BY moment, track_id, event_type"
            f") = 1) AS first ANTI JOIN ({before}) AS before USING (low, high)"
        )
        account = self._account()
        if not account.whole:
            raise WarehouseError(f"rows of a part of a day do not add up: {account}")
        users = folder / "users.parquet"
        self._run(
            "COPY (SELECT DISTINCT user_id FROM came WHERE reason IS NULL OR reason = 'told_live')"
            f" TO {_text(users)} (FORMAT parquet)"
        )
        csv = self._csv(folder / "interactions.csv", tracks) if account.kept else None
        return DayPart(number, account, csv, users, self._ids(folder))

    def _account(self) -> RowAccount:
        ((read, good, kept),) = self._run(
            "SELECT (SELECT count(*) FROM came), (SELECT count(*) FROM came WHERE reason IS NULL),"
            " (SELECT count(*) FROM kept)"
        )
        reasons = self._run(
            "SELECT reason, count(*) FROM came WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
        return RowAccount(read, kept, good - kept, dict(reasons))

    def _csv(self, path: Path, tracks: Path | None) -> Path:
        item, value, beside = "k.track_id", "NULL::FLOAT", ""
        if tracks is not None:
            item = "coalesce(t.track_id, k.track_id)"
            value = "round(least(1.0, k.ms_played / nullif(t.duration_ms, 0)), 3)"
            beside = f"LEFT JOIN read_parquet({_text(tracks)}) AS t ON t.ref = k.track_id"
        self._run(
            f'COPY (SELECT k.user_id AS "USER_ID", {item} AS "ITEM_ID",'
            f' epoch(k.moment)::BIGINT AS "TIMESTAMP", k.event_type AS "EVENT_TYPE",'
            f' {value} AS "EVENT_VALUE" FROM kept AS k {beside})'
            f" TO {_text(path)} (FORMAT csv, HEADER)"
        )
        return path

    def _ids(self, folder: Path) -> dict[str, Path]:
        days = [row[0] for row in self._run("SELECT DISTINCT happened FROM kept ORDER BY 1")]
        found = {}
        for day in days:
            path = folder / f"ids-{day}.parquet"
            self._run(
                f"COPY (SELECT low, high FROM kept WHERE happened = $day) TO {_text(path)}"
                " (FORMAT parquet)",
                {"day": day},
            )
            found[str(day)] = path
        return found

    def _judged(self, number: int) -> bool:
        return any((self._folder / "judged").glob(f"*/part={number}/*.parquet"))

    def _is_readable(self, path: Path) -> bool:
        try:
            self._connection.execute(f"SELECT count(*) FROM read_parquet({_text(path)})").fetchall()
        except duckdb.Error:
            return False
        return True

    def _columns(self, listed: str) -> str:
        """The columns that are there, and nothing for those that are not."""
        found = self._run(f"DESCRIBE FROM read_parquet([{listed}], union_by_name = true)")
        there = {row[0] for row in found}
        return ", ".join(
            f"try_cast({name} AS {kind}) AS {name}" if name in there else f"NULL::{kind} AS {name}"
            for name, kind in _COLUMNS.items()
        )

    def _run(self, sql: str, told: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, dict(told or {})).fetchall()
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise StorageError(
                f"events cannot be sorted on this machine: {error}",
                cure="Give it more memory (memory_limit) or more room where TMPDIR is.",
            ) from error


def _judged(columns: str, listed: str) -> str:
    """Every row with the reason why it is rejected; null: it is not."""
    missing = " OR ".join(
        f"nullif({name}, '') IS NULL"
        for name in ("event_id", "user_id", "track_id", "event_type", "timestamp")
    )
    return f"""
        SELECT user_id, event_id, track_id, event_type, ms_played, moment,
            (moment AT TIME ZONE 'UTC')::DATE AS happened,
            CASE
                WHEN {missing} THEN 'missing'
                WHEN greatest(length(user_id), length(track_id)) > {_LONGEST} THEN 'too_long'
                WHEN moment IS NULL THEN 'bad_timestamp'
                WHEN moment > $now THEN 'in_the_future'
                WHEN moment < $oldest THEN 'too_old'
                WHEN NOT list_contains($kinds, event_type) THEN 'no_interaction'
                WHEN NOT list_contains($sources, coalesce(source, 'app')) THEN 'source'
                WHEN $told THEN 'told_live'
            END AS reason,
            (md5_number_lower(coalesce(user_id, '')) % $parts)::INTEGER AS part
        FROM (SELECT *, try_cast(timestamp AS TIMESTAMPTZ) AS moment FROM (
            SELECT {columns} FROM read_parquet([{listed}], union_by_name = true)))
    """


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
