"""Signing in to Snowflake: what is needed, what is missing, and where secrets go."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from segue.errors import ConfigError

__all__ = ["SnowflakeAccount"]

_log = logging.getLogger(__name__)
_DOCS: Final = "see docs/warehouse.md, “Snowflake”"
_PASSWORD: Final = "DBT_ENV_SECRET_SNOWFLAKE_PASSWORD"  # noqa: S105  # the name of a variable
_PASSPHRASE: Final = "DBT_ENV_SECRET_SNOWFLAKE_PASSPHRASE"  # noqa: S105  # the same
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_SESSION: Final = {
    "QUERY_TAG": "segue",
    "TIMEZONE": "UTC",
    "CLIENT_TELEMETRY_ENABLED": False,
    # what a killed build was asking for ends with it, and nobody waits for it half a day
    "ABORT_DETACHED_QUERY": True,
    "LOCK_TIMEOUT": 900,
}


@dataclass(frozen=True)
class SnowflakeAccount:
    """Who signs in where, and in which database, with which warehouse.

    Args:
        account: The account's identifier, such as myorg-myaccount.
        user: Who signs in.
        password: Their password, where they have no key.
        private_key_path: File with their private key (PEM), where they have one.
        private_key_passphrase: What that file is encrypted with, if it is.
        role: Role to act in; None: the user's default role.
        database: Database for raw tables and marts.
        schema_prefix: Goes in front of the schemas' names: SEGUE makes SEGUE_RAW, SEGUE_MARTS …
        warehouse: Virtual warehouse that does the work.
        url: Address of the service, where it is not the account's own.
        timeout_s: Seconds without an answer until a lost connection is given up, 1 or more.

    Raises:
        ConfigError: Something is missing, or cannot be used.
    """

    account: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    private_key_path: str | None = None
    private_key_passphrase: str | None = field(default=None, repr=False)
    role: str | None = None
    database: str | None = None
    schema_prefix: str | None = None
    warehouse: str | None = None
    url: str | None = None
    timeout_s: int = 120

    def __post_init__(self) -> None:
        missing = [name for name in ("account", "user", "database") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"Snowflake cannot be reached: {' and '.join(missing)} not set",
                field=f"snowflake.{missing[0]}",
                cure=f"Set {', '.join(f'SNOWFLAKE_{name.upper()}' for name in missing)}; {_DOCS}.",
            )
        if not self.password and not self.private_key_path:
            raise ConfigError(
                "Snowflake cannot be reached: there is neither a password nor a private key",
                field="snowflake.private_key_path",
                cure=f"Set SNOWFLAKE_PRIVATE_KEY_PATH or SNOWFLAKE_PASSWORD; {_DOCS}.",
            )
        for name in ("database", "schema_prefix"):
            value = getattr(self, name)
            if value and not _NAME.fullmatch(value):
                raise ConfigError(
                    f"“{value}” cannot be the name of a {name.replace('_', ' ')} here",
                    field=f"snowflake.{name}",
                    cure="Use letters, digits and underscores, and a letter first.",
                )
        if self.url:
            self._service()

    def schema(self, name: str) -> str:
        """What a schema is called here: raw is SEGUE_RAW with the prefix SEGUE."""
        return f"{self.schema_prefix}_{name}" if self.schema_prefix else name

    @property
    def where(self) -> str:
        """The account and the database in words."""
        schemas = f", schemas {self.schema_prefix}_…" if self.schema_prefix else ""
        return f"Snowflake, account {self.account}, database {self.database}{schemas}"

    def connector_arguments(self) -> dict[str, Any]:
        """What `snowflake.connector.connect` takes; secrets included.

        Raises:
            ConfigError: The private key cannot be read.
        """
        key = {"private_key": self._private_key()} if self.private_key_path else {}
        return {
            "account": self.account,
            "user": self.user,
            **({} if key else {"password": self.password}),
            **key,
            "role": self.role,
            "database": self.database,
            "warehouse": self.warehouse,
            **self._service(),
            "paramstyle": "qmark",
            "application": "Segue",
            "autocommit": True,
            "login_timeout": self.timeout_s,
            "network_timeout": self.timeout_s,
            "session_parameters": dict(_SESSION),
        }

    def dbt_output(self, *, threads: int) -> dict[str, Any]:
        """An output for dbt's profile; where secrets would be, it names variables."""
        if self.private_key_path:
            proof = {"private_key_path": str(Path(self.private_key_path).expanduser())}
            if self.private_key_passphrase:
                proof["private_key_passphrase"] = f"{{{{ env_var('{_PASSPHRASE}') }}}}"
        else:
            proof = {"password": f"{{{{ env_var('{_PASSWORD}') }}}}"}
        output = {
            "type": "snowflake",
            "account": self.account,
            "user": self.user,
            **proof,
            "role": self.role,
            "database": self.database,
            "warehouse": self.warehouse,
            "schema": self.schema_prefix or "public",
            "threads": threads,
            "query_tag": "segue: shaping marts",
            "connect_timeout": self.timeout_s,
            **self._service(),
        }
        return {name: value for name, value in output.items() if value is not None}

    def dbt_environment(self) -> dict[str, str]:
        """The variables that the profile names. dbt blots out values of DBT_ENV_SECRET_…."""
        if not self.private_key_path:
            return {_PASSWORD: self.password or ""}
        return {_PASSPHRASE: self.private_key_passphrase} if self.private_key_passphrase else {}

    def _service(self) -> dict[str, Any]:
        """Host, port and protocol, where the account's own do not serve."""
        if not self.url:
            return {}
        parts = urlsplit(self.url if "//" in self.url else f"https://{self.url}")
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if parts.scheme not in ("https", "http") or not host or parts.username or parts.path != "":
            raise ConfigError(
                "the address of the Snowflake service cannot be used",
                field="snowflake.url",
                cure="Write it as https://myorg-myaccount.privatelink.snowflakecomputing.com.",
            )
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise ConfigError(
                f"Snowflake at {host} would be spoken to without encryption",
                field="snowflake.url",
                cure="Write its address with https://.",
            )
        default = 443 if parts.scheme == "https" else 80
        return {"host": host, "port": port or default, "protocol": parts.scheme}

    def _private_key(self) -> bytes:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization

        path = Path(self.private_key_path or "").expanduser()
        try:
            content = path.read_bytes()
            if path.stat().st_mode & 0o077:
                _log.warning("others may read the private key %s; `chmod 600` keeps it yours", path)
        except OSError as error:
            raise ConfigError(
                f"the private key {path} cannot be read: {error.strerror}",
                field="snowflake.private_key_path",
                cure="Set SNOWFLAKE_PRIVATE_KEY_PATH to the file that holds it.",
            ) from error
        secret = self.private_key_passphrase
        try:
            key = serialization.load_pem_private_key(content, secret.encode() if secret else None)
        except (TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise _unreadable_key(path, content, has_passphrase=bool(secret)) from error
        return key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def _unreadable_key(path: Path, content: bytes, *, has_passphrase: bool) -> ConfigError:
    if b"ENCRYPTED" in content and not has_passphrase:
        return ConfigError(
            f"the private key {path} is encrypted, and there is no passphrase",
            field="snowflake.private_key_passphrase",
            cure="Set SNOWFLAKE_PRIVATE_KEY_PASSPHRASE.",
        )
    if b"ENCRYPTED" in content:
        return ConfigError(
            f"the private key {path} does not open with the passphrase given",
            field="snowflake.private_key_passphrase",
            cure="Correct SNOWFLAKE_PRIVATE_KEY_PASSPHRASE.",
        )
    if has_passphrase:
        return ConfigError(
            f"the private key {path} is not encrypted, but a passphrase is given",
            field="snowflake.private_key_passphrase",
            cure="Take SNOWFLAKE_PRIVATE_KEY_PASSPHRASE away, or correct the path.",
        )
    return ConfigError(
        f"{path} does not hold a private key in PEM form",
        field="snowflake.private_key_path",
        cure=f"Make one with openssl; {_DOCS}.",
    )
