"""Settings of the places that keep data: warehouses, S3, the store of tokens."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from segue.settings.part import Part

__all__ = ["S3", "DuckDB", "PostgreSQL", "Snowflake", "TokenStore"]


class DuckDB(Part):
    """How the warehouse in a DuckDB file is built."""

    plan_at: int = Field(
        200_000,
        ge=0,
        description="From so many plays on a build of everything ends with the plan of the next"
        " one, which takes dbt two seconds; 0: always.",
    )


class PostgreSQL(Part):
    """How the PostgreSQL server is reached; what is not said, PG… variables and a passfile say."""

    url: SecretStr | None = Field(
        None,
        description="Address of the database: postgresql://user@host:5432/database?sslmode=…",
    )
    host: str | None = Field(None, description="Host, or the folder of the server's socket.")
    port: int | None = Field(None, ge=1, le=65535, description="Port.")
    user: str | None = Field(None, description="User (role) who builds.")
    password: SecretStr | None = Field(
        None, description="Password; better kept in a passfile (~/.pgpass)."
    )
    database: str | None = Field(None, description="Database.")
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = (
        Field(None, description="How TLS is used; verify-full for a server on another host.")
    )
    sslrootcert: str | None = Field(
        None, description="File of certificates that the server's must be signed by."
    )
    sslcert: str | None = Field(None, description="File of a certificate to sign in with.")
    sslkey: str | None = Field(None, description="File of that certificate's private key.")
    work_mem: str = Field(
        "64MB",
        pattern=r"^[1-9]\d*\s?(kB|MB|GB)$",
        description="Memory that one sort or join of a build may use on the server.",
    )


class Snowflake(Part):
    """How Snowflake is reached; what is not said here, the variables SNOWFLAKE_… say."""

    account: str | None = Field(None, description="Account identifier: myorg-myaccount.")
    user: str | None = Field(None, description="User who builds.")
    password: SecretStr | None = Field(
        None, description="Password, where there is no key; better kept in SNOWFLAKE_PASSWORD."
    )
    private_key_path: str | None = Field(
        None, description="File of the user's private key (PEM), to sign in without a password."
    )
    private_key_passphrase: SecretStr | None = Field(
        None,
        description="What that file is encrypted with; better kept in"
        " SNOWFLAKE_PRIVATE_KEY_PASSPHRASE.",
    )
    role: str | None = Field(None, description="Role that builds; else the user's default role.")
    database: str | None = Field(None, description="Database for raw tables and marts.")
    schema_prefix: str | None = Field(
        None,
        description="SEGUE calls the schemas SEGUE_RAW, SEGUE_INTERMEDIATE and SEGUE_MARTS;"
        " SNOWFLAKE_SCHEMA says the same.",
    )
    warehouse: str | None = Field(None, description="Virtual warehouse that does the work.")
    url: str | None = Field(
        None, description="Address of the service, where it is not the account's own (PrivateLink)."
    )
    timeout_s: int = Field(
        120, ge=1, description="Seconds without an answer until a lost connection is given up."
    )


class S3(Part):
    """How to speak to the S3 that keeps the lake; credentials are no settings of Segue."""

    endpoint_url: str = Field(
        "", description="Address of an S3 that is not AWS's, such as http://minio:9000."
    )
    region: str = Field("", description="Region of the bucket; else AWS_REGION or the AWS files.")
    path_style: bool | None = Field(
        None,
        description="Addresses with the bucket in the path, as MinIO wants them; unset: where an "
        "endpoint is given.",
    )
    timeout_seconds: float = Field(
        30.0, gt=0, description="Without an answer for so long, a request is made again."
    )


class TokenStore(Part):
    """Where tokens of foreign services are kept."""

    store: str = Field(
        "auto",
        min_length=1,
        description="keyring (of the operating system), file (encrypted) or aws (Secrets Manager);"
        " auto: the keyring where there is one, else the file.",
    )
    passphrase: SecretStr | None = Field(
        None,
        description="What the encrypted file is locked with; unset: a key file beside it. Better"
        " kept in the environment.",
    )
    prefix: str = Field(
        "segue",
        pattern=r"^[A-Za-z0-9/_+.@-]{1,100}$",
        description="Before the names of secrets in Secrets Manager; the service in a keyring.",
    )
    region: str = Field(
        "", description="Region of Secrets Manager; else AWS_REGION or the AWS files."
    )
    endpoint_url: str = Field("", description="Address of a Secrets Manager that is not AWS's.")
