"""Signing in to Snowflake: what is missing, keys of every kind, and where secrets do not go."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from segue.errors import ConfigError
from segue.settings import Settings, load_settings
from segue.warehouse.snowflake.account import SnowflakeAccount
from tests.fakesnow.keys import private_pem

WHOLE: dict[str, Any] = {
    "account": "org-acc",
    "user": "SEGUE",
    "password": "s3cret",
    "database": "MUSIC",
}
NAMES = (
    "SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER", "SNOWFLAKE_PASSWORD", "SNOWFLAKE_ROLE",
    "SNOWFLAKE_DATABASE", "SNOWFLAKE_SCHEMA", "SNOWFLAKE_WAREHOUSE",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account": None}, "snowflake.account"),
        ({"user": ""}, "snowflake.user"),
        ({"database": None}, "snowflake.database"),
        ({"password": None}, "snowflake.private_key_path"),
        ({"database": "music; drop database x"}, "snowflake.database"),
        ({"schema_prefix": "a.b"}, "snowflake.schema_prefix"),
        ({"url": "http://snowflake.example"}, "snowflake.url"),
        ({"url": "ftp://snowflake.example"}, "snowflake.url"),
        ({"url": "https://user:pass@snowflake.example"}, "snowflake.url"),
        ({"url": "https://snowflake.example:port"}, "snowflake.url"),
        ({"url": "https://"}, "snowflake.url"),
    ],
)
def test_what_cannot_be_used_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SnowflakeAccount(**WHOLE | changes)
    assert caught.value.field == field
    assert caught.value.cure
    assert "s3cret" not in str(caught.value)
    assert "pass" not in str(caught.value).replace("password", "").replace("passphrase", "")


def test_an_address_of_ones_own() -> None:
    account = SnowflakeAccount(**WHOLE, url="org.privatelink.snowflakecomputing.com")
    arguments = account.connector_arguments()
    assert arguments["host"] == "org.privatelink.snowflakecomputing.com"
    assert (arguments["port"], arguments["protocol"]) == (443, "https")
    assert "host" not in SnowflakeAccount(**WHOLE).connector_arguments()


def test_secrets_stay_out_of_the_profile_and_of_words() -> None:
    account = SnowflakeAccount(**WHOLE)
    assert "s3cret" not in repr(account) + account.where + json.dumps(account.dbt_output(threads=1))
    assert account.connector_arguments()["password"] == "s3cret"
    [(name, value)] = account.dbt_environment().items()
    assert name.startswith("DBT_ENV_SECRET_")
    assert value == "s3cret"
    assert name in account.dbt_output(threads=1)["password"]


@pytest.mark.parametrize("passphrase", [None, "open sesame"])
def test_a_private_key_needs_no_password(tmp_path: Path, passphrase: str | None) -> None:
    path = tmp_path / "key.p8"
    path.write_text(private_pem(passphrase))
    path.chmod(0o600)
    account = SnowflakeAccount(
        **WHOLE, private_key_path=str(path), private_key_passphrase=passphrase
    )
    arguments = account.connector_arguments()
    assert isinstance(arguments["private_key"], bytes)
    assert "password" not in arguments
    output = account.dbt_output(threads=1)
    assert output["private_key_path"] == str(path)
    assert "password" not in output
    assert list(account.dbt_environment().values()) == ([passphrase] if passphrase else [])


@pytest.mark.parametrize(
    ("content", "passphrase", "said"),
    [
        (private_pem("right"), None, "there is no passphrase"),
        (private_pem("right"), "wrong", "does not open"),
        (private_pem(None), "needless", "not encrypted"),
        ("-----BEGIN NOTHING-----", None, "does not hold a private key"),
        ("", None, "does not hold a private key"),
    ],
)
def test_a_key_that_does_not_open(
    tmp_path: Path, content: str, passphrase: str | None, said: str
) -> None:
    path = tmp_path / "key.p8"
    path.write_text(content)
    account = SnowflakeAccount(
        **WHOLE, private_key_path=str(path), private_key_passphrase=passphrase
    )
    with pytest.raises(ConfigError, match=said) as caught:
        account.connector_arguments()
    assert caught.value.cure
    if passphrase:
        assert passphrase not in str(caught.value)


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    account = SnowflakeAccount(**WHOLE, private_key_path=str(tmp_path / "none.p8"))
    with pytest.raises(ConfigError, match=r"none\.p8 cannot be read"):
        account.connector_arguments()


def test_a_key_that_others_may_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "key.p8"
    path.write_text(private_pem(None))
    for mode, words in ((0o600, 0), (0o644, 1)):
        path.chmod(mode)
        with caplog.at_level(logging.WARNING):
            SnowflakeAccount(**WHOLE, private_key_path=str(path)).connector_arguments()
        assert caplog.text.count("chmod 600") == words


def test_the_prefix_goes_in_front_of_schemas() -> None:
    assert SnowflakeAccount(**WHOLE).schema("raw") == "raw"
    assert SnowflakeAccount(**WHOLE).dbt_output(threads=1)["schema"] == "public"
    prefixed = SnowflakeAccount(**WHOLE, schema_prefix="SEGUE")
    assert prefixed.schema("marts") == "SEGUE_marts"
    assert "SEGUE_" in prefixed.where


def test_the_variables_of_snowflakes_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.setenv(name, f"env-{name[10:].lower()}")
    monkeypatch.setenv("SNOWFLAKE_ROLE", "")  # as good as not set
    monkeypatch.setenv("SEGUE_SNOWFLAKE__USER", "ours")
    (tmp_path / "segue.toml").write_text('[snowflake]\naccount = "file"\nrole = "file"\n')
    found = load_settings(home=tmp_path).snowflake
    assert (found.account, found.user, found.role) == ("env-account", "ours", "file")
    assert (found.database, found.warehouse) == ("env-database", "env-warehouse")
    assert found.schema_prefix == "env-schema"
    assert found.password is not None
    assert found.password.get_secret_value() == "env-password"
    assert "env-password" not in repr(found)


def test_a_bad_value_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGUE_SNOWFLAKE__TIMEOUT_S", "s3cret")
    with pytest.raises(ConfigError) as caught:
        load_settings(home=tmp_path)
    assert "s3cret" not in str(caught.value)
    assert caught.value.field == "snowflake.timeout_s"


def test_a_home_without_snowflake_knows_nothing_of_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.section("snowflake")["timeout_s"] == 120
    assert settings.snowflake.account is None
