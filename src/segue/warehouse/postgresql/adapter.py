"""The warehouse on a PostgreSQL server: raw tables filled by COPY, marts shaped by dbt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import SecretStr

from segue.errors import ConfigError
from segue.postgresql.address import Address, Reached
from segue.warehouse.base import Rules
from segue.warehouse.postgresql.dbt_profile import environment, profile
from segue.warehouse.postgresql.schema import migrate, remove_all
from segue.warehouse.postgresql.session import PostgreSQLSession
from segue.warehouse.postgresql.sql import POSTGRESQL
from segue.warehouse.raw_sql import Dialect
from segue.warehouse.sql_warehouse import SqlWarehouse, lake_layout

__all__ = ["PostgreSQLWarehouse"]

_SESSION: Final = {
    "timezone": "UTC",
    "client_min_messages": "warning",
    "jit": "off",  # compiling the many queries of a build costs more than it gains
    # what a query has found so far seems to be one row to the planner, and there are no indexes: a
    # loop over both sides then takes hours where the same play is looked for in millions
    "enable_nestloop": "off",
    # a build may take long, and waits while dbt works
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


class PostgreSQLWarehouse(SqlWarehouse):
    """The schemas raw, intermediate and marts of one database; one build at a time there.

    Args:
        path: Folder for dbt's files and the lock of builds on this machine.
        url: URL or libpq connection string of the database; whatever is not given here or below
            comes from the PG… environment variables, the service file and the passfile.
        host, port, user, password, database, sslmode, sslrootcert, sslcert, sslkey: Parts of the
            address; they win over the URL.
        work_mem: Memory for one sort or join on the server, such as "64MB".
        memory_limit: Of DuckDB; nothing here needs it.
        threads: Models that dbt builds at a time, at most four; 0 means as many as here are cores.
        rules: What counts as a play, and how alike two titles must be.
    """

    name: ClassVar[str] = "postgresql"
    dialect: ClassVar[Dialect] = POSTGRESQL

    def __init__(
        self,
        path: Path,
        *,
        url: SecretStr | None = None,
        host: str | None = None,
        port: int | None = None,
        user: str | None = None,
        password: SecretStr | None = None,
        database: str | None = None,
        sslmode: str | None = None,
        sslrootcert: str | None = None,
        sslcert: str | None = None,
        sslkey: str | None = None,
        work_mem: str = "64MB",
        memory_limit: str = "",
        threads: int = 0,
        rules: Rules | None = None,
    ) -> None:
        del memory_limit
        super().__init__(path, threads=threads or os.cpu_count() or 1, rules=rules)
        given = {
            "url": url,
            "host": host,
            "port": port,
            "user": user,
            "password": password,
            "database": database,
            "sslmode": sslmode,
            "sslrootcert": sslrootcert,
            "sslcert": sslcert,
            "sslkey": sslkey,
        }
        session = {**_SESSION, "work_mem": work_mem.replace(" ", "")}
        self._address = Address.of_settings(given, session)
        self._reached: Reached | None = None

    @property
    def where(self) -> str:
        """Server, database and role in words."""
        if self._reached:
            return self._reached.where
        try:
            return self._address.in_words()
        except ImportError:
            return "PostgreSQL"

    def _open(self) -> PostgreSQLSession:
        try:
            self._reached = self._address.reach()
            session = PostgreSQLSession(self._reached.conninfo, self._reached.where)
        except ImportError as error:
            raise ConfigError(
                f"the warehouse postgresql needs more packages: {error}",
                field="warehouse",
                cure="Install them with: pip install 'segue[postgresql]'",
            ) from error
        try:
            with session.guarded("preparing the schemas"):
                session.hold()
                migrate(session, layout=lake_layout())
        except BaseException:
            session.close()
            raise
        return session

    def _remove(self) -> None:
        session = self._connect()
        assert isinstance(session, PostgreSQLSession)
        with session.guarded("removing tables"):
            remove_all(session)
            migrate(session, layout=lake_layout())

    def _dbt_output(self) -> dict[str, Any]:
        assert self._reached is not None
        return {**profile(self._reached), "threads": min(self.threads, 4)}

    def _dbt_environment(self) -> dict[str, str]:
        assert self._reached is not None
        return environment(self._reached)
