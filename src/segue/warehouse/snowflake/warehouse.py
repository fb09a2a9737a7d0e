"""The warehouse in Snowflake: the lake staged and copied, marts shaped by dbt over there."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
from pydantic import SecretStr

from segue.errors import ConfigError, WarehouseError
from segue.music.marts import MARTS
from segue.warehouse.base import Rules
from segue.warehouse.raw_sql import Dialect, select_mart
from segue.warehouse.snowflake.account import SnowflakeAccount
from segue.warehouse.snowflake.sql import SCHEMAS, SNOWFLAKE, TABLES
from segue.warehouse.sql_warehouse import SqlWarehouse, lake_layout

if TYPE_CHECKING:
    from segue.warehouse.snowflake.session import SnowflakeSession

__all__ = ["SnowflakeWarehouse"]


class SnowflakeWarehouse(SqlWarehouse):
    """Schemas raw, intermediate and marts in one database of a Snowflake account.

    Whatever is in them can be made again from the lake, so the tables are transient, without
    time travel: nothing is paid for old versions, and what is removed is gone.

    Args:
        path: A file in the data home that names the folder of builds; it is never made.
        memory_limit: Memory for reading the lake, such as "1GB".
        threads: Statements that dbt runs at a time, at most 4; 0 means all cores.
        rules: What counts as a play, and how alike two titles must be.
        account: The settings of the section `snowflake`; see `SnowflakeAccount`.
    """

    name: ClassVar[str] = "snowflake"
    dialect: ClassVar[Dialect] = SNOWFLAKE

    def __init__(
        self,
        path: Path,
        *,
        memory_limit: str = "1GB",
        threads: int = 0,
        rules: Rules | None = None,
        **account: Any,
    ) -> None:
        super().__init__(path.parent, threads=threads or os.cpu_count() or 1, rules=rules)
        self.memory_limit = memory_limit
        plain: dict[str, Any] = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in account.items()
        }
        self.account = SnowflakeAccount(**plain)

    @property
    def where(self) -> str:
        """The account and the database."""
        return self.account.where

    def read(self, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
        """A mart as Arrow, in the schema of `segue.music.marts`."""
        from segue.warehouse.snowflake.session import as_promised

        schema = MARTS[table]
        session = self._connect()
        with session.guarded(f"reading {table}"):
            found = session.query_arrow(select_mart(self.dialect, table, columns))
        return as_promised(found, pa.schema([schema.field(name) for name in found.column_names]))

    def _open(self) -> SnowflakeSession:
        connection = self._sign_in()
        from segue.warehouse.snowflake.lease import Lease
        from segue.warehouse.snowflake.session import SnowflakeSession

        session = SnowflakeSession(
            self.account,
            connection,
            folder=self.folder / "staged",
            config={"memory_limit": self.memory_limit, "threads": self.threads},
        )
        holder = f"{platform.node()}:{self.folder}"
        try:
            with session.guarded("opening the warehouse"):
                there = _our_tables(session, self.account)
                if not {"ABOUT", "BUILDING"} <= there:
                    _make_lease(session)
                lease = Lease(session.query, holder, self.where)
                lease.take()
                session.lease = lease
                _make_tables(session)
                session.sweep()
        except BaseException:
            session.close()
            raise
        return session

    def _sign_in(self) -> Any:
        for package in ("snowflake.connector", "dbt.adapters.snowflake"):
            if not _is_installed(package):
                raise ConfigError(
                    f"what Snowflake needs is not installed: {package} is missing",
                    field="warehouse",
                    cure="Run `pip install 'segue[snowflake]'`.",
                )
        import snowflake.connector

        from segue.warehouse.snowflake.faults import told

        # dbt's connections name no limit, and would wait for a lost connection for ever
        limits = snowflake.connector.connection.DEFAULT_CONFIGURATION
        limits["network_timeout"] = (self.account.timeout_s, limits["network_timeout"][1])
        try:
            return snowflake.connector.connect(**self.account.connector_arguments())
        except snowflake.connector.errors.Error as error:
            raise told(error, "signing in to Snowflake", self.account) from error

    def _dbt_output(self) -> dict[str, Any]:
        return self.account.dbt_output(threads=min(self.threads, 4))

    def _dbt_environment(self) -> dict[str, str]:
        return self.account.dbt_environment()

    def _remove(self) -> None:
        session = self._connect()
        with session.guarded("clearing the warehouse"):
            for schema in reversed(SCHEMAS):
                session.query(f"drop schema if exists {self.account.schema(schema)} cascade")
        self._close()


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # a package around it is missing
        return False


def _our_tables(session: SnowflakeSession, account: SnowflakeAccount) -> set[str]:
    """The raw tables that there are; tables of others are never touched.

    Raises:
        WarehouseError: The schemas hold tables, and not of Segue's making.
    """
    names = [account.schema(schema).upper() for schema in SCHEMAS]
    listed = ", ".join(f"'{name}'" for name in names)
    found = {
        (str(schema), str(table))
        for schema, table in session.query(
            "select table_schema, table_name from information_schema.tables"
            f" where table_schema in ({listed})"
        )
    }
    if found and not found & {(names[0], "ABOUT"), (names[0], "BUILDING")}:
        schema, table = min(found)
        raise WarehouseError(
            f"{account.database}.{schema} holds tables that are not Segue's, such as {table}",
            cure="Name another database with SNOWFLAKE_DATABASE, or set SNOWFLAKE_SCHEMA: with"
            " SEGUE, the schemas are called SEGUE_RAW, SEGUE_INTERMEDIATE and SEGUE_MARTS.",
        )
    return {table for schema, table in found if schema == names[0]}


def _make_lease(session: SnowflakeSession) -> None:
    """Schemas and the tables that every build needs first, where they are missing."""
    _make_schemas(session)
    session.query(
        "create transient table if not exists raw.building"
        " (place integer, holder varchar, held_until timestamp_ntz(6))"
    )
    session.query(
        "merge into raw.building as held using (select 1 as place) as wanted"
        " on held.place = wanted.place when not matched then"
        " insert (place, holder, held_until) values (wanted.place, '', sysdate())"
    )
    session.query(f"create transient table if not exists raw.about ({TABLES['about']})")


def _make_schemas(session: SnowflakeSession) -> None:
    there = {
        str(name)
        for (name,) in session.query("select schema_name from information_schema.schemata")
    }
    for schema in SCHEMAS:
        name = session.named(f"{schema}.").rstrip(".")
        if name.upper() not in there:
            session.query(
                f"create transient schema if not exists {name} data_retention_time_in_days = 0"
            )
    session.query("create stage if not exists raw.lake")


def _make_tables(session: SnowflakeSession) -> None:
    """Make raw tables anew if they are of another layout: the lake has it all.

    DDL commits by itself, so the layout is forgotten first and noted last.
    """
    if session.query("select value from raw.about where name = 'layout'") == [(lake_layout(),)]:
        return
    session.query("delete from raw.about")
    for name, columns in TABLES.items():
        if name != "about":
            session.query(f"create or replace transient table raw.{name} ({columns})")
    session.query("insert into raw.about values ('layout', ?)", [lake_layout()])
