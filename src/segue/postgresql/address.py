"""Where the server is and who signs in: from settings, PG… variables and passfile to a session."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from segue.errors import ConfigError, WarehouseError
from segue.postgresql.faults import no_connection

__all__ = ["Address", "Reached", "require_fit"]

_DEFAULTS: Final = {"connect_timeout": "10", "application_name": "segue"}
_OLDEST: Final = 140_000
_PARAMETERS: Final = {
    "host": "host",
    "port": "port",
    "user": "user",
    "password": "password",
    "database": "dbname",
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
}
"""Name among the settings -> libpq's."""


@dataclass(frozen=True)
class Reached:
    """What a connection that was made says of itself.

    Args:
        parameters: libpq's, from settings, variables and passfile together; holds the password.
        options: Settings of every session, as libpq's parameter `options` has them.
        where: Server, database and role in words.
    """

    parameters: Mapping[str, str] = field(repr=False)
    options: str
    where: str

    @property
    def conninfo(self) -> str:
        """Opens another connection to the same server; holds the password."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo("", **{**self.parameters, "options": self.options})


@dataclass(frozen=True)
class Address:
    """Where the server is, as far as the settings say.

    Args:
        url: A URL or a libpq connection string.
        parameters: libpq's parameters; they win over the URL.
        session: Settings of every session, such as {"work_mem": "64MB"}.
        setting: What the URL is called among the settings.
    """

    url: SecretStr | None
    parameters: Mapping[str, str | SecretStr]
    session: Mapping[str, str]
    setting: str = "postgresql.url"

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any], session: Mapping[str, str]) -> Address:
        """The address that the section `[postgresql]` of the settings gives.

        Args:
            settings: Name -> value; None: not said. Others than those of the address are left out.
        """
        given: dict[str, str | SecretStr] = {
            parameter: value if isinstance(value, SecretStr) else str(value)
            for name, parameter in _PARAMETERS.items()
            if (value := settings.get(name)) is not None
        }
        return cls(settings.get("url"), given, session)

    def reach(self) -> Reached:
        """Sign in once and see whether the server is fit for Segue.

        Raises:
            ConfigError: The address cannot be read.
            WarehouseError: No connection, or the server is too old or of another encoding.
        """
        import psycopg

        plain = self._plain()
        try:
            with psycopg.connect(plain, autocommit=True) as connection:
                info = connection.info
                require_fit(info.server_version, info.parameter_status("server_encoding") or "")
                return self._reached(info, {**self.session, **_noticing(connection)})
        except psycopg.Error as error:
            raise no_connection(error, self.in_words()) from error

    def conninfo(self) -> str:
        """The connection string with the settings of sessions; holds the password.

        Hosts, passfile and the like are looked up again with each connection that is made of it.

        Raises:
            ConfigError: The address cannot be read.
        """
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        given = conninfo_to_dict(self._plain())
        before = str(given.get("options") or os.environ.get("PGOPTIONS", ""))
        options = " ".join([before, *_settings(self.session)]).strip()
        return make_conninfo("", **{**given, "options": options})

    def _plain(self) -> str:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        url = self.url.get_secret_value() if self.url else ""
        plain = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in self.parameters.items()
        }
        try:
            given = {**_DEFAULTS, **conninfo_to_dict(url), **plain}
            if "connect_timeout" not in plain and os.environ.get("PGCONNECT_TIMEOUT"):
                given.pop("connect_timeout", None)
            return make_conninfo("", **given)
        except ProgrammingError:  # its message shows the address, and with it the password
            raise ConfigError(
                f"setting {self.setting}: this is no address of a PostgreSQL database",
                field=self.setting,
                cure="Write it as postgresql://user@host:5432/database?sslmode=verify-full.",
            ) from None

    def in_words(self) -> str:
        """The address in words, for when nobody answered."""
        from psycopg.conninfo import conninfo_to_dict

        known = {
            **{name: os.environ[var] for name, var in _VARIABLES.items() if os.environ.get(var)},
            **conninfo_to_dict(self._plain()),
        }
        return _in_words(known)

    def _reached(self, info: Any, session: Mapping[str, str]) -> Reached:
        # what libpq made of settings, variables and passfile, for those who need it spelled out
        known = {**info.get_parameters(), "host": info.host, "port": str(info.port)}
        known |= {"user": info.user, "dbname": info.dbname}
        if "hostaddr" in known:  # of several, the one that answered
            known["hostaddr"] = info.hostaddr
        if info.password:
            known["password"] = info.password
        options = " ".join([known.get("options", ""), *_settings(session)]).strip()
        return Reached(known, options, _in_words(known))


def _settings(session: Mapping[str, str]) -> list[str]:
    return [f"-c {name}={value}" for name, value in session.items()]


def _noticing(connection: Any) -> dict[str, str]:
    """The setting that lets the server see that a client was killed, where the server can."""
    import psycopg

    setting = {"client_connection_check_interval": "5s"}
    try:
        connection.execute("set client_connection_check_interval = '5s'")
    except psycopg.Error:  # it is of an operating system that cannot tell
        return {}
    return setting


_VARIABLES: Final = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}


def _in_words(known: Mapping[str, Any]) -> str:
    host = str(known.get("host") or known.get("hostaddr") or "the local socket")
    port = known.get("port")
    place = host if not port or host.startswith(("/", "the ")) else f"{host}:{port}"
    database = f"database {known['dbname']}" if known.get("dbname") else "its default database"
    user = f" as {known['user']}" if known.get("user") else ""
    return f"PostgreSQL at {place}, {database}{user}"


def require_fit(version: int, encoding: str) -> None:
    """Nothing, if Segue can work on such a server.

    Args:
        version: As libpq tells it, such as 140005.
        encoding: Of the database, such as "UTF8".

    Raises:
        WarehouseError: It cannot.
    """
    if version < _OLDEST:
        major = version // 10_000
        raise WarehouseError(
            f"the server is PostgreSQL {major}; Segue needs 14 or newer",
            cure="Update the server, or name another one in the settings under [postgresql].",
        )
    if encoding != "UTF8":
        raise WarehouseError(
            f"the database keeps text as {encoding}, which cannot hold every title",
            cure="Make one with: create database segue encoding 'UTF8' template template0",
        )
